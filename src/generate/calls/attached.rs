//! The calls about the resources of a cluster: tags, resource policies, streams.

use crate::api::{
    CreateStreamInput, KinesisTargetDefinition, Operation, Request, StreamFailureErrorCode, TargetDefinition,
};
use crate::control::environment::ExternalEvent;
use crate::region::Region;
use crate::scenario::CallStep;
use crate::sim::client::WaitFor;
use crate::types::Account;

use super::super::draws::Draws;
use super::super::keys;
use super::{CallDraft, CallPlan, PlannedCluster, input, policies};

/// Tags a cluster or a stream, removes its tags, or lists them.
pub(super) fn tag(draws: Draws, calls: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    use Operation::{ListTagsForResource, TagResource, UntagResource};
    draft(draws, calls, draws.pick("tags", &[TagResource, UntagResource, ListTagsForResource]), cluster)
}

/// Puts, reads or removes a resource policy.
pub(super) fn policy(draws: Draws, calls: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    use Operation::{DeleteClusterPolicy, GetClusterPolicy, PutClusterPolicy};
    let kinds = [(3, PutClusterPolicy), (2, DeleteClusterPolicy), (1, GetClusterPolicy)];
    draft(draws, calls, draws.weigh("policy", &kinds), cluster)
}

/// Creates a stream.
pub(super) fn stream(draws: Draws, calls: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    draft(draws, calls, Operation::CreateStream, cluster)
}

/// Reads, lists or deletes streams.
pub(super) fn old_stream(draws: Draws, calls: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    use Operation::{DeleteStream, GetStream, ListStreams};
    draft(draws, calls, draws.pick("old stream", &[GetStream, ListStreams, DeleteStream]), cluster)
}

/// Polls an earlier stream until it is ACTIVE or gone; `None` if there is none.
pub(super) fn wait_for_stream(
    draws: Draws,
    calls: &CallPlan<'_>,
    cluster: &PlannedCluster,
) -> Option<CallDraft> {
    known_stream(draws, calls)?;
    let goals = [WaitFor::StreamActive, WaitFor::StreamNotExists];
    let draft = draft(draws, calls, Operation::GetStream, cluster);
    Some(CallDraft { waiter: Some(draws.pick("goal", &goals)), ..draft })
}

/// A call of `operation` about the tags, the policy or the streams of `cluster`, or about an earlier stream.
pub(super) fn draft(
    draws: Draws,
    calls: &CallPlan<'_>,
    operation: Operation,
    cluster: &PlannedCluster,
) -> CallDraft {
    let about = |input| CallDraft::about(cluster, input);
    match Request::empty(operation) {
        Request::TagResource(mut input) => {
            input.tags = Some(input::tags(draws));
            target_tagged(draws, calls, about(Request::TagResource(input)), cluster)
        }
        Request::UntagResource(mut input) => {
            let keys = draws.pick("keys", &["one", "two", "none"]);
            let all = [draws.pick("key", input::TAG_KEYS), "colour"];
            let keys = &all[..if keys == "two" { 2 } else { usize::from(keys == "one") }];
            input.tag_keys = Some(keys.iter().map(|key| (*key).to_owned()).collect());
            target_tagged(draws, calls, about(Request::UntagResource(input)), cluster)
        }
        input @ Request::ListTagsForResource(_) => target_tagged(draws, calls, about(input), cluster),
        Request::PutClusterPolicy(mut input) => {
            input.policy = Some(policies::policy(draws, calls.set_up, cluster.owner));
            if draws.chance("bypass", 25) {
                input.bypass_policy_lockout_safety_check = Some(draws.chance("bypasses", 80));
            }
            input.expected_policy_version = expected_version(draws, calls);
            about(Request::PutClusterPolicy(input))
        }
        Request::DeleteClusterPolicy(mut input) => {
            input.expected_policy_version = expected_version(draws, calls);
            about(Request::DeleteClusterPolicy(input))
        }
        Request::CreateStream(mut input) => {
            fill_stream(draws, calls, cluster, &mut input);
            about(Request::CreateStream(input))
        }
        input @ Request::ListStreams(_) => listing(draws, calls, about(input)),
        input @ (Request::GetStream(_) | Request::DeleteStream(_)) => {
            target_stream(draws, calls, about(input))
        }
        input => about(input),
    }
}

