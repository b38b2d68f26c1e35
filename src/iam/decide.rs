//! Policy evaluation: whether the policies of a principal and of a resource allow an action, and why.

use std::fmt;

use super::condition::Condition;
use super::context::Context;
use super::document::{Document, Inclusion, Statement};
use super::glob::Glob;
use super::principal::{Principal, PrincipalMatch, PrincipalPattern};

/// The policies that apply to one access request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// The identity policies of the principal.
    pub identity: &'a [Document],
    /// The permissions boundaries of the principal; empty if it has none, which limits nothing.
    pub boundaries: &'a [Document],
    /// The session policies; empty if none was passed, which limits nothing.
    pub session: &'a [Document],
    /// The service control policies by level; empty if the account is in no organization, which limits nothing.
    pub control: &'a [Vec<Document>],
    /// The policy of the resource, if it has one.
    pub resource: Option<&'a Document>,
    /// How the policy of the resource and those of the principal combine.
    pub combination: Combination,
}

/// How the policy of a resource and the policies of a principal combine to an Allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combination {
    /// Either may allow: a resource of the principal's account.
    #[default]
    Either,
    /// The policies of the principal count only if the resource's policy allows the action too, or leaves it to the
    /// account: a KMS key of the principal's account. (AWS KMS Developer Guide, "Key policies".)
    ResourceRules,
    /// Both must allow: a resource of another account. (IAM User Guide, "Cross-account policy evaluation logic".)
    Both,
}

/// A principal that wants to perform an action on a resource.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// The caller.
    pub principal: &'a Principal,
    /// The IAM action, as in `dsql:CreateCluster`.
    pub action: &'a str,
    /// The ARN of the resource, or `*` if the Service Authorization Reference lists no resource type for the action.
    pub resource: &'a str,
    /// The condition keys of the request.
    pub context: &'a dyn Context,
}

/// An evaluation with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The result.
    pub effect: PolicyEffect,
    /// The deciding statement; `None` if the action is denied implicitly, or if the principal is unrestricted.
    pub by: Option<StatementRef>,
    /// The condition keys of the deciding statement that the simulation does not know, as they are written.
    pub unknown_keys: Vec<String>,
    /// For an implicit deny: each Allow statement with the first part of it that did not match. Otherwise empty.
    pub mismatches: Vec<(StatementRef, Mismatch)>,
}

impl Decision {
    /// The decision for a principal that is exempt from policies.
    pub const UNRESTRICTED: Decision =
        Decision { effect: PolicyEffect::Allow, by: None, unknown_keys: Vec::new(), mismatches: Vec::new() };
}

/// The result of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
pub enum PolicyEffect {
    /// A statement allows the action, and no statement denies it.
    Allow,
    /// A statement denies the action explicitly. No Allow can override it.
    ExplicitDeny,
    /// No statement allows the action, or the policies that limit the principal do not. No statement denies it either.
    ImplicitDeny,
}

impl PolicyEffect {
    /// The variant's name, as it stands in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A reference to a statement, for output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRef {
    /// The kind of the policy.
    pub list: PolicyKind,
    /// The level of a service control policy, from 0; 0 for every other kind.
    pub level: usize,
    /// The index of the policy among those of its kind and level, from 0.
    pub document: usize,
    /// The index of the statement in the policy, from 0.
    pub statement: usize,
    /// The Sid element, if the statement has one.
    pub sid: Option<String>,
}

impl StatementRef {
    /// The policy, as in `identity_policies[0]`.
    #[must_use]
    pub fn policy(&self) -> String {
        match self.list {
            PolicyKind::Identity => format!("identity_policies[{}]", self.document),
            PolicyKind::Boundary => format!("boundaries[{}]", self.document),
            PolicyKind::Session => format!("session_policies[{}]", self.document),
            PolicyKind::Control => format!("service_control_policies[{}][{}]", self.level, self.document),
            PolicyKind::Resource => "resource_policy".to_owned(),
        }
    }
}

impl fmt::Display for StatementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.Statement[{}]", self.policy(), self.statement)?;
        self.sid.as_ref().map_or(Ok(()), |sid| write!(f, " ({sid})"))
    }
}

/// The kinds of policies, by what they are attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// An identity policy of the principal: it grants and denies.
    Identity,
    /// A permissions boundary of the principal: it limits the identity policies and denies, but grants nothing.
    Boundary,
    /// The policy of the resource: it grants and denies.
    Resource,
    /// A session policy: it limits the session and denies, but grants nothing.
    Session,
    /// A service control policy of the principal's account: it limits the account and denies, but grants nothing.
    Control,
}

