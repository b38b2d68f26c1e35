//! What a run has been through: marks that a search must have left, or its silence says nothing.
//!
//! There are four sorts. A *cell* is an operation whose request came to a control plane that is up, which found the
//! cluster that it names in a status, after a fault of a kind. A *member* is one of an operation's input, in a call
//! that was carried out, or in one that was refused because of it. An *action* was denied to a call that needed it. A
//! *switch* among the assumptions had another value than usual. What cannot be met is in `unreachable.rs`, with the
//! reason.
//!
//! Marks enter neither the trace nor its hash. A [`Coverage`] is a set of them, as small for a million clusters as for
//! one.

mod kinds;
mod unreachable;

use std::fmt;
use std::ops::BitOrAssign;

use crate::api::{Error, Operation, Request};
use crate::control::assumptions::Assumptions;
use crate::control::authorization::IamAction;
use crate::types::ClusterStatus;

pub use kinds::FaultKind;
pub(super) use kinds::FaultKinds;
pub use unreachable::unreachable;

/// Something that a run can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An operation met a cluster in a status, after a fault of a kind.
    Cell(Cell),
    /// This member of an operation's input, by its place among all, was in a call that was carried out.
    Accepted(Operation, usize),
    /// A call was refused because of this member of its input.
    Refused(Operation, usize),
    /// An action was denied to a call that needed it.
    Denied(IamAction),
    /// The switch in this place of [`Assumptions::NAMES`] was flipped.
    Flipped(usize),
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
    /// Every cell, in the order of operations, statuses and kinds.
    pub fn all() -> impl Iterator<Item = Cell> {
        let statuses = || [None].into_iter().chain(ClusterStatus::ALL.into_iter().map(Some));
        let rows = Operation::ALL.iter().flat_map(move |operation| statuses().map(|it| (*operation, it)));
        rows.flat_map(|(operation, status)| {
            FaultKind::ALL.iter().map(move |fault| Cell { operation, status, fault: *fault })
        })
    }
}

impl Mark {
    /// Every mark: cells first, then members, actions and switches.
    pub fn all() -> impl Iterator<Item = Mark> {
        let members = Operation::ALL.iter().flat_map(|operation| {
            let places = 0..operation.members().len();
            places.flat_map(|place| [Mark::Accepted(*operation, place), Mark::Refused(*operation, place)])
        });
        let denied = IamAction::all().map(Mark::Denied);
        let flipped = (0..Assumptions::NAMES.len()).map(Mark::Flipped);
        Cell::all().map(Mark::Cell).chain(members).chain(denied).chain(flipped)
    }

    /// Its place among [`MARKS`].
    #[must_use]
    pub fn index(self) -> usize {
        let (row, bit) = match self {
            Mark::Cell(cell) => (row_of(cell.operation, cell.status), cell.fault as usize),
            Mark::Accepted(operation, place) => (MEMBERS + operation as usize, place),
            Mark::Refused(operation, place) => (MEMBERS + OPERATIONS + operation as usize, place),
            Mark::Denied(action) => {
                (DENIED, IamAction::all().position(|it| it == action).unwrap_or_default())
            }
            Mark::Flipped(place) => (FLIPPED, place),
        };
        row * BITS + bit
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = |operation: Operation, place: usize| {
            let name = operation.members().swap_remove(place).0;
            format!("{operation} with {name}")
        };
        match self {
            Mark::Cell(Cell { operation, status, fault }) => {
                let status = status.map_or("no cluster", |status| status.name());
                write!(f, "{operation} of {status} after {}", fault.name())
            }
            Mark::Accepted(operation, place) => write!(f, "{} carried out", member(*operation, *place)),
            Mark::Refused(operation, place) => write!(f, "{} refused", member(*operation, *place)),
            Mark::Denied(action) => write!(f, "{action} denied"),
            Mark::Flipped(place) => write!(f, "{} flipped", Assumptions::NAMES[*place]),
        }
    }
}

/// The set of marks that were left. Its size is fixed; `|=` joins another to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage([u16; ROWS]);

impl Coverage {
    /// A request for `operation` has met a cluster in `status`.
    pub(super) fn reach(&mut self, operation: Operation, status: Option<ClusterStatus>, kinds: FaultKinds) {
        self.0[row_of(operation, status)] |= kinds.0;
    }

    /// `request` was carried out.
    pub(crate) fn accept(&mut self, request: &Request) {
        self.0[MEMBERS + request.operation() as usize] |= request.given();
    }

