//! IAM policies: documents, and what they decide.
//!
//! The rules are those of the IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements". A document is
//! compiled when it is read ([`Document::identity`], [`Document::resource`]), so that a decision cannot fail; a
//! [`Decision`] says which statement made it, or what of each statement did not match.
//!
//! # What decides
//!
//! A statement that denies wins wherever it stands. Otherwise one that allows is needed: in an identity policy, and, if
//! there are permissions boundaries, in one of these too; or in the resource policy. In a resource policy an account
//! or its root only delegates, so that its Allow grants nothing by itself, and a role stands for its sessions.
//!
//! # What the guide leaves open, and what is done here
//!
//! - A wildcard in the service segment of an ARN pattern is refused when the document is read.
//! - A wildcard in the resource segment may reach over the slash, as in `cluster/*/stream/*`.
//! - `*` in place of an ARN stands for every value. A pattern with fewer than six segments matches only by a final
//!   `*`, which reaches over colons.
//! - A plain operator on a key with several values is true if it is for any of them, a negated one if it is for all.
//! - A set operator on a key with one value sees a set of one.
//! - Names of operators are written as in the guide; other spellings are refused.
//! - A variable in NotResource that has no value keeps an Allow from matching, and lets a Deny match.
//! - A value that is no number, date or address where one is needed equals none: a positive operator is false for it,
//!   a negated one true.
//! - NotPrincipal is taken with Deny alone; a session that it does not list itself is denied, whatever its role is.
//! - A permissions boundary does not bound what a resource policy grants a user or a session by its own ARN.

mod condition;
mod context;
mod decide;
mod document;
mod glob;
mod identity;
mod principal;
mod values;

pub use context::{Context, ContextMap, ContextValues, Key, find};
pub use decide::{
    AccessRequest, Decision, Evaluation, Mismatch, Policies, PolicyEffect, PolicyKind, StatementRef, decide,
    evaluate, explain,
};
pub use document::{Document, PathStep, PolicyError};
pub use identity::Identity;
pub use principal::Principal;
