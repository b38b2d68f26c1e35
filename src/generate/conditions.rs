//! The conditions of generated policies: every operator, on keys that calls have or lack, with values that are met,
//! nearly met or not met.

use serde_json::{Value, json};

use crate::iam::Principal;
use crate::region::Region;
use crate::types::Account;

use super::draws::Draws;

/// The names from which conditions take their values.
pub(super) struct ConditionNames<'a> {
    /// The Regions of the scenario, with the witness Region where the policy is about it.
    pub(super) regions: Vec<Region>,
    /// The principal whose calls the policy concerns.
    pub(super) principal: &'a Principal,
}

/// Gives a statement a condition, and seldom turns one of its elements into the complement or its resource into one
/// with variables.
pub(super) fn restrict(draws: Draws, names: &ConditionNames<'_>, statement: &mut Value) {
    let Some(members) = statement.as_object_mut() else { return };
    match draws
        .weigh("restriction", &[(20, "condition"), (2, "other actions"), (1, "elsewhere"), (2, "variables")])
    {
        "condition" => {
            members.insert("Condition".into(), condition(draws, names));
        }
        "other actions" => {
            members.remove("Action");
            members.insert("NotAction".into(), draws.pick("other actions", OTHER_ACTIONS).into());
        }
        "elsewhere" => {
            members.remove("Resource");
            let region = draws.among("elsewhere", &names.regions).map_or("us-east-1", |region| region.name());
            members.insert("NotResource".into(), format!("arn:aws:dsql:{region}:*:cluster/*").into());
        }
        _ => {
            members.insert("Resource".into(), draws.pick("resource", RESOURCES).into());
        }
    }
}

/// Gives an Allow for everyone a condition that limits it to the account, or one that seems to, or none.
pub(super) fn limit(draws: Draws, account: Account, statement: &mut Value) {
    let (account, root) = (account.to_string(), format!("arn:aws:iam::{account}:root"));
    let condition = match draws.weigh("limit", LIMITS) {
        "account" => json!({ "StringEquals": { "aws:PrincipalAccount": account } }),
        "own ARN" => json!({ "ArnEquals": { "AWS:principalArn": [root] } }),
        "any value" => {
            json!({ "ForAnyValue:StringLike": { "aws:PrincipalAccount": [account, "777788889999"] } })
        }
        "service" => {
            json!({ "Bool": { "aws:PrincipalIsAWSService": draws.pick("is service", &["true", "false"]) } })
        }
        "wildcard" => json!({ "StringLike": { "aws:PrincipalAccount": "*" } }),
        "wildcard in an ARN" => {
            json!({ "ArnLike": { "aws:PrincipalArn": format!("arn:aws:iam::{account}:*") } })
        }
        "literal star" => json!({ "StringEquals": { "aws:SourceVpc": "vpc-*" } }),
        "variable" => json!({ "StringEquals": { "aws:PrincipalAccount": "${aws:PrincipalAccount}" } }),
        "negated" => json!({ "StringNotEquals": { "aws:PrincipalAccount": account } }),
        "if it exists" => json!({ "StringEqualsIfExists": { "aws:PrincipalAccount": account } }),
        "all values" => json!({ "ForAllValues:StringEquals": { "aws:PrincipalAccount": account } }),
        "present" => json!({ "Null": { "aws:PrincipalAccount": "false" } }),
        "other key" => json!({ "StringEquals": { "aws:RequestedRegion": "us-east-1" } }),
        _ => return,
    };
    statement["Condition"] = condition;
}

