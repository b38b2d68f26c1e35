//! The workloads: the calls that are made in a small world.

use std::sync::Arc;

use crate::check::{Checker, Violation};
use crate::control::Machine;
use crate::control::mutant::Mutants;
use crate::control::records::{Disk, Storage};
use crate::scenario::{Action, CallStep, ReferenceError, Scenario};
use crate::sim::client::Names;
use crate::types::{ClusterArn, NodeId};

use super::explore::ExploreTally;
use super::state::{ModelClient, ModelNode, ModelState, Spent, digest_of};
use super::{Bounds, SmallWorld};

/// A workload: the clusters at the beginning, and the concurrent calls whose every interleaving is explored.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Workload {
    /// Two clusters declare each other.
    Declare,
    /// Two clusters declare each other, and one of them is read.
    Read,
    /// One cluster declares the other, which withdraws its own declaration.
    Withdraw,
    /// Both clusters of a pair are deleted.
    Delete,
    /// A declaration is withdrawn after the peer's declaration has overtaken it and linked the pair.
    Overtaken,
    /// One cluster leaves its pair, the other is deleted.
    LeaveDelete,
    /// One cluster is deleted, the other leaves the pair: as [`Workload::LeaveDelete`], with the sides exchanged.
    DeleteLeave,
}

impl Workload {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The workload as a scenario of blocks: the calls that set it up, one after the other, each up to quiescence; a
    /// lead-in, if there is one; and the calls that are explored.
    #[must_use]
    pub fn scenario(self) -> Scenario {
        let text = match self {
            Workload::Declare => include_str!("workloads/declare.scenario"),
            Workload::Read => include_str!("workloads/read.scenario"),
            Workload::Withdraw => include_str!("workloads/withdraw.scenario"),
            Workload::Delete => include_str!("workloads/delete.scenario"),
            Workload::Overtaken => include_str!("workloads/overtaken.scenario"),
            Workload::LeaveDelete => include_str!("workloads/leave-delete.scenario"),
            Workload::DeleteLeave => include_str!("workloads/delete-leave.scenario"),
        };
        Scenario::parse(text).expect("the workloads are scenarios")
    }
}

/// The calls in a block of a workload.
pub(super) fn calls(scenario: &Scenario, block: usize) -> impl Iterator<Item = &CallStep> {
    scenario.blocks[block].iter().filter_map(|step| match &step.action {
        Action::Call(call) => Some(call),
        _ => None,
    })
}

impl SmallWorld {
    /// The world of `workload`, and the first state of its search.
    ///
    /// # Errors
    /// The invariant that is violated before the search begins.
    pub(super) fn of(
        workload: Workload,
        mutants: Mutants,
        bounds: Bounds,
    ) -> (SmallWorld, Result<ModelState, Violation>) {
        let scenario = workload.scenario();
        let assumptions = Arc::new(scenario.set_up.assumptions.clone());
        let regions = scenario.set_up.regions.iter().map(|(_, region)| *region);
        let (planes, witness) = regions.clone().zip(regions.skip(1)).unzip::<_, _, Vec<_>, Vec<_>>();
        let ids = planes.iter().map(|region| NodeId::ControlPlane(*region));
        let ids = ids.chain(witness.last().map(|region| NodeId::Witness(*region)));
        let nodes: Vec<ModelNode> = ids
            .map(|id| {
                let storage = Storage::default();
                let machine =
                    Machine::new(id, assumptions.clone(), Arc::default(), Arc::default(), mutants, storage);
                let digest = digest_of(&machine.knowledge());
                let machine = Arc::new(machine);
                let disk = Arc::new(Disk::default());
                ModelNode { id, digest, disk_digest: digest_of(&disk), machine, disk, life: 0 }
            })
            .collect();
        let start = ModelState {
            assumptions: assumptions.clone(),
            environment: Arc::default(),
            names: Arc::new(Names::default()),
            spent: Spent::nothing(nodes.len()),
            nodes,
            packets: Vec::new(),
            timers: Vec::new(),
            callers: vec![ModelClient::default(); planes.len()],
            checker: Arc::new(Checker::default()),
            broken: None,
            memory: 0,
            labels: 0,
        };
        let calls = vec![Vec::new(); planes.len()];
        let (lead_in, tally) = (Vec::new(), ExploreTally::default());
        let mut small = SmallWorld { assumptions, mutants, bounds, calls, lead_in, tally };
        let start = small.begin(&scenario, start);
        (small, start)
    }

    /// Makes the calls of the first block one after the other, runs the lead-in, and sends the calls of the last block.
    fn begin(&mut self, scenario: &Scenario, mut state: ModelState) -> Result<ModelState, Violation> {
        let mut names = Vec::new();
        for step in calls(scenario, 0) {
            let caller = self.add(step, &names, &state);
            self.call(&mut state, caller);
            state = self.run_to_quiescence(&state)?;
            let newest = state.nodes[caller].machine.storage().clusters().last().map(|cluster| cluster.arn);
            if let (Some(alias), Some(arn)) = (&step.alias, newest) {
                Arc::make_mut(&mut state.names).name_cluster(arn.identifier, alias.clone());
                names.push((alias.clone(), arn));
            }
        }
        // The faults and retries of the set-up do not count: the bounds are for the search.
        state.spent = Spent::nothing(state.nodes.len());
        let last = scenario.blocks.len() - 1;
        for block in 1..last {
            state = self.run_lead_in(scenario, block, &names, state)?;
        }
        for step in calls(scenario, last) {
            self.add(step, &names, &state);
        }
        for caller in 0..self.calls.len() {
            self.call(&mut state, caller);
        }
        Ok(state)
    }

    /// Adds a call to those of the client in its Region, and returns the index of that client.
    pub(super) fn add(
        &mut self,
        step: &CallStep,
        names: &[(Arc<str>, ClusterArn)],
        state: &ModelState,
    ) -> usize {
        let request = step.request(&|name, member| {
            let named = names.iter().find(|(known, _)| **known == *name);
            let (_, arn) = named.ok_or_else(|| ReferenceError::NotMade { name: name.to_owned() })?;
            Ok(if member == "arn" { arn.to_string() } else { arn.identifier.to_string() })
        });
        let caller =
            state.node_index(NodeId::ControlPlane(step.region)).expect("a workload calls its own Regions");
        self.calls[caller].push(Arc::new(request.expect("a workload refers to its own clusters")));
        caller
    }
}
