//! Repairs: `heal`, and the general repair at the end of a run.

use crate::region::Region;
use crate::sim::World;
use crate::sim::node::NodeState;
use crate::sim::trace::TraceEvent;
use crate::types::ClientId;

use super::{Fault, FaultBehaviour, FaultId, FaultKind, NodeMatch};

/// Removes network rules.
///
/// With two ends, it removes the rules between exactly these ends, in either direction. Without ends, it removes every
/// rule, releases held messages, and ends every denial and injected error; nodes that are down stay down and clocks
/// stay skewed. It acts when it removes a rule that could still apply (a rule that has applied `times` times could not)
/// or, without ends, any of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Heal {
    /// The ends of the link to heal; `None` heals everything.
    pub between: Option<(NodeMatch, NodeMatch)>,
}

impl Fault {
    /// The removal of the rules between exactly these two ends, in either direction.
    #[must_use]
    pub fn heal(one: NodeMatch, other: NodeMatch) -> Fault {
        Fault::Heal(Heal { between: Some((one, other)) })
    }
}

impl FaultBehaviour for Heal {
    fn inject(&self, world: &mut World, _id: FaultId) -> bool {
        let were_rules = world.network.heal(self.between);
        if self.between.is_some() {
            return were_rules;
        }
        let others = [world.release(), world.end_denials(), world.injected_errors.end()];
        were_rules || others.contains(&true)
    }

    fn kind(&self) -> Option<FaultKind> {
        None
    }

    fn end(&self) -> Option<Fault> {
        None
    }

    fn with_client(&self, client: ClientId) -> Option<Fault> {
        let (one, other) = self.between?;
        Some(Fault::heal(one.with_client(client), other.with_client(client)))
    }
}

impl World {
    /// Repairs everything: ends every rule, denial, injected error and waiting crash, sends held messages on, sets the
    /// clocks right, and restarts every stopped node, except the nodes of `except`. Disabled keys and idle clusters
    /// remain.
    pub fn heal_all(&mut self, except: Option<Region>) {
        self.changes.clear();
        self.last_progress = self.now;
        self.note(&TraceEvent::Remark("all faults are repaired"));
        if let Some(history) = self.trace.history_mut() {
            history.intervene(None);
        }
        let everything = Heal { between: None };
        everything.inject(self, self.fault_log.next());
        self.fault_log.end_all();
        self.faults = FaultKind::None.into();
        for index in 0..self.nodes.len() {
            self.nodes[index].triggers.clear();
            let is_excepted = except.is_some() && self.nodes[index].id.region() == except;
            if self.nodes[index].state != NodeState::Up && !is_excepted {
                self.restart(index);
            }
        }
    }
}