/// A Condition element: one operator on one key, seldom two.
fn condition(draws: Draws, names: &ConditionNames<'_>) -> Value {
    let mut conditions = json!({});
    for number in 0..draws.weigh("conditions", &[(5, 1), (1, 2_usize)]) {
        let draws = draws.about("condition", number);
        let kind = draws.weigh("key", KEYS);
        let key = match kind {
            "request tag" => format!("aws:RequestTag/{}", draws.pick("tag", TAGS)),
            "resource tag" => format!("aws:ResourceTag/{}", draws.pick("tag", TAGS)),
            other => other.to_owned(),
        };
        let operator = draws.weigh("operator", operators(draws, kind));
        let values: Vec<Value> = (0..draws.weigh("values", &[(3, 1), (1, 2)]))
            .map(|number| value(draws.about("value", number), names, kind, operator))
            .collect();
        // The names of keys count in any case.
        let key = if draws.chance("key in lower case", 15) { key.to_ascii_lowercase() } else { key };
        conditions[extended(draws, kind, operator)][key] = values.into();
    }
    conditions
}

/// The operators for a kind of key, each with its weight.
fn operators(draws: Draws, kind: &str) -> &'static [(u64, &'static str)] {
    match kind {
        "aws:PrincipalArn" if draws.chance("as an ARN", 70) => ARN,
        "aws:SourceIp" => &[(1, "IpAddress"), (1, "NotIpAddress")],
        "aws:MultiFactorAuthPresent" => &[(3, "Bool"), (1, "Null")],
        "aws:CurrentTime" => DATE,
        "aws:MultiFactorAuthAge" => NUMERIC,
        // Tags may have values of any type.
        "request tag" | "resource tag" if draws.chance("typed", 25) => {
            draws.pick("type", &[NUMERIC, DATE, &[(1, "Bool")]])
        }
        _ => TEXT,
    }
}

/// The operator with a set operator before it or a suffix behind it.
fn extended(draws: Draws, kind: &str, operator: &str) -> String {
    if operator == "Null" {
        return operator.to_owned();
    }
    let sets: &[(u64, &str)] = match kind {
        "aws:TagKeys" => &[(2, ""), (4, "ForAllValues:"), (4, "ForAnyValue:")],
        _ => &[(8, ""), (1, "ForAllValues:"), (1, "ForAnyValue:")],
    };
    let suffix = if draws.chance("if it exists", 20) { "IfExists" } else { "" };
    format!("{}{operator}{suffix}", draws.weigh("set operator", sets))
}

/// A value for `operator` on a key of this kind.
fn value(draws: Draws, names: &ConditionNames<'_>, kind: &str, operator: &str) -> Value {
    match operator {
        "Null" | "Bool" => return draws.pick("truth", &["true", "false"]).into(),
        "IpAddress" | "NotIpAddress" => {
            return draws.pick("addresses", &["0.0.0.0/0", "192.0.2.0/24"]).into();
        }
        _ if operator.starts_with("Numeric") => return draws.pick("number", &[7, 8]).into(),
        _ if operator.starts_with("Date") => {
            return draws.pick("date", &["2026-11-24", "2026-11-24T12:00:00Z"]).into();
        }
        _ => {}
    }
    if draws.chance("variable", 12) {
        let variables = if operator.starts_with("Arn") { ARN_VARIABLES } else { VARIABLES };
        return draws.pick("which variable", variables).into();
    }
    let principal = names.principal;
    let known = match kind {
        "aws:PrincipalArn" => principal.role().unwrap_or(principal.arn()),
        "aws:username" => principal.user_name().unwrap_or("auditor"),
        "aws:PrincipalAccount" => principal.account().unwrap_or_default(),
        "dsql:WitnessRegion" | "aws:RequestedRegion" => {
            draws.among("region", &names.regions).map_or("us-east-1", |region| region.name())
        }
        "aws:TagKeys" => draws.pick("tag key", TAGS),
        _ => draws.pick("tag value", TAG_VALUES),
    };
    near(draws, known).into()
}

/// A text that equals `known`, fits it as a pattern, or nearly does either.
fn near(draws: Draws, known: &str) -> String {
    let shorter = known.len().saturating_sub(1);
    match draws.weigh(
        "likeness",
        &[(10, "same"), (2, "case"), (3, "begins"), (1, "letter"), (1, "any"), (2, "other")],
    ) {
        "same" => known.to_owned(),
        "case" => known.to_ascii_uppercase(),
        "begins" => format!("{}*", &known[..shorter]),
        "letter" => format!("{}?", &known[..shorter]),
        "any" => "*".to_owned(),
        _ => format!("{known}x"),
    }
}

