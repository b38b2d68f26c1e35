//! TagResource.

use macro_rules_attribute::apply;

use crate::api::Tags;
use crate::api::constraints::{RESOURCE_ARN, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "tag-resource",
    method: "POST",
    path: "/tags/{resourceArn}",
    query: &[],
    takes_client_token: false,
    is_about_streams: false,
};

/// The input of TagResource.
#[apply(input)]
pub struct TagResourceInput {
    /// The ARN of a cluster or stream: 1 to 1011 characters. Required.
    pub resource_arn: String,
    /// The tags to add or overwrite: at most 200. A key has 1 to 128 characters, a value 0 to 256. Required.
    pub tags: Option<Tags>,
}

/// The output of TagResource.
#[apply(output)]
pub struct TagResourceOutput {}

impl Validate for TagResourceInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("resourceArn", &self.resource_arn, &RESOURCE_ARN);
        if self.tags.is_none() {
            violations.missing("tags")
        };
        violations.tags(self.tags.as_ref());
    }
}
