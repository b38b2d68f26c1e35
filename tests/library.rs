//! The library as a user's own test holds it: worlds, calls, faults, snapshots, invariants of one's own.

use std::sync::Arc;
use std::time::Duration;

use dsql_sim::api::{
    CreateClusterInput, GetClusterInput, MultiRegionProperties, Request, Response, UpdateClusterInput,
};
use dsql_sim::control::assumptions::Assumptions;
use dsql_sim::control::mutant::{Mutant, Mutants};
use dsql_sim::types::ClusterArn;
use dsql_sim::{Call, ClientId, Fault, NodeId, Options, Outcome, Region, Simulation, Violation};

const OPS: ClientId = ClientId(0);

#[test]
fn a_crash_before_the_reply_makes_no_second_cluster() -> Result<(), Violation> {
    let region = region("us-east-1");
    let mut simulation = Simulation::new(Options::new(42));
    simulation.inject(Fault::crash_after_persist(NodeId::ControlPlane(region), 1))?;
    simulation.inject_in(Duration::from_secs(2), Fault::restart(NodeId::ControlPlane(region)));

    let call = simulation.call(OPS, Call::new(region, create(None, &[]), 1));
    assert_eq!(simulation.finish(call)?.name(), "ok");

    simulation.converge(None)?;
    assert_eq!(clusters(&simulation, region), 1);
    Ok(())
}

#[test]
fn an_invariant_of_ones_own_is_named_when_it_breaks() {
    let region = region("us-east-1");
    let mut simulation = Simulation::new(Options::new(1));
    simulation.invariant("nobody-creates-anything", move |world| {
        match world.storage(region).and_then(|storage| storage.clusters().next()) {
            None => Ok(()),
            Some(cluster) => Err(format!("{} exists", cluster.arn)),
        }
    });
    let call = simulation.call(OPS, Call::new(region, create(None, &[]), 1));
    let violation = simulation.finish(call).expect_err("the invariant does not hold");
    assert_eq!(violation.invariant, "nobody-creates-anything");
    assert!(violation.message.ends_with("exists"), "{violation}");
}

#[test]
fn a_copy_of_a_world_goes_on_alike() -> Result<(), Violation> {
    let mut simulation = Simulation::new(Options::new(9));
    pair(&mut simulation)?;
    let mut one = simulation.world().clone();
    let mut other = simulation.world().clone();
    while one.next_event_at().is_some() && !one.is_quiet() {
        assert!(one.step() && other.step());
        assert_eq!(one.trace().hash(), other.trace().hash());
    }
    assert!(one.trace().events() > simulation.world().trace().events());
    Ok(())
}

#[test]
fn two_regions_of_three_finish_what_they_can_decide() -> Result<(), Violation> {
    let dead = region("us-east-2");
    let mut simulation = Simulation::new(Options::new(5));
    let (blue, green) = pair(&mut simulation)?;
    // The second has declared, and the first is about to. The second's Region goes dark for good: the first and the
    // witness decide that the two are linked.
    simulation.inject(Fault::outage(dead))?;
    simulation.converge(Some(dead))?;
    let status = |simulation: &Simulation, arn: ClusterArn| {
        let storage = simulation.world().storage(arn.region).expect("a control plane that was spoken to");
        storage.cluster(arn.identifier).expect("the cluster").status.name()
    };
    assert_eq!((status(&simulation, blue), status(&simulation, green)), ("ACTIVE", "PENDING_SETUP"));
    // The third learns of it when it comes back.
    simulation.converge(None)?;
    assert_eq!((status(&simulation, blue), status(&simulation, green)), ("ACTIVE", "ACTIVE"));
    Ok(())
}

#[test]
fn a_world_that_does_not_converge_says_who_waits_for_whom() -> Result<(), Violation> {
    let mutants = Mutants::NONE.with(Mutant::LinkNeverLearned);
    let mut simulation = Simulation::new(Options { mutants, ..Options::new(5) });
    pair(&mut simulation)?;
    let violation = simulation.converge(None).expect_err("one side never learns of the link");
    assert_eq!(violation.invariant, "peering-converges");
    assert!(violation.message.contains("waits for"), "{violation}");
    assert!(violation.message.contains("declare the cluster in turn"), "{violation}");
    Ok(())
}

