//! The condition keys of a request, derived a second time: which ones it has, and their values.
//!
//! Written from the table of availability in the IAM User Guide ("AWS global condition context keys") and from the page
//! "Forward access sessions".

use std::borrow::Cow;

use crate::api::Tags;
use crate::iam::{Identity, NetworkOrigin, SESSION};
use crate::types::Account;

use super::time::written_date;
use super::{Demand, KeyFacts, Known, PermissionQuery};

/// The circumstances of a call that its request context tells.
#[derive(Clone, Copy, Debug)]
pub(in crate::check) struct Circumstances<'a> {
    /// Who calls.
    pub(in crate::check) identity: &'a Identity,
    /// The account that the call is about.
    pub(in crate::check) account: Account,
    /// The network from which the call comes.
    pub(in crate::check) network: &'a NetworkOrigin,
    /// The first and the last second, since 1970, at which the permission may have been evaluated.
    pub(in crate::check) seconds: (u64, u64),
    /// The second, since 1970, at which the simulation began.
    pub(in crate::check) start: u64,
}

/// The values of a key; none if the request does not have it.
type Values<'a> = Vec<Cow<'a, str>>;

impl<'a> PermissionQuery<'a> {
    /// The values of a condition key, none if the request does not have it; `None` if they are not known.
    pub(super) fn found(&self, key: &str) -> Option<Values<'a>> {
        let key = key.to_ascii_lowercase();
        if let Some((family, tag)) = key.split_once('/') {
            return self.of_tag(family, tag);
        }
        let demand: &'a Demand<'a> = self.demand;
        let Demand { region, witness, tags, tag_keys, action, .. } = *demand;
        let (is_dsql, account) = (action.starts_with("dsql:"), self.resource_account());
        let by_service = |values: Values<'a>| if is_dsql { Vec::new() } else { values };
        Some(match &*key {
            "dsql:witnessregion" => witness.into_iter().map(Cow::from).collect(),
            "aws:tagkeys" => {
                let of_tags = tags.into_iter().flat_map(|tags| tags.iter()).map(|(key, _)| key);
                of_tags.chain(tag_keys).map(Cow::from).collect()
            }
            "iam:passedtoservice" if action == "iam:PassRole" => one("dsql.amazonaws.com"),
            key if key.starts_with("kms:") => match &demand.key {
                Some(facts) => of_kms(key, facts)?,
                None => Vec::new(),
            },
            // The endpoint of IAM is in one Region.
            "aws:requestedregion" if action == "iam:CreateServiceLinkedRole" => one("us-east-1"),
            "aws:requestedregion" => one(region.name()),
            "aws:securetransport" => one("true"),
            "aws:viaawsservice" => one(if is_dsql { "false" } else { "true" }),
            "aws:calledvia" | "aws:calledviafirst" | "aws:calledvialast" => {
                by_service(one("dsql.amazonaws.com"))
            }
            "aws:currenttime" => one(written_date(self.second?)),
            "aws:epochtime" => one(self.second?.to_string()),
            "aws:resourceaccount" => one(account),
            "aws:resourceorgid" | "aws:resourceorgpaths" => {
                let is_own = self.principal.account() == Some(&*account);
                let key = key.replace("resource", "principal");
                if is_own { self.of_principal(&key)? } else { Vec::new() }
            }
            "aws:useragent" | "aws:sourceip" | "aws:vpcsourceip" | "aws:sourcevpc" | "aws:sourcevpce" => {
                if is_dsql {
                    self.of_network(&key)
                } else {
                    Vec::new()
                }
            }
            key => self.of_principal(key)?,
        })
    }

    /// The account in the ARN of the resource; the account of the call where there is no ARN.
    fn resource_account(&self) -> String {
        match self.demand.resource.split(':').collect::<Vec<_>>()[..] {
            ["arn", _, _, _, account, ..] if !account.is_empty() => account.to_owned(),
            _ => self.circumstances.account.to_string(),
        }
    }

    /// The keys about the network, of which a request without a VPC endpoint has others than one with an endpoint.
    fn of_network(&self, key: &str) -> Values<'a> {
        let NetworkOrigin { address, endpoint, user_agent } = self.circumstances.network;
        match (key, endpoint) {
            ("aws:useragent", _) => one(&**user_agent),
            ("aws:sourceip", None) | ("aws:vpcsourceip", Some(_)) => one(address.to_string()),
            ("aws:sourcevpc", Some(endpoint)) => one(&*endpoint.vpc),
            ("aws:sourcevpce", Some(endpoint)) => one(&*endpoint.id),
            _ => Vec::new(),
        }
    }

    /// The keys about the principal. A key that is none of these is absent: no request of the simulation has it.
    fn of_principal(&self, key: &str) -> Option<Values<'a>> {
        let Circumstances { identity, start, .. } = self.circumstances;
        let (principal, credentials) = (self.principal, &identity.credentials);
        let account = principal.account();
        let kind = principal.arn().split(':').nth(5).and_then(|name| name.split('/').next());
        let kind = kind.unwrap_or("service");
        let is_assumed = matches!(kind, "role" | "assumed-role" | "federated-user");
        let is_temporary = is_assumed || credentials.has_mfa || credentials.issued.is_some();
        let issued = credentials.issued.map_or(start, |time| time.seconds());
        let organization = identity.organization.as_deref();
        Some(match key {
            // Of a session the guide defines it as the ARN of the role.
            "aws:principalarn" => one(principal.role().unwrap_or(principal.arn())),
            "aws:principalaccount" => account.into_iter().map(Cow::from).collect(),
            "aws:principaltype" => match kind {
                "root" => one("Account"),
                "user" => one("User"),
                "federated-user" => one("FederatedUser"),
                "service" => Vec::new(),
                _ => one("AssumedRole"),
            },
            "aws:principalisawsservice" => one(if kind == "service" { "true" } else { "false" }),
            "aws:username" => principal.user_name().into_iter().map(Cow::from).collect(),
            "aws:userid" => self.user_id(kind).into_iter().map(Cow::from).collect(),
            "aws:principalorgid" => organization
                .and_then(|path| Some(path.split_once('/')?.0))
                .into_iter()
                .map(Cow::from)
                .collect(),
            "aws:principalorgpaths" => organization.into_iter().map(Cow::from).collect(),
            "aws:tokenissuetime" if is_temporary => one(written_date(issued)),
            "aws:multifactorauthpresent" if is_temporary => one(credentials.has_mfa.to_string()),
            "aws:multifactorauthage" if credentials.has_mfa => {
                one(self.second?.saturating_sub(issued).to_string())
            }
            _ => Vec::new(),
        })
    }

    /// The root is named by its account; a user by a unique id, and a session of a role by that of the role and by its
    /// name; a federated user by the account and the name.
    fn user_id(&self, kind: &str) -> Option<String> {
        let credentials = &self.circumstances.identity.credentials;
        let unique = || self.principal.unique_id(credentials.id.as_deref());
        let account = self.principal.account()?;
        let last = self.principal.arn().rsplit('/').next()?;
        Some(match kind {
            "root" => account.to_owned(),
            "user" => unique()?,
            // The ARN of a role tells no session: the simulation has one name for all of them.
            "role" => unique()? + ":" + SESSION,
            "assumed-role" => unique()? + ":" + last,
            _ => format!("{account}:{last}"),
        })
    }

    /// The value of a tag of the request, of the resource or of the principal.
    fn of_tag(&self, family: &str, tag: &str) -> Option<Values<'a>> {
        let of_tags = |tags: Option<&'a Tags>| with_key(tag, tags.into_iter().flat_map(|tags| tags.iter()));
        match (family, self.tags) {
            ("aws:principaltag", _) => with_key(tag, self.circumstances.identity.tags.iter()),
            ("aws:requesttag", _) => of_tags(self.demand.tags),
            ("aws:resourcetag", Known::Is(tags)) => of_tags(Some(tags)),
            ("aws:resourcetag", Known::Unknown) => None,
            _ => Some(Vec::new()),
        }
    }
}

