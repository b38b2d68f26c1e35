//! Invariants about client tokens: a token stands for one call, from the moment when the call was carried out until
//! the token's window ends.
//!
//! The token's record names that moment, which must be the one of its write. The window is checked exactly, however
//! short it is: a request that arrives within it is answered from the record, and one that arrives at its end or
//! later is a new call.

use std::sync::Arc;

use crate::api::{Error, Fingerprint, Operation, Request, Response, ValidationReason};
use crate::control::message::{Commit, Delivery, Reply};
use crate::control::records::{TokenKey, TokenRecord};
use crate::map::{FixedMap, Generations};
use crate::region::Region;
use crate::rng;
use crate::types::{Account, ClientToken, ClusterStatus, Instant};

use super::invariant::{CheckContext, Invariant};
use super::open::OpenCall;
use super::pairs::is_being_deleted;
use super::refusals::RefusalKind;
use super::{CheckResult, WorldView};

/// The calls with a token that were carried out, by scope and token.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens(FixedMap<Scope, Generations<ClientToken, Carried>>);

/// The scope of a token: account, Region, and the operation unless operations share tokens. Equal tokens of different
/// scopes are different tokens.
type Scope = (Account, Region, Option<Operation>);

/// The call that a token stands for.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// The beginning of the window.
    at: Instant,
    request: RequestHash,
    /// The recorded answer; `None` as long as the call has taken effect without one.
    answer: Option<Arc<Response>>,
    /// The delivery that caused the write.
    cause: Option<Delivery>,
}

/// What tells the request of a carried-out call from another, which is a mismatch.
#[derive(Clone, Copy, Debug)]
enum RequestHash {
    /// The hash of the request itself. It costs a tenth of the fingerprint, and does not rely on it.
    Own(u64),
    /// The fingerprint in the record of the token. The request arrived before the world began, or the cause of the
    /// write is no open call.
    Recorded(Fingerprint),
}

impl RequestHash {
    fn is(self, request: &Request) -> bool {
        match self {
            RequestHash::Own(hash) => hash == rng::fingerprint(request),
            RequestHash::Recorded(fingerprint) => fingerprint == request.fingerprint(),
        }
    }
}

impl Tokens {
    /// Takes in the record of a token that exists before the world begins.
    pub(super) fn recall(&mut self, region: Region, key: &TokenKey, record: &TokenRecord) {
        let carried = Carried {
            at: record.at,
            request: RequestHash::Recorded(record.fingerprint),
            answer: Some(record.response.clone()),
            cause: None,
        };
        let scope = (key.account, region, key.operation);
        self.0.entry(scope).or_default().insert(key.token.clone(), carried);
    }

    /// A write became durable in `region`. `call` is the open call that caused it, if any.
    pub(super) fn wrote(
        &mut self,
        ctx: &mut CheckContext<'_>,
        region: Region,
        commit: &Commit,
        call: Option<&OpenCall>,
    ) -> CheckResult {
        let recorded = commit.batch.token.as_ref();
        let record = recorded.map(|(_, record)| record);
        if record.is_none() && !carries_out(commit, call) {
            return Ok(());
        }
        let per_operation = ctx.view.assumptions().token_per_operation;
        let waited = commit.before.cluster.as_ref().and_then(|before| before.intent.as_ref());
        let waited = waited.filter(|_| !waits(commit));
        // The scope is taken from the request where that is known, and not from the key of the record, which may be
        // wrong. After a wait for the link register the cause may be a call that joined, so the intent decides.
        let call = call.filter(|_| waited.is_none());
        let seen = |account, request: &Request| {
            let named = name(account, region, request, per_operation)?;
            Some((named, RequestHash::Own(rng::fingerprint(request))))
        };
        let stands_for = match (waited, call, recorded) {
            (Some(intent), ..) => seen(intent.account, &intent.request.to_request()),
            (None, Some(call), _) => seen(call.account, &call.request),
            (None, None, Some((key, record))) => {
                let named = ((key.account, region, key.operation), key.token.clone());
                Some((named, RequestHash::Recorded(record.fingerprint)))
            }
            (None, None, None) => None,
        };
        let Some(((scope, token), request)) = stands_for else { return Ok(()) };
        let (now, window) = (ctx.view.now(), ctx.view.assumptions().token_window);
        if let Some(record) = record {
            counts_from_its_call(ctx, &token, record.at)?;
        }
        let carried = Carried {
            at: record.map_or(now, |record| record.at),
            request,
            answer: record.map(|record| record.response.clone()),
            cause: commit.cause,
        };
        // A second effect is an error only if its request arrived within the window of the first. The writes of one
        // call, which have one cause, are one effect.
        let arrived = call.map_or(carried.at, |call| call.arrived.at);
        let tokens = self.0.entry(scope).or_default();
        tokens.rotate(now, window);
        let before = tokens.insert(token.clone(), carried);
        let again = before
            .filter(|it| arrived < it.at.after(window) && (it.cause.is_none() || it.cause != commit.cause));
        one_effect_per_token(ctx, &token, again.is_none(), commit)
    }

