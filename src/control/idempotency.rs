//! Idempotency tokens: replay, join, mismatch, expiry.
//!
//! A retry with the token of a call that was carried out gets the recorded answer and changes nothing. A retry with
//! the token of a call that is still in flight joins it. The table is written in the same batch as the effect that
//! it speaks of, so that no crash can keep one without the other.

use std::sync::Arc;

use crate::api::{Error, Fingerprint, Request, Response};
use crate::goal::Goal;
use crate::types::{Account, Instant};

use super::message::{Effect, Note};
use super::mutant::Mutant;
use super::pending::InFlight;
use super::storage::{TokenKey, TokenRecord, TokenWrite};
use super::{ControlPlane, RequestContext, errors};

impl ControlPlane {
    /// Answers `caller` from the token table or joins it to the call in flight; `false` if neither knows the token.
    ///
    /// # Errors
    /// The token was used with other parameters.
    pub(super) fn replay_or_join(
        &mut self,
        now: Instant,
        ctx: &RequestContext,
        out: &mut Vec<Effect>,
    ) -> Result<bool, Error> {
        let Some(key) = self.token_key(ctx.account, &ctx.request) else { return Ok(false) };
        if self.mutants.has(Mutant::StreamTokenNotLookedUp)
            && matches!(*ctx.request, Request::CreateStream(_))
        {
            return Ok(false);
        }
        if self.mutants.has(Mutant::DeletionLooksForClusterFirst)
            && let Request::DeleteCluster(input) = &*ctx.request
        {
            self.find(ctx.account, &input.identifier)?;
        }
        let mut window = self.assumptions.token_window;
        if self.mutants.has(Mutant::TokenWindowHalved) {
            window /= 2;
        }
        self.storage.forget_tokens(now, window);
        match self.storage.token(&key) {
            Some(record) if now.since(record.at) < window || self.mutants.has(Mutant::TokenNeverExpires) => {
                self.require_same_request(record.fingerprint, ctx, out)?;
                let response = self.replayed_response(&record.response, ctx);
                out.push(Effect::Note(Box::new(Note::Replayed(ctx.delivery))));
                out.push(Effect::Reached(Goal::RetryReplayed));
                out.push(Effect::Reply { delivery: ctx.delivery, result: Ok(response) });
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
                self.require_same_request(self.calls[&call].ctx.request.fingerprint(), ctx, out)?;
                let is_copy = (call.call, call.attempt) == (ctx.delivery.call, ctx.delivery.attempt);
                out.push(Effect::Reached(if is_copy { Goal::DuplicateJoined } else { Goal::CallsJoined }));
                let times = if self.mutants.has(Mutant::JoinerAnsweredTwice) { 2 } else { 1 };
                self.calls[&call].waiters.extend(std::iter::repeat_n(ctx.delivery, times));
            }
            InFlight::Register(account, serial) => {
                let intent = self.storage.at(account, serial).and_then(|cluster| cluster.intent.clone());
                let joined = self.waiting.get(&(account, serial)).into_iter().flat_map(|it| &it.joined);
                let joined = joined.map(|joined| joined.request.clone());
                let mut known = intent.map(|intent| intent.request.clone()).into_iter().chain(joined);
                let with_token = known.find(|it| it.client_token() == ctx.request.client_token());
                if let Some(known) = with_token {
                    self.require_same_request(known.fingerprint(), ctx, out)?;
                }
                self.waiting.entry((account, serial)).or_default().waiters.push(ctx.delivery);
                out.push(Effect::Reached(Goal::RegisterCallsJoined));
            }
        }
        out.push(Effect::Note(Box::new(Note::Joined(ctx.delivery))));
        Ok(true)
    }

    /// The name of the request's token, if it carries one.
    pub(super) fn token_key(&self, account: Account, request: &Request) -> Option<TokenKey> {
        let mut token = request.client_token()?.clone();
        if self.mutants.has(Mutant::TokenOfAnyCase) {
            token = token.to_string().to_ascii_lowercase().into();
        }
        let operation = self.assumptions.token_per_operation.then(|| request.operation());
        Some(TokenKey { account, operation, token })
    }

    /// What to write so that a retry of `request` gets `response`.
    pub(super) fn token_write(
        &self,
        now: Instant,
        account: Account,
        request: &Request,
        response: &Arc<Response>,
    ) -> Option<TokenWrite> {
        let key = self.token_key(account, request)?;
        let record = TokenRecord { fingerprint: request.fingerprint(), response: response.clone(), at: now };
        Some((key, record))
    }

    fn require_same_request(
        &self,
        known: Fingerprint,
        ctx: &RequestContext,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        if known == ctx.request.fingerprint() || self.mutants.has(Mutant::TokenMismatchNotDetected) {
            return Ok(());
        }
        out.push(Effect::Reached(Goal::TokenMismatched));
        Err(errors::token_mismatch(self.assumptions.token_mismatch))
    }

    fn replayed_response(&self, recorded: &Arc<Response>, ctx: &RequestContext) -> Arc<Response> {
        if let Response::CreateCluster(answer) = &**recorded {
            let mut answer = answer.clone();
            if self.mutants.has(Mutant::ReplayRestamped) {
                answer.creation_time = ctx.stamp;
                return Arc::new(Response::CreateCluster(answer));
            }
            if self.mutants.has(Mutant::ReplayWithoutProperties) {
                answer.multi_region_properties = None;
                return Arc::new(Response::CreateCluster(answer));
            }
        }
        if self.assumptions.replay_frozen && !self.mutants.has(Mutant::ReplayFresh) {
            return recorded.clone();
        }
        let now = |identifier| self.storage.cluster(identifier);
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
