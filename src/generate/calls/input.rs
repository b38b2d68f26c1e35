//! What calls say beside what they are for: settings, labels, client tokens.

use serde_json::{Value, json};

use crate::api::{Operation, Request};
use crate::region::Region;
use crate::scenario::CallStep;
use crate::types::Account;

use super::super::draws::Draws;
use super::super::swarm::Swarm;
use super::CallDraft;

/// Fills a draft up with what the scenario's calls use to say.
pub(super) fn settle(draws: Draws, swarm: &Swarm, account: Account, draft: &mut CallDraft) {
    let (operation, region, input) = (draft.operation, draft.region, &mut draft.input);
    let is_new = operation == Operation::CreateCluster;
    if is_new {
        match draws.weigh("protection", &[(7, "off"), (2, "unsaid"), (1, "on")]) {
            "off" => input["deletionProtectionEnabled"] = false.into(),
            "on" => input["deletionProtectionEnabled"] = true.into(),
            _ => {}
        }
        if swarm.labels && draws.chance("tagged", 50) {
            input["tags"] = tags(draws);
        }
        if swarm.policies && draws.chance("with policy", 30) {
            input["policy"] = policy(draws).into();
            if draws.chance("bypass", 40) {
                input["bypassPolicyLockoutSafetyCheck"] = draws.chance("bypasses", 80).into();
            }
        }
    }
    if is_new || operation == Operation::UpdateCluster {
        if swarm.keys && draws.chance("key", if is_new { 50 } else { 20 }) {
            input["kmsEncryptionKey"] = key(draws, region, account);
        }
        if swarm.metrics && draws.chance("metrics", if is_new { 50 } else { 20 }) {
            input["metricGroups"] = metric_groups(draws);
        }
        // Settings and peers may change in one.
        if !is_new && draws.chance("protects", 10) {
            input["deletionProtectionEnabled"] = draws.chance("protection", 50).into();
        }
    }
    if swarm.shares_tokens && operation.takes_client_token() && draws.chance("token", 40) {
        input["clientToken"] = draws.weigh("which token", &[(3, "t1"), (3, "t2"), (1, "T1")]).into();
    }
}

/// Changes a setting that has no call of its own kind.
pub(super) fn change(draws: Draws, region: Region, account: Account, input: &mut Value) {
    let what = draws.weigh("changes", &[(3, "key"), (2, "metrics"), (1, "both")]);
    if what != "metrics" {
        input["kmsEncryptionKey"] = key(draws, region, account);
    }
    if what != "key" {
        input["metricGroups"] = metric_groups(draws);
    }
}

/// Makes a call that is made again another than it was, with the same token.
pub(super) fn alter(draws: Draws, step: &mut CallStep) {
    let operation = step.operation();
    let mut input = step.input.to_json();
    match operation {
        Operation::CreateCluster | Operation::UpdateCluster => {
            let was = input["deletionProtectionEnabled"].as_bool().unwrap_or(true);
            input["deletionProtectionEnabled"] = (!was).into();
        }
        Operation::TagResource | Operation::CreateStream => input["tags"] = tags(draws.about("again", 0)),
        Operation::PutClusterPolicy => input["policy"] = policy(draws.about("again", 0)).into(),
        _ => {}
    }
    step.input = Request::from_json(operation, input).expect("members are of their kinds");
}

/// Some tags, of which there may be none.
pub(super) fn tags(draws: Draws) -> Value {
    let mut tags = json!({});
    for number in 0..draws.weigh("how many tags", &[(1, 0), (5, 1), (3, 2_u64)]) {
        let draws = draws.about("tag", number as usize);
        let value = draws.pick("tag value", &["x", "y", "blue", ""]);
        tags[draws.pick("tag key", TAG_KEYS)] = value.into();
    }
    tags
}

/// A resource policy: one of those that people write, harmless or not.
pub(super) fn policy(draws: Draws) -> String {
    let all = "\"Principal\":\"*\",\"Resource\":\"*\"";
    let statement = match draws.weigh("statement", POLICIES) {
        "none" => String::new(),
        "allows" => format!("{{\"Effect\":\"Allow\",\"Action\":\"dsql:*\",{all}}}"),
        "hides" => format!("{{\"Effect\":\"Deny\",\"Action\":\"dsql:Get*\",{all}}}"),
        "keeps" => format!("{{\"Effect\":\"Deny\",\"Action\":\"dsql:DeleteCluster\",{all}}}"),
        "stays alone" => format!("{{\"Effect\":\"Deny\",\"Action\":\"dsql:*PeerCluster\",{all}}}"),
        "tagged" => format!(
            "{{\"Effect\":\"Deny\",\"Action\":\"dsql:UpdateCluster\",{all},\"Condition\":\
             {{\"StringEquals\":{{\"aws:ResourceTag/team\":\"x\"}}}}}}"
        ),
        _ => format!("{{\"Effect\":\"Deny\",\"Action\":\"dsql:*\",{all}}}"),
    };
    format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{statement}]}}")
}

/// The key that most clusters have which have one of their own.
pub(super) fn usual_key(region: Region, account: Account) -> Value {
    format!("arn:aws:kms:{region}:{account}:key/{USUAL_KEY}").into()
}

fn key(draws: Draws, region: Region, account: Account) -> Value {
    match draws.weigh("which key", &[(4, "one"), (3, "other"), (3, "AWS's"), (1, "alias"), (1, "identifier")])
    {
        "one" => usual_key(region, account),
        "other" => format!("arn:aws:kms:{region}:{account}:key/22222222-2222-2222-2222-222222222222").into(),
        "AWS's" => "AWS_OWNED_KMS_KEY".into(),
        "alias" => "alias/blue".into(),
        _ => USUAL_KEY.into(),
    }
}

fn metric_groups(draws: Draws) -> Value {
    if draws.chance("published", 65) { json!([{ "metricGroup": "STATEMENT_STATISTICS" }]) } else { json!([]) }
}

/// The identifier of a key.
const USUAL_KEY: &str = "11111111-1111-1111-1111-111111111111";

/// What tags are called.
pub(super) const TAG_KEYS: &[&str] = &["team", "stage", "colour"];

/// What resource policies say, and how often.
const POLICIES: &[(u64, &str)] = &[
    (3, "none"),
    (2, "allows"),
    (1, "hides"),
    (2, "keeps"),
    (1, "stays alone"),
    (1, "tagged"),
    (1, "locks out"),
];
