//! Validation of the field constraints of the API model (`dsql`, 2018-05-10).
//!
//! Every violation becomes an entry of its own, in the order of the model. Validation of a valid request allocates
//! nothing. Rules that need more than the field itself, such as the existence of the peer, are in
//! [`control`](crate::control).

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use super::error::{Error, Field};
use super::shapes::{MetricGroupRequest, MultiRegionProperties, TargetDefinition};
use super::tags::Tags;

/// The constraints of a text: its length in characters, inclusive, and its pattern.
pub(super) struct Text {
    length: RangeInclusive<usize>,
    pattern: Option<Pattern>,
}

/// A pattern of the model: its regular expression for messages, and a function that accepts the same texts.
struct Pattern {
    regex: &'static str,
    accepts: fn(&str) -> bool,
}

const ANY_LENGTH: RangeInclusive<usize> = 0..=usize::MAX;

pub(super) const CLUSTER_ID: Text = text(ANY_LENGTH, "[a-z0-9]{26}", is_identifier);
pub(super) const STREAM_ID: Text = text(ANY_LENGTH, "[a-z0-9]{26}", is_identifier);
const CLIENT_TOKEN: Text = text(1..=128, "[!-~]+", is_client_token);
pub(super) const KMS_KEY: Text = text(1..=2048, "[a-zA-Z0-9:/_-]+", is_kms_key);
const TAG_KEY: Text = text(1..=128, TAG_PATTERN, is_tag);
const TAG_VALUE: Text = text(0..=256, TAG_PATTERN, is_tag);
const REGION: Text = Text { length: 0..=50, pattern: None };
const CLUSTER_ARN: Text =
    text(ANY_LENGTH, "arn:aws(-[^:]+)?:dsql:[a-z0-9-]{1,20}:[0-9]{12}:cluster/[a-z0-9]{26}", is_cluster_arn);
pub(super) const POLICY: Text = Text { length: 1..=20_480, pattern: None };
pub(super) const RESOURCE_ARN: Text =
    text(1..=1011, "arn:.+", |text| text.len() > 4 && text.starts_with("arn:"));
const KINESIS_ARN: Text = text(
    1..=2048,
    "arn:aws[a-zA-Z-]*:kinesis:[a-z0-9-]*:[0-9]{12}:stream/[a-zA-Z0-9+=,.@_/\\-]+",
    is_kinesis_arn,
);
const ROLE_ARN: Text =
    text(20..=2048, "arn:aws(-[^:]+)?:iam::[0-9]{12}:role(/[a-zA-Z0-9+=,.@_-]+)+", is_role_arn);

const TAG_PATTERN: &str = "[a-zA-Z0-9_.:/=+\\-@ ]*";
const RESERVED_PREFIX: &str = "aws:";
const MAX_TAGS: usize = 200;
const MAX_METRIC_GROUPS: usize = 20;
/// The longest list whose elements are compared pairwise.
const MAX_PAIRWISE: usize = 20;
/// The length to which a message truncates a value, in characters.
const MAX_SHOWN: usize = 256;
/// The number of violations that an exception lists. A hostile body could otherwise cause an answer of a hundred times
/// its own size.
const MAX_VIOLATIONS: usize = 1000;

/// Collects the violations of a request.
#[derive(Default)]
pub(super) struct Violations(Vec<Field>);

/// An input with field constraints.
pub(super) trait Validate {
    fn collect(&self, violations: &mut Violations);

    fn validate(&self) -> Result<(), Error> {
        let mut violations = Violations::default();
        self.collect(&mut violations);
        if violations.0.is_empty() { Ok(()) } else { Err(Error::field_validation(violations.0)) }
    }
}

impl Violations {
    fn add(&mut self, path: impl Display, value: Option<&dyn Display>, constraint: fmt::Arguments<'_>) {
        if self.0.len() == MAX_VIOLATIONS {
            return;
        }
        let shown: Option<String> = value.map(|value| value.to_string().chars().take(MAX_SHOWN).collect());
        let value = shown.map_or_else(|| "Value".to_owned(), |shown| format!("Value '{shown}'"));
        let message = format!("{value} at '{path}' failed to satisfy constraint: {constraint}");
        self.0.push(Field { name: path.to_string(), message });
    }

    #[inline]
    fn check_text(&mut self, path: impl Display, value: &str, constraint: &Text) {
        let violated = constraint.pattern.as_ref().filter(|pattern| !(pattern.accepts)(value));
        // The length in bytes decides for valid texts without a count of characters: a pattern accepts ASCII only, and
        // a text without pattern that seems too long in bytes is counted in the slow path.
        if violated.is_some() || !constraint.length.contains(&value.len()) {
            self.add_text(path, value, constraint, violated);
        }
    }

