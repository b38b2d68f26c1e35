//! The calls of a generated scenario that are about what is attached to clusters: tags, policies, streams.

use serde_json::json;

use crate::api::Operation;
use crate::scenario::CallStep;

use super::calls::{Call, Cluster, arn, identifier};
use super::draws::Draws;

pub(super) fn tag(draws: Draws, cluster: &Cluster) -> Call {
    let arn = arn(cluster);
    let key = draws.pick("key", &["team", "stage"]);
    let (operation, input) = match draws.below("tags", 3) {
        0 => (Operation::TagResource, json!({ "resourceArn": arn, "tags": { key: "x" } })),
        1 => (Operation::UntagResource, json!({ "resourceArn": arn, "tagKeys": [key] })),
        _ => (Operation::ListTagsForResource, json!({ "resourceArn": arn })),
    };
    (operation, cluster.region, input, None)
}

pub(super) fn policy(draws: Draws, cluster: &Cluster) -> Call {
    let mut input = json!({ "identifier": identifier(cluster) });
    let operation = match draws.below("policy", 6) {
        0..=2 => {
            input["policy"] = r#"{"Statement":[]}"#.into();
            Operation::PutClusterPolicy
        }
        3 => Operation::DeleteClusterPolicy,
        4 => Operation::GetClusterPolicy,
        _ => Operation::GetVpcEndpointServiceName,
    };
    let changes = matches!(operation, Operation::PutClusterPolicy | Operation::DeleteClusterPolicy);
    if changes && draws.chance("version", 40) {
        input["expectedPolicyVersion"] = draws.pick("which version", &["1", "2"]).into();
    }
    (operation, cluster.region, input, None)
}

pub(super) fn stream(cluster: &Cluster) -> Call {
    let kinesis = json!({
        "streamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/changes",
        "roleArn": "arn:aws:iam::111122223333:role/changes",
    });
    let input = json!({
        "clusterIdentifier": identifier(cluster),
        "targetDefinition": { "kinesis": kinesis },
        "ordering": "UNORDERED",
        "format": "JSON",
    });
    (Operation::CreateStream, cluster.region, input, None)
}

/// A call about one of `streams`, or a listing of those of `cluster`.
pub(super) fn old_stream(draws: Draws, cluster: &Cluster, streams: &[&CallStep]) -> Call {
    let which = draws.below("stream", streams.len());
    let stream = streams.get(which).and_then(|stream| Some((stream, stream.alias.as_ref()?)));
    let Some((stream, name)) = stream.filter(|_| draws.chance("known", 80)) else {
        let input =
            json!({ "clusterIdentifier": identifier(cluster), "maxResults": draws.between("page", 1, 3) });
        return (Operation::ListStreams, cluster.region, input, None);
    };
    let operation = draws.pick("operation", &[Operation::GetStream, Operation::DeleteStream]);
    let input = json!({
        "clusterIdentifier": format!("${name}.clusterIdentifier"),
        "streamIdentifier": format!("${name}.streamIdentifier"),
    });
    (operation, stream.region, input, None)
}
