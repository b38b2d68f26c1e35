//! The kinds of fault that count for coverage at a moment.
//!
//! A fault counts from its injection until the general repair at the end of a run, even after it was healed: a link
//! that was cut or a node that crashed has left the clusters in states that are worth covering. Before the first fault
//! the kind is `none`.

use crate::sim::fault::FaultKind;

/// The set of kinds that count at the moment, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct FaultKinds(pub(super) u16);

impl FaultKinds {
    /// The set before the first fault: the kind `none` alone.
    pub(in crate::sim) const NONE: FaultKinds = FaultKinds(1 << FaultKind::None as u32);

    /// Adds the kind of a fault; a repair has none.
    pub(in crate::sim) fn count(&mut self, kind: Option<FaultKind>) {
        if let Some(kind) = kind {
            self.0 = (self.0 & !FaultKinds::NONE.0) | 1 << kind as u32;
        }
    }
}
