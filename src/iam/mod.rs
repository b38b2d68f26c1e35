//! IAM policies: documents are compiled when they are read, and evaluated for one principal, action and resource.
//!
//! The rules are those of the IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements". Compilation
//! ([`Document::identity`], [`Document::resource`]) reports every error of a document, so that evaluation cannot fail.
//! [`evaluate`] decides; [`decide`] also gives the deciding statement or, when nothing allows the action, the part of
//! each statement that did not match.
//!
//! # Evaluation order
//!
//! 1. A matching Deny statement decides, in whichever policy it is.
//! 2. If the account of the principal has service control policies, at every level one of them must allow the action.
//! 3. A matching Allow in an identity policy decides. If the principal has permissions boundaries, one of them must
//!    allow the action as well; the same holds for session policies.
//! 4. Otherwise a matching Allow in the resource policy decides. An Allow whose principal is an account, or its root,
//!    only delegates to the account's own policies and grants nothing by itself. An Allow whose principal is a role
//!    covers the role's sessions.
//! 5. Otherwise the action is denied implicitly.
//!
//! A [`Combination`] has the rules of other resources: the policy of a KMS key must allow, or delegate, what the
//! principal's own policies allow, and for a resource of another account both must allow.
//!
//! # Decisions on points that the guide leaves open
//!
//! - A wildcard in the service segment of an ARN pattern is an error of the document.
//! - A wildcard in the resource segment also matches slashes, as in `cluster/*/stream/*`.
//! - `*` instead of an ARN matches every value. A pattern of fewer than six segments matches only through a final `*`,
//!   which also matches colons.
//! - For a key with several values, a plain operator is true if it is true for any value; a plain negated operator is
//!   true if it is true for all of them.
//! - A set operator treats a key with one value as a set of one.
//! - Operator names are case-sensitive and spelled as in the guide; other spellings are errors.
//! - If a variable in NotResource has no value, an Allow statement does not match and a Deny statement does.
//! - A request value that is not a number, date or address, where the operator needs one, equals nothing: a positive
//!   operator is false for it, and a negated operator is true.
//! - NotPrincipal is valid with Deny only. A session is denied unless the element lists the session itself; a listed
//!   role does not exempt its sessions.
//! - A permissions boundary does not limit what a resource policy grants to the ARN of a user or of a session, nor does
//!   a session policy. Both limit what it grants to a role or to `*`. Service control policies limit every grant.
//! - If policies of several kinds lack an Allow, the report names service control policies first, then identity
//!   policies, permissions boundaries and session policies.
//! - A condition key that the simulation does not know is absent, as on AWS a key that the service does not supply. The
//!   report of the decision says so.

mod condition;
mod context;
mod decide;
mod document;
mod exposure;
mod glob;
mod identity;
mod keys;
mod origin;
mod principal;
mod values;

pub use context::{Context, ContextEntries, ContextMap, ContextValues, Key};
pub use decide::{
    AccessRequest, Combination, Decision, Evaluation, Mismatch, Policies, PolicyEffect, PolicyKind,
    StatementRef, decide, evaluate, explain, unknown_key,
};
pub use document::{Document, PathStep, PolicyError};
pub use identity::{Credentials, Identity, RequestTime};
pub use origin::{NetworkOrigin, VpcEndpoint};
pub use principal::{Principal, SESSION};
pub use values::{date_seconds, date_text};
