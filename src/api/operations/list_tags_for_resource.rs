//! ListTagsForResource.

use macro_rules_attribute::apply;

use crate::api::Tags;
use crate::api::constraints::{RESOURCE_ARN, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "list-tags-for-resource",
    method: "GET",
    path: "/tags/{resourceArn}",
    query: &[],
    takes_client_token: false,
    is_about_streams: false,
};

/// The input of ListTagsForResource.
#[apply(input)]
pub struct ListTagsForResourceInput {
    /// The ARN of a cluster or stream: 1 to 1011 characters. Required.
    pub resource_arn: String,
}

/// The output of ListTagsForResource.
#[apply(output)]
pub struct ListTagsForResourceOutput {
    /// The resource's tags; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

impl Validate for ListTagsForResourceInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("resourceArn", &self.resource_arn, &RESOURCE_ARN);
    }
}
