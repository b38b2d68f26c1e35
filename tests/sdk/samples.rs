//! A program as AWS publishes it for a multi-Region cluster (aws-samples/aurora-dsql-samples), given its clients.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::client::Waiters;
use aws_sdk_dsql::config::retry::RetryConfig;
use aws_sdk_dsql::types::MultiRegionProperties;
use dsql_sim::prelude::Region;
use dsql_sim::sdk::{self, Sim, Swarm};

use crate::folder;

/// Creates a pair and waits until both clusters are active: two creates, an update, two waiters.
async fn create_multi_region_clusters(
    client_1: &Client,
    client_2: &Client,
    witness: &str,
) -> Result<(String, String), Box<dyn Error>> {
    let first = client_1
        .create_cluster()
        .deletion_protection_enabled(true)
        .multi_region_properties(MultiRegionProperties::builder().witness_region(witness).build())
        .send()
        .await?;
    let peer = MultiRegionProperties::builder().witness_region(witness).clusters(first.arn()).build();
    let second = client_2
        .create_cluster()
        .deletion_protection_enabled(true)
        .multi_region_properties(peer)
        .send()
        .await?;
    let peer = MultiRegionProperties::builder().witness_region(witness).clusters(second.arn()).build();
    client_1.update_cluster().identifier(first.identifier()).multi_region_properties(peer).send().await?;
    for (client, cluster) in [(client_1, first.identifier()), (client_2, second.identifier())] {
        client.wait_until_cluster_active().identifier(cluster).wait(Duration::from_secs(600)).await?;
    }
    Ok((first.identifier().to_owned(), second.identifier().to_owned()))
}

/// A client that makes so many attempts that it outlasts what recoverable faults do.
fn patient(sim: &Sim, region: &str) -> Client {
    let retries = RetryConfig::standard().with_max_attempts(30);
    Client::from_conf(sim.config(region).retry_config(retries).build())
}

#[test]
fn the_published_program_holds_under_a_thousand_seeds_with_recoverable_faults() {
    let check = sdk::check("provision-pair").seeds(0..1000).folder(folder("provision-pair"));
    let check = check.faults(Swarm::recoverable()).then(|sim| {
        let linked = sim.world(|world| {
            let clusters = [Region::US_EAST_1, Region::US_EAST_2].map(|region| world.clusters(region).next());
            clusters.map(|cluster| cluster.and_then(|cluster| cluster.linked_peer()).is_some())
        });
        assert_eq!(linked, [true, true], "both sides have their peer");
    });
    let summary = check.run(|sim| async move {
        let (one, two) = (patient(&sim, "us-east-1"), patient(&sim, "us-east-2"));
        create_multi_region_clusters(&one, &two, "us-west-2").await
    });
    assert_eq!(summary.seeds, 1000);
}