    #[cold]
    fn add_text(&mut self, path: impl Display, value: &str, constraint: &Text, violated: Option<&Pattern>) {
        let (min, max) = (*constraint.length.start(), *constraint.length.end());
        let length = value.chars().count();
        if length < min {
            let sentence = format_args!("Member must have length greater than or equal to {min}");
            self.add(&path, Some(&value), sentence);
        }
        if length > max {
            self.add(
                &path,
                Some(&value),
                format_args!("Member must have length less than or equal to {max}"),
            );
        }
        if let Some(pattern) = violated {
            let sentence = format_args!("Member must satisfy regular expression pattern: {}", pattern.regex);
            self.add(&path, Some(&value), sentence);
        }
    }

    pub(super) fn optional(&mut self, path: &str, value: Option<&str>, constraint: &Text) {
        if let Some(value) = value {
            self.check_text(path, value, constraint);
        }
    }

    pub(super) fn required(&mut self, path: &str, value: Option<&str>, constraint: &Text) {
        match value {
            Some(value) => self.check_text(path, value, constraint),
            None => self.missing(path),
        }
    }

    pub(super) fn missing(&mut self, path: impl Display) {
        self.add(path, Some(&"null"), format_args!("Member must not be null"));
    }

    /// A required text without an `Option`: the empty text is an absent one.
    pub(super) fn identifier(&mut self, path: &str, value: &str, constraint: &Text) {
        self.required(path, Some(value).filter(|value| !value.is_empty()), constraint);
    }

    pub(super) fn token(&mut self, token: Option<&crate::types::ClientToken>) {
        self.optional("clientToken", token.and_then(|token| token.free_text()), &CLIENT_TOKEN);
    }

    pub(super) fn tags(&mut self, tags: Option<&Tags>) {
        let Some(tags) = tags else { return };
        if tags.len() > MAX_TAGS {
            self.add("tags", None, format_args!("Member must have length less than or equal to {MAX_TAGS}"));
        }
        for (key, value) in tags.iter() {
            self.check_tag_key(format_args!("tags.{key}"), key);
            self.check_text(format_args!("tags.{key}"), value, &TAG_VALUE);
        }
    }

    pub(super) fn page(&mut self, max_results: Option<i64>) {
        let Some(size) = max_results else { return };
        if size < 1 {
            let sentence = format_args!("Member must have value greater than or equal to 1");
            self.add("maxResults", Some(&size), sentence);
        }
        if size > 100 {
            self.add(
                "maxResults",
                Some(&size),
                format_args!("Member must have value less than or equal to 100"),
            );
        }
    }

    pub(super) fn one_of(&mut self, path: impl Display, value: Option<&str>, allowed: &str) {
        match value {
            None => self.missing(path),
            Some(value) if value != allowed => {
                self.add(path, Some(&value), format_args!("Member must satisfy enum value set: [{allowed}]"));
            }
            Some(_) => {}
        }
    }

    pub(super) fn properties(&mut self, properties: Option<&MultiRegionProperties>) {
        let Some(properties) = properties else { return };
        self.optional("multiRegionProperties.witnessRegion", properties.witness_region.as_deref(), &REGION);
        let Some(clusters) = &properties.clusters else { return };
        for (index, arn) in clusters.iter().enumerate() {
            self.check_text(
                format_args!("multiRegionProperties.clusters.{}.member", index + 1),
                arn,
                &CLUSTER_ARN,
            );
        }
        if has_duplicates(clusters, |arn| arn) {
            self.unique("multiRegionProperties.clusters");
        }
    }

    pub(super) fn metric_groups(&mut self, groups: Option<&[MetricGroupRequest]>) {
        let Some(groups) = groups else { return };
        if groups.len() > MAX_METRIC_GROUPS {
            let sentence = format_args!("Member must have length less than or equal to {MAX_METRIC_GROUPS}");
            self.add("metricGroups", None, sentence);
        }
        for (index, group) in groups.iter().enumerate() {
            let path = format_args!("metricGroups.{}.member.metricGroup", index + 1);
            self.one_of(path, group.metric_group.as_deref(), "STATEMENT_STATISTICS");
        }
        if has_duplicates(groups, |group| &group.metric_group) {
            self.unique("metricGroups");
        }
    }

    fn unique(&mut self, path: &str) {
        self.add(path, None, format_args!("Member must not contain duplicate entries"));
    }
}

impl Violations {
    pub(super) fn tag_keys(&mut self, keys: &[String]) {
        if keys.len() > MAX_TAGS {
            self.add(
                "tagKeys",
                None,
                format_args!("Member must have length less than or equal to {MAX_TAGS}"),
            );
        }
        for (index, key) in keys.iter().enumerate() {
            self.check_tag_key(format_args!("tagKeys.{}.member", index + 1), key);
        }
    }

