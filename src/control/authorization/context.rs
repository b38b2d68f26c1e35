//! The request context of a check: the condition keys of the caller, of the request and of the resource.
//!
//! The global keys, and when a request has them, are those of the IAM User Guide, "AWS global condition context keys".
//! The actions of other services that Aurora DSQL performs for a caller are made with a forward access session: they
//! have `aws:CalledVia` and a true `aws:ViaAWSService`, and they come from the service's network, so that they lack the
//! keys of the caller's. The guide does not mention the network keys of such a request. Without them the guide's
//! policies against foreign addresses do what it says of them: they deny the request, unless they spare services.

use crate::api::Tags;
use crate::control::authorization::{IamAction, RequiredPermission};
use crate::iam::{Context, ContextValues, Identity, NetworkOrigin, RequestTime, date_text};
use crate::region::Region;
use crate::types::Account;

use super::required_permissions::SERVICE;

/// The condition keys of one evaluation. Each is derived when a condition needs it: most policies have none.
#[derive(Debug)]
pub(super) struct EvaluationContext<'a> {
    pub(super) identity: &'a Identity,
    pub(super) origin: &'a NetworkOrigin,
    pub(super) time: RequestTime,
    pub(super) region: Region,
    /// The account that the request is about, where its resource names none.
    pub(super) account: Account,
    pub(super) permission: RequiredPermission<'a>,
    /// The tags of the resource.
    pub(super) tags: Option<&'a Tags>,
}

impl EvaluationContext<'_> {
    /// Whether the service performs the action for the caller, in another service.
    fn is_forwarded(&self) -> bool {
        !self.permission.action.iam_name().starts_with("dsql:")
    }

    /// The Region that is called. IAM is a global service with one endpoint, in us-east-1.
    fn requested_region(&self) -> Region {
        match self.permission.action {
            IamAction::CreateServiceLinkedRole => Region::US_EAST_1,
            _ => self.region,
        }
    }

    /// The account of the resource, if the resource names one.
    fn resource_account(&self) -> Option<&str> {
        self.permission.resource.split(':').nth(4).filter(|account| !account.is_empty())
    }

    /// Whether the resource is in the account of the principal, and so in its organization. The organization of another
    /// account is not known.
    fn is_in_own_account(&self) -> bool {
        self.resource_account().is_none_or(|account| self.identity.principal.account() == Some(account))
    }
}

impl Context for EvaluationContext<'_> {
    fn get(&self, key: &str) -> Option<ContextValues<'_>> {
        let is_forwarded = self.is_forwarded();
        let truth = |is_true: bool| ContextValues::One(if is_true { "true" } else { "false" });
        if let Some(tag) = key.strip_prefix("aws:resourcetag/") {
            let found = self.tags?.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
            return found.map(|(_, value)| ContextValues::One(value));
        }
        Some(match key {
            "aws:currenttime" => ContextValues::Owned(date_text(self.time.now)),
            "aws:epochtime" => ContextValues::Owned(self.time.now.seconds().to_string()),
            // The endpoints of the service accept nothing but TLS.
            "aws:securetransport" => truth(true),
            "aws:viaawsservice" => truth(is_forwarded),
            "aws:calledvia" | "aws:calledviafirst" | "aws:calledvialast" if is_forwarded => {
                ContextValues::One(SERVICE)
            }
            "aws:requestedregion" => ContextValues::One(self.requested_region().name()),
            "aws:resourceaccount" => match self.resource_account() {
                Some(account) => ContextValues::One(account),
                None => ContextValues::Owned(self.account.to_string()),
            },
            "aws:resourceorgid" if self.is_in_own_account() => {
                ContextValues::One(self.identity.organization_id()?)
            }
            "aws:resourceorgpaths" if self.is_in_own_account() => {
                ContextValues::One(self.identity.organization.as_deref()?)
            }
            key => {
                let of_network = if is_forwarded { None } else { self.origin.value(key) };
                return of_network
                    .or_else(|| self.identity.value(key, self.time))
                    .or_else(|| self.permission.attributes.get(key));
            }
        })
    }
}
