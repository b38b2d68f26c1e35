//! The same seed, byte for byte: in another process, with another environment, with logging on.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dsql::client::Waiters;
use dsql_sim::sdk::{self, CheckSummary, SdkCheck, Swarm};

use crate::folder;

/// Six tasks with clients in two Regions, under random faults: creates, waiters, retries, signatures.
fn busy(seeds: std::ops::Range<u64>) -> CheckSummary {
    let check = sdk::check("busy").seeds(seeds).folder(folder("busy")).check_determinism(false);
    check.faults(Swarm::recoverable()).run(|sim| async move {
        let tasks = (0..6).map(|number| {
            let client = sim.client(if number % 2 == 0 { "us-east-1" } else { "us-east-2" });
            sim.spawn(&format!("creator-{number}"), async move {
                // Whether it succeeds is of no interest, only that it is the same each time.
                if let Ok(created) = client.create_cluster().send().await {
                    let waiter = client.wait_until_cluster_active().identifier(created.identifier());
                    drop(waiter.wait(Duration::from_secs(300)).await);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await;
        }
    })
}

fn line_of(summary: CheckSummary) -> String {
    format!("seeds {} requests {} hash {:016x}", summary.seeds, summary.requests, summary.hash)
}

#[test]
fn the_summary_of_a_hundred_and_fifty_seeds_is_printed() {
    let summary = busy(0..150);
    assert!(summary.requests > 150 * 12, "{summary:?}");
    // The other test reads the line from a child.
    writeln!(std::io::stdout(), "{}", line_of(summary)).expect("standard output");
}

#[test]
fn other_processes_with_other_environments_send_the_same_bytes() {
    let this = std::env::current_exe().expect("the program of this test");
    let environments = [("/root", "UTC", "off"), ("/nowhere", "Asia/Tokyo", "trace")];
    let lines = environments.map(|(home, zone, log)| {
        let mut child = Command::new(&this);
        child.args([
            "--exact",
            "--nocapture",
            "determinism::the_summary_of_a_hundred_and_fifty_seeds_is_printed",
        ]);
        child.env("HOME", home).env("TZ", zone).env("RUST_LOG", log).env("AWS_EXECUTION_ENV", log);
        let output = child.env("AWS_REGION", zone).output().expect("a child");
        let text = String::from_utf8(output.stdout).expect("text");
        let line = text.lines().find(|line| line.contains("seeds 150 requests"));
        line.unwrap_or_else(|| panic!("no summary:\n{text}")).to_owned()
    });
    assert_eq!(lines[0], lines[1]);
    assert!(lines[0].ends_with(&line_of(busy(0..150))), "and the same as in this process");
}

#[test]
fn a_subscriber_of_tracing_changes_no_byte() {
    let plain = busy(0..20);
    // The runs have threads of their own, so the subscriber is that of the process.
    tracing::dispatcher::set_global_default(everything()).expect("no other subscriber");
    assert_eq!(plain, busy(0..20));
}

/// A subscriber that wants every span and event.
fn everything() -> tracing::Dispatch {
    struct Everything;
    impl tracing::Subscriber for Everything {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {}
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }
    tracing::Dispatch::new(Everything)
}

/// The orders in which four tasks begin, over forty seeds.
fn orders(change: impl FnOnce(SdkCheck) -> SdkCheck) -> usize {
    let seen: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let collected = seen.clone();
    change(sdk::check("orders").seeds(0..40)).run(move |sim| {
        let collected = collected.clone();
        async move {
            let order: Arc<Mutex<String>> = Arc::default();
            let tasks = (0..4).map(|number| {
                let (client, order) = (sim.client("us-east-1"), order.clone());
                sim.spawn(&format!("task-{number}"), async move {
                    order.lock().expect("no panic").push_str(&number.to_string());
                    drop(client.list_clusters().send().await);
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await;
            }
            collected.lock().expect("no panic").insert(order.lock().expect("no panic").clone());
        }
    });
    seen.lock().expect("no panic").len()
}

#[test]
fn seeds_explore_interleavings_unless_tasks_run_in_order() {
    assert_eq!(orders(SdkCheck::in_order), 1);
    let count = orders(|check| check);
    assert!(count > 10, "{count} of 24 orders in 40 seeds");
}
