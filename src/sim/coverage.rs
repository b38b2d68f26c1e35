//! What a run has been through: which operations met a cluster in which status, under which kinds of fault.
//!
//! A cell is reached when an operation's request comes to a control plane that is up, which finds the cluster that it
//! names in that status, after a fault of that kind. A fault counts from the moment it is injected until everything is
//! put right at the end of a run: a link that was cut and healed, or a node that crashed and came back, has left its
//! marks, and these are what is worth meeting. Before any fault the kind is `none`.

use std::ops::BitOrAssign;

use serde::{Deserialize, Serialize};

use crate::api::Operation;
use crate::control::outside::Shift;
use crate::types::ClusterStatus;

use super::fault::{Fault, Rule, Verdict, What};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A kind of fault, as far as coverage tells them apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultKind { $($(#[doc = $doc])+ $variant,)+ }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &[FaultKind] = &[$(FaultKind::$variant),+];

            /// Its name in tables.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(FaultKind::$variant => $name),+ }
            }
        }
    };
}

kinds! {
    /// No fault so far.
    None = "none",
    /// Some messages are lost.
    Drop = "drop",
    /// Every message on a link is lost.
    Partition = "partition",
    /// Messages come later.
    Delay = "delay",
    /// Messages come more than once.
    Duplicate = "duplicate",
    /// Messages wait until released.
    Hold = "hold",
    /// A link is slower.
    Slow = "slow",
    /// A node stops, or will at its moment.
    Crash = "crash",
    /// Both nodes of a Region stop.
    Outage = "outage",
    /// A Region's wall clock is wrong.
    Skew = "skew",
    /// An action is denied.
    Deny = "deny",
    /// Requests are answered with an error before the control plane sees them.
    Refuse = "throttle",
    /// Clusters go idle, or their keys cannot be used.
    Shift = "shift",
}

/// The kinds of fault that count at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FaultKinds(u16);

impl FaultKinds {
    /// Before any fault.
    pub(super) const NONE: FaultKinds = FaultKinds(1 << FaultKind::None as u32);

    /// From now on `fault` counts, unless it puts something right.
    pub(super) fn count(&mut self, fault: &Fault) {
        if let Some(kind) = kind_of(fault) {
            self.0 = (self.0 & !FaultKinds::NONE.0) | 1 << kind as u32;
        }
    }
}

fn kind_of(fault: &Fault) -> Option<FaultKind> {
    match fault {
        Fault::Rule(rule) => Some(kind_of_rule(rule)),
        Fault::Crash { .. } => Some(FaultKind::Crash),
        Fault::Outage(_) => Some(FaultKind::Outage),
        Fault::Skew { seconds, .. } => (*seconds != 0).then_some(FaultKind::Skew),
        Fault::Shift { shift, .. } => {
            matches!(shift, Shift::Doze | Shift::DisableKeys).then_some(FaultKind::Shift)
        }
        Fault::Deny { denied, .. } => denied.then_some(FaultKind::Deny),
        Fault::Refuse { .. } => Some(FaultKind::Refuse),
        Fault::All(_) | Fault::Heal(_) | Fault::Release | Fault::Restart(_) => None,
    }
}

fn kind_of_rule(rule: &Rule) -> FaultKind {
    match rule.verdict {
        Verdict::Drop if rule.what == What::Anything && rule.times.is_none() && rule.percent.is_none() => {
            FaultKind::Partition
        }
        Verdict::Drop => FaultKind::Drop,
        Verdict::Delay(_) => FaultKind::Delay,
        Verdict::Duplicate(_) => FaultKind::Duplicate,
        Verdict::Hold => FaultKind::Hold,
        Verdict::Slow(_) => FaultKind::Slow,
    }
}

/// One combination of operation, status and kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// What was called.
    pub operation: Operation,
    /// The status of the cluster that the request names; `None` if it names none, or none that exists.
    pub status: Option<ClusterStatus>,
    /// The kind of fault.
    pub fault: FaultKind,
}

impl Cell {
    /// Every cell that a request to a control plane can reach: of operations that are simulated, in the order of
    /// operations, statuses and kinds.
    pub fn all() -> impl Iterator<Item = Cell> {
        let operations = Operation::ALL.iter().copied();
        operations.flat_map(|operation| {
            let named = ClusterStatus::ALL.into_iter().filter(move |_| operation.names_cluster()).map(Some);
            [None].into_iter().chain(named).flat_map(move |status| {
                FaultKind::ALL.iter().map(move |fault| Cell { operation, status, fault: *fault })
            })
        })
    }
}

/// The set of cells that were reached. Its size is fixed; `|=` joins another to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage([[u16; STATUSES]; OPERATIONS]);

impl Coverage {
    /// A request for `operation` has met a cluster in `status`.
    pub(super) fn reach(&mut self, operation: Operation, status: Option<ClusterStatus>, kinds: FaultKinds) {
        self.0[operation as usize][place(status)] |= kinds.0;
    }

    /// Whether `cell` was reached.
    #[must_use]
    pub fn has(&self, cell: Cell) -> bool {
        self.0[cell.operation as usize][place(cell.status)] & 1 << cell.fault as u32 != 0
    }

    /// The cells that were reached, in the order of [`Cell::all`].
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        Cell::all().filter(|cell| self.has(*cell))
    }
}

impl BitOrAssign<&Coverage> for Coverage {
    fn bitor_assign(&mut self, other: &Coverage) {
        let theirs = other.0.iter().flatten();
        self.0.iter_mut().flatten().zip(theirs).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

fn place(status: Option<ClusterStatus>) -> usize {
    status.map_or(0, |status| status as usize + 1)
}

const OPERATIONS: usize = Operation::ALL.len();

/// None, and each that the API knows.
const STATUSES: usize = ClusterStatus::ALL.len() + 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_reached_under_every_kind_that_counts_and_no_other() {
        let mut kinds = FaultKinds::NONE;
        let mut coverage = Coverage::default();
        coverage.reach(Operation::CreateCluster, None, kinds);
        kinds.count(&Fault::Release);
        kinds.count(&Fault::Outage(crate::Region::parse("us-east-1").expect("a Region")));
        kinds.count(&Fault::crash(crate::NodeId::ControlPlane(
            crate::Region::parse("us-east-1").expect("a Region"),
        )));
        coverage.reach(Operation::GetCluster, Some(ClusterStatus::PendingDelete), kinds);
        let cells: Vec<_> =
            coverage.cells().map(|cell| (cell.operation, cell.status, cell.fault.name())).collect();
        let met = (Operation::GetCluster, Some(ClusterStatus::PendingDelete));
        let expected =
            [(Operation::CreateCluster, None, "none"), (met.0, met.1, "crash"), (met.0, met.1, "outage")];
        assert_eq!(cells, expected);
    }

    #[test]
    fn joining_keeps_the_cells_of_both_and_data_says_the_same() {
        let (mut one, mut other) = (Coverage::default(), Coverage::default());
        one.reach(Operation::CreateCluster, None, FaultKinds::NONE);
        other.reach(Operation::DeleteCluster, Some(ClusterStatus::Active), FaultKinds::NONE);
        one |= &other;
        assert_eq!(one.cells().count(), 2);
        let json = serde_json::to_string(&one).expect("plain JSON");
        assert_eq!(serde_json::from_str::<Coverage>(&json).expect("the same"), one);
    }
}
