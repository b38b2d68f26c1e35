//! Without the bugs, and the test under a thousand seeds.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dsql::types::{ClusterStatus, MultiRegionProperties};

/// Creates the pair `name`, and returns the identifiers of its clusters when both are active. Called again with the
/// same name, it goes on where it was.
pub(super) async fn provision(
    name: &str,
    one: &Client,
    two: &Client,
    witness: &str,
) -> Result<[String; 2], Box<dyn Error>> {
    let create = |client: &Client, arn| {
        let create = client.create_cluster().tags("name", name).client_token(format!("{name}-create"));
        create.multi_region_properties(peer(witness, arn))
    };
    let first = insist(|| create(one, None).send()).await?;
    let second = insist(|| create(two, Some(first.arn())).send()).await?;
    let link = one.update_cluster().client_token(format!("{name}-link")).identifier(first.identifier());
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

/// Makes a call until the service has answered. Its token makes all of its requests one.
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

// The test:

use dsql_sim::prelude::*;
use dsql_sim::sdk::{self, Sim, Swarm};

#[test]
fn a_pair_is_there_or_nothing_is() {
    sdk::check("provision").seeds(0..1000).faults(Swarm::recoverable()).run(|sim| async move {
        let (one, two) = (sim.client("us-east-1"), sim.client("us-east-2"));
        let result = provision("orders", &one, &two, "us-west-2").await;
        sim.converge().await;
        match result {
            Ok(_) => assert_eq!(clusters(&sim), [1, 1], "one cluster in each Region"),
            Err(error) => assert_eq!(clusters(&sim), [0, 0], "nothing is left behind after: {error}"),
        }
    });
}

/// The number of clusters in each of the two Regions.
fn clusters(sim: &Sim) -> [usize; 2] {
    let regions = [Region::US_EAST_1, Region::US_EAST_2];
    sim.world(|world| regions.map(|region| world.clusters(region).count()))
}
