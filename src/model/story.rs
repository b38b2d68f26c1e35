//! What happens in a small world when nothing goes wrong.

use std::sync::Arc;

use crate::check::{Checker, Violation};
use crate::control::disk::Disk;
use crate::control::mutant::Mutants;
use crate::control::storage::Storage;
use crate::scenario::{Action, CallStep, Scenario};
use crate::sim::client::Names;
use crate::types::{ClusterArn, NodeId};

use super::explore::ExploreTally;
use super::state::{ModelClient, ModelMachine, ModelNode, ModelState, Spent, word_of};
use super::{Bounds, Small};

/// A story: what is there at first, and the calls whose every course is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// Two clusters declare each other.
    Declare,
    /// The same, and one of them is looked at.
    Read,
    /// One cluster declares the other, which takes its own declaration back.
    Withdraw,
    /// Both clusters of a pair are deleted.
    Delete,
    /// A declaration is overtaken by the peer's, which links the pair, and taken back.
    Overtaken,
    /// One cluster leaves its pair, the other is deleted.
    LeaveDelete,
    /// The same with the sides changed.
    DeleteLeave,
}

impl Workload {
    /// Every story.
    pub const ALL: [Workload; 7] = [
        Workload::Declare,
        Workload::Read,
        Workload::Withdraw,
        Workload::Delete,
        Workload::Overtaken,
        Workload::LeaveDelete,
        Workload::DeleteLeave,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Workload::Declare => "declare",
            Workload::Read => "read",
            Workload::Withdraw => "withdraw",
            Workload::Delete => "delete",
            Workload::Overtaken => "overtaken",
            Workload::LeaveDelete => "leave-delete",
            Workload::DeleteLeave => "delete-leave",
        }
    }

    /// The story called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Workload> {
        Workload::ALL.into_iter().find(|story| story.name() == name)
    }

    /// The story as a scenario: a block of calls that are made one after the other, each until all is at rest; a
    /// lead-in, if the story has one; and the calls that it is about.
    #[must_use]
    pub fn scenario(self) -> Scenario {
        let text = match self {
            Workload::Declare => include_str!("stories/declare.scenario"),
            Workload::Read => include_str!("stories/read.scenario"),
            Workload::Withdraw => include_str!("stories/withdraw.scenario"),
            Workload::Delete => include_str!("stories/delete.scenario"),
            Workload::Overtaken => include_str!("stories/overtaken.scenario"),
            Workload::LeaveDelete => include_str!("stories/leave-delete.scenario"),
            Workload::DeleteLeave => include_str!("stories/delete-leave.scenario"),
        };
        Scenario::parse(text).expect("the stories are scenarios")
    }
}

/// The calls of a block of a story.
pub(super) fn calls(scenario: &Scenario, block: usize) -> impl Iterator<Item = &CallStep> {
    scenario.blocks[block].iter().filter_map(|step| match &step.action {
        Action::Call(call) => Some(call),
        _ => None,
    })
}

impl Small {
    /// The world of `story`, and the state that it begins in.
    ///
    /// # Errors
    /// The invariant that does not hold before it begins.
    pub(super) fn of(
        story: Workload,
        mutants: Mutants,
        bounds: Bounds,
    ) -> (Small, Result<ModelState, Violation>) {
        let scenario = story.scenario();
        let assumptions = Arc::new(scenario.set_up.assumptions.clone());
        let regions = scenario.set_up.regions.iter().map(|(_, region)| *region);
        let (planes, witness) = regions.clone().zip(regions.skip(1)).unzip::<_, _, Vec<_>, Vec<_>>();
        let ids = planes.iter().map(|region| NodeId::ControlPlane(*region));
        let ids = ids.chain(witness.last().map(|region| NodeId::Witness(*region)));
        let nodes: Vec<ModelNode> = ids
            .map(|id| {
                let machine = Arc::new(ModelMachine::new(id, &assumptions, mutants, Storage::default()));
                let disk = Arc::new(Disk::default());
                ModelNode { id, word: machine.digest(), disk_word: word_of(&disk), machine, disk, life: 0 }
            })
            .collect();
        let start = ModelState {
            assumptions: assumptions.clone(),
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
        let mut small = Small { assumptions, mutants, bounds, calls, lead_in, tally };
        let start = small.begin(&scenario, start);
        (small, start)
    }

    /// Makes the calls of the first block, one after the other, goes through the lead-in, and gets the calls of the
    /// last block ready.
    fn begin(&mut self, scenario: &Scenario, mut state: ModelState) -> Result<ModelState, Violation> {
        let mut names = Vec::new();
        for step in calls(scenario, 0) {
            let caller = self.add(step, &names, &state);
            self.call(&mut state, caller);
            state = self.at_rest(&state)?;
            let newest = state.nodes[caller].machine.storage().clusters().last().map(|cluster| cluster.arn);
            if let (Some(alias), Some(arn)) = (&step.alias, newest) {
                Arc::make_mut(&mut state.names).name_cluster(arn.identifier, alias.clone());
                names.push((alias.clone(), arn));
            }
        }
        state.spent = Spent::nothing(state.nodes.len());
        let last = scenario.blocks.len() - 1;
        for block in 1..last {
            state = self.led_in(scenario, block, &names, state)?;
        }
        for step in calls(scenario, last) {
            self.add(step, &names, &state);
        }
        for caller in 0..self.calls.len() {
            self.call(&mut state, caller);
        }
        Ok(state)
    }

    /// Adds a call to those of the caller in its Region, and gives the place of that caller.
    pub(super) fn add(
        &mut self,
        step: &CallStep,
        names: &[(Arc<str>, ClusterArn)],
        state: &ModelState,
    ) -> usize {
        let request = step.request(&|name, member| {
            let named = names.iter().find(|(known, _)| **known == *name);
            let (_, arn) = named.ok_or_else(|| format!("nothing is called {name}"))?;
            Ok(if member == "arn" { arn.to_string() } else { arn.identifier.to_string() })
        });
        let caller = state.place(NodeId::ControlPlane(step.region)).expect("a story calls its own Regions");
        self.calls[caller].push(Arc::new(request.expect("a story refers to its own clusters")));
        caller
    }
}
