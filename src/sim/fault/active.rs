//! The active faults of a world: those whose effect has not ended.

use crate::sim::World;
use crate::sim::node::NodeState;
use crate::types::NodeId;

use super::{Crash, Fault};

impl World {
    /// The faults that last, in the order of their kinds. A rule or an injected error that counts has the count that is
    /// left.
    ///
    /// Faults that are planned for later are not among them, nor are clusters that have become idle.
    #[must_use]
    pub fn active_faults(&self) -> Vec<Fault> {
        let mut active: Vec<Fault> = self.network.rules().cloned().map(Fault::Rule).collect();
        active.extend(self.injected_errors.waiting().map(Fault::Refuse));
        active.extend(self.fault_log.lasting().cloned());
        for node in &self.nodes {
            match (node.state, node.id) {
                (NodeState::Up, _) => {}
                (NodeState::Down, id) => active.push(Fault::crash(id).into()),
                // An outage stops both nodes of a Region, and is one fault.
                (NodeState::Dark, NodeId::ControlPlane(region)) => active.push(Fault::outage(region)),
                (NodeState::Dark, _) if self.is_outage_of(node.id) => {}
                (NodeState::Dark, id) => active.push(Fault::crash(id).into()),
            }
            active.extend(node.triggers.iter().map(|trigger| {
                Fault::Crash(Crash { node: node.id, moment: trigger.moment, unfinished: trigger.unfinished })
            }));
        }
        active
    }

    /// Whether the control plane beside a node is unreachable as well.
    fn is_outage_of(&self, node: NodeId) -> bool {
        let beside =
            |other: NodeId| matches!(other, NodeId::ControlPlane(_)) && other.region() == node.region();
        self.nodes.iter().any(|other| beside(other.id) && other.state == NodeState::Dark)
    }
}
