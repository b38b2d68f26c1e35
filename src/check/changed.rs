//! Invariants about the difference that a write makes to a cluster's record: only what its call names, and some of it
//! never.

use std::sync::Arc;

use crate::api::{Request, StreamStatus, Tags, UpdateClusterInput};
use crate::control::keys::Keys;
use crate::control::records::{Attached, Cluster, MultiRegion, Stream};
use crate::region::Region;
use crate::types::{ClusterArn, Identifier, Instant};

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};
use super::keys;
use super::pairs::is_being_deleted;
use super::responses::is_opaque;
use super::visible::listed_peer;

/// A change of a record: the record before and after the write, and the request of the call that it was made for, if
/// any.
#[derive(Debug)]
pub(super) struct RecordChange<'a> {
    pub(super) before: &'a Cluster,
    pub(super) after: &'a Cluster,
    pub(super) request: Option<&'a Request>,
    /// The declared keys, which the request may name.
    pub(super) keys: &'a Keys,
}

/// Every write starts from a copy of the record and replaces what its call names: an update the settings and
/// properties, a tag call the tags, a policy call the policy, a stream call one stream. A write without a call is a
/// step of the work on the cluster: it changes statuses, and completes the call that the record has as its intent.
pub(super) fn changed_only_by_its_call(ctx: &mut CheckContext<'_>, change: &RecordChange<'_>) -> CheckResult {
    let wrong = change.unrequested_change();
    ctx.ensure(wrong.is_none(), Invariant::ChangedOnlyByItsCall, || {
        let call = change.request.map_or("no call", |request| request.operation().name());
        format!("{call} changed the {} of {}", wrong.unwrap_or_default(), change.before.arn)
    })
}

/// No write replaces these parts. The name, Region, creation time and kind of a cluster are set when it is created,
/// as are the name, creation time and target of a stream. The witness of a linked pair is part of the key of its link
/// register.
pub(super) fn unchanging(ctx: &mut CheckContext<'_>, change: &RecordChange<'_>) -> CheckResult {
    let wrong = change.forbidden_change();
    ctx.ensure(wrong.is_none(), Invariant::Unchanging, || {
        format!("the {} of {} changed", wrong.unwrap_or_default(), change.before.arn)
    })
}

/// The queue returns events in the order of their times, and accepts none that is earlier than the current event.
pub(super) fn time_goes_on(ctx: &mut CheckContext<'_>, last: &mut Instant) -> CheckResult {
    let now = ctx.view.now();
    let before = std::mem::replace(last, now);
    ctx.ensure(before <= now, Invariant::Unchanging, || {
        format!("virtual time went back from {} ns to {} ns", before.0, now.0)
    })
}

