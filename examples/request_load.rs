//! How many CreateCluster calls a CPU-second carries: through real control planes, with every invariant checked and
//! the trace hashed.
//!
//! Each client calls one after the other, in turn to each of three Regions, over links of 1 to 50 ms. The quota is
//! lifted.
//!
//! ```text
//! cargo run --release --example request_load -- --clients 10 --requests 100000
//! ```

use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use dsql_sim::api::{CreateClusterInput, EncryptionStatus, Request, TagMap};
use dsql_sim::check::Simulation;
use dsql_sim::internals::control::assumptions::Assumptions;
use dsql_sim::internals::control::authorization::Principals;
use dsql_sim::internals::control::message::DelayRange;
use dsql_sim::internals::control::records::{Batch, Cluster, Serial};
use dsql_sim::internals::iam::{Document, Identity, Principal};
use dsql_sim::internals::region::Region;
use dsql_sim::internals::rng;
use dsql_sim::internals::sim::client::{Call, ClientOptions};
use dsql_sim::internals::sim::{DEFAULT_EPOCH, Latency, Options};
use dsql_sim::internals::types::{
    Account, ClientId, ClusterArn, ClusterStatus, Identifier, Instant, NodeId, PrincipalId,
};
use serde_json::json;

/// Drives sequential CreateCluster calls and prints what they cost.
#[derive(Parser)]
struct Arguments {
    /// How many clients call at the same time.
    #[arg(long, default_value_t = 10)]
    clients: u32,
    /// How many calls they make together.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// How many clusters exist before the first call.
    #[arg(long, default_value_t = 0)]
    clusters: u64,
    /// Lets the clients call as a role with a policy, which is looked at for every permission that a call needs.
    #[arg(long)]
    policy: bool,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
#[expect(clippy::float_arithmetic, reason = "a report, after the simulation")]
fn main() {
    let arguments = Arguments::parse();
    let regions = ["us-east-1", "us-east-2", "us-west-2"].map(|name| Region::parse(name).expect("a Region"));
    let mut simulation = Simulation::new(options(&arguments, regions[0]));
    preload(&mut simulation, regions, arguments.clusters / 3);
    let before = cpu_seconds();
    drive(&mut simulation, &arguments, regions);
    let cpu = cpu_seconds() - before;
    println!(
        "requests={} cpu_s={cpu:.3} requests_per_cpu_s={:.0} events={} hash={:016x} peak_kib={}",
        arguments.requests,
        arguments.requests as f64 / cpu,
        simulation.world().trace().events(),
        simulation.world().trace().hash(),
        peak_kib(),
    );
}

fn options(arguments: &Arguments, home: Region) -> Options {
    let lifted = Assumptions { single_region_quota: u32::MAX, ..Assumptions::DEFAULT };
    let client = |number| ClientOptions {
        name: format!("c{number}").into(),
        account: Account::DEFAULT,
        home,
        principal: PrincipalId::new(0).filter(|_| arguments.policy),
        ..ClientOptions::default()
    };
    let known = if arguments.policy { vec![Arc::new(deployer())] } else { Vec::new() };
    Options {
        clients: (0..arguments.clients).map(client).collect(),
        principals: Arc::new(Principals { known, ..Principals::default() }),
        assumptions: Arc::new(lifted),
        latency: Latency::Even(DelayRange::millis(1, 50)),
        ..Options::new(arguments.seed)
    }
}

/// A role that may create clusters with tags and with a key, as somebody would write it.
fn deployer() -> Identity {
    let clusters = format!("arn:aws:dsql:*:{}:cluster/*", Account::DEFAULT);
    let through = json!({ "StringLike": { "kms:ViaService": "dsql.*.amazonaws.com" } });
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": ["dsql:Get*", "dsql:List*"], "Resource": "*" },
            { "Effect": "Allow", "Action": ["dsql:CreateCluster", "dsql:TagResource"], "Resource": clusters },
            { "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": through },
            {
                "Effect": "Deny",
                "Action": "dsql:*",
                "Resource": "*",
                "Condition": { "StringEquals": { "aws:RequestTag/stage": "production" } }
            }
        ]
    });
    Identity {
        policies: vec![Document::identity(&policy).expect("a policy")],
        ..Identity::new(
            Principal::parse("arn:aws:iam::111122223333:role/deployer").expect("the ARN of a role"),
        )
    }
}

/// Every client has one call under way until all calls are made.
fn drive(simulation: &mut Simulation, arguments: &Arguments, regions: [Region; 3]) {
    let mut made = 0;
    let request = request();
    let mut next = |simulation: &mut Simulation, client: ClientId| {
        if made < arguments.requests {
            let region = regions[(made % 3) as usize];
            simulation.call(client, Call::new(region, request.clone(), made));
            made += 1;
        }
    };
    for client in 0..arguments.clients {
        next(simulation, ClientId(client));
    }
    loop {
        let ended = simulation.next_ended().unwrap_or_else(|violation| panic!("{violation}"));
        let Some(ended) = ended else { break };
        let (client, _) = simulation.world().call_of(ended).expect("a call that was not taken");
        let outcome = simulation.world_mut().take(ended).expect("a call that has ended");
        assert_eq!(outcome.name(), "ok");
        next(simulation, client);
    }
}

/// About 200 bytes of JSON, with the client token that each call gets of its own.
fn request() -> Request {
    let tags = TagMap::from_iter([("Name".to_owned(), "orders-primary".to_owned())]);
    Request::CreateCluster(CreateClusterInput {
        deletion_protection_enabled: Some(false),
        // A key lives in the Region of its cluster; an alias names one in each.
        kms_encryption_key: Some("alias/orders".into()),
        tags: Some(Arc::new(tags)),
        ..CreateClusterInput::default()
    })
}

/// Clusters that were there before anything happens.
fn preload(simulation: &mut Simulation, regions: [Region; 3], count: u64) {
    let clusters =
        (0..count).flat_map(|number| regions.map(|region| (number, region))).map(|(number, region)| {
            let half = |half| rng::fingerprint(&(region, number, half));
            let cluster = Cluster {
                arn: ClusterArn {
                    region,
                    account: Account::DEFAULT,
                    identifier: Identifier::new([half(1), half(2)]),
                },
                serial: Serial(number + 1),
                status: ClusterStatus::Active,
                version: 1,
                creation_time: DEFAULT_EPOCH,
                deletion_protection: true,
                kms_key: None,
                tags: None,
                attached: None,
                encryption: EncryptionStatus::Enabled,
                statement_statistics: false,
                multi_region: None,
                intent: None,
            };
            let record = Some((Account::DEFAULT, cluster.serial, Some(Arc::new(cluster))));
            (NodeId::ControlPlane(region), Batch { cluster: record, ..Batch::default() })
        });
    simulation.restore(Instant::START, clusters);
}

/// The CPU time that this process has used, from the kernel's scheduler statistics.
fn cpu_seconds() -> f64 {
    let statistics = std::fs::read_to_string("/proc/self/schedstat").expect("Linux's scheduler statistics");
    let nanos: u64 = statistics.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("nanoseconds");
    Duration::from_nanos(nanos).as_secs_f64()
}

/// The most memory that this process has had resident.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux's process status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak resident size");
    line.trim().trim_end_matches(" kB").parse().expect("kibibytes")
}
