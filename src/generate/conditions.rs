//! The conditions of generated policies: every operator, on keys that calls have or lack, with values that are met,
//! nearly met or not met.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use crate::iam::{Identity, date_text};
use crate::region::Region;
use crate::sim::DEFAULT_EPOCH;
use crate::types::{Account, Timestamp};

use super::draws::Draws;

/// The names from which conditions take their values.
pub(super) struct ConditionNames<'a> {
    /// The Regions of the scenario, with the witness Region where the policy is about it.
    pub(super) regions: Vec<Region>,
    /// The principal whose calls the policy concerns.
    pub(super) identity: &'a Identity,
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
            "principal tag" => format!("aws:PrincipalTag/{}", draws.pick("tag", PRINCIPAL_TAGS)),
            "principal level" => format!("aws:PrincipalTag/{LEVEL}"),
            other => other.to_owned(),
        };
        let operator = draws.weigh("operator", operators(draws, kind));
        // Of a negated operator several values are the interesting case: all of them are excluded.
        let counts = if operator.contains("Not") { &[(1, 1), (2, 2)] } else { &[(3, 1), (1, 2)] };
        let values: Vec<Value> = (0..draws.weigh("values", counts))
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
        "aws:SourceIp" | "aws:VpcSourceIp" => &[(3, "IpAddress"), (3, "NotIpAddress"), (1, "Null")],
        "aws:MultiFactorAuthPresent" | "aws:ViaAWSService" | "aws:SecureTransport" => {
            &[(3, "Bool"), (1, "Null")]
        }
        "aws:CurrentTime" | "aws:TokenIssueTime" => DATE,
        "aws:MultiFactorAuthAge" | "aws:EpochTime" | "principal level" => NUMERIC,
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
        "aws:TagKeys" | "aws:PrincipalOrgPaths" | "aws:ResourceOrgPaths" | "aws:CalledVia" => {
            &[(2, ""), (4, "ForAllValues:"), (4, "ForAnyValue:")]
        }
        _ => &[(8, ""), (1, "ForAllValues:"), (1, "ForAnyValue:")],
    };
    let suffix = if draws.chance("if it exists", 20) { "IfExists" } else { "" };
    format!("{}{operator}{suffix}", draws.weigh("set operator", sets))
}

/// A value for `operator` on a key of this kind.
fn value(draws: Draws, names: &ConditionNames<'_>, kind: &str, operator: &str) -> Value {
    match operator {
        "Null" | "Bool" => return draws.pick("truth", &["true", "false"]).into(),
        "IpAddress" | "NotIpAddress" => return draws.pick("addresses", BLOCKS).into(),
        _ if operator.starts_with("Numeric") => return number(draws, kind).into(),
        _ if operator.starts_with("Date") => return date(draws, kind).into(),
        _ => {}
    }
    if draws.chance("variable", 12) {
        let variables = if operator.starts_with("Arn") { ARN_VARIABLES } else { VARIABLES };
        return draws.pick("which variable", variables).into();
    }
    let Identity { principal, organization, tags, .. } = names.identity;
    let user_id = principal.user_id(names.identity.credentials.id.as_deref());
    let known = match kind {
        "aws:PrincipalArn" => principal.role().unwrap_or(principal.arn()),
        "aws:username" => principal.user_name().unwrap_or("auditor"),
        "aws:PrincipalAccount" | "aws:ResourceAccount" => principal.account().unwrap_or_default(),
        "aws:userid" => user_id.as_deref().unwrap_or_default(),
        "aws:PrincipalType" => draws.pick("type of principal", &["User", "AssumedRole", "Account"]),
        "aws:PrincipalOrgID" | "aws:ResourceOrgID" => {
            names.identity.organization_id().unwrap_or(ORGANIZATION)
        }
        "aws:PrincipalOrgPaths" | "aws:ResourceOrgPaths" => organization.as_deref().unwrap_or(ORGANIZATION),
        "aws:CalledVia" => "dsql.amazonaws.com",
        "aws:SourceVpce" => ENDPOINT.0,
        "aws:SourceVpc" => ENDPOINT.1,
        "principal tag" => tags.iter().next().map_or("x", |(_, value)| &**value),
        "dsql:WitnessRegion" | "aws:RequestedRegion" => {
            draws.among("region", &names.regions).map_or("us-east-1", |region| region.name())
        }
        "aws:TagKeys" => draws.pick("tag key", TAGS),
        _ => draws.pick("tag value", TAG_VALUES),
    };
    near(draws, known).into()
}

