//! Invalid arguments for generated calls.

use serde_json::{Value, json};

use crate::api::{MemberKind, Request};
use crate::region::Region;

use super::super::draws::Draws;
use super::super::topology::Topology;
use super::CallDraft;

/// Puts one mistake into a call: a member that is invalid or missing, or the wrong Region.
pub(super) fn make(draws: Draws, topology: &Topology, draft: &mut CallDraft) {
    if draws.chance("elsewhere", 10) {
        draft.region = topology.opposite(draws, draft.region);
        return;
    }
    let operation = draft.input.operation();
    let MemberKind::Structure(members) = operation.input() else { return };
    let names = members.iter().map(|(name, _)| name.as_str());
    let Some(name) = draws.among("member", names) else { return };
    // Any member of any operation can be the mistake, and JSON is the only form that reaches all of them by name. Its
    // cost does not matter, because mistakes are rare.
    let mut input = draft.input.to_json();
    if name == "multiRegionProperties" {
        properties(draws, draft.region, &mut input);
    } else {
        match wrong(draws, name) {
            Some(Value::Null) => {
                input.as_object_mut().map(|members| members.remove(name));
            }
            Some(value) => input[name] = value,
            None => {}
        }
    }
    draft.input = Request::from_json(operation, input).expect("members are of their kinds");
}

/// An invalid value of the member `name`: `null` to leave it out, `None` if every value of its type is valid.
fn wrong(draws: Draws, name: &str) -> Option<Value> {
    let one_of = |values: &[&str]| {
        let drawn = draws.pick("value", values);
        Some(if drawn == MISSING { Value::Null } else { drawn.into() })
    };
    let shaped = |shapes: &[Value]| draws.among("shape", shapes).cloned();
    match name {
        "identifier" | "clusterIdentifier" | "streamIdentifier" => one_of(&[UNKNOWN, "nope", "", MISSING]),
        "kmsEncryptionKey" => one_of(&["no key", ""]),
        "clientToken" => one_of(&["", "two words", "ü"]),
        "policy" => one_of(&["", "no policy", "{}", "{\"Statement\":[{\"Effect\":\"Maybe\"}]}", MISSING]),
        "nextToken" => one_of(&["", "nonsense"]),
        "expectedPolicyVersion" => one_of(&["", "none"]),
        "resourceArn" => one_of(&["nope", "", "arn:aws:s3:::bucket", FOREIGN, MISSING]),
        "ordering" => one_of(&["ORDERED", MISSING]),
        "format" => one_of(&["CSV", MISSING]),
        "maxResults" => Some(draws.pick("value", &[0_i64, -1, 101]).into()),
        "tags" => shaped(&[
            json!({ "": "x" }),
            json!({ "bad*key": "x" }),
            json!({ "team": "bad*value" }),
            json!({ "aws:team": "x" }),
            json!({ "AWS:team": "x" }),
            Value::Null,
        ]),
        "tagKeys" => {
            shaped(&[json!(["bad*key"]), json!([""]), json!(["aws:team"]), json!(["Aws:team"]), Value::Null])
        }
        "metricGroups" => {
            let known = json!({ "metricGroup": "STATEMENT_STATISTICS" });
            shaped(&[json!([{ "metricGroup": "EVERYTHING" }]), json!([{}]), json!([known, known])])
        }
        "targetDefinition" => {
            let (stream, role) = (
                "arn:aws:kinesis:us-east-1:111122223333:stream/changes",
                "arn:aws:iam::111122223333:role/changes",
            );
            shaped(&[
                json!({}),
                json!({ "kinesis": {} }),
                json!({ "kinesis": { "streamArn": "nope", "roleArn": role } }),
                json!({ "kinesis": { "streamArn": stream, "roleArn": "nope" } }),
                Value::Null,
            ])
        }
        _ => None,
    }
}

/// Makes the multi-Region properties invalid, or adds invalid ones to a call without any.
fn properties(draws: Draws, own: Region, input: &mut Value) {
    let region = draws.pick(
        "Region",
        &[own.name(), "eu-west-1", "ap-south-1", "sa-east-1", "ca-west-1", "mars-1", "", LONG_NAME],
    );
    let foreign = format!("arn:aws:dsql:{region}:444455556666:cluster/{UNKNOWN}");
    let properties = &mut input["multiRegionProperties"];
    match draws.pick("properties", &["witness", "no witness", "empty", "foreign", "no ARN", "twice"]) {
        "witness" => properties["witnessRegion"] = region.into(),
        "no witness" => {
            if let Some(members) = properties.as_object_mut() {
                members.remove("witnessRegion");
            }
        }
        "empty" => *properties = json!({}),
        "foreign" => properties["clusters"] = json!([foreign]),
        "no ARN" => properties["clusters"] = json!(["not an ARN", foreign]),
        _ => properties["clusters"] = json!([foreign, foreign]),
    }
    // Indexing the input has added the member as `null` if it was absent, and `null` does not parse.
    if properties.is_null() {
        *properties = json!({});
    }
}

/// The drawn value for a member that is left out.
const MISSING: &str = "missing";

/// A valid identifier that no cluster has.
const UNKNOWN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A valid ARN of no cluster, in an account that most scenarios do not have.
const FOREIGN: &str = "arn:aws:dsql:us-east-1:444455556666:cluster/aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A name that exceeds the length limit of Region names.
const LONG_NAME: &str = "us-east-1-and-a-half-and-a-half-and-a-half-and-a-half";
