//! Requests, answers, time and faults.

use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::client::Waiters;
use aws_sdk_dsql::config::retry::RetryConfig;
use aws_sdk_dsql::config::timeout::TimeoutConfig;
use aws_sdk_dsql::error::SdkError;
use aws_sdk_dsql::types::ClusterStatus;
use dsql_sim::prelude::Region;
use dsql_sim::sdk::{self, FailureKind};

use crate::folder;

#[test]
fn the_sdk_creates_a_cluster_and_waits_for_it_in_virtual_time() {
    let summary = sdk::check("create-and-wait").seeds(0..20).run(|sim| async move {
        let client = sim.client("us-east-1");
        let created = client.create_cluster().send().await.expect("a cluster");
        assert_eq!(created.status(), &ClusterStatus::Creating);
        let waiter = client.wait_until_cluster_active().identifier(created.identifier());
        waiter.wait(Duration::from_secs(600)).await.expect("an active cluster");
        assert!(sim.now() >= Duration::from_secs(2), "the waiter pauses");
        assert_eq!(sim.world(|world| world.clusters(Region::US_EAST_1).count()), 1);
    });
    assert_eq!(summary.seeds, 20);
    assert!(summary.requests >= 40, "{summary:?}");
}

#[test]
fn an_error_of_the_service_reaches_the_program_typed() {
    sdk::check("typed-error").seeds(0..3).run(|sim| async move {
        let missing = "abcdefghijklmnopqrstuvwxyz";
        let error = sim.client("us-east-1").get_cluster().identifier(missing).send().await;
        let error = error.expect_err("there is no such cluster").into_service_error();
        assert!(error.is_resource_not_found_exception(), "{error:?}");
    });
}

#[test]
fn a_lost_answer_breaks_the_connection_after_a_minute_and_the_retry_has_the_same_token() {
    sdk::check("lost-answer").seeds(0..10).run(|sim| async move {
        sim.inject("drop us-east-1->main CreateCluster.response times=1").expect("a fault");
        let created = sim.client("us-east-1").create_cluster().send().await.expect("a cluster");
        assert!(sim.now() >= Duration::from_secs(60), "{:?}", sim.now());
        sim.converge().await;
        let clusters = sim.world(|world| {
            world.clusters(Region::US_EAST_1).map(|it| it.arn.identifier.to_string()).collect::<Vec<_>>()
        });
        assert_eq!(clusters, [created.identifier()]);
    });
}

#[test]
fn time_outs_of_the_clients_own_configuration_count() {
    sdk::check("own-time-outs").seeds(0..5).run(|sim| async move {
        let config = || sim.config("us-east-1").retry_config(RetryConfig::disabled());
        let times = TimeoutConfig::builder().read_timeout(Duration::from_secs(2)).build();
        sim.inject("drop us-east-1->main times=1").expect("a fault");
        let client = Client::from_conf(config().timeout_config(times).build());
        let error = client.list_clusters().send().await.expect_err("no answer");
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert_eq!(sim.now(), Duration::from_secs(2));
        // Nothing answers in a Region that is gone: the SDK's own time-out for a connection is 3.1 seconds.
        sim.inject("outage us-east-1").expect("a fault");
        let error = Client::from_conf(config().build()).list_clusters().send().await.expect_err("no Region");
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert_eq!(sim.now(), Duration::from_millis(5100));
    });
}

#[test]
fn a_node_that_is_down_resets_the_connection_at_once() {
    sdk::check("reset").seeds(0..5).run(|sim| async move {
        sim.inject("crash us-east-1").expect("a fault");
        let config = sim.config("us-east-1").retry_config(RetryConfig::disabled()).build();
        let error = Client::from_conf(config).list_clusters().send().await.expect_err("no server is there");
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert!(sim.now() < Duration::from_secs(1), "{:?}", sim.now());
    });
}

