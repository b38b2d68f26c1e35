//! IAM actions, and their denial in a whole Region.

use std::fmt;

use crate::api::Operation;

/// An IAM action that a call can need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IamAction {
    /// The action of an operation's own name.
    Call(Operation),
    /// `dsql:PutMultiRegionProperties`, for every call with multi-Region properties.
    PutMultiRegionProperties,
    /// `dsql:PutWitnessRegion`, checked in the cluster's Region and in the witness Region.
    PutWitnessRegion,
    /// `dsql:AddPeerCluster`, checked in the cluster's Region and, on the peer's exact ARN, in the peer's.
    AddPeerCluster,
    /// `dsql:RemovePeerCluster`, checked on the exact ARN of a peer that is left out, in its Region.
    RemovePeerCluster,
    /// `iam:CreateServiceLinkedRole`, for the first cluster of an account.
    CreateServiceLinkedRole,
    /// `iam:PassRole`, on the role that a stream writes with.
    PassRole,
    /// An action of AWS KMS on a customer managed key, performed on the caller's behalf.
    Kms(&'static str),
}

impl IamAction {
    /// The actions on a customer managed key that encrypting a cluster with it needs ("Data encryption").
    pub(in crate::control) const KMS: [IamAction; 6] = [
        IamAction::DESCRIBE_KEY,
        IamAction::Kms("kms:Encrypt"),
        IamAction::DECRYPT,
        IamAction::Kms("kms:GenerateDataKey"),
        IamAction::Kms("kms:ReEncryptFrom"),
        IamAction::Kms("kms:ReEncryptTo"),
    ];
    pub(in crate::control) const DESCRIBE_KEY: IamAction = IamAction::Kms("kms:DescribeKey");
    pub(in crate::control) const DECRYPT: IamAction = IamAction::Kms("kms:Decrypt");
    const OTHERS: [IamAction; 6] = [
        IamAction::PutMultiRegionProperties,
        IamAction::PutWitnessRegion,
        IamAction::AddPeerCluster,
        IamAction::RemovePeerCluster,
        IamAction::CreateServiceLinkedRole,
        IamAction::PassRole,
    ];

    /// The number of actions.
    pub const COUNT: usize = Operation::ALL.len() + IamAction::OTHERS.len() + IamAction::KMS.len();

    /// Every action.
    pub fn all() -> impl Iterator<Item = IamAction> {
        let calls = Operation::ALL.iter().copied().map(IamAction::Call);
        calls.chain(IamAction::OTHERS).chain(IamAction::KMS)
    }

    /// The action as IAM writes it, as in `dsql:PutWitnessRegion`.
    #[must_use]
    pub fn iam_name(self) -> &'static str {
        match self {
            IamAction::Call(operation) => operation.action(),
            IamAction::PutMultiRegionProperties => "dsql:PutMultiRegionProperties",
            IamAction::PutWitnessRegion => "dsql:PutWitnessRegion",
            IamAction::AddPeerCluster => "dsql:AddPeerCluster",
            IamAction::RemovePeerCluster => "dsql:RemovePeerCluster",
            IamAction::CreateServiceLinkedRole => "iam:CreateServiceLinkedRole",
            IamAction::PassRole => "iam:PassRole",
            IamAction::Kms(name) => name,
        }
    }

    /// The action without its service, as in `PutWitnessRegion`.
    #[must_use]
    pub fn name(self) -> &'static str {
        let name = self.iam_name();
        name.split_once(':').map_or(name, |(_, name)| name)
    }
}

impl fmt::Display for IamAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.iam_name())
    }
}

/// The actions that are denied to every caller in one Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denials(Vec<IamAction>);

impl Denials {
    /// Denies `action`, or lifts the denial.
    pub fn set(&mut self, action: IamAction, denied: bool) {
        self.0.retain(|known| *known != action);
        if denied {
            self.0.push(action);
        }
    }

    /// Whether nothing is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `action` is denied.
    #[must_use]
    pub fn contains(&self, action: IamAction) -> bool {
        self.0.contains(&action)
    }

    /// Lifts every denial.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
