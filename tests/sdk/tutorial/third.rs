//! Without giving up half-way.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dsql::types::{ClusterStatus, MultiRegionProperties};

/// Creates the pair `name`, and returns the identifiers of its clusters when both are active.
pub(super) async fn provision(
    name: &str,
    one: &Client,
    two: &Client,
    witness: &str,
) -> Result<[String; 2], Box<dyn Error>> {
    let create = |client: &Client, arn| {
        let create = client.create_cluster().tags("name", name);
        create.multi_region_properties(peer(witness, arn))
    };
    let first = insist(|| create(one, None).send()).await?;
    let second = insist(|| create(two, Some(first.arn())).send()).await?;
    let link = one.update_cluster().identifier(first.identifier());
    let link = link.multi_region_properties(peer(witness, Some(second.arn())));
    insist(|| link.clone().send()).await?;
    for (client, identifier) in [(one, first.identifier()), (two, second.identifier())] {
        while insist(|| client.get_cluster().identifier(identifier).send()).await?.status()
            != &ClusterStatus::Active
        {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }
    Ok([first.identifier().to_owned(), second.identifier().to_owned()])
}

/// Makes a call until the service has answered.
async fn insist<T, E, F>(call: impl Fn() -> F) -> Result<T, SdkError<E>>
where
    F: Future<Output = Result<T, SdkError<E>>>,
    E: ProvideErrorMetadata,
{
    loop {
        match call().await {
            Err(SdkError::ServiceError(error)) if !is_transient(error.err().code()) => {
                return Err(SdkError::ServiceError(error));
            }
            Err(_) => tokio::time::sleep(Duration::from_secs(5)).await,
            Ok(answer) => return Ok(answer),
        }
    }
}

fn is_transient(code: Option<&str>) -> bool {
    matches!(code, Some("ThrottlingException" | "InternalServerException"))
}

fn peer(witness: &str, arn: Option<&str>) -> MultiRegionProperties {
    MultiRegionProperties::builder()
        .witness_region(witness)
        .set_clusters(arn.map(|arn| vec![arn.to_owned()]))
        .build()
}
