//! With three bugs: no token, a wait that cannot end, and a half-made pair.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::client::Waiters;
use aws_sdk_dsql::operation::create_cluster::CreateClusterOutput;
use aws_sdk_dsql::types::MultiRegionProperties;

/// Creates the pair `name`, and returns the identifiers of its clusters when both are active.
pub(super) async fn provision(
    name: &str,
    one: &Client,
    two: &Client,
    witness: &str,
) -> Result<[String; 2], Box<dyn Error>> {
    let first = create(name, one, peer(witness, None)).await;
    wait_until_active(one, first.identifier()).await?;
    let second = create(name, two, peer(witness, Some(first.arn()))).await;
    let link = one.update_cluster().identifier(first.identifier());
    link.multi_region_properties(peer(witness, Some(second.arn()))).send().await?;
    wait_until_active(one, first.identifier()).await?;
    wait_until_active(two, second.identifier()).await?;
    Ok([first.identifier().to_owned(), second.identifier().to_owned()])
}

/// Tries again until it works.
async fn create(name: &str, client: &Client, properties: MultiRegionProperties) -> CreateClusterOutput {
    loop {
        let create = client.create_cluster().tags("name", name);
        match create.multi_region_properties(properties.clone()).send().await {
            Ok(created) => return created,
            Err(_) => tokio::time::sleep(Duration::from_secs(5)).await,
        }
    }
}

async fn wait_until_active(client: &Client, identifier: &str) -> Result<(), Box<dyn Error>> {
    client.wait_until_cluster_active().identifier(identifier).wait(Duration::from_secs(900)).await?;
    Ok(())
}

fn peer(witness: &str, arn: Option<&str>) -> MultiRegionProperties {
    MultiRegionProperties::builder()
        .witness_region(witness)
        .set_clusters(arn.map(|arn| vec![arn.to_owned()]))
        .build()
}
