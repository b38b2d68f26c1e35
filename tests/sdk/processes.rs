//! Processes that crash and begin again, and what is on their disks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dsql_sim::prelude::Region;
use dsql_sim::sdk::{self, FailureKind, Sim, Swarm};

use crate::folder;

/// Creates one cluster, whatever crashes: the token is durable before the request leaves.
async fn deploy(sim: Sim) {
    let disk = sim.disk("deployer");
    let token = match disk.read("token") {
        Some(token) => token,
        None => {
            disk.write("token", "deploy-1").await;
            "deploy-1".to_owned()
        }
    };
    let client = sim.client("us-east-1");
    loop {
        match client.create_cluster().client_token(&token).send().await {
            Ok(created) => return disk.write("cluster", created.identifier()).await,
            Err(_) => tokio::time::sleep(Duration::from_secs(10)).await,
        }
    }
}

fn clusters(sim: &Sim) -> usize {
    sim.world(|world| world.clusters(Region::US_EAST_1).count())
}

#[test]
fn a_process_that_crashes_begins_again_with_its_disk_and_its_request_arrives() {
    let lives = Arc::new(AtomicU64::new(0));
    let counted = lives.clone();
    sdk::check("deployer").seeds(0..20).check_determinism(false).run(move |sim| {
        let lives = counted.clone();
        async move {
            // The request is on its way when the process crashes.
            sim.inject("at +2ms crash deployer").expect_err("there is no such client yet");
            let handle = sim.process("deployer", move |sim| {
                lives.fetch_add(1, Ordering::Relaxed);
                deploy(sim)
            });
            sim.inject("at +2ms crash deployer").expect("a fault");
            sim.client("us-east-1").list_clusters().send().await.expect("a listing");
            handle.ended().await;
            assert!(sim.disk("deployer").read("cluster").is_some());
            sim.converge().await;
            assert_eq!(clusters(&sim), 1);
        }
    });
    assert_eq!(lives.load(Ordering::Relaxed), 40, "two lives for each seed");
}

#[test]
fn random_faults_crash_the_processes_of_a_check() {
    let lives = Arc::new(AtomicU64::new(0));
    let counted = lives.clone();
    let check = sdk::check("deployer-swarm").seeds(0..200).folder(folder("deployer-swarm"));
    let check = check.processes(&["deployer"]).faults(Swarm::recoverable().count(3..=8));
    check.then(|sim| assert_eq!(clusters(sim), 1)).check_determinism(false).run(move |sim| {
        let lives = counted.clone();
        async move {
            let handle = sim.process("deployer", move |sim| {
                lives.fetch_add(1, Ordering::Relaxed);
                deploy(sim)
            });
            handle.ended().await;
        }
    });
    // One run more than seeds: the one without faults.
    assert!(lives.load(Ordering::Relaxed) > 201, "no process has crashed");
}

#[test]
fn a_process_without_a_durable_token_makes_a_second_cluster() {
    let check = sdk::check("forgetful").seeds(0..50).folder(folder("forgetful")).processes(&["deployer"]);
    let check = check.faults("at +1ms crash deployer");
    let failure =
        check.then(|sim| assert!(clusters(sim) < 2, "a second cluster")).try_run(|sim| async move {
            let main = |sim: Sim| async move {
                let token = format!("deploy-{}", sim.now().as_nanos());
                let created = sim.client("us-east-1").create_cluster().client_token(token).send().await?;
                sim.disk("deployer").write("cluster", created.identifier()).await;
                Ok::<(), aws_sdk_dsql::Error>(())
            };
            sim.process("deployer", main).ended().await;
        });
    let failure = failure.expect_err("the second life knows nothing of the first");
    assert_eq!(failure.kind, FailureKind::Panic, "{failure}");
    assert!(failure.message.contains("a second cluster"), "{failure}");
    assert_eq!(failure.faults, ["at +1ms crash deployer"]);
}

#[test]
fn a_crash_drops_the_tasks_of_a_process_and_its_spawned_ones_get_no_answers() {
    sdk::check("tasks-of-a-crash").seeds(0..10).may_leave_tasks().check_determinism(false).run(
        |sim| async move {
            let answered = Arc::new(AtomicU64::new(0));
            let count = answered.clone();
            drop(sim.process("poller", move |sim| {
                let (client, other, count) =
                    (sim.client("us-east-1"), sim.client("us-east-1"), count.clone());
                async move {
                    // The first life is beyond the crash, the second one in its first second.
                    if sim.now() > Duration::from_secs(1) {
                        return;
                    }
                    let (one, two) = (count.clone(), count);
                    drop(sim.spawn("own", async move {
                        tokio::time::sleep(Duration::from_secs(2)).await;
                        one.fetch_add(1, Ordering::Relaxed);
                        drop(client.list_clusters().send().await);
                    }));
                    drop(tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_secs(2)).await;
                        drop(other.list_clusters().send().await);
                        two.fetch_add(1, Ordering::Relaxed);
                    }));
                    std::future::pending::<()>().await;
                }
            }));
            sim.client("us-east-1").list_clusters().send().await.expect("a listing");
            sim.advance(Duration::from_millis(1500) - sim.now()).await;
            sim.inject("crash poller").expect("a fault");
            sim.advance(Duration::from_secs(3600)).await;
            assert_eq!(answered.load(Ordering::Relaxed), 0);
        },
    );
}

#[test]
fn a_write_is_durable_when_it_returns_and_a_crash_decides_about_those_under_way() {
    let kept = Arc::new(AtomicU64::new(0));
    let counted = kept.clone();
    sdk::check("disk").seeds(0..60).in_order().check_determinism(false).run(move |sim| {
        let kept = counted.clone();
        async move {
            let handle = sim.process("writer", |sim| async move {
                let disk = sim.disk("writer");
                if disk.read("first").is_some() {
                    return;
                }
                disk.write("first", "durable").await;
                drop(sim.spawn("second", {
                    let disk = disk.clone();
                    async move { disk.write("second", "under way").await }
                }));
                drop(sim.spawn("third", async move { disk.write("third", "under way").await }));
                std::future::pending::<()>().await;
            });
            // The first write takes the first millisecond, and the others the second.
            sim.inject("at +1500us crash writer").expect("a fault");
            sim.client("us-east-1").list_clusters().send().await.expect("a listing");
            handle.ended().await;
            let disk = sim.disk("writer");
            assert_eq!(disk.read("first").as_deref(), Some("durable"));
            let under_way = disk.keys().len() as u64 - 1;
            assert!(disk.read("third").is_none() || disk.keys().len() == 3, "writes keep their order");
            kept.fetch_add(under_way, Ordering::Relaxed);
        }
    });
    let kept = kept.load(Ordering::Relaxed);
    assert!((20..100).contains(&kept), "{kept} of 120 writes reached the disk");
}

#[test]
fn an_error_of_a_process_fails_the_run() {
    let check = sdk::check("process-error").seeds(0..1).folder(folder("process-error"));
    let failure = check.try_run(|sim| async move {
        let main = |sim: Sim| async move {
            sim.client("us-east-1")
                .get_cluster()
                .identifier("abcdefghijklmnopqrstuvwxyz")
                .send()
                .await
                .map(drop)
        };
        sim.process("reader", main).ended().await;
    });
    let failure = failure.expect_err("the process returns an error");
    assert_eq!(failure.kind, FailureKind::Error);
    assert!(failure.message.starts_with("the process `reader` returned"), "{failure}");
}
