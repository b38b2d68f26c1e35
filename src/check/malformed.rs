//! The field constraints of the API model once more, written from the model by the names of the members: a member has
//! the same constraint in every operation. Whether a request is malformed is thus decided apart from the validation
//! that the control planes run.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::Request;

use super::operations;

/// Whether a member of the request breaks a constraint of the API model, or a required one is absent.
pub(super) fn is_malformed(request: &Request) -> bool {
    let input = request.to_json();
    operations::of_request(request).required().iter().any(|name| is_absent(&input[name]))
        || !are_sound(&input)
}

/// A label of the request's path is never null, but may be empty.
fn is_absent(member: &Value) -> bool {
    member.is_null() || member == ""
}

fn are_sound(structure: &Value) -> bool {
    let mut members = structure.as_object().into_iter().flatten();
    members.all(|(name, member)| member.is_null() || is_sound(name, member))
}

/// Whether a member that is present keeps its constraint.
fn is_sound(name: &str, member: &Value) -> bool {
    let text = member.as_str().unwrap_or_default();
    let length = text.chars().count();
    match name {
        "clientToken" => (1..=128).contains(&length) && text.chars().all(|it| ('!'..='~').contains(&it)),
        "identifier" | "clusterIdentifier" | "streamIdentifier" => is_identifier(text),
        "kmsEncryptionKey" => (1..=2048).contains(&length) && consists_of(text, ":/_-"),
        "policy" => (1..=20_480).contains(&length),
        "witnessRegion" => length <= 50,
        "clusters" => {
            let arns: Vec<_> = each(member).map(|arn| arn.as_str().unwrap_or_default()).collect();
            arns.iter().all(|arn| is_cluster_arn(arn)) && are_unique(&arns)
        }
        "metricGroups" => {
            let groups: Vec<_> = each(member).map(|group| group["metricGroup"].as_str()).collect();
            groups.iter().all(|group| *group == Some("STATEMENT_STATISTICS")) && groups.len() <= 1
        }
        "tags" => {
            let tags = member.as_object().into_iter().flatten();
            let tag =
                |(key, value): (&String, &Value)| is_tag_key(key) && value.as_str().is_some_and(is_tag_value);
            tags.clone().count() <= 200 && tags.into_iter().all(tag)
        }
        "tagKeys" => {
            each(member).count() <= 200 && each(member).all(|key| key.as_str().is_some_and(is_tag_key))
        }
        "resourceArn" => (5..=1011).contains(&length) && text.starts_with("arn:"),
        "maxResults" => member.as_i64().is_some_and(|size| (1..=100).contains(&size)),
        "ordering" => text == "UNORDERED",
        "format" => text == "JSON",
        "multiRegionProperties" => are_sound(member),
        "targetDefinition" => !member["kinesis"].is_null() && are_sound(member),
        "kinesis" => ["streamArn", "roleArn"].iter().all(|name| !member[name].is_null()) && are_sound(member),
        "streamArn" => length <= 2048 && is_kinesis_arn(text),
        "roleArn" => (20..=2048).contains(&length) && is_role_arn(text),
        // The model sets no bounds to flags, page tokens and versions of policies.
        _ => true,
    }
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn are_unique(texts: &[&str]) -> bool {
    texts.iter().collect::<BTreeSet<_>>().len() == texts.len()
}

/// Users cannot set or remove tags with the prefix `aws:`. (Aurora DSQL User Guide, "Tagging resources".)
fn is_tag_key(text: &str) -> bool {
    let is_reserved = text.to_ascii_lowercase().starts_with("aws:");
    !text.is_empty() && text.len() <= 128 && consists_of(text, "_.:/=+-@ ") && !is_reserved
}

fn is_tag_value(text: &str) -> bool {
    text.len() <= 256 && consists_of(text, "_.:/=+-@ ")
}

/// Whether a text has no characters but ASCII letters, digits and `others`.
fn consists_of(text: &str, others: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
}

fn is_identifier(text: &str) -> bool {
    text.len() == 26 && text.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9'))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|letter| letter.is_ascii_digit())
}

fn is_region(text: &str) -> bool {
    text.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '-'))
}

/// `aws`, or `aws-` with something behind it.
fn is_partition(text: &str) -> bool {
    text == "aws" || (text.starts_with("aws-") && text.len() > "aws-".len())
}

fn is_cluster_arn(text: &str) -> bool {
    match text.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", partition, "dsql", region, account, resource] => {
            let identifier = resource.strip_prefix("cluster/").unwrap_or_default();
            is_partition(partition)
                && is_region(region)
                && (1..=20).contains(&region.len())
                && is_account(account)
                && is_identifier(identifier)
        }
        _ => false,
    }
}

fn is_kinesis_arn(text: &str) -> bool {
    match text.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", partition, "kinesis", region, account, resource] => {
            let name = resource.strip_prefix("stream/").unwrap_or_default();
            let suffix = partition.strip_prefix("aws");
            suffix.is_some_and(|it| it.chars().all(|letter| letter.is_ascii_alphabetic() || letter == '-'))
                && is_region(region)
                && is_account(account)
                && !name.is_empty()
                && consists_of(name, "+=,.@_/-")
        }
        _ => false,
    }
}

fn is_role_arn(text: &str) -> bool {
    match text.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", partition, "iam", "", account, resource] => {
            let path = resource.strip_prefix("role/").unwrap_or_default();
            let mut names = path.split('/');
            is_partition(partition)
                && is_account(account)
                && names.all(|name| !name.is_empty() && consists_of(name, "+=,.@_-"))
        }
        _ => false,
    }
}
