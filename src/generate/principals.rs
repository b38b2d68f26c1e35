//! The principals of a generated scenario: policies that allow too much, just enough, or a little too little.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::control::authorization::IamAction;
use crate::iam::{Document, Identity, Principal};
use crate::scenario::PrincipalOptions;
use crate::types::Account;

use super::calls::Opening;
use super::conditions::{self, ConditionNames, ISSUED, LEVEL, ORGANIZATION, PRINCIPAL_TAGS, TAG_VALUES};
use super::draws::Draws;
use super::{Plan, Topology, keys};

/// The principals of a scenario: none in most, otherwise one or two. The first principal of the opening about
/// resource policies mostly has few permissions of its own; that of the opening about conditions has a small policy
/// with a condition; that of the opening about streams lacks at most one of the actions that streams take.
pub(super) fn draw(draws: Draws, plan: &Plan, opening: Opening) -> Vec<PrincipalOptions> {
    let is_delegated = opening == Opening::Delegated;
    let is_conditional = opening == Opening::Conditional;
    let is_streaming = opening == Opening::Streams && draws.chance("streaming", 30);
    let has_any = is_delegated || is_conditional || is_streaming || draws.chance("any", 20);
    let count = if has_any { draws.between("how many", 1, 2) } else { 0 };
    let few_percent = |number| if is_delegated && number == 0 { 85 } else { 10 };
    (0..count)
        .map(|number| {
            let draws = draws.about("principal", number);
            if is_conditional && number == 0 {
                return conditional(draws, &plan.topology);
            }
            if is_streaming && number == 0 {
                return streaming(draws);
            }
            principal(draws, number, plan, few_percent(number))
        })
        .collect()
}

/// A user, an assumed role or a role with a policy of one allowing statement and up to three denying ones.
/// `few_percent` is the chance that the allowing statement allows little.
fn principal(draws: Draws, index: usize, plan: &Plan, few_percent: u32) -> PrincipalOptions {
    let topology = &plan.topology;
    let name = ["deployer", "auditor"][index % 2];
    let mut identity = who(draws, name);
    let few = draws.chance("few", few_percent);
    let mut statements = vec![if few { few_allowed(draws) } else { allowed(draws, topology) }];
    if plan.swarm.keys && draws.chance("uses keys", 75) {
        statements.extend([keys::described(), keys::allowed(draws, topology)]);
    }
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
    let limit = |name: &str, percent| match draws.chance(name, percent) {
        true => vec![allowed(draws.about(name, 0), topology)],
        false => Vec::new(),
    };
    let mut limits = [limit("bounded", 15), limit("session policy", 8), limit("controlled", 8)];
    let names = ConditionNames { regions: topology.all(), identity: &identity };
    for (number, statement) in statements.iter_mut().chain(limits.iter_mut().flatten()).enumerate() {
        if draws.about("restricted", number).chance("restricted", 12) {
            conditions::restrict(draws.about("restricted", number), &names, statement);
        }
    }
    let [boundary, session, control] = limits.map(policies);
    identity.policies = policies(statements);
    (identity.boundaries, identity.session_policies) = (boundary, session);
    identity.control_policies = levels(control);
    options(name, identity)
}

/// A principal with everything allowed, under a condition, except under a condition, or within a boundary that has one.
fn conditional(draws: Draws, topology: &Topology) -> PrincipalOptions {
    let mut identity = who(draws, "deployer");
    let names = ConditionNames { regions: topology.all(), identity: &identity };
    let whole = json!({ "Effect": "Allow", "Action": "dsql:*", "Resource": "*" });
    let restricted = |name: &str, mut statement: Value| {
        conditions::restrict(draws.about(name, 0), &names, &mut statement);
        statement
    };
    let denied = || {
        let action = draws.pick("denied", CONDITIONAL);
        restricted("denied", json!({ "Effect": "Deny", "Action": action, "Resource": "*" }))
    };
    let all = || whole.clone();
    let (mut boundary, mut session, mut control) = (vec![], vec![], vec![]);
    let statements = match draws.weigh("shape", SHAPES) {
        "allowed" => vec![restricted("allowed", all())],
        "denied" => vec![all(), denied()],
        "both" => vec![restricted("allowed", all()), denied()],
        "bounded" => {
            boundary = vec![restricted("bound", all())];
            vec![all()]
        }
        "in a session" => {
            session = vec![restricted("session", all())];
            vec![restricted("allowed", all())]
        }
        "in a wide session" => {
            session = vec![all()];
            vec![restricted("allowed", all())]
        }
        "controlled" => {
            control = vec![vec![restricted("control", all())]];
            vec![all()]
        }
        "controlled twice" => {
            control = vec![vec![all()], vec![restricted("control", all()), denied()]];
            vec![all()]
        }
        _ => vec![all()],
    };
    identity.policies = policies(statements);
    (identity.boundaries, identity.session_policies) = (policies(boundary), policies(session));
    identity.control_policies = control.into_iter().map(policies).collect();
    options("deployer", identity)
}