#[test]
fn an_answer_that_takes_half_a_minute_arrives() {
    sdk::check("slow-answer").seeds(0..5).run(|sim| async move {
        sim.inject("delay us-east-1->main CreateCluster.response by=30s").expect("a fault");
        let config = sim.config("us-east-1").retry_config(RetryConfig::disabled()).build();
        Client::from_conf(config).create_cluster().send().await.expect("a late answer");
        assert!(sim.now() >= Duration::from_secs(30), "{:?}", sim.now());
    });
}

#[test]
fn the_time_and_the_tasks_of_tokio_are_virtual() {
    sdk::check("tokio").seeds(0..10).run(|sim| async move {
        let client = sim.client("us-east-1");
        let listing = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1800)).await;
            client.list_clusters().send().await.expect("a listing")
        });
        let spawned = sim.spawn("sleeper", async { tokio::time::sleep(Duration::from_secs(900)).await });
        spawned.await;
        assert_eq!(sim.now(), Duration::from_secs(900));
        listing.await.expect("a task that ends");
        assert!(sim.now() > Duration::from_secs(1800));
        let timed_out = tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await;
        timed_out.expect_err("five virtual seconds pass");
    });
}

#[test]
fn credentials_of_a_principal_have_its_permissions() {
    let set_up = "principal reader arn=arn:aws:iam::111122223333:user/reader access-key=AKIAREADER\n\
                  { \"Version\": \"2012-10-17\", \"Statement\": [\n\
                  { \"Effect\": \"Allow\", \"Action\": \"dsql:ListClusters\", \"Resource\": \"*\" } ] }\n";
    sdk::check("principal").seeds(0..3).set_up(set_up).run(|sim| async move {
        use aws_sdk_dsql::config::Credentials;
        let reader = Credentials::new("AKIAREADER", "secret", None, None, "test");
        let client = Client::from_conf(sim.config("us-east-1").credentials_provider(reader).build());
        client.list_clusters().send().await.expect("a listing is allowed");
        let error = client.create_cluster().send().await.expect_err("it may not create").into_service_error();
        assert!(error.to_string().contains("AccessDenied"), "{error:?}");
        sim.client("us-east-1").create_cluster().send().await.expect("the program itself may");
    });
}

#[test]
fn a_mistake_in_a_fault_or_a_set_up_is_an_error() {
    sdk::check("mistakes").seeds(0..1).run(|sim| async move {
        let mistake = sim.inject("dorp us-east-1->main").expect_err("no such verb");
        assert!(mistake.to_string().contains("drop"), "{mistake}");
        let own = sim.inject("crash main").expect_err("the program of the test");
        assert!(own.to_string().contains("the test itself"), "{own}");
        sim.client("us-east-1").list_clusters().send().await.expect("a listing");
    });
    let failure = sdk::check("mistakes").folder(folder("mistakes")).set_up("seed 1\nadvance 3s");
    let failure = failure.try_run(|_| async {}).expect_err("more than a set-up");
    assert_eq!(failure.kind, FailureKind::SetUp);
    let failure = sdk::check("mistakes").folder(folder("mistakes")).faults("advance 3s");
    let failure = failure.try_run(|_| async {}).expect_err("no fault");
    assert_eq!(failure.kind, FailureKind::SetUp);
}

#[test]
fn a_client_of_a_shared_configuration_is_in_virtual_time_too() {
    sdk::check("shared-configuration").seeds(0..10).run(|sim| async move {
        sim.inject("drop us-east-1->main CreateCluster.response times=1").expect("a fault");
        let client = Client::new(&sim.sdk_config("us-east-1"));
        let created = client.create_cluster().send().await.expect("a cluster");
        let waiter = client.wait_until_cluster_active().identifier(created.identifier());
        waiter.wait(Duration::from_secs(600)).await.expect("an active cluster");
        assert!(sim.now() >= Duration::from_secs(60), "{:?}", sim.now());
        assert_eq!(sim.world(|world| world.clusters(Region::US_EAST_1).count()), 1);
    });
}
