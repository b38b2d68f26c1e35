//! Client tokens: replay, join, mismatch, expiry.
//!
//! A retry with the token of a finished call gets the recorded answer and changes nothing. A retry with the token of
//! a call in flight joins it. A token is written in the batch of the change that it records, so that no crash keeps
//! one without the other.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::{Error, Fingerprint, Operation, Request, Response};
use crate::control::message::{Delivery, Note};
use crate::control::mutant::{planted, restamped, without_properties};
use crate::control::records::ClusterKey;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::map::FixedMap;
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

/// The client token of a call, with the fingerprint of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) struct CallToken {
    key: TokenKey,
    fingerprint: Fingerprint,
}

/// The wait of a call whose token is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control) enum InFlight {
    /// Remote checks, for the call that arrived with this delivery.
    Checks(Delivery),
    /// The link register's decision about this cluster.
    Register(ClusterKey),
}

/// The tokens of calls that are not finished, each with the fingerprint that a retry must have and the wait that it
/// joins. Volatile: a crash ends the calls, or their intents bring their tokens back.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct Tokens {
    in_flight: FixedMap<TokenKey, (Fingerprint, InFlight)>,
}

impl CallToken {
    /// The token's record for a call that ends with `response` at `now`.
    pub(in crate::control) fn record(&self, now: Instant, response: &Arc<Response>) -> TokenWrite {
        let record = TokenRecord { fingerprint: self.fingerprint, response: response.clone(), at: now };
        (self.key.clone(), record)
    }
}

impl Tokens {
    /// Puts the token of a call that waits in flight, if it has one: from here on a retry joins the call.
    pub(in crate::control) fn begin(&mut self, token: Option<&CallToken>, wait: InFlight) {
        if let Some(CallToken { key, fingerprint }) = token {
            self.in_flight.insert(key.clone(), (*fingerprint, wait));
        }
    }

    /// Ends the flight of a call's token.
    pub(in crate::control) fn end(&mut self, token: Option<&CallToken>) {
        if let Some(CallToken { key, .. }) = token {
            self.in_flight.swap_remove(key);
        }
    }
}

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
        let Some(token) = &ctx.token else { return Ok(false) };
        let mut window = self.assumptions.token_window;
        planted!(self.mutants, TokenWindowHalved => window /= 2);
        // Memory only: the table must not grow without bound, but a token that lives on changes nothing, for its age
        // is compared below.
        self.storage.forget_tokens(turn.now(), window);
        planted!(self.mutants, TokenNeverExpires => window = Duration::MAX);
        match self.storage.token(&token.key) {
            Some(record) if turn.now().since(record.at) < window => {
                // Compared before anything of the recorded answer is shown, which may be of a request that this
                // caller did not make.
                self.require_same_request(turn, record.fingerprint, token)?;
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
        planted!(self.mutants, InFlightTokenNotJoined => return Ok(false));
        // Errors use up no token, so a call that failed is not found here either: its retry starts afresh.
        let Some(&(known, wait)) = self.tokens.in_flight.get(&token.key) else { return Ok(false) };
        self.require_same_request(turn, known, token)?;
        // That call is not finished, and carrying the request out beside it would do everything twice.
        match wait {
            InFlight::Checks(call) => self.join_checks(turn, ctx, call),
            InFlight::Register(key) => self.join_wait(turn, ctx, key),
        }
        turn.note(Note::Joined(ctx.delivery));
        Ok(true)
    }

    /// The token of `request` by `account`; `None` for an operation or a request without one.
    pub(in crate::control) fn token_of(&self, account: Account, request: &Request) -> Option<CallToken> {
        let mut token = request.client_token()?.clone();
        planted!(self.mutants, TokenOfAnyCase => token = token.to_string().to_ascii_lowercase().into());
        let operation = self.assumptions.token_per_operation.then(|| request.operation());
        let key = TokenKey { account, operation, token };
        Some(CallToken { key, fingerprint: request.fingerprint() })
    }

    /// Refuses a request whose token was used with other parameters. To replay the recorded answer would claim that
    /// these parameters were applied; to carry it out would give the token two effects.
    fn require_same_request(
        &self,
        turn: &mut Turn<'_>,
        known: Fingerprint,
        token: &CallToken,
    ) -> Result<(), Error> {
        planted!(self.mutants, TokenMismatchNotDetected => return Ok(()));
        if known == token.fingerprint {
            return Ok(());
        }
        turn.cover(CoverageMark::TokenMismatched);
        Err(errors::token_mismatch(self.assumptions.token_mismatch))
    }

    /// The answer to a retry of a finished call.
    fn replayed_response(&self, recorded: &Arc<Response>, ctx: &RequestContext) -> Arc<Response> {
        planted!(self.mutants, ReplayRestamped => return restamped(recorded, ctx.stamp));
        planted!(self.mutants, ReplayWithoutProperties => return without_properties(recorded));
        let mut is_frozen = self.assumptions.replay_frozen;
        planted!(self.mutants, ReplayFresh => is_frozen = false);
        // The recorded answer may be out of date, but it is what the first attempt was sent.
        if is_frozen {
            return recorded.clone();
        }
        let now = |identifier| self.storage.cluster(identifier);
        let fresh = match &**recorded {
            Response::CreateCluster(answer) => {
                now(answer.arn.identifier).map(|it| Response::CreateCluster(it.created(&self.assumptions)))
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
