//! Who asks, and whom a resource policy means.

/// Who asks: an account's root, a user, a role's session, or a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    arn: String,
    account: Option<String>,
    /// The ARN of the role, for a session of one.
    role: Option<String>,
    /// Its name, for a user.
    user: Option<String>,
}

impl Principal {
    /// Who has this ARN; `None` if it is nobody's. A service is named as in `backup.amazonaws.com`.
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
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
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
        is_account.then(|| Principal { arn: arn.to_owned(), account: Some(account.to_owned()), role, user })
    }

    /// Its ARN, or a service's name.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Its account; a service has none.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The ARN of the role whose session it is.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Its name, if it is a user: the last part of its ARN, without the path.
    #[must_use]
    pub fn user_name(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether it is an account itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.arn.ends_with(":root")
    }
}

/// Whom a resource policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PrincipalPattern {
    Everybody,
    /// An account, which passes on what it is granted to whom it likes.
    Account(String),
    /// Somebody by an ARN, or a service by its name.
    One(String),
    /// Somebody whom nobody here can be: a canonical user, or one of another identity provider.
    Stranger,
}

/// How somebody is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PrincipalMatch {
    /// Only as one of an account.
    OneOfAccount,
    /// As everybody, or as a session of a role.
    OneOfMany,
    /// Himself.
    Himself,
}

impl PrincipalPattern {
    /// Whom `text` names as an AWS principal; `None` if nobody can be meant.
    pub(super) fn of_aws(text: &str) -> Option<PrincipalPattern> {
        if text == "*" {
            return Some(PrincipalPattern::Everybody);
        }
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_account(text) {
            return Some(PrincipalPattern::Account(text.to_owned()));
        }
        let principal = Principal::parse(text).filter(|_| text.starts_with("arn:"))?;
        let root = text.ends_with(":root").then(|| principal.account().map(str::to_owned)).flatten();
        Some(root.map_or_else(|| PrincipalPattern::One(text.to_owned()), PrincipalPattern::Account))
    }

    /// How `principal` is named by it, if at all.
    pub(super) fn names(&self, principal: &Principal) -> Option<PrincipalMatch> {
        match self {
            PrincipalPattern::Everybody => Some(PrincipalMatch::OneOfMany),
            PrincipalPattern::Account(account) => {
                (principal.account() == Some(account)).then_some(PrincipalMatch::OneOfAccount)
            }
            PrincipalPattern::One(arn) if *arn == principal.arn => Some(PrincipalMatch::Himself),
            PrincipalPattern::One(arn) => {
                (principal.role() == Some(arn)).then_some(PrincipalMatch::OneOfMany)
            }
            PrincipalPattern::Stranger => None,
        }
    }
}
