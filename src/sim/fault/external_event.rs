//! `idle`, `connect`, `disable-keys` and `enable-keys`: events in the environment of a Region's clusters.

use crate::control::environment::ExternalEvent;
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
/// It acts when a cluster changes because of it, now or, for disabled keys, later. Enabling keys also acts when the
/// keys were disabled and no cluster used one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InjectedEvent {
    /// The Region of the clusters.
    pub region: Region,
    /// The event.
    pub event: ExternalEvent,
}

impl InjectedEvent {
    /// Whether `fault` disables the keys of `region`.
    fn disables_keys(fault: &Fault, region: Region) -> bool {
        matches!(fault, Fault::ExternalEvent(InjectedEvent { region: of, .. }) if *of == region)
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
        let InjectedEvent { region, event } = *self;
        let environment = &mut world.environment[region.index()];
        let were_disabled = std::mem::replace(environment, environment.after(event)).keys_disabled;
        match event {
            ExternalEvent::DisableKeys | ExternalEvent::EnableKeys => {
                world.fault_log.end(|fault| InjectedEvent::disables_keys(fault, region));
            }
            ExternalEvent::Idle | ExternalEvent::Connect => {}
        }
        // Of these events, disabled keys alone last.
        if event == ExternalEvent::DisableKeys {
            world.fault_log.begin(id, Fault::ExternalEvent(*self));
        }
        let index = world.node_index(NodeId::ControlPlane(region));
        // A control plane that is down finds the new environment when it starts.
        let is_up = world.nodes[index].state == NodeState::Up;
        if is_up {
            world.changes.push(Change::Outside { region, event });
        }
        let has_moved = is_up && world.feed(index, Input::ExternalEvent(event));
        has_moved || event == ExternalEvent::EnableKeys && were_disabled
    }

    fn kind(&self) -> Option<FaultKind> {
        match self.event {
            ExternalEvent::Idle | ExternalEvent::DisableKeys => Some(FaultKind::ExternalEvent),
            ExternalEvent::Connect | ExternalEvent::EnableKeys => None,
        }
    }

    fn end(&self) -> Option<Fault> {
        match self.event {
            ExternalEvent::Idle => Some(Fault::external_event(self.region, ExternalEvent::Connect)),
            ExternalEvent::DisableKeys => Some(Fault::external_event(self.region, ExternalEvent::EnableKeys)),
            ExternalEvent::Connect | ExternalEvent::EnableKeys => None,
        }
    }
}

impl World {
    /// Records that a cluster of `region` has a key that cannot be used.
    pub(in crate::sim) fn meet_disabled_keys(&mut self, region: Region) {
        self.fault_log.record_met(|fault| InjectedEvent::disables_keys(fault, region));
    }
}
