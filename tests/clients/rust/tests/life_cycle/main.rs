//! What people do with the AWS SDK for Rust, against the simulated Regions.

mod server;

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::client::Waiters;
use aws_sdk_dsql::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dsql::operation::create_cluster::CreateClusterOutput;
use aws_sdk_dsql::types::{
    ClusterStatus, KinesisTargetDefinition, MultiRegionProperties, StreamFormat, StreamOrdering,
    TargetDefinition,
};

use server::Server;

const LONG: Duration = Duration::from_secs(60);

fn properties(peers: &[&str]) -> MultiRegionProperties {
    let properties = MultiRegionProperties::builder().witness_region("us-west-2");
    peers.iter().fold(properties, |properties, peer| properties.clusters(*peer)).build()
}

async fn create(client: &Client, peers: &[&str]) -> CreateClusterOutput {
    let asked = client.create_cluster().deletion_protection_enabled(false);
    asked.multi_region_properties(properties(peers)).send().await.expect("a cluster")
}

async fn active(client: &Client, identifier: &str) {
    client.wait_until_cluster_active().identifier(identifier).wait(LONG).await.expect("ACTIVE");
}

async fn gone(client: &Client, identifier: &str) {
    client.wait_until_cluster_not_exists().identifier(identifier).wait(LONG).await.expect("gone");
}

#[tokio::test]
async fn a_single_region_cluster_lives_and_goes() {
    let server = Server::start();
    let client = server.client("us-east-1");
    let created = client.create_cluster().tags("team", "orders").send().await.expect("a cluster");
    assert_eq!(*created.status(), ClusterStatus::Creating);
    let identifier = created.identifier();
    active(&client, identifier).await;
    let cluster = client.get_cluster().identifier(identifier).send().await.expect("the cluster");
    assert_eq!(cluster.arn(), created.arn());
    assert_eq!(cluster.tags().expect("tags")["team"], "orders");
    let refused = client.delete_cluster().identifier(identifier).send().await.expect_err("it is protected");
    let refused = refused.into_service_error();
    assert!(refused.is_validation_exception(), "{refused}");
    let update = client.update_cluster().identifier(identifier).deletion_protection_enabled(false);
    update.send().await.expect("an update");
    active(&client, identifier).await;
    client.delete_cluster().identifier(identifier).send().await.expect("a deletion");
    gone(&client, identifier).await;
    let missing = client.get_cluster().identifier(identifier).send().await.expect_err("it is gone");
    assert!(missing.into_service_error().is_resource_not_found_exception());
    server.stop();
}

#[tokio::test]
async fn three_steps_make_a_pair_and_two_calls_delete_it() {
    let server = Server::start();
    let (east, ohio) = (server.client("us-east-1"), server.client("us-east-2"));
    let blue = create(&east, &[]).await;
    let green = create(&ohio, &[blue.arn()]).await;
    let update = east.update_cluster().identifier(blue.identifier());
    update.multi_region_properties(properties(&[green.arn()])).send().await.expect("an update");
    for (client, cluster) in [(&east, &blue), (&ohio, &green)] {
        active(client, cluster.identifier()).await;
        let cluster = client.get_cluster().identifier(cluster.identifier()).send().await.expect("a cluster");
        let clusters: HashSet<&str> =
            cluster.multi_region_properties().expect("a pair").clusters().iter().map(|it| &**it).collect();
        assert_eq!(clusters, HashSet::from([blue.arn(), green.arn()]));
    }
    let deleted = east.delete_cluster().identifier(blue.identifier()).send().await.expect("a deletion");
    assert_eq!(*deleted.status(), ClusterStatus::PendingDelete);
    ohio.delete_cluster().identifier(green.identifier()).send().await.expect("a deletion");
    gone(&east, blue.identifier()).await;
    gone(&ohio, green.identifier()).await;
    server.stop();
}

#[tokio::test]
async fn a_retry_with_its_token_is_answered_as_the_first_time() {
    let server = Server::start();
    let client = server.client("us-east-1");
    let asked = client.create_cluster().client_token("orders-1");
    let first = asked.clone().send().await.expect("a cluster");
    let second = asked.clone().send().await.expect("the same cluster");
    assert_eq!(first.identifier(), second.identifier());
    let other = asked.deletion_protection_enabled(false).send().await.expect_err("another request");
    assert!(other.into_service_error().is_conflict_exception());
    server.stop();
}

