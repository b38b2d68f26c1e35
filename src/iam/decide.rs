//! The decision.

use std::fmt;

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
    pub context: &'a Context,
}

/// What policies decide, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub effect: Effect,
    /// The statement that decides; `None` when nothing allows.
    pub by: Option<Place>,
    /// When nothing allows: what of each statement that allows did not match.
    pub misses: Vec<(Place, Miss)>,
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
    let asked = Asked { question, action: question.action.to_ascii_lowercase() };
    let resource = policies.resource.map(std::slice::from_ref).unwrap_or_default();
    let lists = [
        (List::Identity, policies.identity),
        (List::Boundary, policies.boundaries),
        (List::Resource, resource),
    ];
    let mut misses = Vec::new();
    let mut allows: [Option<Place>; 3] = [None, None, None];
    let mut is_named_himself = false;
    for (number, (list, documents)) in lists.into_iter().enumerate() {
        for (document, statements) in documents.iter().enumerate() {
            for (place, statement) in statements.statements.iter().enumerate() {
                let here = || Place { list, document, statement: place, sid: statement.sid.clone() };
                match (asked.matches(statement), statement.allows) {
                    (Ok(_), false) => {
                        return Decision { effect: Effect::Deny, by: Some(here()), misses: Vec::new() };
                    }
                    (Ok(named), true) => {
                        is_named_himself |= list == List::Resource && named == As::Himself;
                        allows[number].get_or_insert_with(here);
                    }
                    (Err(miss), true) => misses.push((here(), miss)),
                    (Err(_), false) => {}
                }
            }
        }
    }
    let [identity, boundary, resource] = allows;
    let is_bounded = !policies.boundaries.is_empty() && boundary.is_none();
    let unbounded = identity.clone().filter(|_| !is_bounded);
    let by = unbounded.or(resource.clone().filter(|_| !is_bounded || is_named_himself));
    if by.is_some() {
        return Decision { effect: Effect::Allow, by, misses: Vec::new() };
    }
    misses.extend(identity.into_iter().chain(resource).map(|place| (place, Miss::Boundary)));
    Decision { effect: Effect::Implicit, by: None, misses }
}

/// A question, ready to be compared.
struct Asked<'a> {
    question: Question<'a>,
    /// In lower case.
    action: String,
}

impl Asked<'_> {
    /// How the principal is named, if everything matches; what does not, if something does not.
    fn matches(&self, statement: &Statement) -> Result<As, Miss> {
        let context = self.question.context;
        let named = self.principal(statement)?;
        let fits = |glob: &Glob| glob.matches(&self.action, context) == Some(true);
        if statement.actions.several.iter().any(fits) == statement.actions.is_not {
            return Err(Miss::Action);
        }
        if !statement.resources.as_ref().is_none_or(|resources| self.is_about(resources, statement.allows)) {
            return Err(Miss::Resource);
        }
        match statement.conditions.iter().find(|condition| !condition.holds(context)) {
            None => Ok(named),
            Some(broken) => {
                Err(Miss::Condition { operator: broken.operator.clone(), key: broken.key.clone() })
            }
        }
    }

    fn principal(&self, statement: &Statement) -> Result<As, Miss> {
        let Some(principals) = &statement.principals else { return Ok(As::Himself) };
        let named = principals.several.iter().filter_map(|named| named.names(self.question.principal)).max();
        if principals.is_not {
            let is_listed = match named {
                Some(As::Himself) => true,
                Some(As::OneOfAccount) => self.question.principal.is_root(),
                Some(As::OneOfMany) => principals.several.contains(&Named::Everybody),
                None => false,
            };
            return if is_listed { Err(Miss::Principal) } else { Ok(As::Himself) };
        }
        match named {
            None => Err(Miss::Principal),
            Some(As::OneOfAccount) if statement.allows => Err(Miss::DelegatesOnly),
            Some(named) => Ok(named),
        }
    }

    fn is_about(&self, resources: &Either<Glob>, allows: bool) -> bool {
        let found =
            resources.several.iter().map(|glob| glob.matches(self.question.resource, self.question.context));
        if !resources.is_not {
            return found.into_iter().any(|found| found == Some(true));
        }
        let found: Vec<Option<bool>> = found.collect();
        // What a variable without a value stands for, nobody knows: the side that grants less is taken.
        !found.contains(&Some(true)) && (!allows || !found.contains(&None))
    }
}
