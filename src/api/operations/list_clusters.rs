//! ListClusters.

use macro_rules_attribute::apply;
use serde::{Deserialize, Serialize};

use crate::api::constraints::{Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::{OperationModel, PAGE};
use crate::api::shapes::with_identifier;
use crate::types::ClusterArn;

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "list-clusters",
    method: "GET",
    path: "/cluster",
    query: PAGE,
    takes_client_token: false,
    is_about_streams: false,
};

/// The input of ListClusters.
#[apply(input)]
pub struct ListClustersInput {
    /// The page size: 1 to 100, 20 if absent.
    pub max_results: Option<i64>,
    /// The `nextToken` of the previous page; absent for the first page.
    pub next_token: Option<String>,
}

/// The output of ListClusters.
#[apply(output)]
pub struct ListClustersOutput {
    /// The clusters of this page.
    pub clusters: Vec<ClusterSummary>,
    /// The token for the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A cluster in a list. The model has no status and no tags here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSummary {
    /// The cluster's ARN. On the wire, the identifier stands beside it.
    #[serde(flatten, with = "with_identifier")]
    pub arn: ClusterArn,
}

impl Validate for ListClustersInput {
    fn collect(&self, violations: &mut Violations) {
        violations.page(self.max_results);
    }
}