impl RecordChange<'_> {
    /// The part of the record that changed although the call does not name it, or to another value than the call
    /// names.
    fn unrequested_change(&self) -> Option<&'static str> {
        let RecordChange { before, after, .. } = self;
        let update = self.update();
        let protection =
            || update.and_then(|it| it.deletion_protection_enabled) == Some(after.deletion_protection);
        let key = || {
            let ClusterArn { region, account, .. } = after.arn;
            let name = update.and_then(|it| it.kms_encryption_key.as_deref());
            let named = keys::named(self.keys, name, region, account);
            name.is_some() && named.as_ref().map(|key| &*key.arn) == after.kms_key.as_deref()
        };
        let groups = || {
            let named = update.and_then(|it| it.metric_groups.as_ref());
            named.is_some_and(|groups| groups.is_empty() != after.statement_statistics)
        };
        let checks = [
            ("deletion protection", before.deletion_protection == after.deletion_protection || protection()),
            ("KMS key", before.kms_key == after.kms_key || key()),
            ("metric groups", before.statement_statistics == after.statement_statistics || groups()),
            ("tags", self.tags_are_requested(None, before.tags.as_ref(), after.tags.as_ref())),
            ("multi-Region properties", self.properties_are_requested()),
            ("deletion", is_being_deleted(before) == is_being_deleted(after) || self.is_deletion()),
            ("call that is written down", self.intent_is_requested()),
            ("policy", before.shares_attached(after) || self.policy_is_requested()),
            ("streams", before.shares_attached(after) || self.streams_are_requested()),
        ];
        checks.into_iter().find(|(_, holds)| !holds).map(|(name, _)| name)
    }

    /// The part of the record that changed although no call may change it.
    fn forbidden_change(&self) -> Option<&'static str> {
        let RecordChange { before, after, .. } = self;
        let (old, new) = (before.multi_region.as_deref(), after.multi_region.as_deref());
        let is_linked = |it: &MultiRegion| it.linked;
        let witness = old.zip(new).filter(|(old, new)| is_linked(old) && is_linked(new));
        let streams = || {
            let known =
                |stream: &Stream| before.streams().iter().find(|it| it.number == stream.number).cloned();
            after.streams().iter().all(|stream| {
                known(stream).is_none_or(|old| {
                    (old.identifier, old.creation_time, old.target)
                        == (stream.identifier, stream.creation_time, stream.target.clone())
                })
            })
        };
        let checks = [
            ("ARN", before.arn == after.arn),
            ("place in the order of creation", before.serial == after.serial),
            ("creation time", before.creation_time == after.creation_time),
            ("kind", old.is_some() == new.is_some()),
            ("witness of a linked pair", witness.is_none_or(|(old, new)| old.witness == new.witness)),
            ("identity of a stream", before.shares_attached(after) || streams()),
        ];
        checks.into_iter().find(|(_, holds)| !holds).map(|(name, _)| name)
    }

    fn update(&self) -> Option<&UpdateClusterInput> {
        match self.request {
            Some(Request::UpdateCluster(input)) => Some(input),
            _ => None,
        }
    }

    fn is_deletion(&self) -> bool {
        is_being_deleted(self.after) && matches!(self.request, Some(Request::DeleteCluster(_)))
    }

    /// An intent is added by its own call. It is removed by whatever decides the call: the register, its deadline, or
    /// another call.
    fn intent_is_requested(&self) -> bool {
        match (&self.before.intent, &self.after.intent) {
            (_, None) => true,
            (Some(before), Some(after)) => before == after,
            (None, Some(after)) => self.request.is_some_and(|request| *request == after.request.to_request()),
        }
    }

    /// TagResource merges tags and UntagResource removes them. `stream` selects the tags of a stream; `None` those of
    /// the cluster.
    fn tags_are_requested(
        &self,
        stream: Option<Identifier>,
        before: Option<&Tags>,
        after: Option<&Tags>,
    ) -> bool {
        // Most writes share the tags with the record that they replace, so the addresses are compared first.
        let is_same = match (before, after) {
            (None, None) => true,
            (Some(before), Some(after)) => Arc::ptr_eq(before, after) || before == after,
            _ => false,
        };
        if is_same {
            return true;
        }
        let is_of =
            |arn: &str| arn.split_once("/stream/").and_then(|(_, it)| Identifier::parse(it)) == stream;
        let mut wanted = before.map(|tags| (**tags).clone()).unwrap_or_default();
        match self.request {
            Some(Request::TagResource(input)) if is_of(&input.resource_arn) => {
                for (key, value) in input.tags.iter().flat_map(|tags| tags.iter()) {
                    wanted.insert(key.clone(), value.clone());
                }
            }
            Some(Request::UntagResource(input)) if is_of(&input.resource_arn) => {
                let gone = input.tag_keys.as_deref().unwrap_or_default();
                wanted.retain(|key, _| !gone.contains(key));
            }
            _ => return false,
        }
        after.map_or(wanted.is_empty(), |after| **after == wanted)
    }

    /// Witness and peer change only by an update that names them. Without a call a pair comes apart once both sides
    /// have left it: the peer, the link and the departure end in one write.
    fn properties_are_requested(&self) -> bool {
        let (old, new) = (self.before.multi_region.as_deref(), self.after.multi_region.as_deref());
        let Some((old, new)) = old.zip(new) else { return true };
        let named = self.update().and_then(|input| input.multi_region_properties.as_deref());
        let witness = || {
            let witness = named.and_then(|it| it.witness_region.as_deref());
            witness.and_then(Region::parse) == Some(new.witness)
        };
        let listed = || named.and_then(|it| it.clusters.as_deref());
        let peer = || listed().is_some_and(|listed| listed_peer(listed, Some(self.after.arn)) == new.peer);
        let has_parted = old.leaving && !new.leaving && new.peer.is_none() && !new.linked;
        let leaving = || listed().is_some_and(|listed| listed_peer(listed, Some(self.after.arn)).is_none());
        (old.witness == new.witness || witness())
            && (old.peer == new.peer || has_parted || peer())
            && (old.leaving == new.leaving || has_parted || (new.leaving && leaving()))
    }

    /// Policy calls attach and remove the policy. They may name the version that they expect, and each attachment
    /// gets a later version than every one before it.
    fn policy_is_requested(&self) -> bool {
        let none = Attached::default();
        let old = self.before.attached.as_deref().unwrap_or(&none);
        let new = self.after.attached.as_deref().unwrap_or(&none);
        if (&old.policy, old.policy_version) == (&new.policy, new.policy_version) {
            return true;
        }
        let version = old.policy.is_some().then(|| old.policy_version.to_string());
        let is_expected = |expected: &Option<String>| expected.is_none() || *expected == version;
        match self.request {
            Some(Request::PutClusterPolicy(input)) => {
                is_expected(&input.expected_policy_version)
                    && new.policy_version > old.policy_version
                    && is_opaque(new.policy_version)
                    && new.policy.as_ref().map(|policy| &*policy.text) == input.policy.as_deref()
            }
            Some(Request::DeleteClusterPolicy(input)) => {
                is_expected(&input.expected_policy_version)
                    && new.policy_version == old.policy_version
                    && new.policy.is_none()
            }
            _ => false,
        }
    }

    /// Calls create and delete streams. Without a call a stream may be removed once its deletion is done, and its
    /// status may advance.
    fn streams_are_requested(&self) -> bool {
        let (old, new) = (self.before.streams(), self.after.streams());
        let known = |stream: &Stream| old.iter().find(|it| it.number == stream.number);
        let is_requested = |stream: &Stream| match (known(stream), self.request) {
            (None, Some(Request::CreateStream(input))) => {
                let tags = input.tags.clone().unwrap_or_default();
                Some(&stream.target) == input.target_definition.as_ref() && stream.tags == tags
            }
            (None, _) => false,
            (Some(before), request) => {
                let is_deleted =
                    |stream: &Stream| matches!(stream.status, StreamStatus::Deleting | StreamStatus::Deleted);
                let identifier = Some(stream.identifier);
                let is_named = match request {
                    Some(Request::DeleteStream(input)) => {
                        Identifier::parse(&input.stream_identifier) == identifier
                    }
                    request => request.is_none() && is_deleted(before) == is_deleted(stream),
                };
                ((before.status, &before.reason) == (stream.status, &stream.reason) || is_named)
                    && self.tags_are_requested(identifier, Some(&before.tags), Some(&stream.tags))
            }
        };
        let is_kept = |stream: &Stream| new.iter().any(|it| it.number == stream.number);
        let may_go = |stream: &Stream| {
            self.request.is_none() && matches!(stream.status, StreamStatus::Deleting | StreamStatus::Deleted)
        };
        new.iter().all(is_requested) && old.iter().all(|stream| is_kept(stream) || may_go(stream))
    }
}
