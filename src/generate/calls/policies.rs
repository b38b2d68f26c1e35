//! The resource policies of generated calls: what they allow or deny, and to whom.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::{Operation, PutClusterPolicyInput, Request};
use crate::iam::Identity;
use crate::scenario::SetUp;
use crate::types::{Account, PrincipalId};

use super::super::conditions::{self, ConditionNames};
use super::super::draws::Draws;
use super::{CallDraft, CallKind, CallPlan, PlannedCluster};

impl CallPlan<'_> {
    /// A cluster with a policy, and calls about it by a principal with few permissions of its own.
    pub(super) fn delegated(&mut self, draws: Draws, count: usize) {
        let kinds = [CallKind::CreateAlone, CallKind::CreateForPair];
        self.call(draws.about("owned", 0), None, draws.pick("kind", &kinds));
        self.advance(draws.seconds("until active", 8, 15));
        let principal = PrincipalId::new(0).filter(|_| !self.set_up.principals.is_empty());
        let mut turn = 0;
        while self.made.len() + 1 < count {
            let draws = draws.about("turn", turn);
            turn += 1;
            self.caller = None;
            self.call_operation(draws.about("policy", 0), 0, Operation::PutClusterPolicy);
            self.caller = principal;
            for number in 0..draws.between("visits", 1, 3) {
                let draws = draws.about("visit", number);
                self.call_operation(draws, 0, draws.pick("operation", Operation::ALL));
            }
        }
        self.caller = None;
    }

    /// A tagged cluster, or one that another declares, and calls of every kind by a principal whose policy has
    /// conditions: about tags and witnesses, which have condition keys of their own, and about peers.
    pub(super) fn conditional(&mut self, draws: Draws, count: usize) {
        self.tagged = true;
        let principal = PrincipalId::new(0).filter(|_| !self.set_up.principals.is_empty());
        let is_declared = count >= 4 && draws.chance("declared", 30);
        if is_declared {
            self.call(draws.about("first", 0), None, CallKind::CreateForPair);
            self.call(draws.about("second", 0), Some(0), CallKind::CreateWithPeer);
            let policy = about_peers(draws.about("policy", 0), self.set_up, &self.clusters[0]);
            self.push(draws.about("policy", 0), policy);
            self.advance(draws.seconds("until declared", 2, 10));
            (self.peer, self.caller) = (Some(0), principal);
            self.call(draws.about("leaves", 0), Some(1), CallKind::Withdraw);
            self.peer = None;
        } else {
            let kinds = [CallKind::CreateAlone, CallKind::CreateForPair];
            self.call(draws.about("owned", 0), None, draws.pick("kind", &kinds));
            self.advance(draws.seconds("until active", 8, 15));
        }
        let mut turn = 0;
        while self.made.len() + 1 < count {
            let draws = draws.about("turn", turn);
            turn += 1;
            self.caller = principal;
            match draws.weigh("visit", VISITS) {
                "policy" => {
                    self.caller = None;
                    self.call_operation(draws, 0, Operation::PutClusterPolicy);
                }
                "tag" => self.call_operation(draws, 0, Operation::TagResource),
                "untag" => self.call_operation(draws, 0, Operation::UntagResource),
                "create" => self.call(draws, None, draws.pick("kind", CREATES)),
                "witness" => self.call(draws, Some(0), CallKind::ChangeWitness),
                _ => self.call_operation(draws, 0, draws.pick("operation", Operation::ALL)),
            }
        }
        (self.caller, self.tagged) = (None, false);
    }
}

