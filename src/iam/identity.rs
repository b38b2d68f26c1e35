//! Identities: an IAM principal, its policies, and what its requests tell about it.

use std::sync::Arc;

use crate::api::TagMap;
use crate::types::{Account, Timestamp};

use super::context::ContextValues;
use super::decide::{Combination, Policies};
use super::document::Document;
use super::principal::Principal;
use super::values::date_text;

/// An IAM principal with its policies, its tags, its organization and its credentials.
///
/// ```
/// use dsql_sim::principals::{Document, Identity, Principal};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = serde_json::json!({
///     "Statement": { "Effect": "Allow", "Action": "dsql:Get*", "Resource": "*" }
/// });
/// let reader = Identity {
///     policies: vec![Document::identity(&policy)?],
///     ..Identity::new(Principal::parse("arn:aws:iam::111122223333:role/reader").ok_or("no principal")?)
/// };
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user, role, session, root or service itself.
    pub principal: Principal,
    /// The identity policies that are attached to the principal. Without any, only a resource policy can allow a call.
    pub policies: Vec<Document>,
    /// The permissions boundaries. They grant nothing: if there are any, one of them must also allow what `policies`
    /// allow.
    pub boundaries: Vec<Document>,
    /// The session policies, which were passed when the session began. They limit like permissions boundaries.
    pub session_policies: Vec<Document>,
    /// The service control policies of the principal's account, by level: the organization's root, each
    /// organizational unit on the path, the account. At every level one policy must allow an action.
    pub control_policies: Vec<Vec<Document>>,
    /// The tags of the principal and of its session (`aws:PrincipalTag/…`).
    pub tags: TagMap,
    /// The path of the account in its organization, as in `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`
    /// (`aws:PrincipalOrgPaths`); `None` if the account is in no organization.
    pub organization: Option<Arc<str>>,
    /// The credentials with which the principal calls.
    pub credentials: Credentials,
}

/// The credentials of a principal, as far as policies can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The unique id of the user or of the role, as in `AROADBQP57FF2AEXAMPLE`. By default it follows from the name.
    pub id: Option<Arc<str>>,
    /// The time at which temporary credentials were issued (`aws:TokenIssueTime`); by default the beginning of the
    /// simulation. A user with a time has temporary credentials too.
    pub issued: Option<Timestamp>,
    /// Whether the credentials were issued after multi-factor authentication. They are temporary then.
    pub has_mfa: bool,
}

/// The time of a request, and that of the beginning of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTime {
    /// The time at which the request is evaluated.
    pub now: Timestamp,
    /// The wall-clock time at virtual time 0.
    pub start: Timestamp,
}

impl Identity {
    /// A principal without policies, which may do nothing.
    #[must_use]
    pub fn new(principal: Principal) -> Identity {
        Identity {
            principal,
            policies: Vec::new(),
            boundaries: Vec::new(),
            session_policies: Vec::new(),
            control_policies: Vec::new(),
            tags: TagMap::default(),
            organization: None,
            credentials: Credentials::default(),
        }
    }

    /// The root of `account`, with one policy that allows every action on every resource.
    #[must_use]
    pub fn root(account: Account) -> Identity {
        let principal = Principal::parse(&Identity::root_arn(account)).expect("the ARN of a root");
        Identity { policies: vec![Document::allow_all()], ..Identity::new(principal) }
    }

    /// The ARN of the root of `account`.
    #[must_use]
    pub fn root_arn(account: Account) -> String {
        format!("arn:aws:iam::{account}:root")
    }

    /// Replaces every policy of the principal by `policies`: nothing else limits it then.
    pub fn set_only_policies(&mut self, policies: Vec<Document>) {
        self.policies = policies;
        self.boundaries.clear();
        self.session_policies.clear();
        self.control_policies.clear();
    }

    /// The policies that apply when this principal accesses a resource; `resource` is the resource's own policy.
    #[must_use]
    pub fn policies<'a>(&'a self, resource: Option<&'a Document>) -> Policies<'a> {
        Policies {
            identity: &self.policies,
            boundaries: &self.boundaries,
            session: &self.session_policies,
            control: &self.control_policies,
            resource,
            combination: Combination::Either,
        }
    }

    /// The first condition key that the simulation does not know in a statement about `action`, as it is written, in
    /// the principal's own policies.
    #[must_use]
    pub fn unknown_key(&self, action: &str) -> Option<&str> {
        let limits = self.boundaries.iter().chain(&self.session_policies);
        let mut documents = self.policies.iter().chain(limits).chain(self.control_policies.iter().flatten());
        documents.find_map(|document| document.unknown_key(action))
    }

    /// The values of a condition key about the principal, which is written in lower case; `None` if its requests do not
    /// have it.
    #[must_use]
    pub fn value(&self, key: &str, time: RequestTime) -> Option<ContextValues<'_>> {
        let Credentials { id, issued, has_mfa } = &self.credentials;
        if let Some(tag) = key.strip_prefix("aws:principaltag/") {
            let found = self.tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
            return found.map(|(_, value)| ContextValues::One(value));
        }
        let issued_at = issued.unwrap_or(time.start);
        Some(match key {
            "aws:userid" => ContextValues::Owned(self.principal.user_id(id.as_deref())?),
            "aws:principalorgid" => ContextValues::One(self.organization_id()?),
            "aws:principalorgpaths" => ContextValues::One(self.organization.as_deref()?),
            "aws:tokenissuetime" if self.is_temporary() => ContextValues::Owned(date_text(issued_at)),
            // Credentials for long-term use have neither key, which is not the same as `false`.
            "aws:multifactorauthpresent" if self.is_temporary() => {
                ContextValues::One(if *has_mfa { "true" } else { "false" })
            }
            "aws:multifactorauthage" if *has_mfa => {
                ContextValues::Owned(time.now.seconds().saturating_sub(issued_at.seconds()).to_string())
            }
            key => return self.principal.value(key),
        })
    }

    /// The id of the organization, as in `o-a1b2c3d4e5`.
    #[must_use]
    pub fn organization_id(&self) -> Option<&str> {
        self.organization.as_deref()?.split('/').next()
    }

    /// Whether the credentials are temporary: those of a role, a session or a federated user always are.
    fn is_temporary(&self) -> bool {
        let Credentials { issued, has_mfa, .. } = &self.credentials;
        issued.is_some() || *has_mfa || self.principal.is_temporary()
    }
}
