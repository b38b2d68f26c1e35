//! The record of faults that acted. A fault that never acts tests nothing, however green the run.
//!
//! Each variant of [`Fault`](super::fault::Fault) defines when it acts. Most faults know at once; those that last (a
//! denial, a skewed clock, disabled keys) are kept here until something meets them.

use crate::control::authorization::IamAction;
use crate::region::Region;

/// Identifies a fault of a world, by the order in which faults were injected or planned. The parts of a
/// [`Fault::All`](super::fault::Fault::All) have consecutive identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(u32);

impl FaultId {
    /// The identifier of the fault that comes `count` faults later.
    #[must_use]
    pub fn plus(self, count: usize) -> FaultId {
        FaultId(self.0 + count as u32)
    }
}

/// The record of a world.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultLog {
    acted: Vec<bool>,
    lasting: Vec<(LastingFault, FaultId)>,
}

/// A lasting condition created by a fault, which acts when something meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastingFault {
    /// An action is denied in a Region. A refusal meets it.
    Denial(Region, IamAction),
    /// A Region's wall clock is skewed. A request that stamps a creation time meets it.
    Skew(Region),
    /// The customer's keys are disabled in a Region. A cluster whose key becomes inaccessible meets it.
    Keys(Region),
}

impl FaultLog {
    /// The identifier of the next fault.
    pub(super) fn next(&self) -> FaultId {
        FaultId(self.acted.len() as u32)
    }

    /// Reserves `count` consecutive identifiers and returns the first.
    pub(super) fn reserve(&mut self, count: usize) -> FaultId {
        let first = self.next();
        self.acted.resize(self.acted.len() + count, false);
        first
    }

    pub(super) fn record_acted(&mut self, fault: FaultId) {
        self.acted[fault.0 as usize] = true;
    }

    pub(super) fn has_acted(&self, fault: FaultId) -> bool {
        self.acted.get(fault.0 as usize).copied().unwrap_or_default()
    }

    /// Records that `fault` created a lasting condition. It replaces an earlier fault that had created the same one.
    pub(super) fn begin(&mut self, condition: LastingFault, fault: FaultId) {
        self.end(condition);
        self.lasting.push((condition, fault));
    }

    /// Ends a condition; `false` if it did not exist.
    pub(super) fn end(&mut self, condition: LastingFault) -> bool {
        let before = self.lasting.len();
        self.lasting.retain(|(known, _)| *known != condition);
        self.lasting.len() < before
    }

    /// Records that the fault behind a condition, if one exists, has acted.
    pub(super) fn record_met(&mut self, condition: LastingFault) {
        if let Some((_, fault)) = self.lasting.iter().find(|(known, _)| *known == condition) {
            self.record_acted(*fault);
        }
    }

    /// Ends every denial; `false` if there was none.
    pub(super) fn end_denials(&mut self) -> bool {
        let before = self.lasting.len();
        self.lasting.retain(|(known, _)| !matches!(known, LastingFault::Denial(..)));
        self.lasting.len() < before
    }

    /// Ends every condition.
    pub(super) fn end_all(&mut self) {
        self.lasting.clear();
    }
}
