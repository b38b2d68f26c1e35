//! The decision.

use std::fmt;

use super::condition::Condition;
use super::context::Context;
use super::document::{Document, Inclusion, Statement};
use super::glob::Glob;
use super::principal::{Principal, PrincipalMatch, PrincipalPattern};

/// The policies that count when somebody asks for something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Those of the principal.
    pub identity: &'a [Document],
    /// What bounds them; no bounds, if empty.
    pub boundaries: &'a [Document],
    /// That of the resource.
    pub resource: Option<&'a Document>,
}

/// What somebody asks for.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// As in `dsql:CreateCluster`.
    pub action: &'a str,
    /// An ARN, or `*` for an action that knows no resources.
    pub resource: &'a str,
    /// What the request says of itself.
    pub context: &'a dyn Context,
}

/// What policies decide, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub effect: PolicyEffect,
    /// The statement that decides; `None` when nothing allows, or nothing binds.
    pub by: Option<StatementRef>,
    /// When nothing allows: what of each statement that allows did not match.
    pub mismatches: Vec<(StatementRef, Mismatch)>,
}

impl Decision {
    /// About somebody whom no policy binds: no statement decides.
    pub const UNRESTRICTED: Decision =
        Decision { effect: PolicyEffect::Allow, by: None, mismatches: Vec::new() };
}

/// What policies decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyEffect {
    /// A statement allows it, and none denies it.
    Allow,
    /// A statement denies it.
    Deny,
    /// No statement says anything.
    Implicit,
}

impl PolicyEffect {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PolicyEffect::Allow => "Allow",
            PolicyEffect::Deny => "Deny",
            PolicyEffect::Implicit => "Implicit",
        }
    }
}

/// Where a statement stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRef {
    /// In which policies.
    pub list: PolicyKind,
    /// In which of them, from 0.
    pub document: usize,
    /// In which place there, from 0.
    pub statement: usize,
    /// What it is called.
    pub sid: Option<String>,
}

impl StatementRef {
    /// The policy that it is in.
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

/// A list of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// The principal's.
    Identity,
    /// What bounds them.
    Boundary,
    /// The resource's.
    Resource,
}

/// What of a statement did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is about somebody else.
    Principal,
    /// It names the principal's account, which has to pass on what it is granted.
    DelegatesOnly,
    /// It is about other actions.
    Action,
    /// It is about other resources.
    Resource,
    /// The operator on the key is false.
    Condition {
        /// As written.
        operator: String,
        /// As written.
        key: String,
    },
    /// It matches, but no permissions boundary allows as much.
    Boundary,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Principal => f.write_str("Principal does not match"),
            Mismatch::DelegatesOnly => f.write_str("Principal is the account, which only passes it on"),
            Mismatch::Action => f.write_str("Action does not match"),
            Mismatch::Resource => f.write_str("Resource does not match"),
            Mismatch::Condition { operator, key } => write!(f, "Condition {operator} {key} does not match"),
            Mismatch::Boundary => f.write_str("it matches, and no permissions boundary does"),
        }
    }
}

/// Decides.
#[must_use]
pub fn decide(policies: Policies<'_>, question: AccessRequest<'_>) -> Decision {
    explain(policies, question, evaluate(policies, question))
}

/// The reasons of a `verdict` on the same.
#[must_use]
pub fn explain(policies: Policies<'_>, question: AccessRequest<'_>, verdict: Evaluation) -> Decision {
    let place = |spot: Spot| {
        let (list, documents) = policies.lists()[spot.list as usize];
        let sid = documents[spot.document].statements[spot.statement].sid.clone();
        StatementRef { list, document: spot.document, statement: spot.statement, sid }
    };
    let mismatches =
        if verdict.effect == PolicyEffect::Implicit { mismatches(policies, question) } else { Vec::new() };
    let mismatches = mismatches.into_iter().map(|(spot, miss)| (place(spot), miss)).collect();
    Decision { effect: verdict.effect, by: verdict.by.map(place), mismatches }
}

/// What policies decide, in few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// What.
    pub effect: PolicyEffect,
    /// Whether nothing allows it because no permissions boundary does.
    pub is_bounded: bool,
    by: Option<Spot>,
}

