//! The decision.

use std::fmt;

use super::condition::Condition;
use super::context::Context;
use super::document::{Document, Either, Statement};
use super::glob::Glob;
use super::principal::{As, Named, Principal};

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
pub struct Question<'a> {
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
    pub effect: Effect,
    /// The statement that decides; `None` when nothing allows, or nothing binds.
    pub by: Option<Place>,
    /// When nothing allows: what of each statement that allows did not match.
    pub misses: Vec<(Place, Miss)>,
}

impl Decision {
    /// About somebody whom no policy binds: no statement decides.
    pub const EVERYTHING: Decision = Decision { effect: Effect::Allow, by: None, misses: Vec::new() };
}

/// What policies decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A statement allows it, and none denies it.
    Allow,
    /// A statement denies it.
    Deny,
    /// No statement says anything.
    Implicit,
}

impl Effect {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
            Effect::Implicit => "Implicit",
        }
    }
}

/// Where a statement stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which policies.
    pub list: List,
    /// In which of them, from 0.
    pub document: usize,
    /// In which place there, from 0.
    pub statement: usize,
    /// What it is called.
    pub sid: Option<String>,
}

impl Place {
    /// The policy that it is in.
    #[must_use]
    pub fn policy(&self) -> String {
        match self.list {
            List::Identity => format!("identity_policies[{}]", self.document),
            List::Boundary => format!("boundaries[{}]", self.document),
            List::Resource => "resource_policy".to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.Statement[{}]", self.policy(), self.statement)?;
        self.sid.as_ref().map_or(Ok(()), |sid| write!(f, " ({sid})"))
    }
}

/// A list of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// The principal's.
    Identity,
    /// What bounds them.
    Boundary,
    /// The resource's.
    Resource,
}

/// What of a statement did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
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

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Miss::Principal => f.write_str("Principal does not match"),
            Miss::DelegatesOnly => f.write_str("Principal is the account, which only passes it on"),
            Miss::Action => f.write_str("Action does not match"),
            Miss::Resource => f.write_str("Resource does not match"),
            Miss::Condition { operator, key } => write!(f, "Condition {operator} {key} does not match"),
            Miss::Boundary => f.write_str("it matches, and no permissions boundary does"),
        }
    }
}

/// Decides.
#[must_use]
pub fn decide(policies: Policies<'_>, question: Question<'_>) -> Decision {
    explain(policies, question, judge(policies, question))
}

/// The reasons of a `verdict` on the same.
#[must_use]
pub fn explain(policies: Policies<'_>, question: Question<'_>, verdict: Verdict) -> Decision {
    let place = |spot: Spot| {
        let (list, documents) = policies.lists()[spot.list as usize];
        let sid = documents[spot.document].statements[spot.statement].sid.clone();
        Place { list, document: spot.document, statement: spot.statement, sid }
    };
    let misses = if verdict.effect == Effect::Implicit { misses(policies, question) } else { Vec::new() };
    let misses = misses.into_iter().map(|(spot, miss)| (place(spot), miss)).collect();
    Decision { effect: verdict.effect, by: verdict.by.map(place), misses }
}

/// What policies decide, in few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What.
    pub effect: Effect,
    /// Whether nothing allows it because no permissions boundary does.
    pub is_bounded: bool,
    by: Option<Spot>,
}

