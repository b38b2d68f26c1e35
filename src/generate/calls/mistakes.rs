//! Mistakes in the arguments of calls.

use serde_json::{Value, json};

use crate::api::{MemberKind, Request};
use crate::region::Region;

use super::super::draws::Draws;
use super::super::topology::Topology;
use super::CallDraft;

/// Puts a mistake into a call: a member that is wrong or missing, or the wrong Region.
pub(super) fn make(draws: Draws, place: &Topology, draft: &mut CallDraft) {
    if draws.chance("elsewhere", 10) {
        draft.region = place.opposite(draws, draft.region);
        return;
    }
    let operation = draft.input.operation();
    let MemberKind::Structure(members) = operation.input() else { return };
    let names = members.iter().map(|(name, _)| name.as_str());
    let Some(name) = draws.among("member", names) else { return };
    // Mistakes are seldom, and by the name of any member: JSON is the shortest way to it.
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

/// A wrong value of a member, `null` if it is missing; nothing, if no value of its type is wrong.
fn wrong(draws: Draws, name: &str) -> Option<Value> {
    let one_of = |values: &[&str]| {
        let drawn = draws.pick("value", values);
        Some(if drawn == MISSING { Value::Null } else { drawn.into() })
    };
    let shaped = |shapes: &[(&'static str, Value)]| {
        let names = shapes.iter().map(|(name, _)| *name);
        let drawn = draws.among("shape", names)?;
        shapes.iter().find(|(name, _)| *name == drawn).map(|(_, value)| value.clone())
    };
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
            ("no key", json!({ "": "x" })),
            ("bad key", json!({ "bad*key": "x" })),
            ("bad value", json!({ "team": "bad*value" })),
            (MISSING, Value::Null),
        ]),
        "tagKeys" => shaped(&[("bad", json!(["bad*key"])), ("empty", json!([""])), (MISSING, Value::Null)]),
        "metricGroups" => {
            let known = json!({ "metricGroup": "STATEMENT_STATISTICS" });
            shaped(&[
                ("unknown", json!([{ "metricGroup": "EVERYTHING" }])),
                ("empty", json!([{}])),
                ("twice", json!([known, known])),
            ])
        }
        "targetDefinition" => {
            let (stream, role) = (
                "arn:aws:kinesis:us-east-1:111122223333:stream/changes",
                "arn:aws:iam::111122223333:role/changes",
            );
            shaped(&[
                ("empty", json!({})),
                ("no target", json!({ "kinesis": {} })),
                ("bad stream", json!({ "kinesis": { "streamArn": "nope", "roleArn": role } })),
                ("bad role", json!({ "kinesis": { "streamArn": stream, "roleArn": "nope" } })),
                (MISSING, Value::Null),
            ])
        }
        _ => None,
    }
}

/// Wrong multi-Region properties, of a call that has some or not.
fn properties(draws: Draws, own: Region, input: &mut Value) {
    let strange = draws.pick(
        "Region",
        &[own.name(), "eu-west-1", "ap-south-1", "sa-east-1", "ca-west-1", "mars-1", "", LONG_NAME],
    );
    let foreign = format!("arn:aws:dsql:{strange}:444455556666:cluster/{UNKNOWN}");
    let properties = &mut input["multiRegionProperties"];
    match draws.pick("properties", &["witness", "no witness", "empty", "foreign", "no ARN", "twice"]) {
        "witness" => properties["witnessRegion"] = strange.into(),
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
    // Looking for the member has put it there.
    if properties.is_null() {
        *properties = json!({});
    }
}

/// What stands for a member that is left out.
const MISSING: &str = "missing";

/// The identifier of no cluster.
const UNKNOWN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// The ARN of a cluster that nobody has.
const FOREIGN: &str = "arn:aws:dsql:us-east-1:444455556666:cluster/aaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Longer than a Region's name may be.
const LONG_NAME: &str = "us-east-1-and-a-half-and-a-half-and-a-half-and-a-half";