#[tokio::test]
async fn pages_hold_all_clusters_once_and_the_quota_is_an_error_of_its_own() {
    let server = Server::start();
    let client = server.client("us-east-1");
    let mut made = HashSet::new();
    for _ in 0..5 {
        made.insert(create(&client, &[]).await.identifier().to_owned());
    }
    let asked = client.create_cluster().multi_region_properties(properties(&[]));
    match asked.send().await.expect_err("one too many") {
        SdkError::ServiceError(refused) => {
            assert_eq!(refused.raw().status().as_u16(), 402);
            assert_eq!(refused.err().code(), Some("ServiceQuotaExceededException"));
        }
        other => panic!("{other:?}"),
    }
    let mut pages = client.list_clusters().into_paginator().page_size(2).send();
    let mut seen = Vec::new();
    while let Some(page) = pages.next().await {
        seen.extend(page.expect("a page").clusters().iter().map(|cluster| cluster.identifier().to_owned()));
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), made);
    server.stop();
}

#[tokio::test]
async fn tags_and_policies() {
    let server = Server::start();
    let client = server.client("us-east-1");
    let created = client.create_cluster().tags("a", "1").send().await.expect("a cluster");
    let (arn, identifier) = (created.arn(), created.identifier());
    client.tag_resource().resource_arn(arn).tags("b c", "+ = /").send().await.expect("tags");
    client.untag_resource().resource_arn(arn).tag_keys("a").tag_keys("none").send().await.expect("no tag");
    let tags = client.list_tags_for_resource().resource_arn(arn).send().await.expect("tags");
    assert_eq!(tags.tags().expect("tags")["b c"], "+ = /");
    let policy = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let put = client.put_cluster_policy().identifier(identifier).policy(policy);
    let put = put.bypass_policy_lockout_safety_check(true).send().await.expect("a policy");
    let got = client.get_cluster_policy().identifier(identifier).send().await.expect("a policy");
    assert_eq!((got.policy(), got.policy_version()), (policy, put.policy_version()));
    let delete = client.delete_cluster_policy().identifier(identifier);
    let stale = delete.clone().expected_policy_version("stale").send().await.expect_err("a conflict");
    assert!(stale.into_service_error().is_conflict_exception());
    delete.expected_policy_version(put.policy_version()).send().await.expect("no policy");
    server.stop();
}

#[tokio::test]
async fn streams_live_and_go() {
    let server = Server::start();
    let client = server.client("us-east-1");
    let cluster = client.create_cluster().send().await.expect("a cluster");
    let cluster = cluster.identifier();
    active(&client, cluster).await;
    let kinesis = KinesisTargetDefinition::builder()
        .stream_arn("arn:aws:kinesis:us-east-1:111122223333:stream/orders")
        .role_arn("arn:aws:iam::111122223333:role/orders")
        .build()
        .expect("a target");
    let asked = client.create_stream().cluster_identifier(cluster).format(StreamFormat::Json);
    let asked = asked.ordering(StreamOrdering::Unordered).target_definition(TargetDefinition::Kinesis(kinesis));
    let stream = asked.send().await.expect("a stream");
    let stream = stream.stream_identifier();
    let waiter = client.wait_until_stream_active().cluster_identifier(cluster).stream_identifier(stream);
    waiter.wait(LONG).await.expect("ACTIVE");
    let listed = client.list_streams().cluster_identifier(cluster).send().await.expect("streams");
    assert_eq!(listed.streams()[0].stream_identifier(), stream);
    let delete = client.delete_stream().cluster_identifier(cluster).stream_identifier(stream);
    delete.send().await.expect("a deletion");
    let waiter = client.wait_until_stream_not_exists().cluster_identifier(cluster).stream_identifier(stream);
    waiter.wait(LONG).await.expect("gone");
    server.stop();
}

#[tokio::test]
async fn a_lost_answer_and_the_sdks_own_retry_make_one_cluster() {
    let server = Server::start();
    let client = server.client("us-east-1");
    client.list_clusters().send().await.expect("nothing");
    server.sim("faults", "drop us-east-1->client-1 CreateCluster.response times=1");
    let created = client.create_cluster().send().await.expect("a cluster");
    let listed = client.list_clusters().send().await.expect("a list");
    let listed: Vec<&str> = listed.clusters().iter().map(|cluster| cluster.identifier()).collect();
    assert_eq!(listed, [created.identifier()]);
    server.stop();
}
