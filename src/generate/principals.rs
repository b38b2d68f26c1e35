//! The principals of a generated scenario: policies that allow too much, just enough, or a little too little.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::control::authorization::IamAction;
use crate::iam::{Document, Identity, Principal};
use crate::scenario::PrincipalOptions;
use crate::types::Account;

use super::Topology;
use super::calls::Opening;
use super::draws::Draws;

/// The principals of a scenario: none in most, otherwise one or two. The first principal of the opening about
/// resource policies mostly has few permissions of its own.
pub(super) fn draw(draws: Draws, topology: &Topology, opening: Opening) -> Vec<PrincipalOptions> {
    let is_delegated = opening == Opening::Delegated;
    let has_any = is_delegated || draws.chance("any", 20);
    let count = if has_any { draws.between("how many", 1, 2) } else { 0 };
    let few_percent = |number| if is_delegated && number == 0 { 85 } else { 10 };
    (0..count)
        .map(|number| principal(draws.about("principal", number), number, topology, few_percent(number)))
        .collect()
}

/// A user, an assumed role or a role with a policy of one allowing statement and up to three denying ones.
/// `few_percent` is the chance that the allowing statement allows little.
fn principal(draws: Draws, index: usize, topology: &Topology, few_percent: u32) -> PrincipalOptions {
    let name = ["deployer", "auditor"][index % 2];
    let arn = match draws.below("kind", 4) {
        0 => format!("arn:aws:iam::{}:user/{name}", Account::DEFAULT),
        1 => format!("arn:aws:sts::{}:assumed-role/{name}/today", Account::DEFAULT),
        _ => format!("arn:aws:iam::{}:role/{name}", Account::DEFAULT),
    };
    let few = draws.chance("few", few_percent);
    let mut statements = vec![if few { few_allowed(draws) } else { allowed(draws, topology) }];
    let denials = if few { draws.below("denials of few", 2) } else { draws.below("denials", 3) };
    for number in 0..denials {
        let mut denied = denied(draws.about("denial", number), topology);
        denied["Effect"] = "Deny".into();
        statements.push(denied);
    }
    if !few && draws.chance("one action", 30) {
        let actions: Vec<_> = IamAction::all().map(IamAction::iam_name).collect();
        let action = draws.pick("which action", &actions);
        statements.push(json!({ "Effect": "Deny", "Action": action, "Resource": "*" }));
    }
    let boundary =
        draws.chance("bounded", 15).then(|| policy(vec![allowed(draws.about("boundary", 0), topology)]));
    let identity = Identity {
        principal: Principal::parse(&arn).expect("the ARN of a user, a session or a role"),
        policies: vec![policy(statements)],
        boundaries: boundary.into_iter().collect(),
    };
    PrincipalOptions { name: name.into(), access_key: None, identity: Arc::new(identity) }
}

fn policy(statements: Vec<Value>) -> Document {
    let json = json!({ "Version": "2012-10-17", "Statement": statements });
    Document::identity(&json).expect("a valid policy")
}

/// The statement that allows calls: every action on every resource, or a subset that looks sufficient and may not be.
/// A policy without the witness Region, for example, does not suffice to create a multi-Region cluster.
fn allowed(draws: Draws, topology: &Topology) -> Value {
    let [one, other] = topology.regions.map(|region| format!("arn:aws:dsql:{region}:{}:*", Account::DEFAULT));
    let witness = format!("arn:aws:dsql:{}:{}:*", topology.witness, Account::DEFAULT);
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

/// A statement that allows what no call about a cluster can do with alone.
fn few_allowed(draws: Draws) -> Value {
    let allowed = [
        json!("dsql:ListClusters"),
        json!(["dsql:List*", "dsql:GetCluster"]),
        json!(["iam:PassRole", "kms:*", "dsql:PutMultiRegionProperties"]),
    ];
    let action = draws.among("allowed actions", allowed).expect("there are three");
    json!({ "Effect": "Allow", "Action": action, "Resource": "*" })
}

/// A statement without its effect, for calls to be denied: in one Region or in all, on clusters or on any resource,
/// with or without a condition.
fn denied(draws: Draws, topology: &Topology) -> Value {
    let region = draws.pick("where", &topology.regions);
    let clusters = |name: &str| format!("arn:aws:dsql:{region}:{}:cluster/{name}", Account::DEFAULT);
    // Twenty-six letters match every existing cluster, but not `cluster/*`, the resource of a call that
    // creates one.
    let each = clusters(&"?".repeat(26));
    match draws.below("denied", 10) {
        0 | 1 => {
            let clusters = format!("arn:aws:dsql:{}:{}:cluster/*", topology.witness, Account::DEFAULT);
            json!({ "Action": "dsql:PutWitnessRegion", "Resource": clusters })
        }
        2 | 3 => json!({ "Action": "dsql:AddPeerCluster", "Resource": each }),
        4 => json!({ "Action": "dsql:RemovePeerCluster", "Resource": each }),
        5 => {
            let witness = json!({ "StringEquals": { "dsql:WitnessRegion": topology.witness.name() } });
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
