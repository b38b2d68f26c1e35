//! The policies that `permissions` prints: enough, and nothing of them too much.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dsql_sim::Scenario;
use dsql_sim::internals::iam::{Document, Identity, PolicyEffect};
use dsql_sim::internals::permissions::least::least;
use dsql_sim::internals::permissions::{Audit, Policy, run, under};
use dsql_sim::internals::types::Account;
use serde_json::json;

/// The scenario files of the repository.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn nothing() -> Document {
    Document::identity(&json!({ "Statement": [] })).expect("a policy")
}

/// Who needed what in `audit`. Somebody else calls in place of the root of an account, so the root's policy is his.
fn policies(audit: &Audit) -> BTreeMap<String, Policy> {
    audit.uses().iter().map(|(principal, uses)| (principal.clone(), least(uses))).collect()
}

fn denials(audit: &Audit) -> usize {
    audit.made().filter(|made| made.checked.decision.effect != PolicyEffect::Allow).count()
}

/// The scenarios whose calls are all allowed, with what they need.
fn allowed() -> Vec<(String, Scenario, BTreeMap<String, Policy>)> {
    let all = files().into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).expect("a file");
        let scenario = Scenario::parse(&text).expect("a scenario");
        let (report, audit) = run(&scenario, None);
        assert_eq!(report.failure, None, "{}", path.display());
        (path.display().to_string(), scenario, audit)
    });
    all.filter(|(.., audit)| denials(audit) == 0)
        .map(|(name, scenario, audit)| (name, scenario, policies(&audit)))
        .collect()
}

#[test]
fn every_scenario_passes_under_the_least_policy_of_its_calls() {
    let all = allowed();
    assert!(all.len() > 150, "{} scenarios", all.len());
    for (name, scenario, policies) in all {
        let policy_of = |arn: &str| policies.get(arn).map_or_else(nothing, Policy::document);
        let (report, audit) = run(&under(&scenario, &policy_of), None);
        assert_eq!(report.failure, None, "{name}");
        assert_eq!(denials(&audit), 0, "{name}");
    }
}

#[test]
fn without_any_one_statement_of_it_a_call_is_denied() {
    let mut removed = 0;
    for (name, scenario, policies) in allowed() {
        for (principal, policy) in &policies {
            for place in 0..policy.statement.len() {
                let mut less = policy.clone();
                let gone = less.statement.remove(place);
                let policy_of = |arn: &str| match arn == principal {
                    true => less.document(),
                    false => policies.get(arn).map_or_else(nothing, Policy::document),
                };
                let (_, audit) = run(&under(&scenario, &policy_of), None);
                assert!(denials(&audit) > 0, "{name} does not need {gone:?}");
                removed += 1;
            }
        }
    }
    assert!(removed > 500, "{removed} statements");
}

#[test]
fn what_callers_make_up_is_plain_text_in_the_policy() {
    let text = r#"
create-cluster region=us-east-1
{ "tags": { "a": "x" }, "multiRegionProperties": { "witnessRegion": "$${nowhere" } }
tag-resource region=us-east-1
{ "resourceArn": "arn:aws:*:us-east-1:1:cluster/$${x*?", "tags": { "a": "x" } }
"#;
    let scenario = Scenario::parse(text).expect("a scenario");
    let (_, audit) = run(&scenario, None);
    let policies = policies(&audit);
    let policy_of = |arn: &str| policies.get(arn).map_or_else(nothing, Policy::document);
    let (_, again) = run(&under(&scenario, &policy_of), None);
    assert!(again.made().count() >= 3 && denials(&again) == 0, "{again:?}\n{policies:?}");
}

#[test]
fn who_may_do_nothing_is_denied_everything() {
    let text = "create-cluster region=us-east-1 as=blue\nexpect error == AccessDeniedException\n";
    let scenario = Scenario::parse(text).expect("a scenario");
    let (report, audit) = run(
        &under(&scenario, &|arn| {
            assert_eq!(arn, Identity::root_arn(Account::DEFAULT));
            nothing()
        }),
        None,
    );
    assert_eq!(report.failure, None);
    assert_eq!(denials(&audit), 1);
    assert!(audit.uses().is_empty());
}

#[test]
fn the_example_that_passes_has_the_policy_that_is_printed_for_the_one_that_fails() {
    let example = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples").join(name);
        Scenario::parse(&std::fs::read_to_string(path).expect("a file")).expect("a scenario")
    };
    let (before, after) = (example("two_regions.scenario"), example("three_regions.scenario"));
    assert_eq!(run(&before, None).0.failure.map(|failure| failure.invariant), Some("expectation".to_owned()));
    assert_eq!(run(&after, None).0.failure, None);
    let (_, audit) = run(&under(&before, &|_| Document::allow_all()), None);
    let [deployer] = &after.set_up.principals[..] else { panic!("one principal") };
    let printed = policies(&audit)[deployer.identity.principal.arn()].document();
    assert_eq!(deployer.identity.policies, [printed]);
}