/// The values of a condition key of AWS KMS; `None` if they are not known.
fn of_kms<'k>(key: &str, facts: &'k KeyFacts) -> Option<Values<'k>> {
    Some(match (key, &facts.cluster) {
        ("kms:viaservice", _) => one(&*facts.via),
        ("kms:calleraccount", _) => one(&*facts.account),
        ("kms:requestalias", _) => facts.alias.iter().map(Cow::from).collect(),
        ("kms:resourcealiases", _) => facts.aliases.iter().map(Cow::from).collect(),
        ("kms:encryptioncontextkeys", Known::Is(_) | Known::Unknown) => one("aws:dsql:ClusterId"),
        ("kms:encryptioncontext:aws:dsql:clusterid", Known::Is(cluster)) => one(&**cluster),
        ("kms:encryptioncontext:aws:dsql:clusterid", Known::Unknown) => return None,
        _ => Vec::new(),
    })
}

fn one<'a>(value: impl Into<Cow<'a, str>>) -> Values<'a> {
    vec![value.into()]
}

/// The value of the tag with this key, in any case; `None` if two keys differ in case only.
fn with_key<'t>(key: &str, tags: impl Iterator<Item = (&'t String, &'t String)>) -> Option<Values<'t>> {
    let found: Values<'t> =
        tags.filter(|it| it.0.eq_ignore_ascii_case(key)).map(|it| Cow::from(it.1)).collect();
    (found.len() < 2).then_some(found)
}
