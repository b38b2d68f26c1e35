//! The library as a user's own test has it: clients, faults, snapshots, invariants of one's own. The tests on the pages
//! of the documentation stand here word for word, where they are run.

use std::sync::Arc;
use std::time::Duration;

use dsql_sim::api::{ListClustersInput, Request};
use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::prelude::*;
use dsql_sim::{Cluster, SimulatedTime, api};

#[test]
fn a_crash_before_the_reply_makes_no_second_cluster() -> Result<(), CallError> {
    let region = Region::US_EAST_1;
    let node = NodeId::ControlPlane(region);
    let mut sim = Simulation::new(Options::new(42));

    // Your own invariant, evaluated after every event like the others.
    sim.invariant("at-most-one-cluster", move |world| {
        let count = world.clusters(region).count();
        if count <= 1 { Ok(()) } else { Err(format!("there are {count} clusters")) }
    });

    // The control plane crashes when the cluster is stored, before it answers; it is back two seconds later.
    sim.inject(Fault::crash(node).after_persist(Operation::CreateCluster))?;
    sim.inject_in(Duration::from_secs(2), Fault::restart(node));

    // The client retries with the same client token, as an SDK does.
    let created = sim.client("ops").create_cluster(region).send()?;
    assert!(created.deletion_protection_enabled);

    // Ends all faults, runs until the world is quiet, and demands that it has converged.
    sim.converge(None)?;
    Ok(())
}

#[test]
fn one_side_of_a_pair_waits_for_the_deletion_of_the_other() -> Result<(), CallError> {
    let mut sim = Simulation::new(Options::new(7));
    let (blue, green) =
        sim.client("ops").create_linked_pair(Region::US_EAST_1, Region::US_EAST_2, Region::US_WEST_2)?;

    let refused = sim.client("ops").delete_cluster(blue).send().expect_err("it is protected");
    assert_eq!(refused.name(), "ValidationException");

    for cluster in [blue, green] {
        sim.client("ops").update_cluster(cluster).deletion_protection_enabled(false).send()?;
        sim.client("ops").wait_until_cluster_active(cluster)?;
    }
    let deleted = sim.client("ops").delete_cluster(blue).send()?;
    assert_eq!(deleted.status, ClusterStatus::PendingDelete);
    sim.client("ops").delete_cluster(green).send()?;
    sim.client("ops").wait_until_cluster_not_exists(blue)?;
    sim.client("ops").wait_until_cluster_not_exists(green)
}

#[test]
fn a_lost_answer_leaves_the_outcome_unknown() -> Result<(), CallError> {
    let mut sim = Simulation::new(Options::new(42));
    let (node, ops) = (NodeId::ControlPlane(Region::US_EAST_1), sim.client("ops").id());

    sim.inject(Fault::drop(node, ops).response_of(Operation::CreateCluster).times(1))?;
    let lost = sim.client("ops").create_cluster(Region::US_EAST_1).attempts(1).send();
    assert_eq!(lost, Err(CallError::Unknown));

    sim.inject(Fault::partition(Region::US_EAST_1, Region::US_WEST_2))?;
    sim.inject_in(Duration::from_secs(60), Fault::heal_all());
    let call = sim.client("ops").create_cluster(Region::US_EAST_1).witness(Region::US_WEST_2).start();
    let refused = sim.wait(call).expect_err("the witness Region cannot answer");
    assert_eq!(refused.name(), "InternalServerException");
    sim.converge(None)?;
    Ok(())
}

#[test]
fn a_crash_makes_no_second_cluster() -> Result<(), CallError> {
    let node = NodeId::ControlPlane(Region::US_EAST_1);
    let mut sim = Simulation::new(Options::new(42));
    sim.inject(Fault::crash(node).after_persist(Operation::CreateCluster))?;
    sim.inject_in(std::time::Duration::from_secs(2), Fault::restart(node));
    sim.client("ops").create_cluster(Region::US_EAST_1).send()?;
    assert_eq!(sim.world().clusters(Region::US_EAST_1).count(), 1);
    Ok(())
}

#[test]
fn a_failing_test_shows_the_events_of_its_world() -> Result<(), CallError> {
    // The test harness prints the lines of a test that fails.
    let lines = tracing_subscriber::fmt().with_timer(SimulatedTime).with_test_writer().finish();
    tracing::subscriber::with_default(lines, || {
        let mut sim = Simulation::new(Options::new(42));
        sim.client("ops").create_cluster(Region::US_EAST_1).send()?;
        Ok(sim.converge(None)?)
    })
}

