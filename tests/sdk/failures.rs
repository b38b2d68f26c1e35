//! Failures of a check: each is named, and says what to look at.

#![expect(clippy::disallowed_types, reason = "the order of a `HashMap` is one of the failures")]

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dsql::Client;
use aws_sdk_dsql::config::retry::RetryConfig;
use dsql_sim::sdk::{self, CheckFailure, FailureKind, RunOutput, SdkCheck, Sim};

use crate::folder;

/// The failure of `program` in a check with a folder of its own.
fn failure_of<F>(
    name: &str,
    change: impl FnOnce(SdkCheck) -> SdkCheck,
    program: impl Fn(Sim) -> F + Sync,
) -> Box<CheckFailure>
where
    F: Future + 'static,
    F::Output: RunOutput,
{
    let check = change(sdk::check(name).seeds(7..9).folder(folder(name)));
    check.try_run(program).expect_err("the program fails")
}

#[test]
fn a_deadlock_is_found_at_once_and_names_the_task_that_waits() {
    let failure = failure_of(
        "deadlock",
        |check| check,
        |sim| async move {
            sim.client("us-east-1").list_clusters().send().await.expect("a listing");
            let (_sender, receiver) = tokio::sync::oneshot::channel::<()>();
            let waiting = sim.spawn("poller", async move { drop(receiver.await) });
            let _sender = _sender;
            waiting.await;
        },
    );
    assert_eq!(failure.kind, FailureKind::Deadlock, "{failure}");
    let text = failure.to_string();
    assert!(text.contains("`deadlock` fails with seed 7"), "{text}");
    assert!(text.contains("who waits:\n  `main`\n  `poller`, a task of `main`"), "{text}");
    assert!(text.contains("reproduce: DSQL_SIM_SEED=7 cargo test failures::a_deadlock_is_found"), "{text}");
}

#[test]
fn a_request_whose_answer_never_comes_is_named() {
    let black_hole = |check: SdkCheck| check.connection_time_out(None);
    let program = |operation: &'static str| {
        move |sim: Sim| async move {
            sim.inject("drop us-east-1->main times=1").expect("a fault");
            let client = sim.client("us-east-1");
            match operation {
                "ListClusters" => drop(client.list_clusters().send().await),
                _ => drop(client.create_cluster().send().await),
            }
        }
    };
    let failure = failure_of("black-hole-get", black_hole, program("ListClusters"));
    assert_eq!(failure.kind, FailureKind::Deadlock, "{failure}");
    let text = failure.to_string();
    assert!(text.contains("`main` for ListClusters in us-east-1, sent at 0s: its answer is lost"), "{text}");
    assert!(text.contains("drop us-east-1->main"), "{text}");
    // The stalled-stream protection of the SDK looks at an upload every tenth of a second, for ever.
    let failure = failure_of("black-hole-post", black_hole, program("CreateCluster"));
    assert_eq!(failure.kind, FailureKind::TimeLimit, "{failure}");
    let text = failure.to_string();
    assert!(text.contains("has not ended within 2h of virtual time"), "{text}");
    assert!(text.contains("`main` for CreateCluster in us-east-1, sent at 0s: its answer is lost"), "{text}");
}