    /// The prefix is no constraint of the model: the guides of tagging reserve it, in any case of its letters, for tags
    /// that users can neither set nor remove.
    fn check_tag_key(&mut self, path: impl Display, key: &str) {
        self.check_text(&path, key, &TAG_KEY);
        let is_reserved =
            key.get(..RESERVED_PREFIX.len()).is_some_and(|it| it.eq_ignore_ascii_case(RESERVED_PREFIX));
        if is_reserved {
            self.add(
                path,
                Some(&key),
                format_args!("Member must not begin with the reserved prefix {RESERVED_PREFIX}"),
            );
        }
    }

    pub(super) fn target(&mut self, target: Option<&TargetDefinition>) {
        match target.map(|target| &target.kinesis) {
            None => self.missing("targetDefinition"),
            Some(None) => self.missing("targetDefinition.kinesis"),
            Some(Some(kinesis)) => {
                self.required(
                    "targetDefinition.kinesis.streamArn",
                    kinesis.stream_arn.as_deref(),
                    &KINESIS_ARN,
                );
                self.required("targetDefinition.kinesis.roleArn", kinesis.role_arn.as_deref(), &ROLE_ARN);
            }
        }
    }
}

const fn text(length: RangeInclusive<usize>, regex: &'static str, accepts: fn(&str) -> bool) -> Text {
    Text { length, pattern: Some(Pattern { regex, accepts }) }
}

/// Whether `text` consists of ASCII letters, digits and the bytes in `more`.
fn has_only(text: &str, more: &[u8]) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
}

/// Whether two elements have the same `key`. A short list is compared pairwise, without an allocation. A long list is
/// sorted: a pairwise comparison would give a hostile body quadratic cost.
fn has_duplicates<T, K: Ord>(elements: &[T], key: impl Fn(&T) -> &K) -> bool {
    if elements.len() <= MAX_PAIRWISE {
        let mut indexed = elements.iter().enumerate();
        return indexed
            .any(|(index, element)| elements[..index].iter().any(|other| key(other) == key(element)));
    }
    let mut keys: Vec<_> = elements.iter().map(key).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

fn is_some_of(text: &str, more: &[u8]) -> bool {
    !text.is_empty() && has_only(text, more)
}

fn is_identifier(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_client_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_kms_key(text: &str) -> bool {
    is_some_of(text, b":/_-")
}

fn is_tag(text: &str) -> bool {
    has_only(text, b"_.:/=+-@ ")
}

/// A partition of AWS, as in `aws` or `aws-cn`.
fn is_partition(text: &str) -> bool {
    text == "aws" || text.strip_prefix("aws-").is_some_and(|rest| !rest.is_empty())
}

fn is_region_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_cluster_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut part = || parts.next().unwrap_or_default();
    part() == "arn"
        && is_partition(part())
        && part() == "dsql"
        && Some(part()).is_some_and(|region| (1..=20).contains(&region.len()) && is_region_name(region))
        && is_account(part())
        && part().strip_prefix("cluster/").is_some_and(is_identifier)
}

/// Whether `text` is the ARN of a Kinesis stream.
pub(crate) fn is_kinesis_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut part = || parts.next().unwrap_or_default();
    part() == "arn"
        && part()
            .strip_prefix("aws")
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-'))
        && part() == "kinesis"
        && is_region_name(part())
        && is_account(part())
        && part().strip_prefix("stream/").is_some_and(|name| is_some_of(name, b"+=,.@_/-"))
}

/// Whether `text` is the ARN of a role.
pub(crate) fn is_role_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut part = || parts.next().unwrap_or_default();
    part() == "arn"
        && is_partition(part())
        && part() == "iam"
        && part().is_empty()
        && is_account(part())
        && part()
            .strip_prefix("role/")
            .is_some_and(|path| path.split('/').all(|name| is_some_of(name, b"+=,.@_-")))
}

#[cfg(test)]
mod tests {
    use super::super::{Operation, Request, ValidationReason};
    use super::*;
    use serde_json::{Value, json};

    fn violations_of(operation: Operation, input: Value) -> Vec<(String, String)> {
        let request = Request::from_json(operation, input).expect("a readable request");
        match request.validate() {
            Ok(()) => Vec::new(),
            Err(Error::Validation { reason, field_list, .. }) => {
                assert_eq!(reason, ValidationReason::FieldValidationFailed);
                field_list.into_iter().map(|field| (field.name, field.message)).collect()
            }
            Err(other) => panic!("expected a field validation error, got {other}"),
        }
    }

