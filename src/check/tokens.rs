//! Invariants about client tokens: what a token stands for, from the moment when its call was carried out, as long as
//! the window lasts and no longer.
//!
//! The moment is the one that the token's record names, which has to be that of its write. What comes in between is
//! judged exactly, however short the window is: a request that comes within it is answered from the record, and one
//! that comes at its end or later is a new call.

use std::sync::Arc;

use crate::api::{Error, Fingerprint, Operation, Request, Response, ValidationReason};
use crate::control::message::{Commit, Delivery, Reply};
use crate::control::storage::{TokenKey, TokenRecord};
use crate::map::{FixedMap, Generations};
use crate::region::Region;
use crate::types::{Account, ClientToken, ClusterStatus, Instant};

use super::invariant::{CheckContext, Invariant};
use super::open::OpenCall;
use super::pairs::is_being_deleted;
use super::refusals::RefusalKind;
use super::{CheckResult, WorldView};

/// The calls with a token that were carried out.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens(FixedMap<Scope, Generations<ClientToken, Carried>>);

/// What a token counts within: those of different scopes never meet.
type Scope = (Account, Region, Option<Operation>);

/// A call with a token that was carried out.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// When.
    at: Instant,
    /// What was asked for.
    asked: Fingerprint,
    /// What was recorded as its answer; nothing, if it only has an effect so far.
    answer: Option<Arc<Response>>,
    /// Which request.
    cause: Option<Delivery>,
}

impl Tokens {
    /// Takes note of a token's record that was there before anything happens.
    pub(super) fn recall(&mut self, region: Region, key: &TokenKey, record: &TokenRecord) {
        let carried = Carried {
            at: record.at,
            asked: record.fingerprint,
            answer: Some(record.response.clone()),
            cause: None,
        };
        let scope = (key.account, region, key.operation);
        self.0.entry(scope).or_default().insert(key.token.clone(), carried);
    }

    /// A write became durable in `region`; `asked` is what caused it, if that is not answered.
    pub(super) fn wrote(
        &mut self,
        judge: &mut CheckContext<'_>,
        region: Region,
        commit: &Commit,
        asked: Option<&OpenCall>,
    ) -> CheckResult {
        let recorded = commit.batch.token.as_ref();
        let record = recorded.map(|(_, record)| record);
        if record.is_none() && !carries_out(commit, asked) {
            return Ok(());
        }
        let per_operation = judge.scene.assumptions().token_per_operation;
        let waited = commit.before.cluster.as_ref().and_then(|before| before.intent.as_ref());
        let waited = waited.filter(|_| !waits(commit));
        // Where it is known what was asked, it does not matter under which name the record was written. What is carried
        // out after it has waited may name one of those who joined as its cause.
        let asked = asked.filter(|_| waited.is_none());
        let named = match (waited, asked) {
            (Some(intent), _) => name(intent.account, region, &intent.request, per_operation),
            (None, Some(asked)) => name(asked.account, region, &asked.request, per_operation),
            (None, None) => {
                recorded.map(|(key, _)| ((key.account, region, key.operation), key.token.clone()))
            }
        };
        let Some((scope, token)) = named else { return Ok(()) };
        let (now, window) = (judge.scene.now(), judge.scene.assumptions().token_window);
        if let Some(record) = record {
            counts_from_its_call(judge, &token, record.at)?;
        }
        let carried = Carried {
            at: record.map_or(now, |record| record.at),
            asked: waited
                .map(|intent| intent.request.fingerprint())
                .or_else(|| asked.map(|asked| asked.request.fingerprint()))
                .or(record.map(|record| record.fingerprint))
                .unwrap_or_default(),
            answer: record.map(|record| record.response.clone()),
            cause: commit.cause,
        };
        let arrived = asked.map_or(carried.at, |asked| asked.arrived.at);
        let tokens = self.0.entry(scope).or_default();
        tokens.rotate(now, window);
        let before = tokens.insert(token.clone(), carried);
        let again = before
            .filter(|it| arrived < it.at.after(window) && (it.cause.is_none() || it.cause != commit.cause));
        one_effect_per_token(judge, &token, again.is_none(), commit)
    }

    /// A request is answered; `asked` is what it was, if it is known when it came.
    pub(super) fn replied(
        &mut self,
        judge: &mut CheckContext<'_>,
        asked: &OpenCall,
        result: &Reply,
    ) -> CheckResult {
        let assumed = judge.scene.assumptions();
        let window = assumed.token_window;
        let Some((scope, token)) =
            name(asked.account, asked.region, &asked.request, assumed.token_per_operation)
        else {
            return Ok(());
        };
        let known = self.0.get(&scope).and_then(|tokens| tokens.get(&token));
        match result {
            Ok(response) => answered(judge, asked, &token, known, response),
            Err(error) => {
                let known =
                    known.filter(|it| it.at < asked.arrived.at && asked.arrived.at < it.at.after(window));
                known.map_or(Ok(()), |known| refused(judge, asked, &token, known, error))
            }
        }
    }

    /// Whether a call with the token of `asked` was carried out.
    pub(super) fn has_record(&self, scene: &dyn WorldView, asked: &OpenCall) -> bool {
        let per_operation = scene.assumptions().token_per_operation;
        let named = name(asked.account, asked.region, &asked.request, per_operation);
        named.is_some_and(|(scope, token)| {
            self.0
                .get(&scope)
                .and_then(|tokens| tokens.get(&token))
                .is_some_and(|known| known.answer.is_some())
        })
    }

