//! The calls about what is attached to clusters: tags, policies, streams.

use crate::api::{
    CreateStreamInput, DeleteStreamInput, GetStreamInput, KinesisTargetDefinition, ListTagsForResourceInput,
    Operation, Request, TagResourceInput, TargetDefinition, UntagResourceInput,
};
use crate::scenario::CallStep;

use super::super::draws::Draws;
use super::input;
use super::{CallDraft, CallPlan, PlannedCluster};

/// Tags a cluster or a stream, removes its tags, or lists them.
pub(super) fn tag(draws: Draws, story: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    use Operation::{ListTagsForResource, TagResource, UntagResource};
    draft(draws, story, draws.pick("tags", &[TagResource, UntagResource, ListTagsForResource]), cluster)
}

/// Puts, reads or removes a resource policy.
pub(super) fn policy(draws: Draws, story: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    use Operation::{DeleteClusterPolicy, GetClusterPolicy, PutClusterPolicy};
    let kinds = [(3, PutClusterPolicy), (2, DeleteClusterPolicy), (1, GetClusterPolicy)];
    draft(draws, story, draws.weigh("policy", &kinds), cluster)
}

/// Creates a stream.
pub(super) fn stream(draws: Draws, story: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    draft(draws, story, Operation::CreateStream, cluster)
}

/// Reads, lists or deletes streams.
pub(super) fn old_stream(draws: Draws, story: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    use Operation::{DeleteStream, GetStream, ListStreams};
    draft(draws, story, draws.pick("old stream", &[GetStream, ListStreams, DeleteStream]), cluster)
}

/// A call of `operation` about what is attached to `cluster`, or to one of the streams so far.
pub(super) fn draft(
    draws: Draws,
    story: &CallPlan<'_>,
    operation: Operation,
    cluster: &PlannedCluster,
) -> CallDraft {
    let about = |input| CallDraft::about(cluster, input);
    match Request::empty(operation) {
        Request::TagResource(mut input) => {
            input.tags = Some(input::tags(draws));
            of_stream(draws, story, about(Request::TagResource(input)), cluster)
        }
        Request::UntagResource(mut input) => {
            let keys = draws.pick("keys", &["one", "two", "none"]);
            let all = [draws.pick("key", input::TAG_KEYS), "colour"];
            let keys = &all[..if keys == "two" { 2 } else { usize::from(keys == "one") }];
            input.tag_keys = Some(keys.iter().map(|key| (*key).to_owned()).collect());
            of_stream(draws, story, about(Request::UntagResource(input)), cluster)
        }
        input @ Request::ListTagsForResource(_) => of_stream(draws, story, about(input), cluster),
        Request::PutClusterPolicy(mut input) => {
            input.policy = Some(input::policy(draws));
            if draws.chance("bypass", 25) {
                input.bypass_policy_lockout_safety_check = Some(draws.chance("bypasses", 80));
            }
            input.expected_policy_version = expected_version(draws, story);
            about(Request::PutClusterPolicy(input))
        }
        Request::DeleteClusterPolicy(mut input) => {
            input.expected_policy_version = expected_version(draws, story);
            about(Request::DeleteClusterPolicy(input))
        }
        Request::CreateStream(mut input) => {
            fill_stream(draws, cluster, &mut input);
            about(Request::CreateStream(input))
        }
        input @ Request::ListStreams(_) => listing(draws, story, about(input)),
        input @ (Request::GetStream(_) | Request::DeleteStream(_)) => {
            known_or_not(draws, story, about(input))
        }
        input => about(input),
    }
}