/// A policy that denies the peers of `cluster` to a drawn principal, as a call.
fn about_peers(draws: Draws, set_up: &SetUp, cluster: &PlannedCluster) -> CallDraft {
    let action =
        draws.pick("action", &["dsql:RemovePeerCluster", "dsql:AddPeerCluster", "dsql:*PeerCluster"]);
    let principal = principal(draws, set_up, cluster.owner);
    let statement = json!({ "Effect": "Deny", "Principal": principal, "Action": action, "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let input = PutClusterPolicyInput { policy: Some(policy.into()), ..Default::default() };
    CallDraft::about(cluster, Request::PutClusterPolicy(input))
}

/// A resource policy: harmless, generous, restrictive, or one that locks its callers out.
pub(super) fn policy(draws: Draws, set_up: &SetUp, account: Account) -> Arc<str> {
    let principal = principal(draws, set_up, account);
    let of = |effect: &str, action: &str| -> Value {
        let mut statement = json!({ "Effect": effect, "Principal": principal });
        statement["Action"] = action.into();
        statement["Resource"] = "*".into();
        // An Allow for everyone is refused, unless a condition limits it.
        if effect == "Allow" && (principal == "*" || principal["AWS"] == json!(["*"])) {
            conditions::limit(draws, account, &mut statement);
        }
        statement
    };
    let mut statements = match draws.weigh("statement", POLICIES) {
        "none" => vec![],
        "allows" => vec![of("Allow", "dsql:*")],
        "shows" => vec![of("Allow", "dsql:Get*")],
        "allows and keeps" => vec![of("Allow", "dsql:*"), of("Deny", "dsql:DeleteCluster")],
        "hides" => vec![of("Deny", "dsql:Get*")],
        "keeps" => vec![of("Deny", "dsql:DeleteCluster")],
        "stays alone" => vec![of("Deny", "dsql:*PeerCluster")],
        "of other services" => {
            let mut statement = of("Deny", "dsql:DeleteCluster");
            statement["Action"] = draws.pick("other service", OTHER_SERVICES).into();
            vec![statement]
        }
        "tagged" => {
            let mut statement = of("Deny", "dsql:UpdateCluster");
            statement["Condition"] = json!({ "StringEquals": { "aws:ResourceTag/team": "x" } });
            vec![statement]
        }
        "spares" => {
            // NotPrincipal goes with Deny alone.
            let mut statement = of("Deny", draws.pick("action", &["dsql:Get*", "dsql:*"]));
            if let Some(members) = statement.as_object_mut() {
                members.remove("Principal");
            }
            statement["NotPrincipal"] = principal.clone();
            vec![statement]
        }
        _ => vec![of("Deny", "dsql:*")],
    };
    let known = draws.among("known principal", &set_up.principals);
    let known = known.map_or_else(|| Identity::root(account), |known| (*known.identity).clone());
    let regions = set_up.clients.iter().map(|client| client.home).collect();
    let names = ConditionNames { regions, identity: &known };
    for (number, statement) in statements.iter_mut().enumerate() {
        let draws = draws.about("restricted", number);
        if draws.chance("restricted", 20) {
            conditions::restrict(draws, &names, statement);
        }
    }
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string().into()
}

/// The principals that a statement names: everybody, the account, a principal of the scenario, or a foreign one.
fn principal(draws: Draws, set_up: &SetUp, account: Account) -> Value {
    let iam = |what: &str| format!("arn:aws:iam::{account}:{what}");
    let (name, own, role) = match draws.among("known principal", &set_up.principals) {
        Some(known) => {
            let principal = &known.identity.principal;
            (&*known.name, principal.arn().to_owned(), principal.role())
        }
        None => ("visitor", iam("role/visitor"), None),
    };
    match draws.weigh("principal", PRINCIPALS) {
        "everybody" => json!("*"),
        "everybody in a list" => json!({ "AWS": ["*"] }),
        "account" => json!({ "AWS": account.to_string() }),
        "root" => json!({ "AWS": iam("root") }),
        "caller" => json!({ "AWS": own }),
        // Of a session its role; of a role a session; of a user a role with the same name. Only the first matches.
        "relative" => match role {
            Some(role) => json!({ "AWS": role }),
            None if own.contains(":user/") => json!({ "AWS": iam(&format!("role/{name}")) }),
            None => json!({ "AWS": format!("arn:aws:sts::{account}:assumed-role/{name}/tonight") }),
        },
        "account and caller" => json!({ "AWS": [account.to_string(), own] }),
        "foreign account" => json!({ "AWS": FOREIGN_ACCOUNT }),
        "foreign principal" => json!({ "AWS": format!("arn:aws:iam::{FOREIGN_ACCOUNT}:role/{name}") }),
        _ => json!({ "AWS": iam("user/stranger") }),
    }
}

/// The calls of a principal under conditions, each with its weight.
const VISITS: &[(u64, &str)] =
    &[(4, "create"), (3, "tag"), (2, "untag"), (2, "witness"), (2, "policy"), (5, "any")];

const CREATES: &[CallKind] = &[CallKind::CreateAlone, CallKind::CreateForPair, CallKind::CreateWithPeer];

/// The contents of resource policies, each with its weight.
const POLICIES: &[(u64, &str)] = &[
    (3, "none"),
    (3, "allows"),
    (1, "shows"),
    (1, "allows and keeps"),
    (1, "hides"),
    (2, "keeps"),
    (1, "stays alone"),
    (1, "tagged"),
    (1, "of other services"),
    (1, "spares"),
    (1, "locks out"),
];

/// The principals of statements, each with its weight.
const PRINCIPALS: &[(u64, &str)] = &[
    (12, "everybody"),
    (1, "everybody in a list"),
    (3, "account"),
    (3, "root"),
    (3, "caller"),
    (3, "relative"),
    (1, "account and caller"),
    (1, "foreign account"),
    (1, "foreign principal"),
    (1, "stranger"),
];

/// Actions that are none of Aurora DSQL, or may be one.
const OTHER_SERVICES: &[&str] =
    &["s3:GetObject", "kms:*", "*:Get*", "ds*:DeleteCluster", "DSQL:DeleteCluster"];

/// An account in which most scenarios have no client.
const FOREIGN_ACCOUNT: &str = "777788889999";
