//! Coverage: the situations that runs have been through. A search without findings means nothing for a situation that
//! it never produced.
//!
//! There are four kinds of bin. A *cell* is a combination of an operation, the status of the cluster that the request
//! names when it reaches a running control plane, and a kind of fault injected before. A *member* is a member of an
//! operation's input, in a call that was carried out or in one that was refused because of it. An *action* was denied
//! to a call that needed it. A *switch* of the assumptions had a value other than its default. `unreachable.rs` lists
//! the bins that cannot be covered, with reasons.
//!
//! Bins enter neither the trace nor its hash. A [`Coverage`] is a set of bins of fixed size.

mod unreachable;

use std::fmt;
use std::ops::BitOrAssign;

use enumset::EnumSet;
use strum::VariantArray;

use crate::api::{Error, Operation, Request};
use crate::control::assumptions::Assumptions;
use crate::control::authorization::IamAction;
use crate::sim::fault::FaultKind;
use crate::types::ClusterStatus;

pub use unreachable::unreachable;

/// A situation that a run can cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoverageBin {
    /// A request for an operation met a cluster in a status, after a fault of a kind.
    Cell(Cell),
    /// A call with this member of the operation's input, by index among [`Operation::members`], was carried out.
    Accepted(Operation, usize),
    /// A call was refused because this member of its input is invalid.
    Refused(Operation, usize),
    /// An action was denied to a call that needed it, by a policy or by a fault.
    Denied(IamAction),
    /// The switch with this index in [`Assumptions::NAMES`] had a value other than its default.
    Flipped(usize),
}

/// A combination of operation, status and kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The operation of the request.
    pub operation: Operation,
    /// The status of the cluster that the request names; `None` if it names no existing cluster.
    pub status: Option<ClusterStatus>,
    /// The kind of a fault that was injected before.
    pub fault: FaultKind,
}

impl Cell {
    /// Every cell, in the order of operations, statuses and kinds.
    pub fn all() -> impl Iterator<Item = Cell> {
        let statuses = || [None].into_iter().chain(ClusterStatus::VARIANTS.iter().copied().map(Some));
        let rows = Operation::ALL.iter().flat_map(move |operation| statuses().map(|it| (*operation, it)));
        rows.flat_map(|(operation, status)| {
            FaultKind::VARIANTS.iter().map(move |fault| Cell { operation, status, fault: *fault })
        })
    }
}

impl CoverageBin {
    /// Every bin: cells, then members, actions and switches.
    pub fn all() -> impl Iterator<Item = CoverageBin> {
        let members = Operation::ALL.iter().flat_map(|operation| {
            let indices = 0..operation.members().len();
            indices.flat_map(|index| {
                [CoverageBin::Accepted(*operation, index), CoverageBin::Refused(*operation, index)]
            })
        });
        let denied = IamAction::all().map(CoverageBin::Denied);
        let flipped = (0..Assumptions::NAMES.len()).map(CoverageBin::Flipped);
        Cell::all().map(CoverageBin::Cell).chain(members).chain(denied).chain(flipped)
    }

    /// The position of the bin in the set, below [`BINS`].
    #[must_use]
    pub fn index(self) -> usize {
        let (row, bit) = match self {
            CoverageBin::Cell(cell) => (row_of(cell.operation, cell.status), cell.fault as usize),
            CoverageBin::Accepted(operation, index) => (MEMBERS + operation as usize, index),
            CoverageBin::Refused(operation, index) => (MEMBERS + OPERATIONS + operation as usize, index),
            CoverageBin::Denied(action) => {
                (DENIED, IamAction::all().position(|it| it == action).unwrap_or_default())
            }
            CoverageBin::Flipped(index) => (FLIPPED, index),
        };
        row * BITS + bit
    }
}

impl fmt::Display for CoverageBin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = |operation: Operation, index: usize| {
            let name = operation.members().swap_remove(index).0;
            format!("{operation} with {name}")
        };
        match self {
            CoverageBin::Cell(Cell { operation, status, fault }) => {
                let status = status.map_or("no cluster", |status| status.name());
                write!(f, "{operation} of {status} after {}", fault.name())
            }
            CoverageBin::Accepted(operation, index) => {
                write!(f, "{} carried out", member(*operation, *index))
            }
            CoverageBin::Refused(operation, index) => write!(f, "{} refused", member(*operation, *index)),
            CoverageBin::Denied(action) => write!(f, "{action} denied"),
            CoverageBin::Flipped(index) => write!(f, "{} flipped", Assumptions::NAMES[*index]),
        }
    }
}

/// A set of bins. Its size is fixed; `|=` adds the bins of another set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage([u16; ROWS]);

impl Coverage {
    /// Covers the cells of a request for `operation` that met a cluster in `status`.
    pub(super) fn reach(
        &mut self,
        operation: Operation,
        status: Option<ClusterStatus>,
        kinds: EnumSet<FaultKind>,
    ) {
        self.0[row_of(operation, status)] |= kinds.as_repr();
    }

    /// Covers the members of a request that was carried out.
    pub(crate) fn accept(&mut self, request: &Request) {
        self.0[MEMBERS + request.operation() as usize] |= request.given();
    }

