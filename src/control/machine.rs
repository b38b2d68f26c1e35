//! The state machine of a node, whichever kind of node it is. The world and the model run both kinds alike.

use std::fmt;
use std::sync::Arc;

use super::ControlPlane;
use super::assumptions::Assumptions;
use super::authorization::{Denials, Principals};
use super::keys::Keys;
use super::message::{Effect, Input};
use super::mutant::Mutants;
use super::peering::WitnessNode;
use super::records::Storage;
use crate::types::{Instant, NodeId, Timestamp};

/// A control plane or a witness node.
#[derive(Clone, Debug)]
pub enum Machine {
    /// The control plane of a Region.
    ControlPlane(Box<ControlPlane>),
    /// The witness node of a Region.
    Witness(Box<WitnessNode>),
}

impl Machine {
    /// The state machine of the node `id`, which resumes from `storage`. Its first input must be [`Input::Start`].
    ///
    /// # Panics
    /// `id` is a client's.
    #[must_use]
    pub fn new(
        id: NodeId,
        assumptions: Arc<Assumptions>,
        principals: Arc<Principals>,
        keys: Arc<Keys>,
        mutants: Mutants,
        storage: Storage,
    ) -> Machine {
        match id {
            NodeId::Witness(region) => {
                Machine::Witness(Box::new(WitnessNode::new(region, principals, mutants, storage)))
            }
            NodeId::ControlPlane(region) => {
                let plane = ControlPlane::new(region, assumptions, principals, keys, mutants, storage);
                Machine::ControlPlane(Box::new(plane))
            }
            NodeId::Client(_) => unreachable!("a client is not a node with storage"),
        }
    }

    /// Handles one input: updates the state and appends the effects to `out`, in the order in which the driver must
    /// carry them out. `stamp` is the wall clock of the node's Region.
    pub fn handle(&mut self, now: Instant, stamp: Timestamp, input: Input, out: &mut Vec<Effect>) {
        match self {
            Machine::ControlPlane(plane) => plane.handle(now, stamp, input, out),
            Machine::Witness(witness) => witness.handle(now, stamp, input, out),
        }
    }

    /// The control plane, if this is one: witness nodes have no calls and wait for nothing.
    #[must_use]
    pub fn control_plane(&self) -> Option<&ControlPlane> {
        match self {
            Machine::ControlPlane(plane) => Some(plane),
            Machine::Witness(_) => None,
        }
    }

    /// The records in memory, which are ahead of the disk by the writes under way.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        match self {
            Machine::ControlPlane(plane) => plane.storage(),
            Machine::Witness(witness) => witness.storage(),
        }
    }

    /// The records, taken out of a machine that is no longer run.
    #[must_use]
    pub fn into_storage(self) -> Storage {
        match self {
            Machine::ControlPlane(plane) => plane.into_storage(),
            Machine::Witness(witness) => witness.into_storage(),
        }
    }

    /// The actions that are denied to every caller in this Region.
    pub fn denials_mut(&mut self) -> &mut Denials {
        match self {
            Machine::ControlPlane(plane) => plane.authorizer_mut().denials_mut(),
            Machine::Witness(witness) => witness.authorizer_mut().denials_mut(),
        }
    }

    /// Replaces the principals, whose clients have other network origins now.
    pub fn set_principals(&mut self, principals: Arc<Principals>) {
        match self {
            Machine::ControlPlane(plane) => plane.authorizer_mut().set_principals(principals),
            Machine::Witness(witness) => witness.authorizer_mut().set_principals(principals),
        }
    }

    /// All mutable state, durable and volatile: two machines with the same configuration and the same knowledge behave
    /// alike. The model checker compares states by it.
    #[must_use]
    pub fn knowledge(&self) -> Box<dyn fmt::Debug + '_> {
        match self {
            Machine::ControlPlane(plane) => Box::new(plane.knowledge()),
            Machine::Witness(witness) => Box::new(witness.storage()),
        }
    }
}
