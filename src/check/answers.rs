//! Invariants about answers: what callers were told, and what they were told before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Request, Response};
use crate::control::message::{Commit, Delivery, Reply};
use crate::region::Region;
use crate::types::{Account, Instant};

use super::denied::Unsettled;
use super::invariant::{CheckContext, Invariant};
use super::listings::Listings;
use super::open::OpenCall;
use super::{CheckResult, WorldView};

/// What callers were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// Calls answered with success since the oldest write that may be under way was begun, oldest first.
    recent: VecDeque<(Instant, Delivery)>,
    unsettled: Unsettled,
    listings: Listings,
}

impl Answers {
    /// A request comes to a control plane.
    pub(super) fn arrived(
        &mut self,
        judge: &CheckContext<'_>,
        region: Region,
        account: Account,
        delivery: Delivery,
    ) {
        self.listings.arrived(judge.scene, region, account, delivery);
    }

    /// A write became durable.
    pub(super) fn wrote(&mut self, judge: &mut CheckContext<'_>, commit: &Commit) {
        self.unsettled.wrote(judge, commit);
    }

    /// The answer of a call that changes something leaves when its write is durable: one that was made for it, or the
    /// one that its token was recorded with.
    pub(super) fn acknowledged_was_written(
        judge: &mut CheckContext<'_>,
        call: &OpenCall,
        is_recorded: bool,
    ) -> CheckResult {
        if call.has_written || !call.request.operation().changes() {
            return Ok(());
        }
        judge.ensure(is_recorded, Invariant::AcknowledgedIsDurable, || {
            let of = call.subject().map_or_else(String::new, |subject| format!(" of {subject}"));
            let operation = call.request.operation();
            format!("{operation}{of} was answered with success, and nothing durable was written for it")
        })
    }

    /// A request is answered.
    pub(super) fn replied(
        &mut self,
        judge: &mut CheckContext<'_>,
        region: Region,
        delivery: Delivery,
        account: Account,
        request: &Arc<Request>,
        result: &Reply,
    ) -> CheckResult {
        self.unsettled.replied(judge, region, delivery, request, result)?;
        match result {
            Err(_) => Ok(()),
            Ok(response) => match &**response {
                Response::ListClusters(_) | Response::ListStreams(_) => {
                    self.listings.list_complete(judge, region, delivery, account, request, response)
                }
                _ => {
                    self.acknowledge(judge.scene, delivery);
                    Ok(())
                }
            },
        }
    }

    /// A reply waits in the outbox until every write ahead of it is durable, so no write that a crash loses was ever
    /// spoken of.
    pub(super) fn acknowledged_is_durable(
        &self,
        judge: &mut CheckContext<'_>,
        commit: &Commit,
    ) -> CheckResult {
        let Some(cause) = commit.cause else { return Ok(()) };
        let was_told = self.recent.iter().any(|(_, delivery)| *delivery == cause);
        judge.ensure(!was_told, Invariant::AcknowledgedIsDurable, || {
            let cluster = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
            let name = cluster.map_or_else(|| "a cluster".to_owned(), |cluster| cluster.arn.to_string());
            format!("a call about {name} was answered with success, and a crash has undone it")
        })
    }

    fn acknowledge(&mut self, scene: &dyn WorldView, delivery: Delivery) {
        let (now, longest) = (scene.now(), scene.longest_write());
        self.recent.push_back((now, delivery));
        while self.recent.pop_front_if(|(at, _)| at.after(longest) < now).is_some() {}
    }
}

/// A reply waits in the outbox until every write ahead of it is durable, so that none is made for a request that is
/// answered.
pub(super) fn acknowledged_after_writing(
    judge: &mut CheckContext<'_>,
    call: Option<&OpenCall>,
    commit: &Commit,
) -> CheckResult {
    judge.ensure(call.is_some(), Invariant::AcknowledgedIsDurable, || {
        let cluster = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
        let name = cluster.map_or_else(|| "a cluster".to_owned(), |cluster| cluster.arn.to_string());
        format!("a call about {name} was answered before what was written for it was durable")
    })
}

/// Other Regions are asked for a while, and the link register for another: each wait has a deadline, which is set anew
/// when a restarted control plane finds the call. A timer is set behind the writes before it, as an answer leaves.
pub(super) fn answered_in_time(judge: &mut CheckContext<'_>, call: &OpenCall) -> CheckResult {
    let scene = judge.scene;
    let writes = scene.longest_write().saturating_mul(10);
    let longest = scene.assumptions().remote_deadline.saturating_mul(2).saturating_add(writes);
    let is_late = scene.now().since(call.arrived.at) > longest.saturating_add(Duration::from_millis(1));
    judge.ensure(!is_late, Invariant::NothingStuck, || {
        let (operation, region) = (call.request.operation(), call.region);
        format!("{operation} was answered in {region} after its deadlines had passed")
    })
}
