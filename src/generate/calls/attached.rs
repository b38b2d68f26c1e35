//! The calls about what is attached to clusters: tags, policies, streams.

use serde_json::{Value, json};

use crate::api::Operation;
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
    use Operation::*;
    let about = |input| CallDraft::about(operation, cluster, input);
    match operation {
        TagResource => of_stream(draws, story, about(json!({ "tags": input::tags(draws) })), cluster),
        UntagResource => {
            let keys = draws.pick("keys", &["one", "two", "none"]);
            let all = [draws.pick("key", input::TAG_KEYS), "colour"];
            let keys = &all[..if keys == "two" { 2 } else { usize::from(keys == "one") }];
            of_stream(draws, story, about(json!({ "tagKeys": keys })), cluster)
        }
        ListTagsForResource => of_stream(draws, story, about(json!({})), cluster),
        PutClusterPolicy => {
            let mut draft = about(json!({ "policy": input::policy(draws) }));
            if draws.chance("bypass", 25) {
                let bypass = draws.chance("bypasses", 80);
                draft.input["bypassPolicyLockoutSafetyCheck"] = bypass.into();
            }
            expect_version(draws, story, draft)
        }
        DeleteClusterPolicy => expect_version(draws, story, about(json!({}))),
        CreateStream => about(new_stream(draws, cluster)),
        ListStreams => listing(draws, story, about(json!({}))),
        GetStream | DeleteStream => {
            let mut draft = about(json!({ "streamIdentifier": "s".repeat(26) }));
            if let Some((name, stream)) = known_stream(draws, story).filter(|_| draws.chance("known", 85)) {
                draft.input["clusterIdentifier"] = format!("${name}.clusterIdentifier").into();
                draft.input["streamIdentifier"] = format!("${name}.streamIdentifier").into();
                draft.region = stream.region;
                draft.owner = Some(story.set_up.clients[stream.client.0 as usize].account);
            }
            draft
        }
        _ => about(json!({})),
    }
}

/// Lets a call about tags be about the tags of a cluster or, sometimes, of a stream.
fn of_stream(
    draws: Draws,
    story: &CallPlan<'_>,
    mut draft: CallDraft,
    cluster: &PlannedCluster,
) -> CallDraft {
    draft.input["resourceArn"] = cluster.arn().into();
    if draws.chance("of a stream", 25)
        && let Some((name, stream)) = known_stream(draws, story)
    {
        draft.input["resourceArn"] = format!("${name}.arn").into();
        draft.region = stream.region;
        draft.owner = Some(story.set_up.clients[stream.client.0 as usize].account);
    }
    draft
}

/// Lets a change of a policy name the version that its caller has in mind: what an earlier call said, or a guess.
fn expect_version(draws: Draws, story: &CallPlan<'_>, mut draft: CallDraft) -> CallDraft {
    let said = story.answered().filter(|step| step.operation() == Operation::PutClusterPolicy);
    let said = draws.among("which said", said.filter_map(|step| Some((&**step.alias.as_ref()?, ()))));
    let version = match draws.weigh("version", &[(5, "none"), (2, "said"), (2, "guess")]) {
        "none" => return draft,
        "said" => said.map(|(name, ())| format!("${name}.policyVersion")),
        _ => None,
    };
    let version = version.unwrap_or_else(|| draws.pick("guess", &["1", "2", "3"]).to_owned());
    draft.input["expectedPolicyVersion"] = version.into();
    draft
}

fn new_stream(draws: Draws, cluster: &PlannedCluster) -> Value {
    let (region, owner) = (cluster.region, cluster.owner);
    let stream = draws.pick("target", &["changes", "orders"]);
    let role = draws.pick("role", &["changes", "streamer"]);
    let kinesis = json!({
        "streamArn": format!("arn:aws:kinesis:{region}:{owner}:stream/{stream}"),
        "roleArn": format!("arn:aws:iam::{owner}:role/{role}"),
    });
    let mut input = json!({
        "targetDefinition": { "kinesis": kinesis },
        "ordering": "UNORDERED",
        "format": "JSON",
    });
    if draws.chance("tagged", 30) {
        input["tags"] = input::tags(draws);
    }
    input
}

/// A listing of streams, or the next page of one.
fn listing(draws: Draws, story: &CallPlan<'_>, mut draft: CallDraft) -> CallDraft {
    story.cut_page(draws, &mut draft);
    let before = story.answered().rev().find(|step| step.operation() == Operation::ListStreams);
    if let Some(step) = before
        && (story.turns_pages || draws.chance("next", 60))
    {
        // A mistake may have left it out.
        if let Some(cluster) = step.input.identifier().filter(|identifier| !identifier.is_empty()) {
            draft.input["clusterIdentifier"] = cluster.into();
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
