//! How many calls of the official SDK a CPU-second carries, and how many whole seeds of create-and-wait: through real
//! control planes, with every invariant checked, every request signed and every byte hashed.
//!
//! ```text
//! cargo run --release --features sdk --example sdk_load -- --calls 20000 --seeds 2000
//! ```

use std::time::Duration;

use aws_sdk_dsql::client::Waiters;
use clap::Parser;
use dsql_sim::sdk;

/// The allocator of the program `dsql-sim`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the official SDK in virtual time and prints what it costs.
#[derive(Parser)]
struct Arguments {
    /// How many calls one client makes, one after the other.
    #[arg(long, default_value_t = 20_000)]
    calls: u64,
    /// How many seeds create a cluster and wait until it is active.
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() {
    let Arguments { calls, seeds } = Arguments::parse();
    let before = cpu_time();
    let summary = sdk::check("calls").seeds(0..1).check_determinism(false).run(move |sim| async move {
        let client = sim.client("us-east-1");
        let created = client.create_cluster().send().await?;
        for _ in 1..calls {
            client.get_cluster().identifier(created.identifier()).send().await?;
        }
        Ok::<(), aws_sdk_dsql::Error>(())
    });
    let took = cpu_time() - before;
    println!("{} calls: {} per CPU-second", summary.requests, rate(summary.requests, took));

    let before = cpu_time();
    let summary =
        sdk::check("create-and-wait").seeds(0..seeds).check_determinism(false).run(|sim| async move {
            let client = sim.client("us-east-1");
            let created = client.create_cluster().send().await.expect("a cluster");
            let waiter = client.wait_until_cluster_active().identifier(created.identifier());
            waiter.wait(Duration::from_secs(600)).await.expect("an active cluster");
        });
    let took = cpu_time() - before;
    let (requests, per_second) = (summary.requests, rate(summary.seeds, took));
    println!(
        "{} seeds of create-and-wait, {requests} calls: {per_second} seeds per CPU-second",
        summary.seeds
    );
}

/// So many in so much time, per second.
fn rate(count: u64, took: Duration) -> u128 {
    u128::from(count) * 1_000_000_000 / took.as_nanos().max(1)
}

/// The CPU time of this process so far, with that of the threads that have ended.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").expect("the statistics of a Linux process");
    // The name of the program, in parentheses, may have spaces in it.
    let (_, fields) = text.rsplit_once(')').expect("the name of the program");
    let ticks =
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("a count"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