/// A number for a key of this kind, often the very one that a request has.
fn number(draws: Draws, kind: &str) -> u64 {
    match kind {
        "aws:EpochTime" => DEFAULT_EPOCH.seconds() + draws.between("second", 0, 40) as u64,
        "aws:MultiFactorAuthAge" => 3600 + draws.between("age", 0, 40) as u64,
        _ => draws.pick("number", &[7, 8]),
    }
}

/// A date for a key of this kind, often the very one that a request has.
fn date(draws: Draws, kind: &str) -> String {
    let second = match kind {
        "aws:TokenIssueTime" => ISSUED.seconds() + draws.below("second of issue", 2) as u64,
        "aws:CurrentTime" => DEFAULT_EPOCH.seconds() + draws.between("second", 0, 40) as u64,
        _ => return draws.pick("date", &["2026-11-24", "2026-11-24T12:00:00Z"]).to_owned(),
    };
    date_text(Timestamp::from_seconds(second))
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

/// The kinds of keys, each with its weight. Many requests lack those in the second half, and all of them the last.
const KEYS: &[(u64, &str)] = &[
    (6, "dsql:WitnessRegion"),
    (6, "request tag"),
    (6, "resource tag"),
    (6, "aws:TagKeys"),
    (3, "aws:PrincipalArn"),
    (3, "aws:RequestedRegion"),
    (3, "aws:username"),
    (1, "aws:PrincipalAccount"),
    (1, "aws:ResourceAccount"),
    (1, "aws:PrincipalType"),
    (1, "aws:userid"),
    (1, "aws:ViaAWSService"),
    (1, "aws:SecureTransport"),
    (3, "aws:CurrentTime"),
    (2, "aws:EpochTime"),
    (4, "principal tag"),
    (4, "principal level"),
    (3, "aws:SourceIp"),
    (2, "aws:SourceVpce"),
    (1, "aws:SourceVpc"),
    (1, "aws:VpcSourceIp"),
    (2, "aws:TokenIssueTime"),
    (1, "aws:MultiFactorAuthAge"),
    (1, "aws:MultiFactorAuthPresent"),
    (1, "aws:CalledVia"),
    (1, "aws:PrincipalOrgID"),
    (1, "aws:PrincipalOrgPaths"),
    (1, "aws:ResourceOrgID"),
    (1, "aws:ResourceOrgPaths"),
    (1, "acme:Tier"),
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

/// The keys of the tags of generated principals, apart from [`LEVEL`].
pub(super) const PRINCIPAL_TAGS: &[&str] = &["team", "stage"];

/// The key of a tag of generated principals whose value is a number.
pub(super) const LEVEL: &str = "level";

/// The path of the organization of generated principals.
pub(super) const ORGANIZATION: &str = "o-a1b2c3d4e5/r-ab12/";

/// The VPC endpoint of generated clients, and its VPC.
pub(super) const ENDPOINT: (&str, &str) = ("vpce-0aaaaaaaaaaaaaaaa", "vpc-0bbbbbbbbbbbbbbbb");

/// The time of issue of generated credentials: an hour before the beginning.
pub(super) const ISSUED: Timestamp = Timestamp::from_seconds(DEFAULT_EPOCH.seconds() - 3600);

/// The addresses of generated clients, the private one first.
pub(super) const ADDRESSES: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)),
];

/// Blocks that hold one of the addresses, all of them, or none.
const BLOCKS: &[&str] =
    &["0.0.0.0/0", "192.0.2.0/24", "203.0.113.9", "10.0.0.0/8", "198.51.100.0/25", "::/0"];

/// The values of generated tags, and one of none.
pub(super) const TAG_VALUES: &[&str] = &["x", "y", "blue", "", "green"];

const VARIABLES: &[&str] = &[
    "${aws:ResourceTag/team}",
    "${aws:RequestTag/stage}",
    "${aws:RequestTag/team, 'x'}",
    "${aws:RequestedRegion}",
    "${aws:username}",
    "${aws:PrincipalArn}",
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalTag/stage, 'x'}",
    "${aws:userid}",
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
