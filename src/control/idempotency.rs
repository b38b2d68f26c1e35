//! Idempotency tokens: replay, join, mismatch, expiry.
//!
//! A retry with the token of a call that was carried out gets the recorded answer and changes nothing. A retry with
//! the token of a call that is still in flight joins it. The table is written in the same batch as the effect that
//! it speaks of, so that no crash can keep one without the other.

use std::sync::Arc;

use crate::api::{Error, Response};
use crate::goal::Goal;
use crate::types::{Account, Instant};

use super::calls::InFlight;
use super::durable::{TokenKey, TokenRecord, TokenWrite};
use super::message::{Effect, Note};
use super::mutant::Mutant;
use super::{Caller, ControlPlane, refuse};

use crate::api::Request;

impl ControlPlane {
    /// Answers `caller` from the token table or joins it to the call in flight; `false` if neither knows the token.
    ///
    /// # Errors
    /// The token was used with other parameters.
    pub(super) fn answer_from_token(
        &mut self,
        now: Instant,
        caller: &Caller,
        out: &mut Vec<Effect>,
    ) -> Result<bool, Error> {
        let Some(key) = self.token_key(caller.account, &caller.request) else { return Ok(false) };
        let window = self.assumptions.token_window;
        self.durable.forget_tokens(now, window);
        match self.durable.token(&key) {
            Some(record) if now.since(record.at) < window => {
                self.same_request(record.fingerprint, caller, out)?;
                let response = self.replayed(&record.response);
                out.push(Effect::Note(Box::new(Note::Replayed(caller.delivery))));
                out.push(Effect::Reached(Goal::RetryReplayed));
                out.push(Effect::Reply { delivery: caller.delivery, result: Ok(response) });
                return Ok(true);
            }
            Some(_) => out.push(Effect::Reached(Goal::TokenExpired)),
            None => {}
        }
        if self.mutants.has(Mutant::InFlightTokenNotJoined) {
            return Ok(false);
        }
        let Some(in_flight) = self.in_flight.get(&key).copied() else { return Ok(false) };
        match in_flight {
            InFlight::Checks(call) => {
                self.same_request(self.calls[&call].caller.fingerprint, caller, out)?;
                let is_copy = (call.call, call.attempt) == (caller.delivery.call, caller.delivery.attempt);
                out.push(Effect::Reached(if is_copy { Goal::DuplicateJoined } else { Goal::CallsJoined }));
                let times = if self.mutants.has(Mutant::JoinerAnsweredTwice) { 2 } else { 1 };
                self.calls[&call].waiters.extend(std::iter::repeat_n(caller.delivery, times));
            }
            InFlight::Register(account, serial) => {
                let intent = self.durable.at(account, serial).and_then(|cluster| cluster.intent.clone());
                if let Some(intent) = intent {
                    self.same_request(intent.request.key(), caller, out)?;
                }
                self.waiting.entry((account, serial)).or_default().waiters.push(caller.delivery);
                out.push(Effect::Reached(Goal::RegisterCallsJoined));
            }
        }
        out.push(Effect::Note(Box::new(Note::Joined(caller.delivery))));
        Ok(true)
    }

    /// The name of the request's token, if it carries one.
    pub(super) fn token_key(&self, account: Account, request: &Request) -> Option<TokenKey> {
        let token = request.client_token()?.clone();
        let operation = self.assumptions.token_per_operation.then(|| request.operation());
        Some(TokenKey { account, operation, token })
    }

    /// What to write so that a retry of `request` gets `response`.
    pub(super) fn token_write(
        &self,
        now: Instant,
        account: Account,
        request: &Request,
        fingerprint: u64,
        response: &Arc<Response>,
    ) -> Option<TokenWrite> {
        let key = self.token_key(account, request)?;
        let record = TokenRecord { fingerprint, response: response.clone(), at: now };
        Some((key, record))
    }

    fn same_request(&self, known: u64, caller: &Caller, out: &mut Vec<Effect>) -> Result<(), Error> {
        if known == caller.fingerprint {
            return Ok(());
        }
        out.push(Effect::Reached(Goal::TokenMismatched));
        Err(refuse::token_mismatch(self.assumptions.token_mismatch))
    }

    fn replayed(&self, recorded: &Arc<Response>) -> Arc<Response> {
        if self.assumptions.replay_frozen && !self.mutants.has(Mutant::ReplayFresh) {
            return recorded.clone();
        }
        let now = |identifier| self.durable.cluster(identifier);
        let fresh = match &**recorded {
            Response::CreateCluster(answer) => {
                now(answer.arn.identifier).map(|it| Response::CreateCluster(it.created()))
            }
            Response::UpdateCluster(answer) => {
                now(answer.arn.identifier).map(|it| Response::UpdateCluster(it.updated()))
            }
            Response::DeleteCluster(answer) => {
                now(answer.arn.identifier).map(|it| Response::DeleteCluster(it.deleted()))
            }
            _ => None,
        };
        fresh.map_or_else(|| recorded.clone(), Arc::new)
    }
}