/// Points a call at a stream that an earlier call should have created or, seldom, at one that does not exist.
fn target_stream(draws: Draws, calls: &CallPlan<'_>, mut draft: CallDraft) -> CallDraft {
    let known = known_stream(draws, calls).filter(|_| draws.chance("known", 85));
    if let (Some((name, _)), Some(cluster)) = (known, draft.input.identifier_mut()) {
        *cluster = format!("${name}.clusterIdentifier");
    }
    if let Some(stream_identifier) = draft.input.stream_identifier_mut() {
        let of_answer = |(name, _)| format!("${name}.streamIdentifier");
        *stream_identifier = known.map_or_else(|| "s".repeat(26), of_answer);
    }
    if let Some((_, stream)) = known {
        draft.region = stream.region;
        draft.owner = Some(calls.set_up.clients[stream.client.0 as usize].account);
    }
    draft
}

/// Points a call about tags at the cluster or, in a quarter of the cases, at a stream.
fn target_tagged(
    draws: Draws,
    calls: &CallPlan<'_>,
    mut draft: CallDraft,
    cluster: &PlannedCluster,
) -> CallDraft {
    let mut arn = cluster.arn();
    if draws.chance("of a stream", 25)
        && let Some((name, stream)) = known_stream(draws, calls)
    {
        arn = format!("${name}.arn");
        draft.region = stream.region;
        draft.owner = Some(calls.set_up.clients[stream.client.0 as usize].account);
    } else if draws.chance("under another account", 5) {
        // The identifier of this cluster in an ARN of the caller's own account, which names no cluster.
        let accounts = calls.set_up.clients.iter().map(|client| client.account);
        let account = draws.among("account", accounts.filter(|account| *account != cluster.owner));
        if let Some(account) = account {
            arn = format!("arn:aws:dsql:{}:{account}:cluster/${}.identifier", cluster.region, cluster.name);
            draft.owner = Some(account);
        }
    } else if draws.chance("under another name", 4) {
        // The identifier of this cluster in an ARN of another Region, partition or service, which names no cluster
        // here.
        let own = cluster.region.name();
        let elsewhere = calls.plan.topology.opposite(draws, cluster.region).name();
        let forms = [("aws:dsql", elsewhere), ("aws-cn:dsql", own), ("aws:rds", own)];
        let (service, region) = draws.pick("named as", &forms);
        arn = format!("arn:{service}:{region}:{}:cluster/${}.identifier", cluster.owner, cluster.name);
    }
    if let Some(resource_arn) = draft.input.resource_arn_mut() {
        *resource_arn = arn;
    }
    draft
}

/// The version of the policy that a call expects: one that an earlier call returned, or a guess; `None` accepts any.
fn expected_version(draws: Draws, calls: &CallPlan<'_>) -> Option<String> {
    use Operation::{GetClusterPolicy, PutClusterPolicy};
    let has_version = |step: &&CallStep| matches!(step.operation(), PutClusterPolicy | GetClusterPolicy);
    let returned = calls.answered().filter(has_version);
    let returned = draws.among("which said", returned.filter_map(|step| step.alias.as_deref()));
    let version = match draws.weigh("version", &[(5, "none"), (2, "said"), (2, "guess")]) {
        "none" => return None,
        "said" => returned.map(|name| format!("${name}.policyVersion")),
        _ => None,
    };
    Some(version.unwrap_or_else(|| draws.pick("guess", &["1", "2", "1767225600000"]).to_owned()))
}

