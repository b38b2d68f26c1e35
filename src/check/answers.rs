//! Invariants about answers: what callers were told, and what they were told before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Operation, Request, Response};
use crate::control::durable::{TokenKey, TokenRecord};
use crate::control::message::{Commit, Delivery, Reply};
use crate::map::{FixedMap, Generations};
use crate::region::Region;
use crate::types::{Account, ClientToken, Identifier, Instant, NodeId};

use super::denied::Unsettled;
use super::invariant::{Invariant, Judge};
use super::listings::Listings;
use super::open::OpenCall;
use super::{Scene, Verdict};

/// What callers were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// The first successful answer to each token, recorded or given.
    first: FixedMap<TokenKind, Generations<ClientToken, (Arc<Response>, Instant)>>,
    /// Calls answered with success since the oldest write that may be under way was begun, oldest first.
    recent: VecDeque<(Instant, Delivery)>,
    unsettled: Unsettled,
    listings: Listings,
}

/// What tokens count within: those of different kinds never meet.
type TokenKind = (Account, Region, Operation);

impl Answers {
    /// A request comes to a control plane.
    pub(super) fn arrived(
        &mut self,
        judge: &Judge<'_>,
        region: Region,
        account: Account,
        delivery: Delivery,
    ) {
        self.listings.arrived(judge.scene, region, account, delivery);
    }

    /// A write became durable.
    pub(super) fn wrote(&mut self, judge: &mut Judge<'_>, node: NodeId, commit: &Commit) -> Verdict {
        self.unsettled.wrote(judge, commit);
        let NodeId::ControlPlane(region) = node else { return Ok(()) };
        self.one_effect_per_token(judge, region, commit)
    }

    /// Takes note of a call that was carried out before anything happens.
    pub(super) fn recall(&mut self, region: Region, key: &TokenKey, record: &TokenRecord) {
        let kind = (key.account, region, record.response.operation());
        self.first.entry(kind).or_default().insert(key.token.clone(), (record.response.clone(), record.at));
    }

    /// The answer of a call that changes something leaves when its write is durable: one that was made for it, or the
    /// one that its token was recorded with.
    pub(super) fn acknowledged_was_written(&self, judge: &mut Judge<'_>, call: &OpenCall) -> Verdict {
        if call.has_written || !call.request.operation().changes() {
            return Ok(());
        }
        let kind = (call.account, call.region, call.request.operation());
        let token = call.request.client_token();
        let is_recorded =
            token.is_some_and(|token| self.first.get(&kind).is_some_and(|it| it.get(token).is_some()));
        judge.ensure(is_recorded, Invariant::AcknowledgedIsDurable, || {
            let of = call.subject().map_or_else(String::new, |subject| format!(" of {subject}"));
            let operation = call.request.operation();
            format!("{operation}{of} was answered with success, and nothing durable was written for it")
        })
    }

    /// A request is answered.
    pub(super) fn replied(
        &mut self,
        judge: &mut Judge<'_>,
        region: Region,
        delivery: Delivery,
        account: Account,
        request: &Arc<Request>,
        result: &Reply,
    ) -> Verdict {
        self.unsettled.replied(judge, region, delivery, request, result)?;
        match result {
            Err(_) => Ok(()),
            Ok(response) => match &**response {
                Response::ListClusters(_) | Response::ListStreams(_) => {
                    self.listings.list_complete(judge, region, delivery, account, request, response)
                }
                _ => {
                    self.acknowledge(judge.scene, delivery);
                    self.retry_same_result(judge, region, account, request, response)
                }
            },
        }
    }

    /// Record and token are written in one batch, and a second request with the token is answered from the table, or
    /// joins the call in flight, before it can write.
    fn one_effect_per_token(&mut self, judge: &mut Judge<'_>, region: Region, commit: &Commit) -> Verdict {
        let Some((key, record)) = &commit.batch.token else { return Ok(()) };
        let kind = (key.account, region, record.response.operation());
        let first = self.first_answer(judge.scene, kind, &key.token, &record.response);
        let Some(created) = created(&record.response) else { return Ok(()) };
        let first = self::created(first);
        judge.ensure(first == Some(created), Invariant::OneEffectPerToken, || {
            let first = first.map_or_else(String::new, |first| first.to_string());
            format!("token {} created {first} and {created}", key.token)
        })
    }

