//! `deny` and `allow`: an action is denied to every caller in a Region.

use crate::control::authorization::IamAction;
use crate::region::Region;
use crate::sim::{Change, World};
use crate::types::NodeId;

use super::{Fault, FaultBehaviour, FaultId, FaultKind};

/// Denies an action to every caller in a Region, whatever the policies allow, or ends such a denial. A denial acts when
/// it refuses a request or a remote check; its end acts when the action was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deny {
    /// The Region in which the action is checked.
    pub region: Region,
    /// The action.
    pub action: IamAction,
    /// `true` begins the denial, `false` ends it.
    pub denied: bool,
}

impl Deny {
    fn is_of(fault: &Fault, region: Region, action: IamAction) -> bool {
        matches!(fault, Fault::Deny(deny) if (deny.region, deny.action) == (region, action))
    }
}

impl FaultBehaviour for Deny {
    fn inject(&self, world: &mut World, id: FaultId) -> bool {
        let Deny { region, action, denied } = *self;
        world.changes.push(Change::Denied { region, action, denied });
        // Both nodes check permissions: the control plane those of its callers and of peers' callers, the witness node
        // those of callers who name it.
        for node in [NodeId::ControlPlane(region), NodeId::Witness(region)] {
            let index = world.node_index(node);
            world.nodes[index].machine.denials_mut().set(action, denied);
        }
        let was_denied = world.fault_log.end(|fault| Deny::is_of(fault, region, action));
        if denied {
            world.fault_log.begin(id, Fault::Deny(*self));
        }
        !denied && was_denied
    }

    fn kind(&self) -> Option<FaultKind> {
        self.denied.then_some(FaultKind::Deny)
    }

    fn end(&self) -> Option<Fault> {
        self.denied.then_some(Fault::Deny(Deny { denied: false, ..*self }))
    }
}

impl World {
    /// Records that a caller was denied an action in `region`, be it by a fault or by a policy.
    pub(in crate::sim) fn meet_denial(&mut self, region: Region, action: IamAction) {
        self.fault_log.record_met(|fault| Deny::is_of(fault, region, action));
    }

    /// Ends every denial; `false` if there was none.
    pub(super) fn end_denials(&mut self) -> bool {
        self.changes.push(Change::Allowed);
        for node in &mut self.nodes {
            node.machine.denials_mut().clear();
        }
        self.fault_log.end(|fault| matches!(fault, Fault::Deny(_)))
    }
}
