//! Reductions of policies: principals without restrictions, and policies with fewer statements.

use std::sync::Arc;

use serde_json::Value;

use crate::iam::Document;
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
        if !identity.boundaries.is_empty() {
            let mut simpler = draft.clone();
            Arc::make_mut(&mut simpler.set_up.principals[index].identity).boundaries.clear();
            all.push((simpler, format!("`{}` has no permissions boundary", principal.name)));
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

fn without_a_statement(policy: &Document) -> Vec<Document> {
    let Some(statements) = policy.source()["Statement"].as_array() else { return Vec::new() };
    let shorter = (0..statements.len()).map(|index| {
        let mut source = policy.source().clone();
        source["Statement"].as_array_mut().map(|statements| statements.remove(index));
        source
    });
    shorter.filter_map(|source: Value| Document::identity(&source).ok()).collect()
}
