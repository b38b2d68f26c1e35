//! Marks that cannot be met, and why.

use crate::api::{MemberKind, Operation};
use crate::types::ClusterStatus;

use super::{Cell, FaultKind, Mark};

/// Why `mark` cannot be met; `None` if it can.
#[must_use]
pub fn unreachable(mark: Mark) -> Option<&'static str> {
    match mark {
        Mark::Cell(Cell { operation, status, fault }) => match (operation, status) {
            (Operation::CreateCluster | Operation::ListClusters, Some(_)) => Some("it names no cluster"),
            (_, Some(ClusterStatus::Idle | ClusterStatus::Inactive)) if fault == FaultKind::None => {
                Some("a cluster rests because of a shift alone, which counts as a fault")
            }
            _ => None,
        },
        Mark::Refused(operation, place) => match operation.members().swap_remove(place) {
            (_, MemberKind::Boolean) => Some("no boolean is wrong"),
            (name, _) if name == "expectedPolicyVersion" => Some(
                "no version is wrong: one that has passed is a conflict, which is the goal policy-moved-on",
            ),
            _ => None,
        },
        Mark::Accepted(..) | Mark::Denied(_) | Mark::Flipped(_) => None,
    }
}
