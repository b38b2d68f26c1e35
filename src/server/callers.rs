//! The callers behind access key ids: the account and the principal that each one names.

use std::sync::Arc;

use crate::gateway::account_of_key;
use crate::iam::{Identity, Principal, SESSION};
use crate::scenario::{PrincipalOptions, SetUp};
use crate::types::Account;

/// The principals of a server, and the account of every other access key id. Clones share the principals.
#[derive(Clone, Debug)]
pub(super) struct Callers {
    principals: Arc<[PrincipalOptions]>,
    default_account: Account,
}

/// The identity of a caller, as STS describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallerIdentity {
    pub(super) account: String,
    pub(super) arn: String,
    pub(super) user_id: String,
}

impl Callers {
    /// The principals of the scenario's set-up and those of `more`.
    pub(super) fn of(set_up: &SetUp, more: &[PrincipalOptions], default_account: Account) -> Callers {
        let principals = set_up.principals.iter().chain(more).cloned().collect();
        Callers { principals, default_account }
    }

    /// The identity of the caller with `access_key`.
    pub(super) fn identity(&self, access_key: &str) -> CallerIdentity {
        let has_key = |known: &&PrincipalOptions| known.access_key.as_deref() == Some(access_key);
        let identity = self.principals.iter().find(has_key).map(|known| &*known.identity);
        let principal = identity.map(|identity| &identity.principal);
        match identity.filter(|identity| !identity.principal.is_root()) {
            Some(identity) => described(identity, access_key),
            None => {
                let own = principal.and_then(Principal::account).and_then(Account::parse);
                let account =
                    own.unwrap_or_else(|| account_of_key(access_key, self.default_account)).to_string();
                let arn = format!("arn:aws:iam::{account}:root");
                CallerIdentity { arn, user_id: account.clone(), account }
            }
        }
    }
}

/// A principal that calls with a role has assumed it, and STS names the session. The id is the one that policies see.
fn described(identity: &Identity, access_key: &str) -> CallerIdentity {
    let principal = &identity.principal;
    let account = principal.account().unwrap_or_default().to_owned();
    let user_id = principal.user_id(identity.credentials.id.as_deref());
    let user_id = user_id.unwrap_or_else(|| access_key.to_owned());
    let arn = match principal.arn().split_once(":role/") {
        Some((_, role)) => {
            // The path of a role is no part of the ARN of its sessions.
            let name = role.rsplit('/').next().unwrap_or(role);
            format!("arn:aws:sts::{account}:assumed-role/{name}/{SESSION}")
        }
        None => principal.arn().to_owned(),
    };
    CallerIdentity { account, arn, user_id }
}
