//! Invariants about single answers: each agrees with its request and with what was written for it, and a request is
//! answered once.

use std::sync::Arc;

use crate::api::{MultiRegionProperties, Response, StreamStatus, Tags};
use crate::control::assumptions::Assumptions;
use crate::control::records::{Cluster, Stream};
use crate::region::Region;
use crate::types::{ClusterArn, Identifier, Timestamp};

use super::invariant::{CheckContext, Invariant};
use super::open::{OpenCall, Subject};
use super::visible::listed_peer;
use super::{CheckResult, operations};

/// Each request is handled once. A call that joined another is removed from the list of those that wait when it is
/// answered.
pub(super) fn answered_once(ctx: &mut CheckContext<'_>, call: Option<&OpenCall>) -> CheckResult {
    ctx.ensure(call.is_some(), Invariant::AnswersSayWhatWasWritten, || {
        "a request was answered that had been answered before".to_owned()
    })
}

/// An operation answers with the record that it has just written, or with the recorded answer of its token. A
/// creation is stamped with the time at which the request was taken in.
pub(super) fn answers_say_what_was_written(
    ctx: &mut CheckContext<'_>,
    call: &OpenCall,
    response: &Arc<Response>,
) -> CheckResult {
    let wrong = about_another(call, response).or_else(|| {
        let (before, record) = call.record.as_ref()?;
        unlike_record(ctx.view.assumptions(), response, before.as_deref(), record)
            .or_else(|| not_carried_out(call, record))
            .or_else(|| not_created_then(call, response))
    });
    ctx.ensure(wrong.is_none(), Invariant::AnswersSayWhatWasWritten, || {
        let operation = call.request.operation();
        let of = call.record.as_ref().map_or_else(String::new, |(_, record)| format!(" of {}", record.arn));
        format!("{operation}{of} was answered with success, and {}", wrong.unwrap_or_default())
    })
}

/// A read, like a second deletion, is answered from the record at that moment, and the answer leaves when every write
/// before it is durable: `record` is the durable record of the cluster then. Members that callers can set are checked
/// in `visible`, from calls and answers alone. A control plane changes the others by itself, so only the record shows
/// what a read must return of them.
pub(super) fn reads_show_what_was_written(
    ctx: &mut CheckContext<'_>,
    record: Option<&Cluster>,
    call: &OpenCall,
    response: &Response,
) -> CheckResult {
    let Some(record) = record else { return Ok(()) };
    let Some(is_shown) = operations::of_response(response).agrees_with(record, ctx.view.assumptions()) else {
        return Ok(());
    };
    ctx.ensure(is_shown, Invariant::AnswersSayWhatWasWritten, || {
        format!("{} of {} shows something else than what was written", call.request.operation(), record.arn)
    })
}

/// The error in an answer that concerns another resource than the request.
fn about_another(call: &OpenCall, response: &Response) -> Option<&'static str> {
    let answer = operations::of_response(response);
    let lists_own = answer.properties().is_none_or(|(shown, own)| shown.clusters.first() == Some(&own));
    match (answer.is_about(call), lists_own) {
        (true, true) => None,
        (false, _) => Some("the answer is about another resource"),
        (true, false) => Some("the answer does not list the cluster's own ARN first"),
    }
}

/// The error in an answer that differs from the record that was written for it.
fn unlike_record(
    assumed: &Assumptions,
    response: &Response,
    before: Option<&Cluster>,
    record: &Cluster,
) -> Option<&'static str> {
    let is_like = operations::of_response(response).is_like(before, record, assumed);
    (!is_like).then_some("the answer differs from the record that was written")
}

/// The error in a written record that lacks what the request sets.
fn not_carried_out(call: &OpenCall, record: &Cluster) -> Option<&'static str> {
    let is_carried_out = operations::of_request(&call.request).is_carried_out(call, record);
    (!is_carried_out).then_some("the record that was written lacks what was asked for")
}

/// The error in an answer whose creation time is not that of its call.
fn not_created_then(call: &OpenCall, response: &Response) -> Option<&'static str> {
    let stamp = operations::of_response(response).creation_time()?;
    (stamp != call.stamp).then_some("the creation time is not that of the call")
}

/// Whether the resource is in the Region and the account of the call.
pub(super) fn is_own(call: &OpenCall, arn: ClusterArn) -> bool {
    (arn.region, arn.account) == (call.region, call.account)
}

/// Whether the cluster is the one that the call names.
pub(super) fn is_subject(call: &OpenCall, arn: ClusterArn) -> bool {
    call.subject() == Some(Subject::from(arn))
}

/// Whether the cluster is the one in which the call names a stream, or lists or creates one.
pub(super) fn is_in_subject(call: &OpenCall, cluster: Identifier) -> bool {
    call.subject().is_some_and(|it| it.cluster.identifier == cluster)
}

/// Whether the stream is the one that the call names.
pub(super) fn is_stream(call: &OpenCall, cluster: Identifier, stream: Identifier) -> bool {
    call.subject().is_some_and(|it| it.cluster.identifier == cluster && it.stream == Some(stream))
}

/// Whether the record has the stream with the status, the creation time and the ARN in an answer.
pub(super) fn has_stream(
    record: &Cluster,
    stream: Identifier,
    shown: (StreamStatus, Timestamp, &str),
) -> bool {
    let is_shown = |stream: &Stream| (stream.status, stream.creation_time, &*stream.arn(record.arn)) == shown;
    record.stream(stream).is_some_and(is_shown)
}

/// Whether a stream has the one ordering and the one format of the API model.
pub(super) fn is_plain(ordering: &str, format: &str) -> bool {
    (ordering, format) == ("UNORDERED", "JSON")
}

/// The tags of the cluster or stream that the call names.
pub(super) fn tags_of<'a>(call: &OpenCall, record: &'a Cluster) -> Option<&'a Tags> {
    match call.subject()?.stream {
        None => record.tags.as_ref(),
        Some(stream) => record.stream(stream).map(|stream| &stream.tags),
    }
}

/// The text of the cluster's policy.
pub(super) fn policy_of(record: &Cluster) -> Option<&str> {
    let policy = record.attached.as_deref().and_then(|it| it.policy.as_ref());
    policy.map(|policy| &*policy.text)
}

/// The version of the cluster's policy, or of its removal.
pub(super) fn policy_version_of(record: &Cluster) -> Option<String> {
    record.attached.as_ref().map(|attached| attached.policy_version.to_string())
}

/// Whether a policy's version is one that no caller takes for a count.
pub(super) fn is_opaque(version: u64) -> bool {
    version.to_string().len() >= 13
}

/// Whether the record has the multi-Region properties that the request names. The peer of a cluster that is leaving
/// stays in the record until both sides have left.
pub(super) fn has_properties(
    record: &Cluster,
    properties: Option<&MultiRegionProperties>,
    is_new: bool,
) -> bool {
    let Some(properties) = properties else { return !is_new || record.multi_region.is_none() };
    let Some(record_of) = record.multi_region.as_deref() else { return false };
    let witness = properties.witness_region.as_deref().and_then(Region::parse);
    let peer = record_of.peer.filter(|_| !record_of.leaving);
    let own = (!is_new).then_some(record.arn);
    let is_peer = match &properties.clusters {
        Some(listed) => peer == listed_peer(listed, own),
        None => !is_new || peer.is_none(),
    };
    witness == Some(record_of.witness) && is_peer
}
