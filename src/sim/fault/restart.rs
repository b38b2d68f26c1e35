//! `restart`: a stopped node starts.

use crate::sim::World;
use crate::types::{ClientId, NodeId};

use super::{Fault, FaultBehaviour, FaultId, FaultKind};

/// Starts a stopped node with the contents of its disk. For a client it does nothing. It acts when the node was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Restart {
    /// The node to start.
    pub node: NodeId,
}

impl Fault {
    /// The start of a stopped node.
    #[must_use]
    pub fn restart(node: NodeId) -> Fault {
        Fault::Restart(Restart { node })
    }
}

impl FaultBehaviour for Restart {
    fn inject(&self, world: &mut World, _id: FaultId) -> bool {
        // A crashed client is ready for its next call at once.
        if let NodeId::Client(_) = self.node {
            return false;
        }
        let index = world.node_index(self.node);
        world.restart(index)
    }

    fn kind(&self) -> Option<FaultKind> {
        None
    }

    fn end(&self) -> Option<Fault> {
        None
    }

    fn with_client(&self, client: ClientId) -> Option<Fault> {
        let is_client = matches!(self.node, NodeId::Client(_));
        is_client.then_some(Fault::restart(NodeId::Client(client)))
    }
}
