//! Invariants about single answers: each agrees with its request and with what was written for it, and a request is
//! answered once.

use std::sync::Arc;

use crate::api::{Request, Response, StreamSummary};
use crate::control::records::Cluster;
use crate::types::ClusterArn;

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};
use super::open::{OpenCall, Subject};
use super::visible::{customer_key, listed_peer};
use crate::region::Region;

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
        unlike_record(response, before.as_deref(), record)
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
    let is_stream = |listed: &StreamSummary| {
        record.stream(listed.stream_identifier).is_some_and(|stream| stream.status == listed.status)
    };
    let is_shown = match response {
        Response::GetCluster(output) => {
            let encryption = output.encryption_details.as_ref().map(|details| details.encryption_status);
            (output.status, encryption) == (record.status, Some(record.encryption))
        }
        Response::GetStream(output) => {
            record.stream(output.stream_identifier).is_some_and(|stream| stream.status == output.status)
        }
        Response::ListStreams(page) => page.streams.iter().all(is_stream),
        Response::DeleteCluster(output) => *output == record.deleted(),
        _ => return Ok(()),
    };
    ctx.ensure(is_shown, Invariant::AnswersSayWhatWasWritten, || {
        format!("{} of {} shows another status than that of the record", call.request.operation(), record.arn)
    })
}

/// The error in an answer that concerns another resource than the request.
fn about_another(call: &OpenCall, response: &Response) -> Option<&'static str> {
    let subject = call.subject();
    let is_own = |arn: ClusterArn| (arn.region, arn.account) == (call.region, call.account);
    let is_subject = |arn: ClusterArn| subject == Some(Subject::from(arn));
    let is_stream = |cluster, stream| {
        subject.is_some_and(|it| it.cluster.identifier == cluster && it.stream == Some(stream))
    };
    let is_in = |cluster| subject.is_some_and(|it| it.cluster.identifier == cluster);
    let is_right = match response {
        Response::CreateCluster(made) => is_own(made.arn),
        Response::UpdateCluster(output) => is_subject(output.arn),
        Response::DeleteCluster(output) => is_subject(output.arn),
        Response::GetCluster(output) => is_subject(output.arn),
        Response::ListClusters(page) => page.clusters.iter().all(|listed| is_own(listed.arn)),
        Response::CreateStream(made) => is_in(made.cluster_identifier),
        Response::GetStream(output) => is_stream(output.cluster_identifier, output.stream_identifier),
        Response::DeleteStream(output) => is_stream(output.cluster_identifier, output.stream_identifier),
        Response::ListStreams(page) => page.streams.iter().all(|listed| is_in(listed.cluster_identifier)),
        _ => true,
    };
    let properties = match response {
        Response::CreateCluster(made) => made.multi_region_properties.as_deref().map(|it| (it, made.arn)),
        Response::GetCluster(output) => output.multi_region_properties.as_deref().map(|it| (it, output.arn)),
        _ => None,
    };
    let lists_own = properties.is_none_or(|(properties, own)| properties.clusters.first() == Some(&own));
    match (is_right, lists_own) {
        (true, true) => None,
        (false, _) => Some("the answer is about another resource"),
        (true, false) => Some("the answer does not list the cluster's own ARN first"),
    }
}

/// The error in an answer that differs from the record that was written for it.
fn unlike_record(response: &Response, before: Option<&Cluster>, record: &Cluster) -> Option<&'static str> {
    let stream = |identifier| record.stream(identifier);
    let policies = |cluster: &Cluster| cluster.attached.as_ref().map(|attached| attached.policy_version());
    let is_like = match response {
        Response::CreateCluster(made) => *made == record.created(),
        Response::UpdateCluster(output) => *output == record.updated(),
        Response::DeleteCluster(output) => *output == record.deleted(),
        Response::PutClusterPolicy(output) => Some(&output.policy_version) == policies(record).as_ref(),
        // The answer to a removal names the version that was removed, which only the record before has.
        Response::DeleteClusterPolicy(output) => {
            Some(&output.policy_version) == before.and_then(policies).as_ref()
        }
        Response::CreateStream(made) => stream(made.stream_identifier).is_some_and(|stream| {
            (made.status, made.creation_time) == (stream.status, stream.creation_time)
                && made.arn == stream.arn(record.arn)
        }),
        Response::DeleteStream(output) => stream(output.stream_identifier).is_some_and(|stream| {
            (output.status, output.creation_time) == (stream.status, stream.creation_time)
                && output.arn == stream.arn(record.arn)
        }),
        _ => true,
    };
    (!is_like).then_some("the answer differs from the record that was written")
}

/// The error in a written record that lacks what the request sets.
fn not_carried_out(call: &OpenCall, record: &Cluster) -> Option<&'static str> {
    let tags = |stream: Option<_>| match stream {
        None => record.tags.as_ref(),
        Some(stream) => record.stream(stream).map(|stream| &stream.tags),
    };
    let policy = || record.attached.as_deref().and_then(|it| it.policy.as_ref()).map(|policy| &*policy.text);
    let tagged = call.subject().and_then(|subject| tags(subject.stream));
    let is_carried_out = match &*call.request {
        Request::CreateCluster(input) => {
            record.deletion_protection == input.deletion_protection_enabled.unwrap_or(true)
                && record.kms_key == customer_key(input.kms_encryption_key.as_ref())
                && record.tags == input.tags.clone().filter(|tags| !tags.is_empty())
                && record.statement_statistics
                    == input.metric_groups.as_ref().is_some_and(|it| !it.is_empty())
                && policy() == input.policy.as_deref()
                && has_properties(record, input.multi_region_properties.as_deref(), true)
        }
        Request::UpdateCluster(input) => {
            input.deletion_protection_enabled.is_none_or(|on| record.deletion_protection == on)
                && (input.kms_encryption_key.is_none()
                    || record.kms_key == customer_key(input.kms_encryption_key.as_ref()))
                && input.metric_groups.as_ref().is_none_or(|it| record.statement_statistics != it.is_empty())
                && has_properties(record, input.multi_region_properties.as_deref(), false)
        }
        Request::DeleteCluster(_) => super::pairs::is_being_deleted(record),
        Request::TagResource(input) => input
            .tags
            .iter()
            .flat_map(|tags| tags.iter())
            .all(|(key, value)| tagged.and_then(|tags| tags.get(key)) == Some(value)),
        Request::UntagResource(input) => {
            input.tag_keys.iter().flatten().all(|key| tagged.is_none_or(|tags| !tags.contains_key(key)))
        }
        Request::PutClusterPolicy(input) => policy() == input.policy.as_deref(),
        Request::DeleteClusterPolicy(_) => policy().is_none(),
        _ => true,
    };
    (!is_carried_out).then_some("the record that was written lacks what was asked for")
}

/// The error in an answer whose creation time is not that of its call.
fn not_created_then(call: &OpenCall, response: &Response) -> Option<&'static str> {
    let stamp = match response {
        Response::CreateCluster(made) => made.creation_time,
        Response::CreateStream(made) => made.creation_time,
        _ => return None,
    };
    (stamp != call.stamp).then_some("the creation time is not that of the call")
}

/// Whether the record has the multi-Region properties that the request names. The peer of a cluster that is leaving
/// stays in the record until both sides have left.
fn has_properties(
    record: &Cluster,
    properties: Option<&crate::api::MultiRegionProperties>,
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
