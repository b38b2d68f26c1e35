//! `idle`, `connect`, `disable-keys`, `disable-key` and their ends: events in the environment of a Region's clusters.

use crate::control::environment::{ExternalEvent, KeyScope};
use crate::control::message::Input;
use crate::region::Region;
use crate::sim::node::NodeState;
use crate::sim::{Change, World};
use crate::types::NodeId;

use super::{Fault, FaultBehaviour, FaultId, FaultKind};

/// An event in the environment of a Region's clusters: their connections or their encryption keys.
///
/// A control plane that is down misses an event that has no lasting state (idle, connect). It finds a lasting state
/// (disabled keys) when it starts again.
///
/// It acts when a cluster changes because of it, now or, for disabled keys, later. A call that is refused for a
/// disabled key counts as well. Enabling keys also acts when the keys were disabled and no cluster used one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InjectedEvent {
    /// The Region of the clusters.
    pub region: Region,
    /// The event.
    pub event: ExternalEvent,
}

impl InjectedEvent {
    /// The keys of `region` that `fault` disables.
    fn disabled_keys(fault: &Fault, region: Region) -> Option<&KeyScope> {
        match fault {
            Fault::ExternalEvent(InjectedEvent { region: of, event: ExternalEvent::DisableKeys(scope) }) => {
                Some(scope).filter(|_| *of == region)
            }
            _ => None,
        }
    }
}

impl Fault {
    /// An event in the environment of the clusters of `region`.
    #[must_use]
    pub fn external_event(region: Region, event: ExternalEvent) -> Fault {
        Fault::ExternalEvent(InjectedEvent { region, event })
    }
}

impl FaultBehaviour for InjectedEvent {
    fn inject(&self, world: &mut World, id: FaultId) -> bool {
        let InjectedEvent { region, event } = self;
        let environment = &mut world.environment[region.index()];
        let enables_disabled = match event {
            ExternalEvent::EnableKeys(scope) => environment.disables_any(scope),
            _ => false,
        };
        *environment = std::mem::take(environment).after(event);
        if let ExternalEvent::DisableKeys(scope) | ExternalEvent::EnableKeys(scope) = event {
            let is_over = |old: &KeyScope| *scope == KeyScope::All || old == scope;
            world.fault_log.end(|fault| InjectedEvent::disabled_keys(fault, *region).is_some_and(is_over));
        }
        // Of these events, disabled keys alone last.
        if matches!(event, ExternalEvent::DisableKeys(_)) {
            world.fault_log.begin(id, Fault::ExternalEvent(self.clone()));
        }
        let index = world.node_index(NodeId::ControlPlane(*region));
        // A control plane that is down finds the new environment when it starts.
        let is_up = world.nodes[index].state == NodeState::Up;
        if is_up {
            world.changes.push(Change::Outside { region: *region, event: event.clone() });
        }
        let has_moved = is_up && world.feed(index, Input::ExternalEvent(event.clone()));
        has_moved || enables_disabled
    }

    fn kind(&self) -> Option<FaultKind> {
        match self.event {
            ExternalEvent::Idle | ExternalEvent::DisableKeys(_) => Some(FaultKind::ExternalEvent),
            ExternalEvent::Connect | ExternalEvent::EnableKeys(_) => None,
        }
    }

    fn end(&self) -> Option<Fault> {
        let end = match &self.event {
            ExternalEvent::Idle => ExternalEvent::Connect,
            ExternalEvent::DisableKeys(scope) => ExternalEvent::EnableKeys(scope.clone()),
            ExternalEvent::Connect | ExternalEvent::EnableKeys(_) => return None,
        };
        Some(Fault::external_event(self.region, end))
    }
}

impl World {
    /// Records that a cluster of `region` has the key with the ARN `key`, which cannot be used, or that a call for such
    /// a cluster was refused.
    pub(in crate::sim) fn meet_disabled_key(&mut self, region: Region, key: &str) {
        self.fault_log.record_met(|fault| {
            InjectedEvent::disabled_keys(fault, region).is_some_and(|scope| scope.covers(key))
        });
    }
}