impl PolicyKind {
    /// The kind in the words of IAM's messages, with its article.
    #[must_use]
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            PolicyKind::Identity => ("an", "identity-based policy"),
            PolicyKind::Boundary => ("a", "permissions boundary"),
            PolicyKind::Session => ("a", "session policy"),
            PolicyKind::Control => ("a", "service control policy"),
            PolicyKind::Resource => ("a", "resource-based policy"),
        }
    }
}

/// The part of an Allow statement that did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The Principal element does not name the caller.
    Principal,
    /// The Principal element names only the caller's account. Such a statement delegates to the account's identity
    /// policies and grants nothing by itself.
    DelegatesOnly,
    /// The Action element does not match.
    Action,
    /// The Resource element does not match.
    Resource,
    /// A condition is false.
    Condition {
        /// The operator, as written in the document.
        operator: String,
        /// The condition key, as written in the document.
        key: String,
        /// Whether the simulation knows the key. One that it does not know is absent.
        is_known: bool,
    },
    /// The statement matches, but no policy of this kind, which limits the principal, allows the action.
    Limited(PolicyKind),
    /// The statement matches, but the resource's policy and those of the principal must both allow the action.
    OneSided,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Principal => f.write_str("Principal does not match"),
            Mismatch::DelegatesOnly => f.write_str("Principal is the account, which only delegates"),
            Mismatch::Action => f.write_str("Action does not match"),
            Mismatch::Resource => f.write_str("Resource does not match"),
            Mismatch::Condition { operator, key, is_known } => {
                let remark = if *is_known { String::new() } else { unknown_key(key) };
                write!(f, "Condition {operator} {key} does not match{remark}")
            }
            Mismatch::Limited(kind) => write!(f, "the statement matches, but no {} does", kind.name().1),
            Mismatch::OneSided => f.write_str(
                "the statement matches, but the policy on the other side does not allow the action",
            ),
        }
    }
}

/// The remark that the simulation does not know `key`, for the end of a clause.
#[must_use]
pub fn unknown_key(key: &str) -> String {
    format!("; the simulator does not know the condition key {key}, which counts as absent")
}

/// Evaluates `policies` for `request` and gives the reasons.
#[must_use]
pub fn decide(policies: Policies<'_>, request: AccessRequest<'_>) -> Decision {
    explain(policies, request, evaluate(policies, request))
}

/// Adds the reasons to an `evaluation` of the same policies and request.
#[must_use]
pub fn explain(policies: Policies<'_>, request: AccessRequest<'_>, evaluation: Evaluation) -> Decision {
    let statement = |index: StatementIndex| {
        let mut lists = policies.lists().filter(|list| (list.kind, list.level) == (index.list, index.level));
        &lists.next().expect("the index is of these policies").documents[index.document].statements
            [index.statement]
    };
    let reference = |index: StatementIndex| {
        let StatementIndex { list, level, document, statement: number } = index;
        StatementRef { list, level, document, statement: number, sid: statement(index).sid.clone() }
    };
    let mismatches = match evaluation.effect {
        PolicyEffect::ImplicitDeny => mismatches(policies, request, evaluation.list),
        PolicyEffect::Allow | PolicyEffect::ExplicitDeny => Vec::new(),
    };
    let conditions = evaluation.by.into_iter().flat_map(|index| &statement(index).conditions);
    let unknown = conditions.filter(|condition| !condition.has_known_key());
    Decision {
        effect: evaluation.effect,
        by: evaluation.by.map(reference),
        unknown_keys: unknown.map(|condition| condition.key.clone()).collect(),
        mismatches: mismatches.into_iter().map(|(index, mismatch)| (reference(index), mismatch)).collect(),
    }
}

/// An evaluation without its reasons. It allocates nothing: [`explain`] finds the reasons when someone needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The result.
    pub effect: PolicyEffect,
    /// The kind of the policy that decides: of the deciding statement, or of the policies that lack an Allow.
    pub list: PolicyKind,
    by: Option<StatementIndex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StatementIndex {
    list: PolicyKind,
    level: usize,
    document: usize,
    statement: usize,
}

