//! A lost response, in two minutes: what happens to your provisioning code when CreateCluster is carried out and the
//! answer never arrives?
//!
//! ```text
//! cargo run --example lost_response
//! ```

use std::time::Duration;

use dsql_sim::api::{CreateClusterInput, Operation, Request};
use dsql_sim::sim::fault::{MessageMatch, NodeMatch, Rule, RuleAction};
use dsql_sim::sim::trace::TraceLevel;
use dsql_sim::{Call, ClientId, Fault, Options, Region, Simulation, Violation};

#[expect(clippy::print_stdout, reason = "an example shows what happens")]
fn main() -> Result<(), Violation> {
    let region = Region::parse("us-east-1").expect("a Region");
    let ops = ClientId(0);

    // A world, and a seed that every random draw in it is keyed by: run it again, and the same things happen.
    let mut simulation = Simulation::new(Options { trace: TraceLevel::Milestones, ..Options::new(42) });

    // The first answer to CreateCluster is lost on its way to the client.
    simulation.inject(Fault::Rule(Rule {
        key: 1,
        from: NodeMatch::ControlPlane(region),
        to: NodeMatch::Client(ops),
        what: MessageMatch::Response(Some(Operation::CreateCluster)),
        both_ways: false,
        skip: 0,
        times: Some(1),
        percent: None,
        action: RuleAction::Drop,
    }))?;

    // One attempt only: the caller does not know whether it worked.
    let create = |key| Call { attempts: 1, alias: Some("blue".into()), ..Call::new(region, request(), key) };
    let first = simulation.call(ops, create(1));
    let first = simulation.finish(first)?;

    // The same call with the same client token: it finds the first cluster and makes no second.
    let second = simulation.call(ops, create(2));
    let second = simulation.finish(second)?;

    // Faults end, the world comes to rest, and every invariant still holds.
    simulation.converge(None)?;
    simulation.run_until_quiet(Duration::from_secs(60))?;

    for line in simulation.world().trace().lines() {
        println!("{line}");
    }
    let clusters = simulation.world().storage(region).map_or(0, |storage| storage.clusters().count());
    println!("first {}, then {}: {clusters} cluster", first.name(), second.name());
    assert_eq!((first.name(), second.name(), clusters), ("unknown", "ok", 1));
    Ok(())
}

fn request() -> Request {
    Request::CreateCluster(CreateClusterInput {
        client_token: Some("blue-1".into()),
        ..CreateClusterInput::default()
    })
}
