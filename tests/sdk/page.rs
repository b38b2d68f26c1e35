//! The test on the page `docs/sdk.md`, word for word, where it is run.

#[test]
fn the_page_shows_the_test_below() {
    let (_, block) =
        include_str!("page.rs").split_once(concat!("// The block", " of the page:\n\n")).expect("the block");
    assert!(include_str!("../../docs/sdk.md").contains(block), "the page has another test");
}

// The block of the page:

use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::client::Waiters;
use aws_sdk_dsql::config::retry::RetryConfig;
use dsql_sim::prelude::*;
use dsql_sim::sdk::{self, Swarm};

/// Ordinary code.
async fn provision(client: &Client) -> Result<String, Box<dyn std::error::Error>> {
    let created = client.create_cluster().send().await?;
    let waiter = client.wait_until_cluster_active().identifier(created.identifier());
    waiter.wait(Duration::from_secs(600)).await?;
    Ok(created.identifier().to_owned())
}

#[test]
fn provisioning_makes_one_cluster_whatever_happens() {
    sdk::check("provision").seeds(0..100).faults(Swarm::recoverable()).run(|sim| async move {
        // The SDK makes three attempts by default. A Region may be gone for half a minute.
        let patient = RetryConfig::standard().with_max_attempts(30);
        let client = Client::from_conf(sim.config("us-east-1").retry_config(patient).build());
        let identifier = provision(&client).await?;

        // Ends every fault, lets the world come to rest, and demands that it has converged.
        sim.converge().await;
        let clusters: Vec<String> = sim.world(|world| {
            world.clusters(Region::US_EAST_1).map(|cluster| cluster.arn.identifier.to_string()).collect()
        });
        assert_eq!(clusters, [identifier]);
        Ok::<(), Box<dyn std::error::Error>>(())
    });
}
