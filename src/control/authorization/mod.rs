//! Authorization: the actions that a call needs, the principals, and the evaluation on each node.
//!
//! IAM is a global service: every node knows every principal's policies. Each operation lists the permissions of its
//! calls, [`Authorizer`] checks them, and `iam` evaluates policies.

pub(in crate::control) mod required_permissions;

mod action;
mod authorizer;
mod context;
mod principals;

pub use action::{Denials, IamAction};
pub use authorizer::{Authorizer, Checked, Denial, ResourceAttributes};
pub use principals::{Caller, Principals};
pub use required_permissions::{KeyAttributes, PeerAction, RequestAttributes, RequiredPermission};

pub(in crate::control) use required_permissions::{AccountScope, PermissionScope, Require};