/// The limits of an Allow for everyone, each with its weight. Behind the first four, none makes it non-public.
const LIMITS: &[(u64, &str)] = &[
    (24, "account"),
    (3, "own ARN"),
    (3, "any value"),
    (1, "service"),
    (1, "wildcard"),
    (1, "wildcard in an ARN"),
    (1, "literal star"),
    (1, "variable"),
    (1, "negated"),
    (1, "if it exists"),
    (1, "all values"),
    (1, "present"),
    (1, "other key"),
    (3, "none"),
];

/// The kinds of keys, each with its weight. The last four are keys that no request of the simulation has.
const KEYS: &[(u64, &str)] = &[
    (6, "dsql:WitnessRegion"),
    (6, "request tag"),
    (6, "resource tag"),
    (6, "aws:TagKeys"),
    (3, "aws:PrincipalArn"),
    (3, "aws:RequestedRegion"),
    (3, "aws:username"),
    (1, "aws:PrincipalAccount"),
    (1, "aws:SourceIp"),
    (1, "aws:CurrentTime"),
    (1, "aws:MultiFactorAuthAge"),
    (1, "aws:MultiFactorAuthPresent"),
];

const TEXT: &[(u64, &str)] = &[
    (6, "StringEquals"),
    (5, "StringNotEquals"),
    (1, "StringEqualsIgnoreCase"),
    (1, "StringNotEqualsIgnoreCase"),
    (4, "StringLike"),
    (2, "StringNotLike"),
    (2, "Null"),
];

const ARN: &[(u64, &str)] = &[(1, "ArnEquals"), (2, "ArnLike"), (1, "ArnNotEquals"), (1, "ArnNotLike")];

const NUMERIC: &[(u64, &str)] = &[
    (1, "NumericEquals"),
    (1, "NumericNotEquals"),
    (1, "NumericLessThan"),
    (1, "NumericLessThanEquals"),
    (1, "NumericGreaterThan"),
    (1, "NumericGreaterThanEquals"),
];

const DATE: &[(u64, &str)] = &[
    (1, "DateEquals"),
    (1, "DateNotEquals"),
    (1, "DateLessThan"),
    (1, "DateLessThanEquals"),
    (1, "DateGreaterThan"),
    (1, "DateGreaterThanEquals"),
];

/// The most frequent keys of generated tags.
const TAGS: &[&str] = &["team", "stage", "colour"];

/// The values of generated tags, and one of none.
const TAG_VALUES: &[&str] = &["x", "y", "blue", "", "green"];

const VARIABLES: &[&str] = &[
    "${aws:ResourceTag/team}",
    "${aws:RequestTag/stage}",
    "${aws:RequestTag/team, 'x'}",
    "${aws:RequestedRegion}",
    "${aws:username}",
    "${aws:PrincipalArn}",
    "${*}",
];

const ARN_VARIABLES: &[&str] = &[
    "arn:aws:iam::${aws:PrincipalAccount}:*",
    "arn:aws:iam::*:user/${aws:username}",
    "arn:aws:iam::*:role/${aws:username, 'deployer'}",
];

const OTHER_ACTIONS: &[&str] = &["dsql:Create*", "dsql:Get*", "dsql:*Resource", "dsql:*Region*", "iam:*"];

const RESOURCES: &[&str] = &[
    "arn:aws:dsql:${aws:RequestedRegion}:*:*",
    "arn:aws:dsql:*:${aws:PrincipalAccount}:*",
    "arn:aws:dsql:*:*:${aws:RequestTag/team, 'cluster'}/*",
    "arn:aws:dsql:*:*:cluster/${aws:username}*",
];