impl Evaluation {
    /// The list of the statement that decides; `None` when nothing allows.
    #[must_use]
    pub fn list(self) -> Option<PolicyKind> {
        self.by.map(|spot| spot.list)
    }
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spot {
    list: PolicyKind,
    document: usize,
    statement: usize,
}

/// Decides, and keeps the reasons to itself.
#[must_use]
pub fn evaluate(policies: Policies<'_>, question: AccessRequest<'_>) -> Evaluation {
    let mut allows: [Option<Spot>; 3] = [None; 3];
    let mut is_named_himself = false;
    for (list, documents) in policies.lists() {
        for (document, known) in documents.iter().enumerate() {
            for (statement, known) in known.statements.iter().enumerate() {
                let Ok(named) = question.matches(known) else { continue };
                let spot = Spot { list, document, statement };
                if !known.allows {
                    return Evaluation { effect: PolicyEffect::Deny, is_bounded: false, by: Some(spot) };
                }
                is_named_himself |= list == PolicyKind::Resource && named == PrincipalMatch::Himself;
                allows[list as usize].get_or_insert(spot);
            }
        }
    }
    let [identity, boundary, resource] = allows;
    let is_bounded = !policies.boundaries.is_empty() && boundary.is_none();
    let unbounded = identity.filter(|_| !is_bounded);
    let by = unbounded.or(resource.filter(|_| !is_bounded || is_named_himself));
    let effect = if by.is_some() { PolicyEffect::Allow } else { PolicyEffect::Implicit };
    Evaluation { effect, is_bounded: by.is_none() && (identity.is_some() || resource.is_some()), by }
}

/// What of each statement that allows did not match, when nothing allows.
fn mismatches(policies: Policies<'_>, question: AccessRequest<'_>) -> Vec<(Spot, Mismatch)> {
    let mut mismatches = Vec::new();
    let mut bounded: [Option<Spot>; 3] = [None; 3];
    let statements = policies.lists().into_iter().flat_map(|(list, documents)| {
        documents.iter().enumerate().flat_map(move |(document, known)| {
            let statements = known.statements.iter().enumerate();
            statements.map(move |(statement, known)| (Spot { list, document, statement }, known))
        })
    });
    for (spot, statement) in statements.filter(|(_, statement)| statement.allows) {
        match question.matches(statement) {
            Err(missed) => mismatches.push((spot, missed.into())),
            Ok(_) => {
                bounded[spot.list as usize].get_or_insert(spot);
            }
        }
    }
    let [identity, _, resource] = bounded;
    mismatches.extend(identity.into_iter().chain(resource).map(|spot| (spot, Mismatch::Boundary)));
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

/// What of a statement did not match.
#[derive(Clone, Copy)]
enum Missed<'a> {
    Principal,
    DelegatesOnly,
    Action,
    Resource,
    Condition(&'a Condition),
}

impl From<Missed<'_>> for Mismatch {
    fn from(missed: Missed<'_>) -> Mismatch {
        match missed {
            Missed::Principal => Mismatch::Principal,
            Missed::DelegatesOnly => Mismatch::DelegatesOnly,
            Missed::Action => Mismatch::Action,
            Missed::Resource => Mismatch::Resource,
            Missed::Condition(broken) => {
                Mismatch::Condition { operator: broken.operator.clone(), key: broken.key.clone() }
            }
        }
    }
}

impl AccessRequest<'_> {
    /// How the principal is named, if everything matches; what does not, if something does not.
    fn matches<'s>(&self, statement: &'s Statement) -> Result<PrincipalMatch, Missed<'s>> {
        let named = self.names(statement)?;
        let fits = |glob: &Glob| glob.matches(self.action, self.context) == Some(true);
        if statement.actions.several.iter().any(fits) == statement.actions.is_not {
            return Err(Missed::Action);
        }
        if !statement.resources.as_ref().is_none_or(|resources| self.is_about(resources, statement.allows)) {
            return Err(Missed::Resource);
        }
        match statement.conditions.iter().find(|condition| !condition.holds(self.context)) {
            None => Ok(named),
            Some(broken) => Err(Missed::Condition(broken)),
        }
    }

    fn names(&self, statement: &Statement) -> Result<PrincipalMatch, Missed<'static>> {
        let Some(principals) = &statement.principals else { return Ok(PrincipalMatch::Himself) };
        let named = principals.several.iter().filter_map(|named| named.names(self.principal)).max();
        if principals.is_not {
            let is_listed = match named {
                Some(PrincipalMatch::Himself) => true,
                Some(PrincipalMatch::OneOfAccount) => self.principal.is_root(),
                Some(PrincipalMatch::OneOfMany) => principals.several.contains(&PrincipalPattern::Everybody),
                None => false,
            };
            return if is_listed { Err(Missed::Principal) } else { Ok(PrincipalMatch::Himself) };
        }
        match named {
            None => Err(Missed::Principal),
            Some(PrincipalMatch::OneOfAccount) if statement.allows => Err(Missed::DelegatesOnly),
            Some(named) => Ok(named),
        }
    }

    fn is_about(&self, resources: &Inclusion<Glob>, allows: bool) -> bool {
        let found = resources.several.iter().map(|glob| glob.matches(self.resource, self.context));
        if !resources.is_not {
            return found.into_iter().any(|found| found == Some(true));
        }
        let found: Vec<Option<bool>> = found.collect();
        // What a variable without a value stands for, nobody knows: the side that grants less is taken.
        !found.contains(&Some(true)) && (!allows || !found.contains(&None))
    }
}