/// A principal with the permissions that streams take, in three services, but for one action at most.
fn streaming(draws: Draws) -> PrincipalOptions {
    let services = ["dsql:*", "iam:PassRole", "kms:*"];
    let mut statements = vec![json!({ "Effect": "Allow", "Action": services, "Resource": "*" })];
    if draws.chance("lacks one", 75) {
        let action = draws.pick("lacking", STREAMING);
        statements.push(json!({ "Effect": "Deny", "Action": action, "Resource": "*" }));
    }
    let mut identity = who(draws, "deployer");
    identity.policies = policies(statements);
    options("deployer", identity)
}

/// A user, a session of a role, or a role with this name; some have tags, an organization, or credentials of their own.
fn who(draws: Draws, name: &str) -> Identity {
    let arn = match draws.below("kind", 4) {
        0 => format!("arn:aws:iam::{}:user/{name}", Account::DEFAULT),
        1 => format!("arn:aws:sts::{}:assumed-role/{name}/today", Account::DEFAULT),
        _ => format!("arn:aws:iam::{}:role/{name}", Account::DEFAULT),
    };
    let principal = Principal::parse(&arn).expect("the ARN of a user, a session or a role");
    let mut identity = Identity::new(principal);
    if draws.chance("tags", 70) {
        for key in PRINCIPAL_TAGS {
            if draws.about(key, 0).chance("tag", 60) {
                let value = draws.about(key, 0).pick("tag value", &TAG_VALUES[..3]);
                identity.tags.insert((*key).to_owned(), value.to_owned());
            }
        }
        identity.tags.insert(LEVEL.to_owned(), draws.pick("level", &["7", "8", "9"]).to_owned());
    }
    identity.organization = draws.chance("organization", 30).then(|| ORGANIZATION.into());
    identity.credentials.issued = draws.chance("issued", 30).then_some(ISSUED);
    identity.credentials.has_mfa = draws.chance("multi-factor", 20);
    identity
}

fn options(name: &str, identity: Identity) -> PrincipalOptions {
    PrincipalOptions { name: name.into(), access_key: None, identity: Arc::new(identity) }
}

/// One policy of these statements; none without a statement.
fn policies(statements: Vec<Value>) -> Vec<Document> {
    if statements.is_empty() { Vec::new() } else { vec![policy(statements)] }
}

/// Two levels of service control policies, of which the first allows everything, or none.
fn levels(policies: Vec<Document>) -> Vec<Vec<Document>> {
    if policies.is_empty() { Vec::new() } else { vec![vec![Document::allow_all()], policies] }
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

/// The policies of the principal of the opening about conditions, each with its weight.
const SHAPES: &[(u64, &str)] = &[
    (6, "allowed"),
    (8, "denied"),
    (2, "both"),
    (2, "bounded"),
    (2, "in a session"),
    (2, "in a wide session"),
    (2, "controlled"),
    (2, "controlled twice"),
    (3, "whole"),
];

/// The actions that are denied under a condition: most have condition keys of their own.
const CONDITIONAL: &[&str] = &[
    "dsql:*",
    "dsql:*",
    "dsql:CreateCluster",
    "dsql:PutWitnessRegion",
    "dsql:TagResource",
    "dsql:UntagResource",
    "dsql:GetCluster",
    "dsql:*PeerCluster",
];

/// The actions that calls about streams take.
const STREAMING: &[&str] = &[
    "dsql:CreateStream",
    "dsql:DeleteStream",
    "dsql:GetStream",
    "dsql:ListStreams",
    "dsql:TagResource",
    "iam:PassRole",
    "kms:Decrypt",
];
