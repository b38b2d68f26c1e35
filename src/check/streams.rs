//! Invariants about the streams of a cluster, which are part of its record.

use std::sync::Arc;

use crate::api::{EncryptionStatus, Request, StreamFailureErrorCode, StreamStatus};
use crate::control::environment::Environment;
use crate::control::records::{Cluster, MAX_STREAMS, Storage, Stream, stream_may_become};
use crate::region::Region;

use super::invariant::{CheckContext, Invariant};
use super::records::Records;
use super::{CheckResult, WorldView};

/// Checks the streams in a cluster's record that became durable.
pub(super) fn look(
    ctx: &mut CheckContext<'_>,
    before: Option<&Arc<Cluster>>,
    after: Option<&Arc<Cluster>>,
    records: &mut Records,
) -> CheckResult {
    let Some(after) = after else { return Ok(()) };
    // Most writes share the streams with the record that they replace, and cannot have changed them. A key that is lost
    // or found must have changed them.
    let is_same_key = before.is_none_or(|before| before.encryption == after.encryption);
    if is_same_key && before.map_or(after.attached.is_none(), |before| before.shares_attached(after)) {
        return Ok(());
    }
    let streams = |cluster: &Cluster| cluster.streams().to_vec();
    let (old, new) = (before.map(|it| streams(it)).unwrap_or_default(), streams(after));
    for stream in &new {
        let known = find(&old, stream);
        legal_transition(ctx, after, stream, known.map(|it| it.status), Some(stream.status))?;
        stream_health(ctx, after, known, stream)?;
        if known.is_none() {
            identifiers_unique(ctx, after, stream, records)?;
            quota_respected(ctx, after, new.len())?;
        }
    }
    let gone = old.iter().filter(|stream| find(&new, stream).is_none());
    gone.into_iter().try_for_each(|stream| legal_transition(ctx, after, stream, Some(stream.status), None))
}

fn find<'a>(streams: &'a [Stream], wanted: &Stream) -> Option<&'a Stream> {
    streams.iter().find(|stream| stream.number == wanted.number)
}

/// The status of a stream changes by a timer that was set for exactly that status, or by a DeleteStream that reads
/// it.
fn legal_transition(
    ctx: &mut CheckContext<'_>,
    cluster: &Cluster,
    stream: &Stream,
    from: Option<StreamStatus>,
    to: Option<StreamStatus>,
) -> CheckResult {
    if from == to {
        return Ok(());
    }
    ctx.ensure(stream_may_become(from, to), Invariant::LegalTransition, || {
        format!("stream {} of {} went from {from:?} to {to:?}", stream.number, cluster.arn)
    })
}

/// Whatever changes the encryption status decides about the streams in the same write. (User Guide, "Monitoring
/// streams" and "Configuring IAM", data protection.)
fn stream_health(
    ctx: &mut CheckContext<'_>,
    cluster: &Cluster,
    before: Option<&Stream>,
    stream: &Stream,
) -> CheckResult {
    let (status, error) = (stream.status, stream.reason.as_ref().map(|reason| reason.error));
    let wrong = illness(cluster, before, stream);
    ctx.ensure(wrong.is_none(), Invariant::StreamHealth, || {
        let (number, arn, encryption) = (stream.number, cluster.arn, cluster.encryption);
        let wrong = wrong.unwrap_or_default();
        format!("stream {number} of {arn} is {status:?}, its error {error:?}, the encryption {encryption:?}: {wrong}")
    })
}

/// A control plane learns of every change of a key or of a target while it is up, and reads both when it starts. So
/// right after an event, and in a quiet world, its streams are as the facts demand. (User Guide, "Monitoring streams",
/// error code reference.)
pub(super) fn agree_with_facts(ctx: &mut CheckContext<'_>, region: Region) -> CheckResult {
    let view = ctx.view;
    let clusters = view.storage(region).into_iter().flat_map(Storage::clusters);
    for (cluster, stream) in clusters.flat_map(|it| it.streams().iter().map(move |stream| (it, stream))) {
        let (status, error) = (stream.status, stream.reason.as_ref().map(|reason| reason.error));
        let demanded = match cluster.encryption {
            EncryptionStatus::Enabled => target_error(view.environment(region), stream),
            // Whether the key was lost is in the record, and `illness` compares both.
            _ => continue,
        };
        let is_gone = demanded == Some(StreamFailureErrorCode::KinesisStreamNotFound);
        let is_sound = match status {
            StreamStatus::Active => demanded.is_none(),
            StreamStatus::Impaired => demanded == error && !is_gone,
            // A creation tries the target at its end, and the others stay whatever happens to it.
            StreamStatus::Creating
            | StreamStatus::Failed
            | StreamStatus::Deleting
            | StreamStatus::Deleted => true,
        };
        ctx.ensure(is_sound, Invariant::StreamHealth, || {
            let (number, arn) = (stream.number, cluster.arn);
            format!("stream {number} of {arn} is {status:?} with {error:?}, and its target has {demanded:?}")
        })?;
    }
    Ok(())
}

