//! `skew`: the wall clock of a Region is wrong.

use crate::region::Region;
use crate::sim::World;
use crate::types::NodeId;

use super::{Fault, FaultBehaviour, FaultId, FaultKind};

/// Sets a Region's wall clock ahead or back.
///
/// Virtual time, and with it every timer, is unaffected; only the timestamps that the control plane writes are. A skew
/// acts when a request that stamps a creation time arrives while the clock is wrong. A skew of 0 seconds repairs the
/// clock, and acts when the clock was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Skew {
    /// The Region whose clock is set.
    pub region: Region,
    /// The deviation in seconds: positive is ahead of true time.
    pub seconds: i64,
}

impl Skew {
    /// The deviation of `region`, if `fault` is one.
    fn of(fault: &Fault, region: Region) -> Option<i64> {
        match fault {
            Fault::Skew(skew) if skew.region == region => Some(skew.seconds),
            _ => None,
        }
    }
}

impl FaultBehaviour for Skew {
    fn inject(&self, world: &mut World, id: FaultId) -> bool {
        // A fault that reaches a node creates it, even if it changes nothing in it.
        world.node_index(NodeId::ControlPlane(self.region));
        let was_wrong = world.fault_log.end(|fault| Skew::of(fault, self.region).is_some());
        if self.seconds == 0 {
            return was_wrong;
        }
        world.fault_log.begin(id, Fault::Skew(*self));
        false
    }

    fn kind(&self) -> Option<FaultKind> {
        (self.seconds != 0).then_some(FaultKind::Skew)
    }

    fn end(&self) -> Option<Fault> {
        (self.seconds != 0).then_some(Fault::Skew(Skew { seconds: 0, ..*self }))
    }

    fn weaker(&self) -> Vec<Fault> {
        let is_usual = [0, 3600].contains(&self.seconds);
        if is_usual { Vec::new() } else { vec![Fault::Skew(Skew { seconds: 3600, ..*self })] }
    }
}

impl World {
    /// The deviation of the wall clock of `region`, in seconds.
    pub(in crate::sim) fn skew_of(&self, region: Region) -> i64 {
        self.fault_log.lasting().find_map(|fault| Skew::of(fault, region)).unwrap_or_default()
    }

    /// Records that a creation time is stamped in `region`.
    pub(in crate::sim) fn meet_skew(&mut self, region: Region) {
        self.fault_log.record_met(|fault| Skew::of(fault, region).is_some());
    }
}
