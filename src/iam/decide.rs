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
    /// For an implicit deny: each Allow statement with the first part of it that did not match. Otherwise empty.
    pub mismatches: Vec<(StatementRef, Mismatch)>,
}

impl Decision {
    /// The decision for a principal that is exempt from policies.
    pub const UNRESTRICTED: Decision =
        Decision { effect: PolicyEffect::Allow, by: None, mismatches: Vec::new() };
}

/// The result of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
pub enum PolicyEffect {
    /// A statement allows the action, and no statement denies it.
    Allow,
    /// A statement denies the action explicitly. No Allow can override it.
    Deny,
    /// No statement allows the action, or no permissions boundary does. No statement denies it either.
    Implicit,
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
    /// The index of the policy among those of its kind, from 0.
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
    },
    /// The statement matches, but no permissions boundary of the principal allows the action.
    Boundary,
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
            Mismatch::Condition { operator, key } => write!(f, "Condition {operator} {key} does not match"),
            Mismatch::Boundary => f.write_str("the statement matches, but no permissions boundary does"),
            Mismatch::OneSided => f.write_str(
                "the statement matches, but the policy on the other side does not allow the action",
            ),
        }
    }
}

/// Evaluates `policies` for `request` and gives the reasons.
#[must_use]
pub fn decide(policies: Policies<'_>, request: AccessRequest<'_>) -> Decision {
    explain(policies, request, evaluate(policies, request))
}

/// Adds the reasons to an `evaluation` of the same policies and request.
#[must_use]
pub fn explain(policies: Policies<'_>, request: AccessRequest<'_>, evaluation: Evaluation) -> Decision {
    let reference = |index: StatementIndex| {
        let (list, documents) = policies.lists()[index.list as usize];
        let sid = documents[index.document].statements[index.statement].sid.clone();
        StatementRef { list, document: index.document, statement: index.statement, sid }
    };
    let mismatches = match evaluation.effect {
        PolicyEffect::Implicit => mismatches(policies, request, evaluation),
        PolicyEffect::Allow | PolicyEffect::Deny => Vec::new(),
    };
    let mismatches = mismatches.into_iter().map(|(index, mismatch)| (reference(index), mismatch)).collect();
    Decision { effect: evaluation.effect, by: evaluation.by.map(reference), mismatches }
}

/// An evaluation without its reasons. It allocates nothing: [`explain`] finds the reasons when someone needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The result.
    pub effect: PolicyEffect,
    /// Whether a statement allows the action and only the permissions boundaries do not.
    pub is_bounded: bool,
    /// Whether the principal's policies allow the action and only the policy of the resource does not.
    pub is_untrusted: bool,
    by: Option<StatementIndex>,
}

impl Evaluation {
    /// The kind of the policy with the deciding statement; `None` for an implicit deny.
    #[must_use]
    pub fn list(self) -> Option<PolicyKind> {
        self.by.map(|index| index.list)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StatementIndex {
    list: PolicyKind,
    document: usize,
    statement: usize,
}

/// Evaluates `policies` for `request`, without the reasons.
#[must_use]
pub fn evaluate(policies: Policies<'_>, request: AccessRequest<'_>) -> Evaluation {
    let mut allows: [Option<StatementIndex>; 3] = [None; 3];
    let (mut is_granted_by_own_arn, mut is_delegated) = (false, false);
    for (list, documents) in policies.lists() {
        for (document, known) in documents.iter().enumerate() {
            for (statement, known) in known.statements.iter().enumerate() {
                let principal_match = match request.matches(known) {
                    Ok(principal_match) => principal_match,
                    Err(part) => {
                        is_delegated |= request.is_delegated_by(known, part);
                        continue;
                    }
                };
                let index = StatementIndex { list, document, statement };
                // A Deny is final, whatever Allow was found before it.
                if !known.allows {
                    let (is_bounded, is_untrusted) = (false, false);
                    return Evaluation {
                        effect: PolicyEffect::Deny,
                        is_bounded,
                        is_untrusted,
                        by: Some(index),
                    };
                }
                is_granted_by_own_arn |= list == PolicyKind::Resource
                    && principal_match == PrincipalMatch::Exact
                    && !request.principal.is_role();
                allows[list as usize].get_or_insert(index);
            }
        }
    }
    let [identity, boundary, resource] = allows;
    let is_bounded = !policies.boundaries.is_empty() && boundary.is_none();
    let identity_grant = identity.filter(|_| !is_bounded);
    // A grant to the own ARN of a user or of a session is outside of its boundaries; a grant to `*` or to a role is
    // not.
    let resource_grant = resource.filter(|_| !is_bounded || is_granted_by_own_arn);
    let is_trusted = resource.is_some() || is_delegated;
    let by = match policies.combination {
        Combination::Either => identity_grant.or(resource_grant),
        Combination::ResourceRules => identity_grant.filter(|_| is_trusted).or(resource_grant),
        Combination::Both => identity_grant.filter(|_| is_trusted),
    };
    let effect = if by.is_some() { PolicyEffect::Allow } else { PolicyEffect::Implicit };
    let is_untrusted = by.is_none() && identity_grant.is_some();
    let is_bounded = by.is_none() && is_bounded && (identity.is_some() || resource.is_some());
    Evaluation { effect, is_bounded, is_untrusted, by }
}

/// Each Allow statement with its mismatch, for a request that no statement allows.
fn mismatches(
    policies: Policies<'_>,
    request: AccessRequest<'_>,
    evaluation: Evaluation,
) -> Vec<(StatementIndex, Mismatch)> {
    let mut mismatches = Vec::new();
    let mut bounded: [Option<StatementIndex>; 3] = [None; 3];
    let statements = policies.lists().into_iter().flat_map(|(list, documents)| {
        documents.iter().enumerate().flat_map(move |(document, known)| {
            let statements = known.statements.iter().enumerate();
            statements.map(move |(statement, known)| (StatementIndex { list, document, statement }, known))
        })
    });
    for (index, statement) in statements.filter(|(_, statement)| statement.allows) {
        match request.matches(statement) {
            Err(part) => mismatches.push((index, part.into())),
            // The action is denied all the same: a boundary is the reason, or the policy on the other side.
            Ok(_) => {
                bounded[index.list as usize].get_or_insert(index);
            }
        }
    }
    let [identity, _, resource] = bounded;
    let reason = if evaluation.is_bounded { Mismatch::Boundary } else { Mismatch::OneSided };
    mismatches.extend(identity.into_iter().chain(resource).map(|index| (index, reason.clone())));
    mismatches
}

impl<'a> Policies<'a> {
    fn lists(self) -> [(PolicyKind, &'a [Document]); 3] {
        let resource = self.resource.map(std::slice::from_ref).unwrap_or_default();
        [
            (PolicyKind::Identity, self.identity),
            (PolicyKind::Boundary, self.boundaries),
            (PolicyKind::Resource, resource),
        ]
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
            MismatchedPart::Condition(condition) => {
                Mismatch::Condition { operator: condition.operator.clone(), key: condition.key.clone() }
            }
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
