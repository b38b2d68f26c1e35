//! `outage`: a Region is unreachable.

use crate::region::Region;
use crate::sim::World;
use crate::sim::disk::NodeCrash;
use crate::sim::node::NodeState;
use crate::types::NodeId;

use super::{Fault, FaultBehaviour, FaultId, FaultKind};

/// Stops both nodes of a Region, the control plane and the witness node, together with their hosts.
///
/// In contrast to a crash, requests to them are not reset but vanish, so that a client waits for its time-out. It acts
/// when it changes the state of one of the two nodes, be it from crashed to unreachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outage {
    /// The Region.
    pub region: Region,
}

impl Outage {
    fn nodes(self) -> [NodeId; 2] {
        [NodeId::ControlPlane(self.region), NodeId::Witness(self.region)]
    }
}

impl Fault {
    /// An outage of a Region.
    #[must_use]
    pub fn outage(region: Region) -> Fault {
        Fault::Outage(Outage { region })
    }
}

impl FaultBehaviour for Outage {
    fn inject(&self, world: &mut World, _id: FaultId) -> bool {
        let indices = self.nodes().map(|node| world.node_index(node));
        let stopped = indices.map(|index| world.crash(index, NodeCrash::new(NodeState::Dark, None)));
        stopped.contains(&true)
    }

    fn kind(&self) -> Option<FaultKind> {
        Some(FaultKind::Outage)
    }

    fn end(&self) -> Option<Fault> {
        Some(Fault::All(self.nodes().map(Fault::restart).to_vec()))
    }

    fn weaker(&self) -> Vec<Fault> {
        let nodes = [NodeId::Witness(self.region), NodeId::ControlPlane(self.region)];
        nodes.map(|node| Fault::crash(node).into()).to_vec()
    }
}

#[cfg(feature = "sdk")]
impl World {
    /// Whether the hosts of a Region are unreachable, so that a client gets no connection.
    pub(crate) fn is_dark(&self, region: Region) -> bool {
        let control_plane = self.node_indices[region.index()][0];
        control_plane.is_some_and(|index| self.nodes[usize::from(index)].state == NodeState::Dark)
    }
}
