//! Who may do what. For now: everybody everything, less what a scenario denies.

use crate::api::{Error, Operation};
use crate::region::Region;

/// A permission that a scenario can deny in one Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// The permission of the operation's own name.
    Call(Operation),
    /// `dsql:PutWitnessRegion`, checked in the cluster's Region and in the witness Region.
    PutWitnessRegion,
    /// `dsql:AddPeerCluster`, checked in the cluster's Region and, on the peer's exact ARN, in the peer's.
    AddPeerCluster,
}

impl Action {
    /// Every action.
    pub fn all() -> impl Iterator<Item = Action> {
        let calls = Operation::ALL.iter().copied().map(Action::Call);
        calls.chain([Action::PutWitnessRegion, Action::AddPeerCluster])
    }

    /// The IAM name without its prefix, as in `PutWitnessRegion`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Call(operation) => operation.name(),
            Action::PutWitnessRegion => "PutWitnessRegion",
            Action::AddPeerCluster => "AddPeerCluster",
        }
    }

    /// The action called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Action> {
        Action::all().find(|action| action.name() == name)
    }
}

/// The actions that are denied to everybody in one Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denials(Vec<Action>);

impl Denials {
    /// Denies `action`, or allows it again.
    pub fn set(&mut self, action: Action, denied: bool) {
        self.0.retain(|known| *known != action);
        if denied {
            self.0.push(action);
        }
    }

    /// Allows everything again.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether `action` is allowed.
    #[must_use]
    pub fn allow(&self, action: Action) -> bool {
        self.0.is_empty() || !self.0.contains(&action)
    }
}

/// AccessDeniedException for `action`, checked in `region`.
#[must_use]
pub fn denied(action: Action, region: Region) -> Error {
    Error::AccessDenied {
        message: format!(
            "User is not authorized to perform: dsql:{} in Region {region} because no identity-based policy allows \
             the dsql:{} action",
            action.name(),
            action.name()
        ),
    }
}
