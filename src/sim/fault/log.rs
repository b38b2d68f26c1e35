//! The record of faults that acted. A fault that never acts tests nothing, however green the run.
//!
//! Each kind of fault defines when it acts. Most faults know at once; those that last (a denial, a skewed clock,
//! disabled keys) are kept here until something meets them.

use super::Fault;

/// Identifies a fault of a world, by the order in which faults were injected or planned. The parts of a [`Fault::All`]
/// have consecutive identifiers.
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
pub(in crate::sim) struct FaultLog {
    acted: Vec<bool>,
    /// The faults that last, until they end. Each acts when something meets it.
    lasting: Vec<(FaultId, Fault)>,
    /// The faults that acted since they were taken last, if a history is kept.
    acted_since: Option<Vec<FaultId>>,
}

impl FaultLog {
    /// The identifier of the next fault.
    pub(in crate::sim) fn next(&self) -> FaultId {
        FaultId(self.acted.len() as u32)
    }

    /// Reserves `count` consecutive identifiers and returns the first.
    pub(in crate::sim) fn reserve(&mut self, count: usize) -> FaultId {
        let first = self.next();
        self.acted.resize(self.acted.len() + count, false);
        first
    }

    pub(in crate::sim) fn record_acted(&mut self, fault: FaultId) {
        self.acted[fault.0 as usize] = true;
        if let Some(acted) = &mut self.acted_since {
            acted.push(fault);
        }
    }

    /// Collects the faults that act, for a history.
    pub(in crate::sim) fn watch(&mut self) {
        self.acted_since.get_or_insert_default();
    }

    /// The faults that acted since the last time, if they are collected.
    pub(in crate::sim) fn take_acted(&mut self) -> Vec<FaultId> {
        self.acted_since.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(in crate::sim) fn has_acted(&self, fault: FaultId) -> bool {
        self.acted.get(fault.0 as usize).copied().unwrap_or_default()
    }

    /// The faults that last.
    pub(super) fn lasting(&self) -> impl Iterator<Item = &Fault> {
        self.lasting.iter().map(|(_, fault)| fault)
    }

    /// Records that `fault` lasts from now on.
    pub(super) fn begin(&mut self, id: FaultId, fault: Fault) {
        self.lasting.push((id, fault));
    }

    /// Ends the lasting faults that are `meant`; `false` if there was none.
    pub(super) fn end(&mut self, meant: impl Fn(&Fault) -> bool) -> bool {
        let before = self.lasting.len();
        self.lasting.retain(|(_, fault)| !meant(fault));
        self.lasting.len() < before
    }

    /// Records that the first lasting fault that is `meant`, if there is one, has acted.
    pub(super) fn record_met(&mut self, meant: impl Fn(&Fault) -> bool) {
        if let Some((id, _)) = self.lasting.iter().find(|(_, fault)| meant(fault)) {
            self.record_acted(*id);
        }
    }

    /// Ends every lasting fault.
    pub(super) fn end_all(&mut self) {
        self.lasting.clear();
    }
}
