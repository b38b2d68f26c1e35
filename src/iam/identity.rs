//! Somebody with his policies.

use crate::types::Account;

use super::context::Context;
use super::decide::{Decision, Policies, Question, decide};
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
        let principal = Principal::parse(&format!("arn:aws:iam::{account}:root"));
        Identity {
            principal: principal.expect("the ARN of a root"),
            policies: vec![Document::everything()],
            boundaries: Vec::new(),
        }
    }

    /// Whether he may do `action` with `resource`, which has a policy of its own or none. `context` is what the request
    /// says of itself; what is said of him is added.
    #[must_use]
    pub fn decide(
        &self,
        action: &str,
        resource: &str,
        policy: Option<&Document>,
        mut context: Context,
    ) -> Decision {
        let (principal, account) = (&self.principal, self.principal.account());
        context.set("aws:PrincipalArn", [principal.role().unwrap_or(principal.arn())]);
        context.set("aws:PrincipalAccount", account);
        context.set("aws:username", principal.user_name());
        let policies = Policies { identity: &self.policies, boundaries: &self.boundaries, resource: policy };
        decide(policies, Question { principal, action, resource, context: &context })
    }
}
