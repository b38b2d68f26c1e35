//! A lost response, in two minutes: what happens to your provisioning code when CreateCluster is carried out and the
//! answer never arrives?
//!
//! ```text
//! cargo run --example lost_response
//! ```

use dsql_sim::TraceLevel;
use dsql_sim::prelude::*;

#[expect(clippy::print_stdout, reason = "an example shows what happens")]
fn main() -> Result<(), CallError> {
    // A world, and a seed that every random draw in it is keyed by: run it again, and the same events happen.
    let mut sim = Simulation::new(Options { trace: TraceLevel::Milestones, ..Options::new(42) });

    // The first answer to CreateCluster is lost on its way to the client.
    let ops = sim.client("ops").id();
    let node = NodeId::ControlPlane(Region::US_EAST_1);
    sim.inject(Fault::drop(node, ops).response_of(Operation::CreateCluster).times(1))?;

    // One attempt only: the caller does not know whether it worked.
    let mut ops = sim.client("ops");
    let create = ops.create_cluster(Region::US_EAST_1).client_token("blue-1").alias("blue").attempts(1);
    let first = create.send();

    // The same call with the same client token: it finds the first cluster and makes no second.
    let second = ops.create_cluster(Region::US_EAST_1).client_token("blue-1").attempts(1).send()?;

    // Faults end, the world comes to rest, and every invariant still holds.
    sim.converge(None)?;

    for line in sim.world().trace().lines() {
        println!("{line}");
    }
    let clusters: Vec<_> = sim.world().clusters(Region::US_EAST_1).map(|cluster| cluster.arn).collect();
    println!("first {first:?}, then {}: {} cluster", second.arn, clusters.len());
    assert_eq!((first, clusters), (Err(CallError::Unknown), vec![second.arn]));
    Ok(())
}