#[test]
fn a_partition_leaves_a_call_without_an_answer_and_nothing_behind() -> Result<(), Violation> {
    let (home, witness) = (region("us-east-1"), region("us-west-2"));
    let mut simulation = Simulation::new(Options::new(3));
    simulation.inject(Fault::partition(home, witness, 1))?;
    let call = simulation.call(OPS, Call::new(home, create(Some("us-west-2"), &[]), 1));
    let Outcome::Failed(error) = simulation.finish(call)? else { panic!("the witness cannot have answered") };
    assert_eq!(error.name(), "InternalServerException");
    assert_eq!(clusters(&simulation, home), 0);
    simulation.converge(None)
}

#[test]
fn assumptions_are_settings_of_a_world() -> Result<(), Violation> {
    let assumptions = Arc::new(Assumptions { single_region_quota: 1, ..Assumptions::DEFAULT });
    let mut simulation = Simulation::new(Options { assumptions, ..Options::new(3) });
    let outcomes: Vec<_> = (0..2)
        .map(|key| {
            let call = simulation.call(OPS, Call::new(region("eu-west-1"), create(None, &[]), key));
            simulation.finish(call).map(|outcome| outcome.name())
        })
        .collect::<Result<_, _>>()?;
    assert_eq!(outcomes, ["ok", "failed"]);
    Ok(())
}

/// Two clusters that declare each other; they are not linked yet.
fn pair(simulation: &mut Simulation) -> Result<(ClusterArn, ClusterArn), Violation> {
    let (first, second) = (region("us-east-1"), region("us-east-2"));
    let blue = created(simulation, first, create(Some("us-west-2"), &[]), 1)?;
    let green = created(simulation, second, create(Some("us-west-2"), &[blue]), 2)?;
    let update = Request::UpdateCluster(UpdateClusterInput {
        identifier: blue.identifier.to_string(),
        multi_region_properties: properties(Some("us-west-2"), &[green]),
        ..UpdateClusterInput::default()
    });
    let call = simulation.call(OPS, Call::new(first, update, 3));
    assert_eq!(simulation.finish(call)?.name(), "ok");
    Ok((blue, green))
}

fn created(
    simulation: &mut Simulation,
    region: Region,
    request: Request,
    key: u64,
) -> Result<ClusterArn, Violation> {
    let call = simulation.call(OPS, Call::new(region, request, key));
    let Outcome::Ok(response) = simulation.finish(call)? else { panic!("the cluster was not created") };
    let Response::CreateCluster(created) = &*response else { panic!("not an answer to CreateCluster") };
    let get = GetClusterInput { identifier: created.arn.identifier.to_string() };
    let call = simulation.call(OPS, Call::new(region, Request::GetCluster(get), key + 100));
    assert_eq!(simulation.finish(call)?.name(), "ok");
    Ok(created.arn)
}

fn create(witness: Option<&str>, peers: &[ClusterArn]) -> Request {
    Request::CreateCluster(CreateClusterInput {
        multi_region_properties: properties(witness, peers),
        ..CreateClusterInput::default()
    })
}

fn properties(witness: Option<&str>, peers: &[ClusterArn]) -> Option<Box<MultiRegionProperties>> {
    let clusters = (!peers.is_empty()).then(|| peers.iter().map(ClusterArn::to_string).collect());
    witness
        .map(|witness| Box::new(MultiRegionProperties { witness_region: Some(witness.to_owned()), clusters }))
}

fn clusters(simulation: &Simulation, region: Region) -> usize {
    simulation.world().storage(region).map_or(0, |storage| storage.clusters().count())
}

fn region(name: &str) -> Region {
    Region::parse(name).expect("a Region")
}
