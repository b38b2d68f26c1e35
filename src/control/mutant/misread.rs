//! Policies as mutants misread them: the text of each document, changed so that it means what the mistake makes of it,
//! or the document in another list.
//!
//! The evaluator of policies is below the floor that mutants reach. A mistake in it is planted in the documents that
//! it is given.

use serde_json::{Map, Value, json};

use crate::control::mutant::{Mutant, Mutants};
use crate::iam::{Combination, Document, Identity, Policies};

/// The policies of one check, misread.
pub(in crate::control) struct Misread {
    identity: Vec<Document>,
    boundaries: Vec<Document>,
    session: Vec<Document>,
    control: Vec<Vec<Document>>,
    resource: Option<Document>,
    combination: Combination,
}

impl Mutants {
    /// Whether a mutant of the set misreads policies.
    pub(in crate::control) fn misread_policies(self) -> bool {
        MISREADERS.iter().any(|mutant| self.has(*mutant))
    }
}

impl Misread {
    /// `policies` of `identity` and of a resource, as `mutants` misread them.
    pub(in crate::control) fn of(mutants: Mutants, identity: &Identity, policies: Policies<'_>) -> Misread {
        let Policies { resource, combination, .. } = policies;
        let account = identity.principal.account();
        // A document that is no policy any more is left as it is.
        let misread = |document: &Document, read: fn(&Value) -> Result<Document, _>| {
            let mut text = document.source().clone();
            misread_document(mutants, account, &mut text);
            read(&text).unwrap_or_else(|_| document.clone())
        };
        let all = |documents: &[Document]| -> Vec<Document> {
            documents.iter().map(|document| misread(document, Document::identity)).collect()
        };
        let mut misread = Misread {
            identity: all(&identity.policies),
            boundaries: all(&identity.boundaries),
            session: all(&identity.session_policies),
            control: identity.control_policies.iter().map(|level| all(level)).collect(),
            resource: resource.map(|document| misread(document, Document::resource)),
            combination,
        };
        misread.attach_elsewhere(mutants);
        misread
    }

    /// Moves policies to a list that they do not belong to.
    fn attach_elsewhere(&mut self, mutants: Mutants) {
        if mutants.has(Mutant::ControlIgnored) {
            self.control.clear();
        }
        if mutants.has(Mutant::OneLevelSuffices) {
            let of_all_levels = self.control.drain(..).flatten().collect();
            self.control.push(of_all_levels);
        }
        if mutants.has(Mutant::SessionPolicyGrants) {
            self.identity.append(&mut self.session);
        }
    }

    /// The misread policies, for an evaluation.
    pub(in crate::control) fn policies(&self) -> Policies<'_> {
        let Misread { identity, boundaries, session, control, resource, combination } = self;
        Policies {
            identity,
            boundaries,
            session,
            control,
            resource: resource.as_ref(),
            combination: *combination,
        }
    }
}

fn misread_document(mutants: Mutants, account: Option<&str>, document: &mut Value) {
    if mutants.has(Mutant::VariablesArePlain) {
        document["Version"] = "2008-10-17".into();
    }
    let statements = match &mut document["Statement"] {
        Value::Array(several) => &mut several[..],
        one => std::slice::from_mut(one),
    };
    for statement in statements {
        if let Some(Value::Object(conditions)) = statement.get_mut("Condition") {
            *conditions = misread_conditions(mutants, conditions);
        }
        if mutants.has(Mutant::AccountGrants)
            && statement["Effect"] == "Allow"
            && let Some(named) = statement.get_mut("Principal").and_then(|named| named.get_mut("AWS"))
            && let Some(account) = account
        {
            let (digits, root) = (json!(account), json!(format!("arn:aws:iam::{account}:root")));
            let is_account = |name: &Value| *name == digits || *name == root;
            if is_account(named) || named.as_array().is_some_and(|names| names.iter().any(is_account)) {
                *named = "*".into();
            }
        }
    }
}

/// The conditions with other operators, or with a further one: that the key is there.
fn misread_conditions(mutants: Mutants, conditions: &Map<String, Value>) -> Map<String, Value> {
    let mut misread = json!({});
    for (operator, keys) in conditions {
        let (known, keys) = (operator, keys.as_object().into_iter().flatten());
        let mut operator = operator.clone();
        if mutants.has(Mutant::IfExistsIgnored) {
            operator = operator.trim_end_matches("IfExists").to_owned();
        }
        if mutants.has(Mutant::LikeWithoutWildcards) {
            operator = operator.replace("Like", "Equals");
        }
        if mutants.has(Mutant::OrEqualIgnored) {
            operator = operator.replace("ThanEquals", "Than");
        }
        let is_negated = known.contains("Not") && !known.ends_with("IfExists");
        let needs_key = (mutants.has(Mutant::NegationNeedsKey) && is_negated)
            || (mutants.has(Mutant::ForAllNeedsValue) && known.starts_with("ForAllValues:"));
        for (key, values) in keys {
            // Every value differs from one of two others.
            let is_always_true = known.contains("Not") && values.as_array().is_some_and(|all| all.len() > 1);
            if mutants.has(Mutant::NegatesAny) && is_always_true {
                continue;
            }
            misread[&operator][key] = values.clone();
            if needs_key {
                misread["Null"][key] = "false".into();
            }
        }
    }
    misread.as_object().cloned().unwrap_or_default()
}

/// The mutants that misread policies.
const MISREADERS: [Mutant; 11] = [
    Mutant::NegationNeedsKey,
    Mutant::IfExistsIgnored,
    Mutant::ForAllNeedsValue,
    Mutant::LikeWithoutWildcards,
    Mutant::VariablesArePlain,
    Mutant::AccountGrants,
    Mutant::ControlIgnored,
    Mutant::OneLevelSuffices,
    Mutant::SessionPolicyGrants,
    Mutant::NegatesAny,
    Mutant::OrEqualIgnored,
];
