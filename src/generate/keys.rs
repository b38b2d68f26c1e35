//! The KMS keys of a generated scenario: those that it declares, the names by which calls select them, and the
//! statements that let a principal use them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::control::keys::KmsKey;
use crate::iam::Document;
use crate::region::Region;
use crate::types::Account;

use super::Topology;
use super::draws::Draws;

/// The declared keys, with their names: mostly the usual key of each Region, with an alias or a policy, and seldom one
/// of another account.
pub(super) fn declared(draws: Draws, topology: &Topology) -> Vec<(Arc<str>, KmsKey)> {
    let regions = topology.all().into_iter().enumerate();
    let declared = regions.filter(|(index, _)| draws.about("key", *index).chance("declared", 60));
    let key = |(index, region): (usize, Region)| {
        let draws = draws.about("key", index);
        let is_own = draws.chance("own", 80);
        let aliases: &[&str] = draws.pick("aliases", ALIASES);
        let key = KmsKey {
            arn: usual(region, if is_own { Account::DEFAULT } else { stranger() }),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            policy: draws.chance("policy", if is_own { 35 } else { 80 }).then(|| policy(draws)),
        };
        (format!("key-{}", index + 1).into(), key)
    };
    declared.map(key).collect()
}

/// A key policy: one that leaves the decision to an account, names principals, or denies something besides.
fn policy(draws: Draws) -> Document {
    let root = json!({ "AWS": format!("arn:aws:iam::{}:root", Account::DEFAULT) });
    let deployer = json!({ "AWS": format!("arn:aws:iam::{}:role/deployer", Account::DEFAULT) });
    let whole = |principal: Value| {
        let mut statement = json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*" });
        statement["Principal"] = principal;
        statement
    };
    let mut statements =
        vec![match draws.weigh("who", &[(4, "account"), (3, "deployer"), (1, "all"), (1, "stranger")]) {
            "account" => whole(root),
            "deployer" => whole(deployer.clone()),
            "all" => whole(json!("*")),
            _ => whole(json!({ "AWS": stranger().to_string() })),
        }];
    if draws.chance("only through the service", 25) {
        statements[0]["Condition"] = json!({ "StringLike": { "kms:ViaService": "dsql.us-*.amazonaws.com" } });
    }
    if draws.chance("denies", 25) {
        let denied = draws.pick("denied key action", &["kms:Decrypt", "kms:GenerateDataKey"]);
        statements
            .push(json!({ "Effect": "Deny", "Principal": deployer, "Action": denied, "Resource": "*" }));
    }
    Document::resource(&json!({ "Version": "2012-10-17", "Statement": statements })).expect("a key policy")
}

/// Another account than that of the principals.
pub(super) fn stranger() -> Account {
    Account::parse("444455556666").expect("twelve digits")
}

/// The ARN of the customer's KMS key that most clusters with such a key have.
pub(super) fn usual(region: Region, account: Account) -> Arc<str> {
    format!("arn:aws:kms:{region}:{account}:key/{USUAL}").into()
}

/// The ARN of another key of the customer's.
pub(super) fn other(region: Region, account: Account) -> Arc<str> {
    format!("arn:aws:kms:{region}:{account}:key/{OTHER}").into()
}

/// A name of a KMS key in one of the forms that the API accepts, mostly of a key that a cluster of `region` can have.
pub(super) fn name(draws: Draws, region: Region, account: Account, topology: &Topology) -> Arc<str> {
    let own = |resource: &str| format!("arn:aws:kms:{region}:{account}:{resource}").into();
    match draws.weigh("which key", NAMES) {
        "one" => usual(region, account),
        "other" => other(region, account),
        "AWS's" => "AWS_OWNED_KMS_KEY".into(),
        "alias" => draws.pick("alias", &["alias/blue", "alias/green"]).into(),
        "ARN of an alias" => own("alias/blue"),
        "elsewhere" => usual(draws.pick("where", &topology.all()), account),
        "a stranger's" => usual(region, stranger()),
        "none" => draws.pick("no key", NO_KEYS).into(),
        _ => USUAL.into(),
    }
}

/// A statement that allows the actions on keys which encrypting a cluster needs, as AWS's own policies do: under
/// conditions that the calls of the service meet, or nearly meet.
pub(super) fn allowed(draws: Draws, topology: &Topology) -> Value {
    let region = draws.pick("key region", &topology.regions);
    let resource = match draws.below("key resource", 4) {
        0 => format!("arn:aws:kms:{region}:{}:key/{USUAL}", Account::DEFAULT),
        1 => format!("arn:aws:kms:*:{}:key/*", Account::DEFAULT),
        _ => "*".to_owned(),
    };
    let condition = match draws.weigh("key condition", CONDITIONS) {
        "service" => json!({ "StringLike": { "kms:ViaService": "dsql.*.amazonaws.com" } }),
        "context" => {
            json!({ "ForAnyValue:StringEquals": { "kms:EncryptionContextKeys": "aws:dsql:ClusterId" } })
        }
        "cluster" => json!({ "Null": { "kms:EncryptionContext:aws:dsql:ClusterId": "false" } }),
        "account" => json!({ "StringEquals": { "kms:CallerAccount": Account::DEFAULT.to_string() } }),
        "alias" => json!({ "StringEqualsIfExists": { "kms:RequestAlias": "alias/blue" } }),
        "aliases" => json!({ "ForAnyValue:StringLike": { "kms:ResourceAliases": "alias/b*" } }),
        _ => json!({}),
    };
    let mut statement = json!({ "Effect": "Allow", "Action": CRYPTOGRAPHIC, "Resource": resource });
    if condition != json!({}) {
        statement["Condition"] = condition;
    }
    statement
}

/// A statement that allows DescribeKey, which has no encryption context.
pub(super) fn described() -> Value {
    json!({ "Effect": "Allow", "Action": "kms:DescribeKey", "Resource": "*" })
}

/// The identifier of the usual KMS key.
const USUAL: &str = "11111111-1111-1111-1111-111111111111";

/// The identifier of the other KMS key.
const OTHER: &str = "22222222-2222-2222-2222-222222222222";

/// Texts that name no key.
const NO_KEYS: &[&str] = &[
    "alias/",
    "alias:a/b",
    "a/b",
    "arn:aws:s3:::bucket",
    "arn:aws:kms:us-east-1:1:key/k",
    "arn:aws:kms:::key",
];

const ALIASES: &[&[&str]] = &[&[], &["alias/blue"], &["alias/blue", "alias/green"]];

const NAMES: &[(u64, &str)] = &[
    (8, "one"),
    (6, "other"),
    (6, "AWS's"),
    (3, "alias"),
    (2, "ARN of an alias"),
    (2, "identifier"),
    (2, "elsewhere"),
    (2, "a stranger's"),
    (1, "none"),
];

const CONDITIONS: &[(u64, &str)] = &[
    (2, "none"),
    (2, "service"),
    (4, "context"),
    (2, "cluster"),
    (1, "account"),
    (1, "alias"),
    (1, "aliases"),
];

const CRYPTOGRAPHIC: [&str; 5] =
    ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"];
