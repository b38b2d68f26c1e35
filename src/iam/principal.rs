//! Principals, and the Principal element of a resource policy.

use crate::rng::{fingerprint, mix};

use super::context::ContextValues;

/// An authenticated principal: an account's root, a user, a role, a role's session, a federated user, or a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    arn: String,
    account: Option<String>,
    /// The ARN of the role; for a session of a role only.
    role: Option<String>,
    /// The user name; for a user only.
    user: Option<String>,
}

impl Principal {
    /// Parses the ARN of a principal, or the name of a service, as in `backup.amazonaws.com`; `None` if `arn` is
    /// neither.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Principal> {
        if !arn.starts_with("arn:") {
            let is_service = arn.ends_with(".amazonaws.com");
            return is_service.then(|| Principal {
                arn: arn.to_owned(),
                account: None,
                role: None,
                user: None,
            });
        }
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, partition, service, "", account, name] = parts[..] else { return None };
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        let role = match (service, kind) {
            ("iam", "root") if rest.is_empty() => None,
            ("iam", "user" | "role") if !rest.is_empty() => None,
            ("sts", "assumed-role") => {
                let (role, session) = rest.rsplit_once('/')?;
                if role.is_empty() || session.is_empty() {
                    return None;
                }
                Some(format!("arn:{partition}:iam::{account}:role/{role}"))
            }
            ("sts", "federated-user") if !rest.is_empty() => None,
            _ => return None,
        };
        let user = (kind == "user").then(|| rest.rsplit('/').next().unwrap_or_default().to_owned());
        is_account_id(account).then(|| Principal {
            arn: arn.to_owned(),
            account: Some(account.to_owned()),
            role,
            user,
        })
    }

    /// The ARN, or the name of a service.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The account id, 12 digits. A service has none.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The ARN of the assumed role, if the principal is a session.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The user name without its path, if the principal is a user.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The value of `aws:userid`; `id` is the unique id of the user or of the role, if it is known. A service has none.
    #[must_use]
    pub fn user_id(&self, id: Option<&str>) -> Option<String> {
        let account = self.account()?;
        let (kind, name) = self.kind()?;
        Some(match kind {
            "root" => account.to_owned(),
            "user" => self.unique_id(id)?,
            // A principal that calls with a role has assumed it, under a name that the scenario does not have.
            "role" => format!("{}:{SESSION}", self.unique_id(id)?),
            "assumed-role" => format!("{}:{}", self.unique_id(id)?, name.rsplit_once('/')?.1),
            _ => format!("{account}:{name}"),
        })
    }

    /// The unique id of the user or of the role: `id`, or one that is derived from the account and the name.
    #[must_use]
    pub fn unique_id(&self, id: Option<&str>) -> Option<String> {
        let account = self.account()?;
        let (prefix, name) = match self.kind()? {
            ("user", name) => ("AIDA", name),
            ("role", name) => ("AROA", name),
            ("assumed-role", name) => ("AROA", name.rsplit_once('/')?.0),
            _ => return None,
        };
        // The path is no part of the name, and the ARN of a session does not have it.
        let name = name.rsplit('/').next()?;
        Some(id.map_or_else(|| format!("{prefix}{}", letters_of(account, name)), str::to_owned))
    }

    /// The values of the condition keys that follow from the principal alone; the key is written in lower case.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<ContextValues<'_>> {
        Some(match key {
            // For a session, the guide defines it as the ARN of the role.
            "aws:principalarn" => ContextValues::One(self.role().unwrap_or(self.arn())),
            "aws:principalaccount" => ContextValues::One(self.account()?),
            "aws:principalisawsservice" => {
                ContextValues::One(if self.account.is_none() { "true" } else { "false" })
            }
            "aws:principaltype" => ContextValues::One(match self.kind()?.0 {
                "root" => "Account",
                "user" => "User",
                "federated-user" => "FederatedUser",
                _ => "AssumedRole",
            }),
            "aws:userid" => ContextValues::Owned(self.user_id(None)?),
            "aws:username" => ContextValues::One(self.user_name()?),
            _ => return None,
        })
    }

    /// Whether a principal of this kind calls with temporary credentials only.
    pub(super) fn is_temporary(&self) -> bool {
        self.kind().is_some_and(|(kind, _)| !matches!(kind, "root" | "user"))
    }

    /// The kind and the name, as in `role` and `path/deployer`; `None` for a service.
    fn kind(&self) -> Option<(&str, &str)> {
        let name = self.arn.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
        Some(name.split_once('/').unwrap_or((name, "")))
    }

    /// Whether the principal is a role itself, not a session of one.
    #[must_use]
    pub fn is_role(&self) -> bool {
        self.kind().is_some_and(|(kind, _)| kind == "role")
    }

    /// Whether the principal is the root of an account.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }
}

/// One entry of a Principal or NotPrincipal element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PrincipalPattern {
    /// `*`.
    Everyone,
    /// An account id or the ARN of a root. In an Allow it only delegates to the policies of the account.
    Account(String),
    /// An ARN of a user, role or session, or the name of a service.
    Exact(String),
    /// A canonical user or a principal of another identity provider. The simulation has no such callers, so the pattern
    /// matches none.
    Unsupported,
}

/// How directly a pattern names a principal, from the least direct to the most direct. If several patterns of an
/// element match, the most direct one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PrincipalMatch {
    /// Through its account.
    Account,
    /// Through `*`, or through the role of the session.
    Group,
    /// By its own ARN or service name.
    Exact,
}

impl PrincipalPattern {
    /// Parses an entry of the `AWS` member; `None` if no principal is written so.
    pub(super) fn of_aws(text: &str) -> Option<PrincipalPattern> {
        if text == "*" {
            return Some(PrincipalPattern::Everyone);
        }
        if is_account_id(text) {
            return Some(PrincipalPattern::Account(text.to_owned()));
        }
        // Services have a member of their own, so a name without `arn:` is an error here.
        let principal = Principal::parse(text).filter(|_| text.starts_with("arn:"))?;
        let root = text.ends_with(":root").then(|| principal.account().map(str::to_owned)).flatten();
        Some(root.map_or_else(|| PrincipalPattern::Exact(text.to_owned()), PrincipalPattern::Account))
    }

    /// How the pattern names `principal`, if it does.
    pub(super) fn matches(&self, principal: &Principal) -> Option<PrincipalMatch> {
        match self {
            PrincipalPattern::Everyone => Some(PrincipalMatch::Group),
            PrincipalPattern::Account(account) => {
                (principal.account() == Some(account)).then_some(PrincipalMatch::Account)
            }
            PrincipalPattern::Exact(arn) if *arn == principal.arn => Some(PrincipalMatch::Exact),
            PrincipalPattern::Exact(arn) => (principal.role() == Some(arn)).then_some(PrincipalMatch::Group),
            PrincipalPattern::Unsupported => None,
        }
    }
}

/// Seventeen letters and digits, as in the unique ids of IAM, that follow from the account and a name.
fn letters_of(account: &str, name: &str) -> String {
    let state = fingerprint(&(account, name));
    let letter = |index: u64| ALPHABET[(mix(state, index) % 32) as usize] as char;
    (0..17).map(letter).collect()
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The name of the session in which a role calls, which the ARN of the role does not tell.
pub const SESSION: &str = "dsql-sim";

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