#[test]
fn the_tests_on_the_pages_are_run_here() {
    let pages = [include_str!("../README.md"), include_str!("../docs/library.md")];
    let blocks: Vec<&str> = pages
        .into_iter()
        .flat_map(|page| page.split("```rust\n").skip(1))
        .filter_map(|block| block.split("```").next())
        // A property is a doctest and an example of `tests/properties.rs`.
        .filter(|block| block.contains("#[test]") && !block.contains("Property"))
        .collect();
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        let test = block.find("#[test]").map(|start| block[start..].trim_end()).expect("a test");
        assert!(include_str!("library.rs").contains(test), "this test is not run:\n{test}");
    }
}

#[test]
fn an_invariant_of_ones_own_is_named_when_it_breaks() {
    let mut sim = Simulation::new(Options::new(1));
    sim.invariant("no-cluster-exists", |world| match world.clusters(Region::US_EAST_1).next() {
        None => Ok(()),
        Some(cluster) => Err(format!("{} exists", cluster.arn)),
    });
    let error = sim.client("ops").create_cluster(Region::US_EAST_1).send().expect_err("it does not hold");
    assert_eq!(error.name(), "no-cluster-exists");
    assert!(error.to_string().ends_with("exists"), "{error}");
}

#[test]
fn every_operation_has_a_method_and_a_typed_answer() -> Result<(), CallError> {
    let region = Region::US_EAST_1;
    let mut sim = Simulation::new(Options::new(11));
    let mut ops = sim.client("ops");
    let created = ops.create_cluster(region).tags("team", "blue").tags("stage", "test").send()?;
    let cluster = ops.wait_until_cluster_active(created.arn)?.arn;
    assert_eq!(ops.get_cluster(cluster).send()?.tags.map(|tags| tags.len()), Some(2));
    assert_eq!(ops.list_clusters(region).max_results(1).send()?.clusters[0].arn, cluster);

    ops.tag_resource(cluster).tags("owner", "a").send()?;
    ops.untag_resource(cluster).tag_keys("team").tag_keys("stage").send()?;
    let tags = ops.list_tags_for_resource(cluster).send()?.tags.expect("a tag");
    assert_eq!(tags.iter().map(|(key, value)| (&**key, &**value)).collect::<Vec<_>>(), [("owner", "a")]);

    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"dsql:DbConnect","Resource":"*"}]}"#;
    let put = ops.put_cluster_policy(cluster).policy(policy).send()?;
    assert_eq!(ops.get_cluster_policy(cluster).send()?.policy, policy);
    ops.delete_cluster_policy(cluster).expected_policy_version(put.policy_version).send()?;
    assert_eq!(
        ops.get_cluster_policy(cluster).send().expect_err("it is gone").name(),
        "ResourceNotFoundException"
    );

    assert!(ops.get_vpc_endpoint_service_name(cluster).send()?.service_name.starts_with("com.amazonaws."));
    let target = "arn:aws:kinesis:us-east-1:111122223333:stream/changes";
    let role = "arn:aws:iam::111122223333:role/writer";
    let stream = ops.create_stream(cluster).kinesis(target, role).send()?;
    assert_eq!(ops.get_stream(cluster, stream.stream_identifier).send()?.arn, stream.arn);
    assert_eq!(ops.list_streams(cluster).send()?.streams.len(), 1);
    ops.tag_resource(&stream.arn).tags("a", "b").send()?;
    while ops.get_stream(cluster, stream.stream_identifier).send()?.status != api::StreamStatus::Active {}
    ops.delete_stream(cluster, stream.stream_identifier).send()?;
    // A stream keeps its cluster until its deletion has ended.
    while !ops.list_streams(cluster).send()?.streams.is_empty() {}

    ops.update_cluster(cluster).deletion_protection_enabled(false).send()?;
    ops.wait_until_cluster_active(cluster)?;
    assert_eq!(ops.delete_cluster(cluster).send()?.status, ClusterStatus::Deleting);
    ops.wait_until_cluster_not_exists(cluster)
}

#[test]
fn calls_that_are_started_overlap() -> Result<(), CallError> {
    let mut sim = Simulation::new(Options::new(4));
    let mut ops = sim.client("ops");
    let calls = [1, 2, 3].map(|_| ops.create_cluster(Region::EU_WEST_1).start());
    let arns: Vec<_> =
        calls.into_iter().map(|call| sim.wait(call).map(|it| it.arn)).collect::<Result<_, _>>()?;
    assert_eq!(arns.len(), sim.world().clusters(Region::EU_WEST_1).count());
    // A call of any operation beside them, and the order of the ends.
    let list = Request::ListClusters(ListClustersInput::default());
    let listing = sim.call(ClientId(0), Call::new(Region::EU_WEST_1, list, 1));
    assert_eq!(sim.next_ended()?, Some(listing));
    assert_eq!(sim.finish(listing)?.name(), "ok");
    Ok(())
}