/// Evaluates `policies` for `request`, without the reasons.
#[must_use]
pub fn evaluate(policies: Policies<'_>, request: AccessRequest<'_>) -> Evaluation {
    let (mut identity, mut resource) = (None, None);
    let (mut is_bounded, mut is_restricted, mut is_controlled) = (false, false, false);
    let (mut is_granted_by_own_arn, mut is_delegated) = (false, false);
    for PolicyList { kind: list, level, documents } in policies.lists() {
        let mut allowed: Option<StatementIndex> = None;
        for (document, known) in documents.iter().enumerate() {
            for (statement, known) in known.statements.iter().enumerate() {
                let principal_match = match request.matches(known) {
                    Ok(principal_match) => principal_match,
                    Err(part) => {
                        is_delegated |= request.is_delegated_by(known, part);
                        continue;
                    }
                };
                let index = StatementIndex { list, level, document, statement };
                // A Deny is final, whatever Allow was found before it.
                if !known.allows {
                    return Evaluation { effect: PolicyEffect::ExplicitDeny, list, by: Some(index) };
                }
                is_granted_by_own_arn |= list == PolicyKind::Resource
                    && principal_match == PrincipalMatch::Exact
                    && !request.principal.is_role();
                allowed.get_or_insert(index);
            }
        }
        match list {
            PolicyKind::Identity => identity = allowed,
            PolicyKind::Resource => resource = allowed,
            PolicyKind::Boundary => is_bounded = allowed.is_none(),
            PolicyKind::Session => is_restricted = allowed.is_none(),
            // Every level must allow the action.
            PolicyKind::Control => is_controlled |= allowed.is_none(),
        }
    }
    let is_limited = is_bounded || is_restricted;
    let own = identity.filter(|_| !is_limited);
    // A grant to the own ARN of a user or of a session is outside of its boundaries and session policies; a grant to
    // `*` or to a role is not.
    let granted = resource.filter(|_| !is_limited || is_granted_by_own_arn);
    let is_trusted = resource.is_some() || is_delegated;
    let by = match policies.combination {
        Combination::Either => own.or(granted),
        Combination::ResourceRules => own.filter(|_| is_trusted).or(granted),
        Combination::Both => own.filter(|_| is_trusted),
    };
    // Service control policies limit every grant.
    let by = by.filter(|_| !is_controlled);
    // Of several kinds that lack an Allow the report names the first that AWS evaluates.
    let list = match by {
        Some(index) => index.list,
        None if is_controlled => PolicyKind::Control,
        None if own.is_some() => PolicyKind::Resource,
        None if is_bounded && identity.or(resource).is_some() => PolicyKind::Boundary,
        None if is_restricted && identity.or(resource).is_some() => PolicyKind::Session,
        None => PolicyKind::Identity,
    };
    let effect = if by.is_some() { PolicyEffect::Allow } else { PolicyEffect::ImplicitDeny };
    Evaluation { effect, list, by }
}

/// Each Allow statement with its mismatch, for a request that is denied because policies of the kind `lacking` do not
/// allow it.
fn mismatches(
    policies: Policies<'_>,
    request: AccessRequest<'_>,
    lacking: PolicyKind,
) -> Vec<(StatementIndex, Mismatch)> {
    let mut mismatches = Vec::new();
    let (mut identity, mut resource) = (None, None);
    for PolicyList { kind: list, level, documents } in policies.lists() {
        let statements = documents.iter().enumerate().flat_map(|(document, known)| {
            let statements = known.statements.iter().enumerate();
            statements.map(move |(statement, known)| (document, statement, known))
        });
        for (document, statement, known) in statements.filter(|(.., known)| known.allows) {
            let index = StatementIndex { list, level, document, statement };
            match (request.matches(known), list) {
                (Err(part), _) => mismatches.push((index, part.into())),
                // The action is denied all the same: the policies that limit the principal are the reason, or the
                // policy on the other side.
                (Ok(_), PolicyKind::Identity) => identity = identity.or(Some(index)),
                (Ok(_), PolicyKind::Resource) => resource = resource.or(Some(index)),
                (Ok(_), PolicyKind::Boundary | PolicyKind::Session | PolicyKind::Control) => {}
            }
        }
    }
    let reason = match lacking {
        PolicyKind::Boundary | PolicyKind::Session | PolicyKind::Control => Mismatch::Limited(lacking),
        PolicyKind::Identity | PolicyKind::Resource => Mismatch::OneSided,
    };
    let unused = identity.into_iter().chain(resource);
    mismatches.extend(unused.map(|index| (index, reason.clone())));
    mismatches
}

/// The policies of one kind and level.
#[derive(Clone, Copy)]
struct PolicyList<'a> {
    kind: PolicyKind,
    level: usize,
    documents: &'a [Document],
}

impl<'a> Policies<'a> {
    /// The lists that have policies: an empty one neither grants nor limits.
    fn lists(self) -> impl Iterator<Item = PolicyList<'a>> {
        let resource = self.resource.map(std::slice::from_ref).unwrap_or_default();
        let lists = [
            (PolicyKind::Identity, self.identity),
            (PolicyKind::Boundary, self.boundaries),
            (PolicyKind::Session, self.session),
            (PolicyKind::Resource, resource),
        ];
        let lists = lists.into_iter().map(|(kind, documents)| PolicyList { kind, level: 0, documents });
        let levels = self.control.iter().enumerate();
        let levels =
            levels.map(|(level, documents)| PolicyList { kind: PolicyKind::Control, level, documents });
        lists.chain(levels).filter(|list| !list.documents.is_empty())
    }
}