impl Verdict {
    /// The list of the statement that decides; `None` when nothing allows.
    #[must_use]
    pub fn list(self) -> Option<List> {
        self.by.map(|spot| spot.list)
    }
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spot {
    list: List,
    document: usize,
    statement: usize,
}

/// Decides, and keeps the reasons to itself.
#[must_use]
pub fn judge(policies: Policies<'_>, question: Question<'_>) -> Verdict {
    let mut allows: [Option<Spot>; 3] = [None; 3];
    let mut is_named_himself = false;
    for (list, documents) in policies.lists() {
        for (document, known) in documents.iter().enumerate() {
            for (statement, known) in known.statements.iter().enumerate() {
                let Ok(named) = question.matches(known) else { continue };
                let spot = Spot { list, document, statement };
                if !known.allows {
                    return Verdict { effect: Effect::Deny, is_bounded: false, by: Some(spot) };
                }
                is_named_himself |= list == List::Resource && named == As::Himself;
                allows[list as usize].get_or_insert(spot);
            }
        }
    }
    let [identity, boundary, resource] = allows;
    let is_bounded = !policies.boundaries.is_empty() && boundary.is_none();
    let unbounded = identity.filter(|_| !is_bounded);
    let by = unbounded.or(resource.filter(|_| !is_bounded || is_named_himself));
    let effect = if by.is_some() { Effect::Allow } else { Effect::Implicit };
    Verdict { effect, is_bounded: by.is_none() && (identity.is_some() || resource.is_some()), by }
}

/// What of each statement that allows did not match, when nothing allows.
fn misses(policies: Policies<'_>, question: Question<'_>) -> Vec<(Spot, Miss)> {
    let mut misses = Vec::new();
    let mut bounded: [Option<Spot>; 3] = [None; 3];
    let statements = policies.lists().into_iter().flat_map(|(list, documents)| {
        documents.iter().enumerate().flat_map(move |(document, known)| {
            let statements = known.statements.iter().enumerate();
            statements.map(move |(statement, known)| (Spot { list, document, statement }, known))
        })
    });
    for (spot, statement) in statements.filter(|(_, statement)| statement.allows) {
        match question.matches(statement) {
            Err(missed) => misses.push((spot, missed.into())),
            Ok(_) => {
                bounded[spot.list as usize].get_or_insert(spot);
            }
        }
    }
    let [identity, _, resource] = bounded;
    misses.extend(identity.into_iter().chain(resource).map(|spot| (spot, Miss::Boundary)));
    misses
}

impl<'a> Policies<'a> {
    fn lists(self) -> [(List, &'a [Document]); 3] {
        let resource = self.resource.map(std::slice::from_ref).unwrap_or_default();
        [(List::Identity, self.identity), (List::Boundary, self.boundaries), (List::Resource, resource)]
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

impl From<Missed<'_>> for Miss {
    fn from(missed: Missed<'_>) -> Miss {
        match missed {
            Missed::Principal => Miss::Principal,
            Missed::DelegatesOnly => Miss::DelegatesOnly,
            Missed::Action => Miss::Action,
            Missed::Resource => Miss::Resource,
            Missed::Condition(broken) => {
                Miss::Condition { operator: broken.operator.clone(), key: broken.key.clone() }
            }
        }
    }
}

impl Question<'_> {
    /// How the principal is named, if everything matches; what does not, if something does not.
    fn matches<'s>(&self, statement: &'s Statement) -> Result<As, Missed<'s>> {
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

    fn names(&self, statement: &Statement) -> Result<As, Missed<'static>> {
        let Some(principals) = &statement.principals else { return Ok(As::Himself) };
        let named = principals.several.iter().filter_map(|named| named.names(self.principal)).max();
        if principals.is_not {
            let is_listed = match named {
                Some(As::Himself) => true,
                Some(As::OneOfAccount) => self.principal.is_root(),
                Some(As::OneOfMany) => principals.several.contains(&Named::Everybody),
                None => false,
            };
            return if is_listed { Err(Missed::Principal) } else { Ok(As::Himself) };
        }
        match named {
            None => Err(Missed::Principal),
            Some(As::OneOfAccount) if statement.allows => Err(Missed::DelegatesOnly),
            Some(named) => Ok(named),
        }
    }

    fn is_about(&self, resources: &Either<Glob>, allows: bool) -> bool {
        let found = resources.several.iter().map(|glob| glob.matches(self.resource, self.context));
        if !resources.is_not {
            return found.into_iter().any(|found| found == Some(true));
        }
        let found: Vec<Option<bool>> = found.collect();
        // What a variable without a value stands for, nobody knows: the side that grants less is taken.
        !found.contains(&Some(true)) && (!allows || !found.contains(&None))
    }
}