    /// The answer that the token got first; `answer`, if it is the first that is still remembered.
    ///
    /// Tokens are recorded a little before anybody hears of it, so near the end of the window either is right: the
    /// token was remembered and the answer is the same, or it was forgotten and the answer is the first again.
    fn first_answer(
        &mut self,
        scene: &dyn Scene,
        kind: TokenKind,
        token: &ClientToken,
        answer: &Arc<Response>,
    ) -> &Arc<Response> {
        let now = scene.now();
        let window = scene.assumptions().token_window;
        let tokens = self.first.entry(kind).or_default();
        tokens.turn(now, window);
        let is_fit = |(first, at): &(Arc<Response>, Instant)| {
            let end = at.after(window);
            now.after(MARGIN) < end
                || (now < end.after(MARGIN) && (Arc::ptr_eq(first, answer) || first == answer))
        };
        let (first, _) = tokens.get_or_insert_with(token.clone(), is_fit, || (answer.clone(), now));
        first
    }

    /// The recorded answer is written in one batch with the effect, and every later request with the token is
    /// answered with the record.
    fn retry_same_result(
        &mut self,
        judge: &mut Judge<'_>,
        region: Region,
        account: Account,
        request: &Arc<Request>,
        response: &Arc<Response>,
    ) -> Verdict {
        let Some(token) = request.client_token() else { return Ok(()) };
        let kind = (account, region, request.operation());
        let first = self.first_answer(judge.scene, kind, token, response);
        let is_same = Arc::ptr_eq(first, response)
            || first == response
            || (!judge.scene.assumptions().replay_frozen && first.cluster() == response.cluster());
        judge.ensure(is_same, Invariant::RetrySameResult, || {
            format!("token {token} was answered {} first and {} now", first.to_json(), response.to_json())
        })
    }

    /// A reply waits in the outbox until every write ahead of it is durable, so no write that a crash loses was ever
    /// spoken of.
    pub(super) fn acknowledged_is_durable(&self, judge: &mut Judge<'_>, commit: &Commit) -> Verdict {
        let Some(cause) = commit.cause else { return Ok(()) };
        let was_told = self.recent.iter().any(|(_, delivery)| *delivery == cause);
        judge.ensure(!was_told, Invariant::AcknowledgedIsDurable, || {
            let cluster = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
            let name = cluster.map_or_else(|| "a cluster".to_owned(), |cluster| cluster.arn.to_string());
            format!("a call about {name} was answered with success, and a crash has undone it")
        })
    }

    fn acknowledge(&mut self, scene: &dyn Scene, delivery: Delivery) {
        let (now, longest) = (scene.now(), scene.longest_write());
        self.recent.push_back((now, delivery));
        while self.recent.pop_front_if(|(at, _)| at.after(longest) < now).is_some() {}
    }
}

/// A reply waits in the outbox until every write ahead of it is durable, so that none is made for a request that is
/// answered.
pub(super) fn acknowledged_after_writing(
    judge: &mut Judge<'_>,
    call: Option<&OpenCall>,
    commit: &Commit,
) -> Verdict {
    judge.ensure(call.is_some(), Invariant::AcknowledgedIsDurable, || {
        let cluster = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
        let name = cluster.map_or_else(|| "a cluster".to_owned(), |cluster| cluster.arn.to_string());
        format!("a call about {name} was answered before what was written for it was durable")
    })
}

/// What a call that `response` answers has created.
fn created(response: &Response) -> Option<Identifier> {
    match response {
        Response::CreateCluster(made) => Some(made.arn.identifier),
        Response::CreateStream(made) => Some(made.stream_identifier),
        _ => None,
    }
}

/// How long after a token was recorded its answer is heard of, at most.
const MARGIN: Duration = Duration::from_secs(60);
