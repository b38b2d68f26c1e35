//! Principals, and the Principal element of a resource policy.

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

    /// Whether the principal is a role itself, not a session of one.
    #[must_use]
    pub fn is_role(&self) -> bool {
        self.arn.starts_with("arn:")
            && self.arn.splitn(6, ':').nth(5).is_some_and(|name| name.starts_with("role/"))
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

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