#[test]
fn another_clients_calls_change_no_draw_of_a_clients() -> Result<(), CallError> {
    let identifier = |others: u64| {
        let mut sim = Simulation::new(Options::new(4));
        for _ in 0..others {
            sim.client("other").list_clusters(Region::AP_SOUTH_1).send()?;
        }
        // The client token is drawn by the call's key, and the fingerprint of a cluster follows from it.
        sim.client("ops").create_cluster(Region::US_EAST_1).send().map(|created| created.arn.identifier)
    };
    assert_eq!(identifier(0)?, identifier(3)?);
    Ok(())
}

#[test]
fn a_member_given_by_hand_reaches_the_service() {
    let mut sim = Simulation::new(Options::new(4));
    let absent = api::ClusterArn {
        region: Region::US_EAST_1,
        account: api::Account::DEFAULT,
        identifier: api::Identifier::new([1, 2]),
    };
    let error = sim.client("ops").get_cluster(absent).send().expect_err("there is no cluster");
    assert_eq!(error.as_service_error().map(api::Error::http_status), Some(404));
    let error = sim.client("ops").get_cluster(absent).identifier("Wrong").send().expect_err("no identifier");
    assert_eq!(error.name(), "ValidationException");
    assert_eq!(sim.cluster(absent), None);
}

#[test]
fn a_copy_of_a_world_goes_on_alike() -> Result<(), CallError> {
    let mut sim = Simulation::new(Options::new(9));
    declared_pair(&mut sim)?;
    let mut one = sim.world().clone();
    let mut other = sim.world().clone();
    while one.next_event_at().is_some() && !one.is_quiet() {
        assert!(one.step() && other.step());
        assert_eq!(one.trace().hash(), other.trace().hash());
    }
    assert!(one.trace().events() > sim.world().trace().events());
    Ok(())
}

#[test]
fn two_regions_of_three_finish_what_they_can_decide() -> Result<(), CallError> {
    let dead = Region::US_EAST_2;
    let mut sim = Simulation::new(Options::new(5));
    let (blue, green) = declared_pair(&mut sim)?;
    // The second has declared, and the first is about to. The second's Region goes dark for good: the first and the
    // witness decide that the two are linked.
    sim.inject(Fault::outage(dead))?;
    sim.converge(Some(dead))?;
    let status = |sim: &Simulation, arn: ClusterArn| sim.cluster(arn).map(|cluster: &Cluster| cluster.status);
    assert_eq!(status(&sim, blue), Some(ClusterStatus::Active));
    assert_eq!(status(&sim, green), Some(ClusterStatus::PendingSetup));
    // The third learns of it when it comes back.
    sim.converge(None)?;
    assert_eq!(status(&sim, green), Some(ClusterStatus::Active));
    Ok(())
}

#[test]
fn a_world_that_does_not_converge_says_who_waits_for_whom() -> Result<(), CallError> {
    let mutants = Mutants::NONE.with(Mutant::LinkNeverLearned);
    let mut sim = Simulation::new(Options { mutants, ..Options::new(5) });
    declared_pair(&mut sim)?;
    let violation = sim.converge(None).expect_err("one side never learns of the link");
    assert_eq!(violation.invariant, "peering-converges");
    assert!(violation.message.contains("waits for"), "{violation}");
    assert!(violation.message.contains("declare the cluster in turn"), "{violation}");
    Ok(())
}

#[test]
fn assumptions_are_settings_of_a_world() -> Result<(), CallError> {
    let assumptions = Arc::new(Assumptions { single_region_quota: 1, ..Assumptions::DEFAULT });
    let mut sim = Simulation::new(Options { assumptions, ..Options::new(3) });
    sim.client("ops").create_cluster(Region::EU_WEST_1).send()?;
    let refused =
        sim.client("ops").create_cluster(Region::EU_WEST_1).send().expect_err("the quota is used up");
    assert_eq!(refused.name(), "ServiceQuotaExceededException");
    Ok(())
}

/// Two clusters that declare each other; they are not linked yet.
fn declared_pair(sim: &mut Simulation) -> Result<(ClusterArn, ClusterArn), CallError> {
    let mut ops = sim.client("ops");
    let blue = ops.create_cluster(Region::US_EAST_1).witness(Region::US_WEST_2).send()?.arn;
    ops.get_cluster(blue).send()?;
    let green = ops.create_cluster(Region::US_EAST_2).witness(Region::US_WEST_2).peer(blue).send()?.arn;
    ops.get_cluster(green).send()?;
    ops.update_cluster(blue).witness(Region::US_WEST_2).peer(green).send()?;
    Ok((blue, green))
}
