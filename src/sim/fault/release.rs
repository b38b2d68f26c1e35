//! `release`: held messages are sent on.

use crate::sim::World;

use super::{Fault, FaultBehaviour, FaultId, FaultKind};

/// Removes every rule that holds messages and sends the held messages on, subject to the remaining rules. It acts when
/// a message was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Release;

impl FaultBehaviour for Release {
    fn inject(&self, world: &mut World, _id: FaultId) -> bool {
        world.release()
    }

    fn kind(&self) -> Option<FaultKind> {
        None
    }

    fn end(&self) -> Option<Fault> {
        None
    }
}

impl World {
    /// Sends held messages on; `true` if there was one. They pass the remaining rules.
    pub(super) fn release(&mut self) -> bool {
        let held = self.network.release();
        let were_held = !held.is_empty();
        held.into_iter().for_each(|envelope| self.send(envelope));
        were_held
    }
}
