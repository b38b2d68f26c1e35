//! Which faults acted. A fault that nothing met tests nothing, however green the run.
//!
//! What "acted" means is said with each [`Fault`](super::fault::Fault). Most faults know it when they happen; those
//! that last (a denial, a wrong clock, disabled keys) are noted here and found again when something meets them.

use crate::control::authorization::IamAction;
use crate::region::Region;

/// Names a fault of a world: they are counted in the order in which they are injected or planned. Of several at once,
/// each counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(u32);

impl FaultId {
    /// The one that is counted `further` places behind it.
    #[must_use]
    pub fn plus(self, further: usize) -> FaultId {
        FaultId(self.0 + further as u32)
    }
}

/// What faults have done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultLog {
    acted: Vec<bool>,
    lasting: Vec<(Lasting, FaultId)>,
}

/// What a fault left behind that may yet be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// An action is denied in a Region.
    Denial(Region, IamAction),
    /// A Region's wall clock is wrong.
    Skew(Region),
    /// The keys of a Region's clusters are disabled.
    Keys(Region),
}

impl FaultLog {
    /// The name that the next fault will have.
    pub(super) fn next(&self) -> FaultId {
        FaultId(self.acted.len() as u32)
    }

    /// Names `count` faults; gives the first name.
    pub(super) fn reserve(&mut self, count: usize) -> FaultId {
        let first = self.next();
        self.acted.resize(self.acted.len() + count, false);
        first
    }

    pub(super) fn did(&mut self, fault: FaultId) {
        self.acted[fault.0 as usize] = true;
    }

    pub(super) fn has_acted(&self, fault: FaultId) -> bool {
        self.acted.get(fault.0 as usize).copied().unwrap_or_default()
    }

    /// What `fault` did lasts; what an earlier one did alike is over.
    pub(super) fn lasts(&mut self, what: Lasting, fault: FaultId) {
        self.ends(what);
        self.lasting.push((what, fault));
    }

    /// What lasted ends; `false` if it did not last.
    pub(super) fn ends(&mut self, what: Lasting) -> bool {
        let before = self.lasting.len();
        self.lasting.retain(|(known, _)| *known != what);
        self.lasting.len() < before
    }

    /// Something met what lasts.
    pub(super) fn met(&mut self, what: Lasting) {
        if let Some((_, fault)) = self.lasting.iter().find(|(known, _)| *known == what) {
            self.did(*fault);
        }
    }

    /// Every denial ends; `false` if there was none.
    pub(super) fn allow_all(&mut self) -> bool {
        let before = self.lasting.len();
        self.lasting.retain(|(known, _)| !matches!(known, Lasting::Denial(..)));
        self.lasting.len() < before
    }

    /// Everything that lasted ends.
    pub(super) fn settle(&mut self) {
        self.lasting.clear();
    }
}