    /// The control plane answered `call`.
    pub(super) fn replied(
        &mut self,
        ctx: &mut CheckContext<'_>,
        call: &OpenCall,
        result: &Reply,
    ) -> CheckResult {
        let assumed = ctx.view.assumptions();
        let window = assumed.token_window;
        let Some((scope, token)) =
            name(call.account, call.region, &call.request, assumed.token_per_operation)
        else {
            return Ok(());
        };
        let known = self.0.get(&scope).and_then(|tokens| tokens.get(&token));
        match result {
            Ok(response) => answered(ctx, call, &token, known, response),
            Err(error) => {
                let known =
                    known.filter(|it| it.at < call.arrived.at && call.arrived.at < it.at.after(window));
                known.map_or(Ok(()), |known| refused(ctx, call, &token, known, error))
            }
        }
    }

    /// Whether a call with the token of `call` was carried out and its answer recorded.
    pub(super) fn has_record(&self, view: &dyn WorldView, call: &OpenCall) -> bool {
        let per_operation = view.assumptions().token_per_operation;
        let named = name(call.account, call.region, &call.request, per_operation);
        named.is_some_and(|(scope, token)| {
            self.0
                .get(&scope)
                .and_then(|tokens| tokens.get(&token))
                .is_some_and(|known| known.answer.is_some())
        })
    }

    /// Whether the token of `call` stood for another request when the call arrived.
    pub(super) fn stands_for_another(&self, view: &dyn WorldView, call: &OpenCall) -> bool {
        let assumed = view.assumptions();
        let Some((scope, token)) =
            name(call.account, call.region, &call.request, assumed.token_per_operation)
        else {
            return false;
        };
        let known = self.0.get(&scope).and_then(|tokens| tokens.get(&token));
        known.is_some_and(|known| {
            call.arrived.at < known.at.after(assumed.token_window) && !known.request.is(&call.request)
        })
    }
}

/// The token of a request and its scope; `None` without a token.
fn name(
    account: Account,
    region: Region,
    request: &Request,
    per_operation: bool,
) -> Option<(Scope, ClientToken)> {
    let token = request.client_token()?.clone();
    Some(((account, region, per_operation.then(|| request.operation())), token))
}

/// Whether a call waits for the link register after `commit`.
fn waits(commit: &Commit) -> bool {
    let after = commit.batch.cluster.as_ref().and_then(|(_, _, after)| after.as_ref());
    after.is_some_and(|after| after.intent.is_some())
}

/// Whether `commit` carries out a call without recording its answer: it creates a cluster, or makes the change that
/// `call` requests.
fn carries_out(commit: &Commit, call: Option<&OpenCall>) -> bool {
    use ClusterStatus::Updating;
    let Some((_, _, Some(after))) = &commit.batch.cluster else { return false };
    let Some(before) = &commit.before.cluster else { return true };
    match call.map(|call| call.request.operation()) {
        Some(Operation::CreateStream) => before.streams().len() < after.streams().len(),
        Some(Operation::UpdateCluster) => before.status != after.status && after.status == Updating,
        Some(Operation::DeleteCluster) => !is_being_deleted(before) && is_being_deleted(after),
        _ => false,
    }
}

