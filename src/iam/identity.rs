//! Identities: an IAM principal and its policies.

use crate::types::Account;

use super::context::{ContextValues, Key};
use super::decide::{Combination, Policies};
use super::document::Document;
use super::principal::Principal;

/// An IAM principal and its policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user, role, session, root or service itself.
    pub principal: Principal,
    /// The identity policies that are attached to the principal. Without any, only a resource policy can allow a call.
    pub policies: Vec<Document>,
    /// The permissions boundaries. They grant nothing: if there are any, one of them must also allow what `policies`
    /// allow.
    pub boundaries: Vec<Document>,
}

impl Identity {
    /// The root of `account`, with one policy that allows every action on every resource.
    #[must_use]
    pub fn root(account: Account) -> Identity {
        let principal = Principal::parse(&Identity::root_arn(account));
        Identity {
            principal: principal.expect("the ARN of a root"),
            policies: vec![Document::allow_all()],
            boundaries: Vec::new(),
        }
    }

    /// The ARN of the root of `account`.
    #[must_use]
    pub fn root_arn(account: Account) -> String {
        format!("arn:aws:iam::{account}:root")
    }

    /// The policies that apply when this principal accesses a resource; `resource` is the resource's own policy.
    #[must_use]
    pub fn policies<'a>(&'a self, resource: Option<&'a Document>) -> Policies<'a> {
        let combination = Combination::Either;
        Policies { identity: &self.policies, boundaries: &self.boundaries, resource, combination }
    }

    /// Gives `see` the condition keys that describe the principal in each of its requests: `aws:PrincipalArn`,
    /// `aws:PrincipalAccount` and `aws:username`.
    pub fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, ContextValues<'a>)) {
        let principal = &self.principal;
        // For a session, the guide defines aws:PrincipalArn as the ARN of the role.
        see(Key("aws:PrincipalArn", ""), ContextValues::One(principal.role().unwrap_or(principal.arn())));
        for (key, value) in
            [("aws:PrincipalAccount", principal.account()), ("aws:username", principal.user_name())]
        {
            if let Some(value) = value {
                see(Key(key, ""), ContextValues::One(value));
            }
        }
    }
}