    /// Covers the members that a validation error names. Other errors are not about members.
    pub(crate) fn refuse(&mut self, operation: Operation, error: &Error) {
        let Error::Validation { field_list, .. } = error else { return };
        let is_within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        for (index, (member, _)) in operation.members().iter().enumerate() {
            // An error about a structure concerns its members, and one about a member the structure.
            if field_list.iter().any(|it| is_within(&it.name, member) || is_within(member, &it.name)) {
                self.insert(CoverageBin::Refused(operation, index));
            }
        }
    }

    /// Covers the switches whose values differ from their defaults.
    pub(crate) fn assume(&mut self, assumptions: &Assumptions) {
        for (name, _) in assumptions.differing() {
            let index = Assumptions::NAMES.iter().position(|known| *known == name);
            index.into_iter().for_each(|index| self.insert(CoverageBin::Flipped(index)));
        }
    }

    /// Covers a bin.
    pub(crate) fn insert(&mut self, bin: CoverageBin) {
        let index = bin.index();
        self.0[index / BITS] |= 1 << (index % BITS);
    }

    /// Whether `bin` is covered.
    #[must_use]
    pub fn has(&self, bin: CoverageBin) -> bool {
        let index = bin.index();
        self.0[index / BITS] & 1 << (index % BITS) != 0
    }

    /// The positions of the covered bins ([`CoverageBin::index`]).
    pub fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(row, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(row * BITS + bit)
            })
        })
    }

    /// The cells that are set, in the order of [`Cell::all`].
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        Cell::all().filter(|cell| self.has(CoverageBin::Cell(*cell)))
    }
}

impl Default for Coverage {
    fn default() -> Coverage {
        Coverage([0; ROWS])
    }
}

impl BitOrAssign<&Coverage> for Coverage {
    fn bitor_assign(&mut self, other: &Coverage) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

fn row_of(operation: Operation, status: Option<ClusterStatus>) -> usize {
    operation as usize * STATUSES + status.map_or(0, |status| status as usize + 1)
}

/// The size of the set in bits. Some bits belong to no bin.
pub const BINS: usize = ROWS * BITS;

/// The number of bits in a row.
const BITS: usize = 16;

const OPERATIONS: usize = Operation::ALL.len();

/// The number of rows of an operation: one for "no cluster", and one for each status.
const STATUSES: usize = ClusterStatus::VARIANTS.len() + 1;

/// The first row of members (accepted ones, then refused ones), behind the cells.
const MEMBERS: usize = OPERATIONS * STATUSES;
const DENIED: usize = MEMBERS + 2 * OPERATIONS;
const FLIPPED: usize = DENIED + IamAction::COUNT.div_ceil(BITS);
const ROWS: usize = FLIPPED + Assumptions::NAMES.len().div_ceil(BITS);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn a_cell_is_reached_under_every_kind_that_counts_and_no_other() {
        let mut kinds = EnumSet::only(FaultKind::None);
        let mut coverage = Coverage::default();
        coverage.reach(Operation::CreateCluster, None, kinds);
        kinds = FaultKind::Outage | FaultKind::Crash;
        coverage.reach(Operation::GetCluster, Some(ClusterStatus::PendingDelete), kinds);
        let bins: Vec<_> =
            CoverageBin::all().filter(|bin| coverage.has(*bin)).map(|it| it.to_string()).collect();
        let expected = [
            "CreateCluster of no cluster after none",
            "GetCluster of PENDING_DELETE after crash",
            "GetCluster of PENDING_DELETE after outage",
        ];
        assert_eq!(bins, expected);
    }

    #[test]
    fn every_bin_has_a_bit_of_its_own() {
        let indices: BTreeSet<_> = CoverageBin::all().map(CoverageBin::index).collect();
        assert_eq!(indices.len(), CoverageBin::all().count());
        assert!(indices.into_iter().all(|index| index < BINS));
        let mut coverage = Coverage::default();
        for bin in CoverageBin::all() {
            coverage.insert(bin);
        }
        assert_eq!(coverage.indices().count(), CoverageBin::all().count());
    }

    #[test]
    fn members_are_covered_when_a_call_is_carried_out_and_when_it_is_refused_because_of_them() {
        let input = json!({ "metricGroups": [{}], "multiRegionProperties": { "clusters": [], "witnessRegion": "x" } });
        let request = Request::from_json(Operation::CreateCluster, input).expect("a request");
        let mut coverage = Coverage::default();
        coverage.accept(&request);
        coverage
            .refuse(Operation::CreateCluster, &request.validate().expect_err("a metric group is missing"));
        let bins: Vec<_> =
            CoverageBin::all().filter(|bin| coverage.has(*bin)).map(|it| it.to_string()).collect();
        let expected = [
            "CreateCluster with multiRegionProperties.witnessRegion carried out",
            "CreateCluster with multiRegionProperties.clusters carried out",
            "CreateCluster with metricGroups carried out",
            "CreateCluster with metricGroups refused",
        ];
        assert_eq!(bins, expected);
    }
}
