//! UntagResource.

use macro_rules_attribute::apply;

use crate::api::constraints::{RESOURCE_ARN, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::{OperationModel, QueryKind};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "untag-resource",
    method: "DELETE",
    path: "/tags/{resourceArn}",
    query: &[("tagKeys", "tagKeys", QueryKind::Texts)],
    takes_client_token: false,
    is_about_streams: false,
};

/// The input of UntagResource.
#[apply(input)]
pub struct UntagResourceInput {
    /// The ARN of a cluster or stream: 1 to 1011 characters. Required.
    pub resource_arn: String,
    /// The tag keys to remove: at most 200, each of 1 to 128 characters. Required.
    pub tag_keys: Option<Vec<String>>,
}

/// The output of UntagResource.
#[apply(output)]
pub struct UntagResourceOutput {}

impl Validate for UntagResourceInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("resourceArn", &self.resource_arn, &RESOURCE_ARN);
        match &self.tag_keys {
            None => violations.missing("tagKeys"),
            Some(keys) => violations.tag_keys(keys),
        };
    }
}
