//! Idempotency tokens: replay, join, mismatch, expiry.
//!
//! A retry with the token of a finished call gets the recorded answer and changes nothing. A retry with the token of
//! a call in flight joins it. A token is written in the batch of the change that it records, so that no crash keeps
//! one without the other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::api::{Error, Fingerprint, Operation, Request, Response};
use crate::control::message::Note;
use crate::control::mutant::Mutant;
use crate::control::peering::InFlight;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::{Account, ClientToken, Instant};

/// The key of an idempotency token. Equal tokens of different accounts or operations are different tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenKey {
    /// The account that called.
    pub account: Account,
    /// The operation; `None` under the assumption that all operations share their tokens.
    pub operation: Option<Operation>,
    /// The token, as the caller gave it.
    pub token: ClientToken,
}

/// A finished call, and the answer that a retry with its token gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The fingerprint of the request. A retry with another one is a mismatch.
    pub fingerprint: Fingerprint,
    /// The recorded answer.
    pub response: Arc<Response>,
    /// The time when the call was finished; the token's window begins here.
    pub at: Instant,
}

/// A token's key and record, to be written.
pub type TokenWrite = (TokenKey, TokenRecord);

impl ControlPlane {
    /// Answers the request from its token: replays a finished call, or joins one in flight. `false` if the request
    /// has no token, or a new one.
    ///
    /// # Errors
    /// The token was used with other parameters.
    pub(in crate::control) fn replay_or_join(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
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
        // Memory only: the table must not grow without bound, but a token that lives on changes nothing, for its age
        // is compared below.
        self.storage.forget_tokens(turn.now(), window);
        match self.storage.token(&key) {
            Some(record)
                if turn.now().since(record.at) < window || self.mutants.has(Mutant::TokenNeverExpires) =>
            {
                // Compared before anything of the recorded answer is shown, which may be of a request that this
                // caller did not make.
                self.require_same_request(turn, record.fingerprint, ctx)?;
                let response = self.replayed_response(&record.response, ctx);
                turn.note(Note::Replayed(ctx.delivery));
                turn.cover(CoverageMark::RetryReplayed);
                turn.reply(&[ctx.delivery], Ok(response));
                return Ok(true);
            }
            // Expired, so the token is free again: the request is carried out as a new one, and its record replaces
            // this.
            Some(_) => turn.cover(CoverageMark::TokenExpired),
            None => {}
        }
        if self.mutants.has(Mutant::InFlightTokenNotJoined) {
            return Ok(false);
        }
        // Errors use up no token, so a call that failed is not found here either: its retry starts afresh.
        let Some(in_flight) = self.in_flight.get(&key).copied() else { return Ok(false) };
        self.join_in_flight(turn, in_flight, ctx)?;
        Ok(true)
    }

    /// Joins a request to the call in flight with its token. That call is not finished, and carrying the request out
    /// beside it would do everything twice.
    fn join_in_flight(
        &mut self,
        turn: &mut Turn<'_>,
        in_flight: InFlight,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        match in_flight {
            // The first call wrote nothing so far; this one shares its outcome, whatever it is.
            InFlight::Checks(call) => {
                self.require_same_request(turn, self.calls[&call].ctx.request.fingerprint(), ctx)?;
                // The network's copy of the same attempt and a client's retry are the same to the protocol; only
                // coverage tells them apart.
                let is_copy = (call.call, call.attempt) == (ctx.delivery.call, ctx.delivery.attempt);
                turn.cover(if is_copy { CoverageMark::DuplicateJoined } else { CoverageMark::CallsJoined });
                let times = if self.mutants.has(Mutant::JoinerAnsweredTwice) { 2 } else { 1 };
                self.calls[&call].waiters.extend(std::iter::repeat_n(ctx.delivery, times));
            }
            InFlight::Register(account, serial) => {
                // The token is that of the deferred call, which is in the record, or of a deletion that joined it.
                // After a restart only the first is known: the tokens of joined calls were in memory.
                let intent = self.storage.at(account, serial).and_then(|cluster| cluster.intent.clone());
                let joined = self.waiting.get(&(account, serial)).into_iter().flat_map(|it| &it.joined);
                let joined = joined.map(|joined| joined.request.clone());
                let mut known = intent.map(|intent| intent.request.clone()).into_iter().chain(joined);
                let with_token = known.find(|it| it.client_token() == ctx.request.client_token());
                if let Some(known) = with_token {
                    self.require_same_request(turn, known.fingerprint(), ctx)?;
                }
                // A waiter only: the token is recorded with the call that brought it.
                self.waiting.entry((account, serial)).or_default().waiters.push(ctx.delivery);
                turn.cover(CoverageMark::RegisterCallsJoined);
            }
        }
        turn.note(Note::Joined(ctx.delivery));
        Ok(())
    }

    /// The key of the request's token; `None` for an operation or a request without one.
    pub(in crate::control) fn token_key(&self, account: Account, request: &Request) -> Option<TokenKey> {
        let mut token = request.client_token()?.clone();
        if self.mutants.has(Mutant::TokenOfAnyCase) {
            token = token.to_string().to_ascii_lowercase().into();
        }
        let operation = self.assumptions.token_per_operation.then(|| request.operation());
        Some(TokenKey { account, operation, token })
    }

    /// The token's record for a call that ends with `response`; `None` if the request has no token.
    pub(in crate::control) fn token_write(
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

    /// Refuses a request whose token was used with other parameters. To replay the recorded answer would claim that
    /// these parameters were applied; to carry it out would give the token two effects.
    fn require_same_request(
        &self,
        turn: &mut Turn<'_>,
        known: Fingerprint,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        if known == ctx.request.fingerprint() || self.mutants.has(Mutant::TokenMismatchNotDetected) {
            return Ok(());
        }
        turn.cover(CoverageMark::TokenMismatched);
        Err(errors::token_mismatch(self.assumptions.token_mismatch))
    }

    /// The answer to a retry of a finished call.
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
        // The recorded answer may be out of date, but it is what the first attempt was sent.
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
        // A cluster that is gone has no present to show: the recorded answer is the only one left.
        fresh.map_or_else(|| recorded.clone(), Arc::new)
    }
}