    /// Whether the token of `asked` counted for another request when it came.
    pub(super) fn stands_for_another(&self, scene: &dyn WorldView, asked: &OpenCall) -> bool {
        let assumed = scene.assumptions();
        let Some((scope, token)) =
            name(asked.account, asked.region, &asked.request, assumed.token_per_operation)
        else {
            return false;
        };
        let known = self.0.get(&scope).and_then(|tokens| tokens.get(&token));
        known.is_some_and(|known| {
            asked.arrived.at < known.at.after(assumed.token_window)
                && known.asked != asked.request.fingerprint()
        })
    }
}

/// The token of a request, and what it counts within.
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

/// Whether `commit` makes a cluster, or is what was asked for: a stream, an update, a deletion.
fn carries_out(commit: &Commit, asked: Option<&OpenCall>) -> bool {
    use ClusterStatus::Updating;
    let Some((_, _, Some(after))) = &commit.batch.cluster else { return false };
    let Some(before) = &commit.before.cluster else { return true };
    match asked.map(|asked| asked.request.operation()) {
        Some(Operation::CreateStream) => before.streams().len() < after.streams().len(),
        Some(Operation::UpdateCluster) => before.status != after.status && after.status == Updating,
        Some(Operation::DeleteCluster) => !is_being_deleted(before) && is_being_deleted(after),
        _ => false,
    }
}

/// Record and token are written in one batch, and a second request with the token is answered from the table, or joins
/// the call in flight, before it can write.
fn one_effect_per_token(
    judge: &mut CheckContext<'_>,
    token: &ClientToken,
    is_first: bool,
    commit: &Commit,
) -> CheckResult {
    judge.ensure(is_first, Invariant::OneEffectPerToken, || {
        let cluster = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
        let about = cluster.map_or_else(String::new, |cluster| format!(", now for {}", cluster.arn));
        format!("a call with the token {token} was carried out twice within its window{about}")
    })
}

/// A token is recorded in the step in which its call is carried out, and the disk has as long as it may take.
fn counts_from_its_call(judge: &mut CheckContext<'_>, token: &ClientToken, at: Instant) -> CheckResult {
    let (now, longest) = (judge.scene.now(), judge.scene.longest_write());
    judge.ensure(at <= now && now <= at.after(longest), Invariant::RetryNeverWorse, || {
        format!("the token {token} counts from another moment than that of its call")
    })
}

/// The recorded answer is written in one batch with the effect, and every later request with the token is answered
/// with the record until the window has passed; then it is a call like any other, with a record of its own.
fn answered(
    judge: &mut CheckContext<'_>,
    asked: &OpenCall,
    token: &ClientToken,
    known: Option<&Carried>,
    response: &Arc<Response>,
) -> CheckResult {
    let assumed = judge.scene.assumptions();
    let recorded = known.and_then(|known| Some((known, known.answer.as_ref()?)));
    let is_same = |first: &Arc<Response>| {
        Arc::ptr_eq(first, response)
            || first == response
            || (!assumed.replay_frozen
                && first.operation() == response.operation()
                && first.cluster() == response.cluster())
    };
    let Some((known, first)) = recorded
        .filter(|(known, first)| asked.arrived.at < known.at.after(assumed.token_window) || is_same(first))
    else {
        return judge.ensure(false, Invariant::AcknowledgedIsDurable, || {
            format!("the token {token} was answered with success, and there is no record of it")
        });
    };
    judge.ensure(
        asked.arrived.at < known.at.after(assumed.token_window),
        Invariant::RetryNeverWorse,
        || format!("the token {token} was answered from its record after its window had passed"),
    )?;
    judge.ensure(is_same(first), Invariant::RetrySameResult, || {
        format!("token {token} was answered {} first and {} now", first.to_json(), response.to_json())
    })?;
    if known.cause == Some(asked.delivery) {
        return Ok(());
    }
    judge.ensure(known.asked == asked.request.fingerprint(), Invariant::RetryNeverWorse, || {
        format!("the token {token} was answered with success, and it stands for another request")
    })
}

/// Within the window, nothing is looked at before the token but the request's own members and who asks, and both can
/// have changed for the worse only if another request is made, or by another caller.
fn refused(
    judge: &mut CheckContext<'_>,
    asked: &OpenCall,
    token: &ClientToken,
    known: &Carried,
    error: &Error,
) -> CheckResult {
    let is_denied = matches!(error, Error::AccessDenied { .. });
    let is_other = known.asked != asked.request.fingerprint();
    let is_malformed =
        matches!(error, Error::Validation { reason: ValidationReason::FieldValidationFailed, .. });
    let is_mismatch = RefusalKind::of(error) == RefusalKind::from(judge.scene.assumptions().token_mismatch);
    judge.ensure(is_denied || (is_other && (is_malformed || is_mismatch)), Invariant::RetryNeverWorse, || {
        format!(
            "the token {token} was refused within its window with {} {:?}, and its {} was carried out",
            error.name(),
            error.message(),
            asked.request.operation()
        )
    })
}