/// A [`Mismatch`] that borrows from its statement, so that an evaluation allocates nothing.
#[derive(Clone, Copy)]
enum MismatchedPart<'a> {
    Principal,
    DelegatesOnly,
    Action,
    Resource,
    Condition(&'a Condition),
}

impl From<MismatchedPart<'_>> for Mismatch {
    fn from(part: MismatchedPart<'_>) -> Mismatch {
        match part {
            MismatchedPart::Principal => Mismatch::Principal,
            MismatchedPart::DelegatesOnly => Mismatch::DelegatesOnly,
            MismatchedPart::Action => Mismatch::Action,
            MismatchedPart::Resource => Mismatch::Resource,
            MismatchedPart::Condition(condition) => Mismatch::Condition {
                operator: condition.operator.clone(),
                key: condition.key.clone(),
                is_known: condition.has_known_key(),
            },
        }
    }
}

impl AccessRequest<'_> {
    /// How `statement` names the principal if all its elements match; otherwise the first element that does not.
    fn matches<'s>(&self, statement: &'s Statement) -> Result<PrincipalMatch, MismatchedPart<'s>> {
        let principal_match = self.match_principal(statement)?;
        self.matches_request(statement).map(|()| principal_match)
    }

    /// Whether an Allow that names the caller's account, and so does not match (`part`), leaves this request to it.
    fn is_delegated_by(&self, statement: &Statement, part: MismatchedPart<'_>) -> bool {
        matches!(part, MismatchedPart::DelegatesOnly) && self.matches_request(statement).is_ok()
    }

    /// Whether the elements of `statement` besides its principals match; otherwise the first that does not.
    fn matches_request<'s>(&self, statement: &'s Statement) -> Result<(), MismatchedPart<'s>> {
        let matches = |glob: &Glob| glob.matches(self.action, self.context) == Some(true);
        if statement.actions.elements.iter().any(matches) == statement.actions.is_not {
            return Err(MismatchedPart::Action);
        }
        let resources = statement.resources.as_ref();
        if !resources.is_none_or(|resources| self.matches_resource(resources, statement.allows)) {
            return Err(MismatchedPart::Resource);
        }
        match statement.conditions.iter().find(|condition| !condition.is_met(self.context)) {
            None => Ok(()),
            Some(condition) => Err(MismatchedPart::Condition(condition)),
        }
    }

    fn match_principal(&self, statement: &Statement) -> Result<PrincipalMatch, MismatchedPart<'static>> {
        // An identity policy has no Principal element: it is about the principal that it is attached to.
        let Some(principals) = &statement.principals else { return Ok(PrincipalMatch::Exact) };
        let most_direct =
            principals.elements.iter().filter_map(|pattern| pattern.matches(self.principal)).max();
        if principals.is_not {
            // NotPrincipal exempts only a principal that it lists itself. A listed account exempts the root alone, and
            // a listed role does not exempt its sessions.
            let is_listed = match most_direct {
                Some(PrincipalMatch::Exact) => true,
                Some(PrincipalMatch::Account) => self.principal.is_root(),
                Some(PrincipalMatch::Group) => principals.elements.contains(&PrincipalPattern::Everyone),
                None => false,
            };
            return if is_listed { Err(MismatchedPart::Principal) } else { Ok(PrincipalMatch::Exact) };
        }
        match most_direct {
            None => Err(MismatchedPart::Principal),
            // A Deny for an account holds for all its principals; an Allow leaves the decision to the account.
            Some(PrincipalMatch::Account) if statement.allows => Err(MismatchedPart::DelegatesOnly),
            Some(principal_match) => Ok(principal_match),
        }
    }

    fn matches_resource(&self, resources: &Inclusion<Glob>, allows: bool) -> bool {
        let matches = resources.elements.iter().map(|glob| glob.matches(self.resource, self.context));
        if !resources.is_not {
            return matches.into_iter().any(|is_match| is_match == Some(true));
        }
        let matches: Vec<Option<bool>> = matches.collect();
        // NotResource with a variable that has no value: whether the resource is excluded is undecided. The choice that
        // grants less is safe, so an Allow does not match and a Deny does.
        !matches.contains(&Some(true)) && (!allows || !matches.contains(&None))
    }
}