#[test]
fn a_program_that_waits_too_long_meets_the_limit() {
    let limit = |check: SdkCheck| check.time_limit(Duration::from_secs(600));
    let failure = failure_of("time-limit", limit, |sim| async move {
        loop {
            sim.client("us-east-1").list_clusters().send().await.expect("a listing");
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        #[expect(unreachable_code, reason = "the type of the loop")]
        ()
    });
    assert_eq!(failure.kind, FailureKind::TimeLimit, "{failure}");
    assert!(failure.message.contains("within 10m"), "{failure}");
    // A timer beyond the limit is no deadlock.
    let failure = failure_of("far-timer", limit, |sim| async move {
        sim.client("us-east-1").list_clusters().send().await.expect("a listing");
        tokio::time::sleep(Duration::from_secs(7 * 86_400)).await;
    });
    assert_eq!(failure.kind, FailureKind::TimeLimit, "{failure}");
}

#[test]
fn tasks_that_only_wake_each_other_are_a_livelock() {
    let failure = failure_of(
        "livelock",
        |check| check.check_determinism(false),
        |sim| async move {
            sim.client("us-east-1").list_clusters().send().await.expect("a listing");
            std::future::poll_fn::<(), _>(|context| {
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
        },
    );
    assert_eq!(failure.kind, FailureKind::Livelock, "{failure}");
}

#[test]
fn a_task_that_outlives_the_program_is_named() {
    let failure = failure_of(
        "left-over",
        |check| check,
        |sim| async move {
            let client = sim.client("us-east-1");
            client.list_clusters().send().await.expect("a listing");
            drop(sim.spawn("poller", async move {
                loop {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    drop(client.list_clusters().send().await);
                }
            }));
        },
    );
    assert_eq!(failure.kind, FailureKind::LeftOver, "{failure}");
    assert!(failure.message.contains("the task `poller` goes on: is an `.await`"), "{failure}");
    let failure = failure_of(
        "left-over-tokio",
        |check| check,
        |sim| async move {
            let client = sim.client("us-east-1");
            client.list_clusters().send().await.expect("a listing");
            drop(tokio::spawn(async move { tokio::time::sleep(Duration::from_secs(60)).await }));
        },
    );
    assert_eq!(failure.kind, FailureKind::LeftOver, "{failure}");
    assert!(failure.message.contains("a task of `tokio::spawn`"), "{failure}");
}

#[test]
fn a_program_without_a_request_has_forgotten_an_await() {
    let failure = failure_of(
        "forgotten",
        |check| check,
        |sim| async move {
            drop(sim.client("us-east-1").create_cluster().send());
        },
    );
    assert_eq!(failure.kind, FailureKind::NoRequest, "{failure}");
    assert!(failure.to_string().contains("is an `.await` missing?"), "{failure}");
}

#[test]
fn the_order_of_a_hash_map_is_a_difference_between_two_runs() {
    let failure = failure_of(
        "hash-map",
        |check| check,
        |sim| async move {
            let names: HashMap<u32, String> =
                (0..12).map(|number| (number, format!("team-{number}"))).collect();
            for name in names.values() {
                sim.client("us-east-1").create_cluster().tags("team", name).send().await.expect("a cluster");
            }
        },
    );
    assert_eq!(failure.kind, FailureKind::Nondeterminism, "{failure}");
    let text = failure.to_string();
    assert!(text.contains("two runs of one seed differ\nevent 1: 0s `main` sends POST"), "{text}");
    assert!(text.contains("in the first run:  {") && text.contains("in the second run: {"), "{text}");
    assert!(text.contains("the order of a `HashMap`"), "{text}");
}

#[test]
fn a_panic_is_a_failure_with_its_line_and_the_trace() {
    let failure = failure_of(
        "panic",
        |check| check,
        |sim| async move {
            let client = sim.client("us-east-1");
            let created = client.create_cluster().send().await.expect("a cluster");
            assert_eq!(created.status().as_str(), "ACTIVE", "the program took it for active");
        },
    );
    assert_eq!(failure.kind, FailureKind::Panic);
    let text = failure.to_string();
    assert!(text.contains("panic: tests/sdk/failures.rs:"), "{text}");
    assert!(text.contains("the program took it for active"), "{text}");
    assert!(text.contains("it fails without any fault"), "{text}");
    assert!(text.contains("main       calls us-east-1 CreateCluster"), "{text}");
}

#[test]
fn a_panic_of_a_task_that_nobody_awaits_is_a_failure() {
    let failure = failure_of(
        "hidden-panic",
        |check| check,
        |sim| async move {
            sim.client("us-east-1").list_clusters().send().await.expect("a listing");
            drop(tokio::spawn(async { panic!("in the background") }));
            tokio::time::sleep(Duration::from_secs(1)).await;
        },
    );
    assert_eq!(failure.kind, FailureKind::Panic);
    assert!(failure.message.contains("in the background"), "{failure}");
}

#[test]
fn an_error_of_the_program_is_a_failure() {
    let failure = failure_of(
        "error",
        |check| check.faults("fail us-east-1 error=InternalServerException times=100"),
        |sim| async move {
            let retries = RetryConfig::standard().with_max_attempts(2);
            let client = Client::from_conf(sim.config("us-east-1").retry_config(retries).build());
            client.create_cluster().send().await.map(drop)
        },
    );
    assert_eq!(failure.kind, FailureKind::Error);
    assert!(failure.message.contains("InternalServerException"), "{failure}");
}

#[test]
fn a_planted_bug_of_the_service_is_a_violation() {
    let mutant = |check: SdkCheck| check.set_up("seed 1\nmutant protection-ignored");
    let program = |sim: Sim| async move {
        let client = sim.client("us-east-1");
        let created =
            client.create_cluster().deletion_protection_enabled(true).send().await.expect("a cluster");
        tokio::time::sleep(Duration::from_secs(600)).await;
        client.delete_cluster().identifier(created.identifier()).send().await.expect("the planted bug");
    };
    let failure = failure_of("violation", mutant, program);
    assert_eq!(failure.kind, FailureKind::Violation, "{failure}");
    let text = std::fs::read_to_string(failure.file.clone().expect("a file")).expect("the file");
    assert!(text.contains("\nmutant protection-ignored\n"), "the file has the set-up: {text}");
}

#[test]
fn an_assertion_about_the_end_is_checked_when_the_world_has_converged() {
    let check = |check: SdkCheck| {
        check.then(|sim| {
            sim.world(|world| {
                let count = world.clusters(dsql_sim::Region::US_EAST_1).count();
                assert_eq!(count, 0, "a cluster is left over");
            })
        })
    };
    let failure = failure_of("leak", check, |sim| async move {
        sim.client("us-east-1").create_cluster().send().await.map(drop)
    });
    assert_eq!(failure.kind, FailureKind::Panic, "{failure}");
    assert!(failure.message.contains("a cluster is left over"), "{failure}");
}

#[test]
fn an_invariant_of_the_test_is_checked_after_every_event() {
    let at_most_one = |check: SdkCheck| {
        check.invariant("one-cluster-at-most", |world| {
            let count = world.clusters(dsql_sim::Region::US_EAST_1).count();
            if count <= 1 { Ok(()) } else { Err(format!("there are {count} clusters")) }
        })
    };
    let failure = failure_of("own-invariant", at_most_one, |sim| async move {
        let client = sim.client("us-east-1");
        client.create_cluster().send().await.expect("a cluster");
        drop(client.create_cluster().send().await);
    });
    assert_eq!(failure.kind, FailureKind::Violation, "{failure}");
    assert_eq!(failure.message, "one-cluster-at-most: there are 2 clusters");
}