/// The error that a delivery meets: without the role it does not reach the Kinesis stream, and what refuses the role
/// there hides everything behind it.
fn target_error(environment: &Environment, stream: &Stream) -> Option<StreamFailureErrorCode> {
    use StreamFailureErrorCode as Code;
    let kinesis = stream.target.kinesis.as_ref()?;
    let broken: Vec<_> = environment
        .targets
        .iter()
        .filter(|(arn, _)| [&kinesis.stream_arn, &kinesis.role_arn].contains(&&Some(arn.to_string())))
        .map(|(_, error)| error)
        .collect();
    let has = |code: &Code| broken.contains(code);
    let denials = [Code::RoleAccessDenied, Code::KinesisAccessDenied, Code::KinesisStreamNotFound];
    let refusals =
        [Code::KinesisKmsAccessDenied, Code::KinesisThroughputExceeded, Code::KinesisOversizeRecord];
    denials.into_iter().chain(refusals).chain([Code::InternalError]).find(has)
}

/// Whether the call creates a stream with a role that the service cannot assume at this moment.
pub(super) fn has_denied_role(view: &dyn WorldView, region: Region, request: &Request) -> bool {
    let Request::CreateStream(input) = request else { return false };
    let kinesis = input.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
    let role = kinesis.and_then(|kinesis| kinesis.role_arn.as_deref());
    let error = role.and_then(|role| view.environment(region).targets.get(role));
    error == Some(StreamFailureErrorCode::RoleAccessDenied)
}

/// The rule that the stream breaks, in words.
fn illness(cluster: &Cluster, before: Option<&Stream>, stream: &Stream) -> Option<&'static str> {
    use StreamFailureErrorCode::ClusterCmkInaccessible as KeyLost;
    use StreamStatus::{Active, Creating, Failed, Impaired};
    let error = stream.reason.as_ref().map(|reason| reason.error);
    let (is_lost, is_in_use) = match cluster.encryption {
        EncryptionStatus::KmsKeyInaccessible => (true, false),
        EncryptionStatus::Enabled => (false, true),
        // A new key is not in use before the update is done.
        EncryptionStatus::Updating | EncryptionStatus::Enabling => (false, false),
    };
    // The service gives up a stream for good, with the reason that it had then.
    let is_gone = error == Some(StreamFailureErrorCode::KinesisStreamNotFound);
    let was_delivering = before.is_some_and(|before| matches!(before.status, Active | Impaired));
    let was_failed = before.filter(|before| before.status == Failed && stream.status == Failed);
    match stream.status {
        Impaired | Failed if error.is_none() => Some("it shows no reason"),
        Impaired if is_gone => Some("a Kinesis stream that is gone is gone for good"),
        Impaired if is_lost && error != Some(KeyLost) => Some("the reason is the lost key"),
        Impaired if is_in_use && error == Some(KeyLost) => Some("the key can be used"),
        Active | Creating if is_lost => Some("the key is lost"),
        Failed if was_delivering && !is_gone => {
            Some("nothing but a Kinesis stream that is gone fails it at once")
        }
        Failed if was_failed.is_some_and(|before| before.reason != stream.reason) => {
            Some("its reason changed")
        }
        Impaired | Failed => None,
        _ if error.is_some() => Some("it shows a reason without need"),
        _ => None,
    }
}

/// The identifier of a stream is 128 random bits, as that of a cluster.
fn identifiers_unique(
    ctx: &mut CheckContext<'_>,
    cluster: &Cluster,
    stream: &Stream,
    records: &mut Records,
) -> CheckResult {
    let is_new = records.begin(stream.identifier);
    ctx.ensure(is_new, Invariant::IdentifiersUnique, || {
        format!("the identifier of stream {} of {} was used before", stream.number, cluster.arn)
    })
}

/// CreateStream counts the streams of the record that it is about to change, in the same step.
fn quota_respected(ctx: &mut CheckContext<'_>, cluster: &Cluster, count: usize) -> CheckResult {
    ctx.ensure(count <= MAX_STREAMS, Invariant::QuotaRespected, || {
        format!("{} has {count} streams, and may have {MAX_STREAMS}", cluster.arn)
    })
}