/// Fills in a stream to a Kinesis target, most often in the cluster's own Region and account.
fn fill_stream(draws: Draws, calls: &CallPlan<'_>, cluster: &PlannedCluster, input: &mut CreateStreamInput) {
    let (mut region, owner) = (cluster.region, cluster.owner);
    let stream = draws.pick("target", STREAMS);
    let role = draws.pick("role", ROLES);
    let (mut of_stream, mut of_role) = (owner, owner);
    match draws.weigh("elsewhere", &[(46, "no"), (2, "Region"), (1, "account"), (1, "role")]) {
        "Region" => region = calls.plan.topology.opposite(draws, region),
        "account" => of_stream = keys::stranger(),
        "role" => of_role = keys::stranger(),
        _ => {}
    }
    let kinesis = KinesisTargetDefinition {
        stream_arn: Some(format!("arn:aws:kinesis:{region}:{of_stream}:stream/{stream}")),
        role_arn: Some(format!("arn:aws:iam::{of_role}:role/{role}")),
    };
    input.target_definition = Some(Box::new(TargetDefinition { kinesis: Some(kinesis) }));
    input.ordering = Some("UNORDERED".into());
    input.format = Some("JSON".into());
    input.tags = draws.chance("tagged", 30).then(|| input::tags(draws));
}

/// A broken target of streams in `region` of the account `owner`.
pub(in crate::generate) fn broken_target(draws: Draws, region: Region, owner: Account) -> ExternalEvent {
    use StreamFailureErrorCode as Code;
    let role = || format!("arn:aws:iam::{owner}:role/{}", draws.pick("broken role", ROLES));
    let stream =
        || format!("arn:aws:kinesis:{region}:{owner}:stream/{}", draws.pick("broken stream", STREAMS));
    let either = [Code::KinesisAccessDenied, Code::KinesisKmsAccessDenied, Code::InternalError];
    let of_stream =
        [Code::KinesisStreamNotFound, Code::KinesisThroughputExceeded, Code::KinesisOversizeRecord];
    let (target, error) = match draws.below("error", 8) {
        0..=2 => (role(), Code::RoleAccessDenied),
        3 => (role(), draws.pick("of either", &either)),
        4 => (stream(), draws.pick("of either", &either)),
        _ => (stream(), draws.pick("of a stream", &of_stream)),
    };
    ExternalEvent::BreakTarget { target: target.into(), error }
}

/// The names of the Kinesis streams and the roles of generated targets.
const STREAMS: &[&str] = &["changes", "orders"];
const ROLES: &[&str] = &["changes", "streamer"];

/// A listing of streams, or the next page of an earlier one.
fn listing(draws: Draws, calls: &CallPlan<'_>, mut draft: CallDraft) -> CallDraft {
    calls.limit_page(draws, &mut draft);
    if let Some(step) = calls.earlier_page(draws, Operation::ListStreams)
        && (calls.turns_pages || draws.chance("next", 60))
    {
        calls.follow_page(draws, step, &mut draft);
        // The next page must name the same cluster, and a page token is refused for another. A mistake may have left
        // its identifier out.
        let named = step.input.identifier().filter(|identifier| !identifier.is_empty()).map(str::to_owned);
        let others = calls.clusters.iter().filter(|cluster| cluster.region == step.region);
        let others = others.map(|cluster| format!("${}.identifier", cluster.name));
        let other = draws.among("of another cluster", others.filter(|other| named.as_ref() != Some(other)));
        let named = other.filter(|_| draws.chance("of another", 25)).or(named);
        if let (Some(named), Some(cluster)) = (named, draft.input.identifier_mut()) {
            *cluster = named;
        }
    }
    draft
}

/// A stream that an earlier call should have created, with the alias of that call.
fn known_stream<'a>(draws: Draws, calls: &'a CallPlan<'_>) -> Option<(&'a str, &'a CallStep)> {
    let streams = calls.answered().filter(|step| step.operation() == Operation::CreateStream);
    draws.among("stream", streams.filter_map(|step| Some((step.alias.as_deref()?, step))))
}
