//! Reductions of policies: principals without restrictions, and policies with fewer statements.

use std::sync::Arc;

use serde_json::Value;

use crate::api::TagMap;
use crate::iam::{Credentials, Document, Identity};
use crate::scenario::Action;

use super::{Draft, Reduction};

/// Drafts without principals, without a boundary, and without a statement of a policy.
pub(super) fn shorter(draft: &Draft) -> Vec<Reduction> {
    let mut all = Vec::new();
    if !draft.set_up.principals.is_empty() {
        let mut simpler = draft.clone();
        simpler.set_up.principals.clear();
        simpler.set_up.clients.iter_mut().for_each(|client| client.principal = None);
        for action in &mut simpler.actions {
            if let Action::Call(call) = action {
                call.principal = None;
            }
        }
        all.push((simpler, "every caller may do everything".to_owned()));
    }
    for (index, principal) in draft.set_up.principals.iter().enumerate() {
        let identity = &principal.identity;
        for (is_there, clear, what) in parts(identity) {
            if is_there {
                let mut simpler = draft.clone();
                clear(Arc::make_mut(&mut simpler.set_up.principals[index].identity));
                all.push((simpler, format!("`{}` has no {what}", principal.name)));
            }
        }
        for (number, policy) in identity.policies.iter().enumerate() {
            all.extend(without_a_statement(policy).into_iter().map(|shorter| {
                let mut simpler = draft.clone();
                Arc::make_mut(&mut simpler.set_up.principals[index].identity).policies[number] = shorter;
                (simpler, format!("a policy of `{}` lacks a statement", principal.name))
            }));
        }
    }
    all
}

/// What limits or describes a principal: whether there is some, its removal, and its name.
type Part = (bool, fn(&mut Identity), &'static str);

fn parts(identity: &Identity) -> [Part; 6] {
    [
        (!identity.boundaries.is_empty(), |it| it.boundaries.clear(), "permissions boundary"),
        (!identity.session_policies.is_empty(), |it| it.session_policies.clear(), "session policy"),
        (!identity.control_policies.is_empty(), |it| it.control_policies.clear(), "service control policy"),
        (!identity.tags.is_empty(), |it| it.tags = TagMap::default(), "tag"),
        (identity.organization.is_some(), |it| it.organization = None, "organization"),
        (
            identity.credentials != Credentials::default(),
            |it| it.credentials = Credentials::default(),
            "credentials of its own",
        ),
    ]
}

fn without_a_statement(policy: &Document) -> Vec<Document> {
    let Some(statements) = policy.source()["Statement"].as_array() else { return Vec::new() };
    let shorter = (0..statements.len()).map(|index| {
        let mut source = policy.source().clone();
        source["Statement"].as_array_mut().map(|statements| statements.remove(index));
        source
    });
    shorter.filter_map(|source: Value| Document::identity(&source).ok()).collect()
}
