//! Principals that may do almost everything, and almost nothing.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::control::authorization::IamAction;
use crate::iam::{Document, Identity, Principal};
use crate::scenario::PrincipalOptions;
use crate::types::Account;

use super::Topology;
use super::draws::Draws;

/// The principals of a scenario, in which there may be none.
pub(super) fn draw(draws: Draws, place: &Topology) -> Vec<PrincipalOptions> {
    let count = if draws.chance("any", 20) { draws.between("how many", 1, 2) } else { 0 };
    (0..count).map(|number| principal(draws.about("principal", number), number, place)).collect()
}

fn principal(draws: Draws, number: usize, place: &Topology) -> PrincipalOptions {
    let name = ["deployer", "auditor"][number % 2];
    let arn = match draws.below("kind", 4) {
        0 => format!("arn:aws:iam::{}:user/{name}", Account::DEFAULT),
        1 => format!("arn:aws:sts::{}:assumed-role/{name}/today", Account::DEFAULT),
        _ => format!("arn:aws:iam::{}:role/{name}", Account::DEFAULT),
    };
    let mut statements = vec![allowed(draws, place)];
    for number in 0..draws.below("denials", 3) {
        let mut denied = denied(draws.about("denial", number), place);
        denied["Effect"] = "Deny".into();
        statements.push(denied);
    }
    if draws.chance("one action", 30) {
        let actions: Vec<_> = IamAction::all().map(IamAction::iam_name).collect();
        let action = draws.pick("which action", &actions);
        statements.push(json!({ "Effect": "Deny", "Action": action, "Resource": "*" }));
    }
    let boundary =
        draws.chance("bounded", 15).then(|| policy(vec![allowed(draws.about("boundary", 0), place)]));
    let identity = Identity {
        principal: Principal::parse(&arn).expect("the ARN of a user, a session or a role"),
        policies: vec![policy(statements)],
        boundaries: boundary.into_iter().collect(),
    };
    PrincipalOptions { name: name.into(), access_key: None, identity: Arc::new(identity) }
}

fn policy(statements: Vec<Value>) -> Document {
    let json = json!({ "Version": "2012-10-17", "Statement": statements });
    Document::identity(&json).expect("what is made up here is a policy")
}

/// What a principal may do, but for what is denied: all of it, or what somebody may have thought is enough.
fn allowed(draws: Draws, place: &Topology) -> Value {
    let [one, other] = place.regions.map(|region| format!("arn:aws:dsql:{region}:{}:*", Account::DEFAULT));
    let witness = format!("arn:aws:dsql:{}:{}:*", place.witness, Account::DEFAULT);
    let resources = match draws.below("allowed", 5) {
        0 => json!([one, other]),
        1 => json!([one, other, witness]),
        2 => json!([one, witness]),
        _ => json!("*"),
    };
    let actions = if draws.chance("not all", 15) {
        json!(["dsql:*Cluster", "dsql:List*", "dsql:PutMultiRegionProperties", "dsql:PutWitnessRegion"])
    } else {
        json!("dsql:*")
    };
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// What a principal may not do: here or there, with one cluster or with any, by a condition or without.
fn denied(draws: Draws, place: &Topology) -> Value {
    let region = draws.pick("where", &place.regions);
    let clusters = |name: &str| format!("arn:aws:dsql:{region}:{}:cluster/{name}", Account::DEFAULT);
    // Every cluster there is, and not the pattern itself.
    let each = clusters(&"?".repeat(26));
    match draws.below("denied", 10) {
        0 | 1 => {
            let there = format!("arn:aws:dsql:{}:{}:cluster/*", place.witness, Account::DEFAULT);
            json!({ "Action": "dsql:PutWitnessRegion", "Resource": there })
        }
        2 | 3 => json!({ "Action": "dsql:AddPeerCluster", "Resource": each }),
        4 => json!({ "Action": "dsql:RemovePeerCluster", "Resource": each }),
        5 => {
            let witness = json!({ "StringEquals": { "dsql:WitnessRegion": place.witness.name() } });
            json!({ "Action": ["dsql:CreateCluster", "dsql:PutWitnessRegion"], "Resource": "*", "Condition": witness })
        }
        6 => json!({ "Action": ["dsql:UpdateCluster", "dsql:DeleteCluster"], "Resource": each }),
        7 => {
            let tags = json!({ "ForAnyValue:StringEquals": { "aws:TagKeys": ["team", "stage"] } });
            json!({ "Action": "dsql:*", "Resource": clusters("*"), "Condition": tags })
        }
        8 => {
            let tagged = json!({ "Null": { "aws:ResourceTag/team": "false" } });
            json!({ "Action": "dsql:*", "Resource": each, "Condition": tagged })
        }
        _ => json!({ "Action": "dsql:CreateCluster", "Resource": clusters("*") }),
    }
}