/// Lets a call be about a stream that an earlier call was meant to create or, seldom, about none.
fn known_or_not(draws: Draws, story: &CallPlan<'_>, mut draft: CallDraft) -> CallDraft {
    let known = known_stream(draws, story).filter(|_| draws.chance("known", 85));
    if let (Some((name, _)), Some(cluster)) = (known, draft.input.identifier_mut()) {
        *cluster = format!("${name}.clusterIdentifier");
    }
    if let Request::GetStream(GetStreamInput { stream_identifier, .. })
    | Request::DeleteStream(DeleteStreamInput { stream_identifier, .. }) = &mut draft.input
    {
        let of_answer = |(name, _)| format!("${name}.streamIdentifier");
        *stream_identifier = known.map_or_else(|| "s".repeat(26), of_answer);
    }
    if let Some((_, stream)) = known {
        draft.region = stream.region;
        draft.owner = Some(story.set_up.clients[stream.client.0 as usize].account);
    }
    draft
}

/// Lets a call about tags be about the tags of a cluster or, sometimes, of a stream.
fn of_stream(
    draws: Draws,
    story: &CallPlan<'_>,
    mut draft: CallDraft,
    cluster: &PlannedCluster,
) -> CallDraft {
    let mut arn = cluster.arn();
    if draws.chance("of a stream", 25)
        && let Some((name, stream)) = known_stream(draws, story)
    {
        arn = format!("${name}.arn");
        draft.region = stream.region;
        draft.owner = Some(story.set_up.clients[stream.client.0 as usize].account);
    }
    if let Request::TagResource(TagResourceInput { resource_arn, .. })
    | Request::UntagResource(UntagResourceInput { resource_arn, .. })
    | Request::ListTagsForResource(ListTagsForResourceInput { resource_arn }) = &mut draft.input
    {
        *resource_arn = arn;
    }
    draft
}

/// The version of a policy that a caller has in mind: what an earlier call said, or a guess; `None` is any.
fn expected_version(draws: Draws, story: &CallPlan<'_>) -> Option<String> {
    let said = story.answered().filter(|step| step.operation() == Operation::PutClusterPolicy);
    let said = draws.among("which said", said.filter_map(|step| Some((&**step.alias.as_ref()?, ()))));
    let version = match draws.weigh("version", &[(5, "none"), (2, "said"), (2, "guess")]) {
        "none" => return None,
        "said" => said.map(|(name, ())| format!("${name}.policyVersion")),
        _ => None,
    };
    Some(version.unwrap_or_else(|| draws.pick("guess", &["1", "2", "3"]).to_owned()))
}

fn fill_stream(draws: Draws, cluster: &PlannedCluster, input: &mut CreateStreamInput) {
    let (region, owner) = (cluster.region, cluster.owner);
    let stream = draws.pick("target", &["changes", "orders"]);
    let role = draws.pick("role", &["changes", "streamer"]);
    let kinesis = KinesisTargetDefinition {
        stream_arn: Some(format!("arn:aws:kinesis:{region}:{owner}:stream/{stream}")),
        role_arn: Some(format!("arn:aws:iam::{owner}:role/{role}")),
    };
    input.target_definition = Some(Box::new(TargetDefinition { kinesis: Some(kinesis) }));
    input.ordering = Some("UNORDERED".into());
    input.format = Some("JSON".into());
    input.tags = draws.chance("tagged", 30).then(|| input::tags(draws));
}

/// A listing of streams, or the next page of one.
fn listing(draws: Draws, story: &CallPlan<'_>, mut draft: CallDraft) -> CallDraft {
    story.cut_page(draws, &mut draft);
    let before = story.answered().rev().find(|step| step.operation() == Operation::ListStreams);
    if let Some(step) = before
        && (story.turns_pages || draws.chance("next", 60))
    {
        // A mistake may have left it out.
        let named = step.input.identifier().filter(|identifier| !identifier.is_empty());
        if let (Some(named), Some(cluster)) = (named, draft.input.identifier_mut()) {
            named.clone_into(cluster);
        }
        story.turn(draws, step, &mut draft);
    }
    draft
}

/// A stream that an earlier call was meant to create.
fn known_stream<'a>(draws: Draws, story: &'a CallPlan<'_>) -> Option<(&'a str, &'a CallStep)> {
    let streams = story.answered().filter(|step| step.operation() == Operation::CreateStream);
    draws.among("stream", streams.filter_map(|step| Some((&**step.alias.as_ref()?, step))))
}
