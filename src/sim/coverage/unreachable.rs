//! The marks that no run can set, with reasons.

use crate::api::{MemberKind, Operation};
use crate::sim::fault::FaultKind;
use crate::types::ClusterStatus;

use super::{Cell, Mark};

/// The reason why no run can set `mark`; `None` if a run can.
#[must_use]
pub fn unreachable(mark: Mark) -> Option<&'static str> {
    match mark {
        Mark::Cell(Cell { operation, status, fault }) => match (operation, status) {
            (Operation::CreateCluster | Operation::ListClusters, Some(_)) => {
                Some("the request names no cluster")
            }
            (_, Some(ClusterStatus::Idle | ClusterStatus::Inactive)) if fault == FaultKind::None => {
                Some("only an external event idles a cluster, and it counts as a fault")
            }
            _ => None,
        },
        Mark::Refused(operation, index) => match operation.members().swap_remove(index) {
            (_, MemberKind::Boolean) => Some("every boolean is valid"),
            (name, _) if name == "expectedPolicyVersion" => Some(
                "every version is valid: an outdated one is a conflict, which is the mark policy-moved-on",
            ),
            _ => None,
        },
        Mark::Accepted(..) | Mark::Denied(_) | Mark::Flipped(_) => None,
    }
}
