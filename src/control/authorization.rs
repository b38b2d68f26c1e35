//! The vocabulary of authorization: actions, Region-wide denials, callers and principals.
//!
//! IAM is a global service: every node knows every principal's policies. [`required_permissions`] lists the
//! permissions of a call, [`authorizer`] checks them, and [`crate::iam`] evaluates policies.
//!
//! [`authorizer`]: super::authorizer
//! [`required_permissions`]: super::required_permissions

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::api::Operation;
use crate::iam::Identity;
use crate::types::{Account, PrincipalId};

/// An IAM action that a call can need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    pub(super) const KMS: [IamAction; 6] = [
        IamAction::Kms("kms:DescribeKey"),
        IamAction::Kms("kms:Encrypt"),
        IamAction::DECRYPT,
        IamAction::Kms("kms:GenerateDataKey"),
        IamAction::Kms("kms:ReEncryptFrom"),
        IamAction::Kms("kms:ReEncryptTo"),
    ];
    pub(super) const DECRYPT: IamAction = IamAction::Kms("kms:Decrypt");
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

/// The account and the principal of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account, which owns the clusters that the request can reach.
    pub account: Account,
    /// The principal; `None` is the account's root, which may do everything.
    pub principal: Option<PrincipalId>,
}

/// The principals of a world, in the order of declaration.
///
/// ```
/// use std::sync::Arc;
///
/// use dsql_sim::api::{CreateClusterInput, Request};
/// use dsql_sim::control::authorization::Principals;
/// use dsql_sim::iam::{Document, Identity, Principal};
/// use dsql_sim::types::PrincipalId;
/// use dsql_sim::{Call, ClientId, Options, Outcome, Region, Simulation};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = serde_json::json!({
///     "Statement": { "Effect": "Allow", "Action": "dsql:Get*", "Resource": "*" }
/// });
/// let reader = Identity {
///     principal: Principal::parse("arn:aws:iam::111122223333:role/reader").ok_or("no principal")?,
///     policies: vec![Document::identity(&policy)?],
///     boundaries: Vec::new(),
/// };
/// let mut options = Options::new(1);
/// options.principals = Arc::new(Principals { known: vec![Arc::new(reader)], are_watched: false });
/// options.clients[0].principal = PrincipalId::new(0);
///
/// let mut simulation = Simulation::new(options);
/// let region = Region::parse("us-east-1").ok_or("no Region")?;
/// let create = Request::CreateCluster(CreateClusterInput::default());
/// let call = simulation.call(ClientId(0), Call::new(region, create, 1));
/// let outcome = simulation.finish(call).map_err(|violation| violation.to_string())?;
/// assert!(matches!(outcome, Outcome::Failed(error) if error.name() == "AccessDeniedException"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principals {
    /// The principals with their policies.
    pub known: Vec<Arc<Identity>>,
    /// Whether every check is reported as [`Checked`](super::authorizer::Checked), also for callers that may do
    /// everything.
    pub are_watched: bool,
}

impl Principals {
    /// The ARN of `caller`.
    #[must_use]
    pub fn arn(&self, caller: Caller) -> Cow<'_, str> {
        match self.find(caller) {
            Some(identity) => identity.principal.arn().into(),
            None => Identity::root_arn(caller.account).into(),
        }
    }

    /// The identity of `caller`: the account's root, without a principal.
    #[must_use]
    pub fn identity(&self, caller: Caller) -> Cow<'_, Identity> {
        match self.find(caller) {
            Some(identity) => Cow::Borrowed(identity),
            None => Cow::Owned(Identity::root(caller.account)),
        }
    }

    fn find(&self, caller: Caller) -> Option<&Identity> {
        caller.principal.and_then(|principal| self.known.get(principal.index())).map(|identity| &**identity)
    }
}