    /// A call of `operation` was refused with `error`, which may name the members that are wrong.
    pub(crate) fn refuse(&mut self, operation: Operation, error: &Error) {
        let Error::Validation { field_list, .. } = error else { return };
        let is_within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        for (place, (member, _)) in operation.members().iter().enumerate() {
            // What is said of a whole is said of its parts.
            if field_list.iter().any(|it| is_within(&it.name, member) || is_within(member, &it.name)) {
                self.insert(Mark::Refused(operation, place));
            }
        }
    }

    /// The switches that `assumptions` flip.
    pub(crate) fn assume(&mut self, assumptions: &Assumptions) {
        for (name, _) in assumptions.differing() {
            let place = Assumptions::NAMES.iter().position(|known| *known == name);
            place.into_iter().for_each(|place| self.insert(Mark::Flipped(place)));
        }
    }

    /// Puts a mark in.
    pub(crate) fn insert(&mut self, mark: Mark) {
        let index = mark.index();
        self.0[index / BITS] |= 1 << (index % BITS);
    }

    /// Whether `mark` was left.
    #[must_use]
    pub fn has(&self, mark: Mark) -> bool {
        let index = mark.index();
        self.0[index / BITS] & 1 << (index % BITS) != 0
    }

    /// The places of the marks that were left ([`Mark::index`]).
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

    /// The cells that were met, in the order of [`Cell::all`].
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        Cell::all().filter(|cell| self.has(Mark::Cell(*cell)))
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

/// How many marks there can be: some of these places are nobody's.
pub const MARKS: usize = ROWS * BITS;

/// How many marks a row has.
const BITS: usize = 16;

const OPERATIONS: usize = Operation::ALL.len();

/// None, and each that the API knows.
const STATUSES: usize = ClusterStatus::ALL.len() + 1;

/// Where the rows of members begin, of accepted ones first; cells are before them.
const MEMBERS: usize = OPERATIONS * STATUSES;
const DENIED: usize = MEMBERS + 2 * OPERATIONS;
const FLIPPED: usize = DENIED + IamAction::COUNT.div_ceil(BITS);
const ROWS: usize = FLIPPED + Assumptions::NAMES.len().div_ceil(BITS);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::fault::Fault;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn a_cell_is_reached_under_every_kind_that_counts_and_no_other() {
        let mut kinds = FaultKinds::NONE;
        let mut coverage = Coverage::default();
        coverage.reach(Operation::CreateCluster, None, kinds);
        kinds.count(&Fault::Release);
        let region = crate::Region::parse("us-east-1").expect("a Region");
        kinds.count(&Fault::Outage(region));
        kinds.count(&Fault::crash(crate::NodeId::ControlPlane(region)));
        coverage.reach(Operation::GetCluster, Some(ClusterStatus::PendingDelete), kinds);
        let marks: Vec<_> = Mark::all().filter(|mark| coverage.has(*mark)).map(|it| it.to_string()).collect();
        let expected = [
            "CreateCluster of no cluster after none",
            "GetCluster of PENDING_DELETE after crash",
            "GetCluster of PENDING_DELETE after outage",
        ];
        assert_eq!(marks, expected);
    }

    #[test]
    fn every_mark_has_a_place_of_its_own() {
        let places: BTreeSet<_> = Mark::all().map(Mark::index).collect();
        assert_eq!(places.len(), Mark::all().count());
        assert!(places.into_iter().all(|place| place < MARKS));
        let mut coverage = Coverage::default();
        for mark in Mark::all() {
            coverage.insert(mark);
        }
        assert_eq!(coverage.indices().count(), Mark::all().count());
    }

    #[test]
    fn members_are_marked_when_a_call_is_carried_out_and_when_it_is_refused_because_of_them() {
        let input = json!({ "metricGroups": [{}], "multiRegionProperties": { "clusters": [], "witnessRegion": "x" } });
        let request = Request::from_json(Operation::CreateCluster, input).expect("a request");
        let mut coverage = Coverage::default();
        coverage.accept(&request);
        coverage
            .refuse(Operation::CreateCluster, &request.validate().expect_err("a metric group is missing"));
        let marks: Vec<_> = Mark::all().filter(|mark| coverage.has(*mark)).map(|it| it.to_string()).collect();
        let expected = [
            "CreateCluster with multiRegionProperties.witnessRegion carried out",
            "CreateCluster with multiRegionProperties.clusters carried out",
            "CreateCluster with metricGroups carried out",
            "CreateCluster with metricGroups refused",
        ];
        assert_eq!(marks, expected);
    }
}
