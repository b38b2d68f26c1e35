use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dsql::Client;
use aws_sdk_dsql::client::Waiters;

#[tokio::main]
async fn main() {
    let config = aws_config::defaults(BehaviorVersion::latest()).region(Region::new("us-east-1"));
    let client = Client::new(&config.load().await);
    let cluster = client.create_cluster().tags("team", "orders").send().await.expect("a cluster");
    let waiter = client.wait_until_cluster_active().identifier(cluster.identifier());
    waiter.wait(Duration::from_secs(120)).await.expect("an active cluster");
}