/// The record of the cluster and that of the token are written in one batch. A second request with the token is
/// answered from the table of tokens, or joins the call in flight, before it can write.
fn one_effect_per_token(
    ctx: &mut CheckContext<'_>,
    token: &ClientToken,
    is_first: bool,
    commit: &Commit,
) -> CheckResult {
    ctx.ensure(is_first, Invariant::OneEffectPerToken, || {
        let cluster = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
        let about = cluster.map_or_else(String::new, |cluster| format!(", now for {}", cluster.arn));
        format!("a call with the token {token} was carried out twice within its window{about}")
    })
}

/// A token is recorded in the step that carries out its call, and becomes durable within the longest time of a write.
fn counts_from_its_call(ctx: &mut CheckContext<'_>, token: &ClientToken, at: Instant) -> CheckResult {
    let (now, longest) = (ctx.view.now(), ctx.view.longest_write());
    ctx.ensure(at <= now && now <= at.after(longest), Invariant::RetryNeverWorse, || {
        format!("the token {token} counts from another moment than that of its call")
    })
}

/// The answer is recorded in one batch with the effect. Every later request with the token gets the recorded answer
/// until the window ends; after that it is a new call with a record of its own.
fn answered(
    ctx: &mut CheckContext<'_>,
    call: &OpenCall,
    token: &ClientToken,
    known: Option<&Carried>,
    response: &Arc<Response>,
) -> CheckResult {
    let assumed = ctx.view.assumptions();
    let recorded = known.and_then(|known| Some((known, known.answer.as_ref()?)));
    let is_same = |first: &Arc<Response>| {
        Arc::ptr_eq(first, response)
            || first == response
            || (!assumed.replay_frozen
                && first.operation() == response.operation()
                && first.cluster() == response.cluster())
    };
    let Some((known, first)) = recorded
        .filter(|(known, first)| call.arrived.at < known.at.after(assumed.token_window) || is_same(first))
    else {
        return ctx.ensure(false, Invariant::AcknowledgedIsDurable, || {
            format!("the token {token} was answered with success, and there is no record of it")
        });
    };
    ctx.ensure(call.arrived.at < known.at.after(assumed.token_window), Invariant::RetryNeverWorse, || {
        format!("the token {token} was answered from its record after its window had passed")
    })?;
    ctx.ensure(is_same(first), Invariant::RetrySameResult, || {
        format!("token {token} was answered {} first and {} now", first.to_json(), response.to_json())
    })?;
    // This is the answer to the call that was carried out, so its request needs no comparison.
    if known.cause == Some(call.delivery) {
        return Ok(());
    }
    ctx.ensure(known.request.is(&call.request), Invariant::RetryNeverWorse, || {
        format!("the token {token} was answered with success, and it stands for another request")
    })
}

/// Within the window only the members of the request and the caller's permissions are examined before the token. They
/// can lead to a refusal only if the request or its caller differs from the first.
fn refused(
    ctx: &mut CheckContext<'_>,
    call: &OpenCall,
    token: &ClientToken,
    known: &Carried,
    error: &Error,
) -> CheckResult {
    let is_denied = matches!(error, Error::AccessDenied { .. });
    let is_other = !known.request.is(&call.request);
    let is_malformed =
        matches!(error, Error::Validation { reason: ValidationReason::FieldValidationFailed, .. });
    let is_mismatch = RefusalKind::of(error) == RefusalKind::from(ctx.view.assumptions().token_mismatch);
    ctx.ensure(is_denied || (is_other && (is_malformed || is_mismatch)), Invariant::RetryNeverWorse, || {
        format!(
            "the token {token} was refused within its window with {} {:?}, and its {} was carried out",
            error.name(),
            error.message(),
            call.request.operation()
        )
    })
}
