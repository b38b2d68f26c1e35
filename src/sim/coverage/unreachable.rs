//! The bins that no run can cover, with reasons.

use crate::api::{MemberKind, Operation};
use crate::sim::fault::FaultKind;
use crate::types::ClusterStatus;

use super::{Cell, CoverageBin};

/// The reason why no run can cover `bin`; `None` if a run can.
#[must_use]
pub fn unreachable(bin: CoverageBin) -> Option<&'static str> {
    match bin {
        CoverageBin::Cell(Cell { operation, status, fault }) => match (operation, status) {
            (Operation::CreateCluster | Operation::ListClusters, Some(_)) => {
                Some("the request names no cluster")
            }
            (_, Some(ClusterStatus::Idle | ClusterStatus::Inactive)) if fault == FaultKind::None => {
                Some("only an external event idles a cluster, and it counts as a fault")
            }
            _ => None,
        },
        CoverageBin::Refused(operation, index) => match operation.members().swap_remove(index) {
            (_, MemberKind::Boolean) => Some("every boolean is valid"),
            (name, _) if name == "expectedPolicyVersion" => Some(
                "every version is valid: an outdated one is a conflict, which is the coverage mark policy-moved-on",
            ),
            _ => None,
        },
        CoverageBin::Accepted(..) | CoverageBin::Denied(_) | CoverageBin::Flipped(_) => None,
    }
}