    fn paths(operation: Operation, input: Value) -> Vec<String> {
        violations_of(operation, input).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn an_identifier_that_violates_the_pattern_is_a_field_error_in_the_generic_form() {
        let found = violations_of(Operation::GetCluster, json!({ "identifier": "someIdentifier" }));
        let sentence = "Value 'someIdentifier' at 'identifier' failed to satisfy constraint: Member must satisfy \
                        regular expression pattern: [a-z0-9]{26}";
        assert_eq!(found, [("identifier".to_owned(), sentence.to_owned())]);
    }

    #[test]
    fn a_missing_required_member_is_a_field_error() {
        assert_eq!(paths(Operation::GetCluster, json!({})), ["identifier"]);
        assert_eq!(paths(Operation::TagResource, json!({})), ["resourceArn", "tags"]);
        let stream = ["clusterIdentifier", "targetDefinition", "ordering", "format"];
        assert_eq!(paths(Operation::CreateStream, json!({})), stream);
    }

    #[test]
    fn every_violation_is_listed_in_the_order_of_the_model() {
        let input = json!({
            "metricGroups": [{ "metricGroup": "CPU" }],
            "clientToken": "with space",
            "tags": { "a*": "b" },
            "kmsEncryptionKey": "",
            "multiRegionProperties": { "witnessRegion": "x".repeat(51), "clusters": ["arn:aws:s3:::b"] },
            "policy": "",
        });
        let expected = [
            "kmsEncryptionKey",
            "kmsEncryptionKey",
            "tags.a*",
            "clientToken",
            "multiRegionProperties.witnessRegion",
            "multiRegionProperties.clusters.1.member",
            "policy",
            "metricGroups.1.member.metricGroup",
        ];
        assert_eq!(paths(Operation::CreateCluster, input), expected);
    }

    #[test]
    fn lengths_count_both_ends() {
        let token =
            |length: usize| paths(Operation::CreateCluster, json!({ "clientToken": "t".repeat(length) }));
        assert!(token(1).is_empty() && token(128).is_empty());
        assert_eq!(token(129), ["clientToken"]);
        let page = |size: i64| paths(Operation::ListClusters, json!({ "maxResults": size }));
        assert!(page(1).is_empty() && page(100).is_empty());
        assert_eq!((page(0), page(101)), (vec!["maxResults".to_owned()], vec!["maxResults".to_owned()]));
    }

    #[test]
    fn lists_do_not_repeat_and_maps_have_a_limit() {
        let arn = "arn:aws:dsql:us-east-1:111122223333:cluster/kiqenqglxyl2snyvkvnj2c3s2e";
        let input = json!({ "multiRegionProperties": { "clusters": [arn, arn] } });
        assert_eq!(paths(Operation::CreateCluster, input), ["multiRegionProperties.clusters"]);
        let tags: Value =
            (0..201).map(|tag| (format!("k{tag}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
        assert_eq!(paths(Operation::CreateCluster, json!({ "tags": tags })), ["tags"]);
    }

    #[test]
    fn a_forbidden_byte_is_found_at_any_offset() {
        for length in 0..40 {
            let text = "aZ09_.:/=+-@ ".chars().cycle().take(length).collect::<String>();
            assert!(is_tag(&text), "{text:?}");
            for offset in 0..length {
                let mut invalid = text.clone();
                invalid.replace_range(offset..=offset, "*");
                assert!(!is_tag(&invalid), "{invalid:?}");
            }
        }
        assert!(!is_kms_key("") && !is_kms_key("an alias") && is_kms_key("alias/orders_1-a:b"));
    }

    #[test]
    fn cluster_arns_of_every_partition_fit_the_pattern() {
        let arn = |partition: &str| {
            format!("arn:{partition}:dsql:us-east-1:111122223333:cluster/{}", "a".repeat(26))
        };
        assert!(is_cluster_arn(&arn("aws")) && is_cluster_arn(&arn("aws-cn")));
        assert!(!is_cluster_arn(&arn("aws-")) && !is_cluster_arn(&arn("AWS")));
        assert!(!is_cluster_arn(&(arn("aws") + "a")));
    }

    #[test]
    fn kinesis_and_role_arns_fit_their_patterns() {
        assert!(is_kinesis_arn("arn:aws:kinesis:us-east-1:111122223333:stream/orders"));
        assert!(!is_kinesis_arn("arn:aws:kinesis:us-east-1:111122223333:stream/"));
        assert!(is_role_arn("arn:aws:iam::111122223333:role/path/writer"));
        assert!(!is_role_arn("arn:aws:iam::111122223333:role/"));
    }
}
