//! Somebody with his policies.

use crate::types::Account;

use super::context::{ContextValues, Key};
use super::decide::Policies;
use super::document::Document;
use super::principal::Principal;

/// A principal, and the policies that are attached to him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who he is.
    pub principal: Principal,
    /// What he may do.
    pub policies: Vec<Document>,
    /// His permissions boundaries: one of them must allow it too, if there are any.
    pub boundaries: Vec<Document>,
}

impl Identity {
    /// The root of an account, who may do everything.
    #[must_use]
    pub fn root(account: Account) -> Identity {
        let principal = Principal::parse(&Identity::root_arn(account));
        Identity {
            principal: principal.expect("the ARN of a root"),
            policies: vec![Document::allow_all()],
            boundaries: Vec::new(),
        }
    }

    /// The ARN of the root of an account.
    #[must_use]
    pub fn root_arn(account: Account) -> String {
        format!("arn:aws:iam::{account}:root")
    }

    /// The policies that count when he wants something of a resource that has this policy, or none.
    #[must_use]
    pub fn policies<'a>(&'a self, resource: Option<&'a Document>) -> Policies<'a> {
        Policies { identity: &self.policies, boundaries: &self.boundaries, resource }
    }

    /// Shows what every request of his says of him to `see`.
    pub fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, ContextValues<'a>)) {
        let principal = &self.principal;
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
