//! The policies that `permissions` prints: enough, and nothing of them too much.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dsql_sim::Scenario;
use dsql_sim::internals::iam::{Document, Identity, PolicyEffect};
use dsql_sim::internals::permissions::{Audit, Policy, ResourceScope, run, under};
use dsql_sim::internals::scenario::run::Report;
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

/// The least policies for the calls in `audit`, by principal.
fn policies(audit: &Audit, scope: &ResourceScope) -> BTreeMap<String, Policy> {
    audit.needs().iter().map(|(principal, needs)| (principal.clone(), needs.policy(scope).0)).collect()
}

/// `scenario` with these policies instead of its own.
fn replay(scenario: &Scenario, policies: &BTreeMap<String, Policy>) -> (Report, Audit) {
    run(&under(scenario, &|arn| policies.get(arn).map_or_else(nothing, Policy::document)), None)
}

fn tagged(key: &str, value: &str) -> ResourceScope {
    ResourceScope::Tagged { key: key.to_owned(), value: value.to_owned() }
}

fn denials(audit: &Audit) -> usize {
    audit.made().filter(|made| made.checked.decision.effect != PolicyEffect::Allow).count()
}

/// Every scenario with the checks of its calls.
fn audited() -> impl Iterator<Item = (String, Scenario, Audit)> {
    files().into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).expect("a file");
        let scenario = Scenario::parse(&text).expect("a scenario");
        let (report, audit) = run(&scenario, None);
        assert_eq!(report.failure, None, "{}", path.display());
        (path.display().to_string(), scenario, audit)
    })
}

#[test]
fn every_scenario_passes_under_the_least_policy_of_its_calls() {
    let mut passed = 0;
    for (name, scenario, audit) in audited().filter(|(.., audit)| denials(audit) == 0) {
        for scope in [ResourceScope::Any, ResourceScope::Exact, tagged("team", "orders")] {
            let (report, again) = replay(&scenario, &policies(&audit, &scope));
            assert_eq!(report.failure, None, "{name} {scope:?}");
            assert_eq!(denials(&again), 0, "{name} {scope:?}");
        }
        passed += 1;
    }
    assert!(passed > 150, "{passed} scenarios");
}

#[test]
fn without_any_one_statement_of_it_a_call_is_denied() {
    let mut removed = 0;
    for (name, scenario, audit) in audited().filter(|(.., audit)| denials(audit) == 0) {
        for scope in [ResourceScope::Any, ResourceScope::Exact] {
            let policies = policies(&audit, &scope);
            for (principal, policy) in &policies {
                for index in 0..policy.statement.len() {
                    let mut less = policies.clone();
                    let gone = less.get_mut(principal).expect("a policy").statement.remove(index);
                    let (_, again) = replay(&scenario, &less);
                    assert!(denials(&again) > 0, "{name} does not need {gone:?}");
                    removed += 1;
                }
            }
        }
    }
    assert!(removed > 1000, "{removed} statements");
}

#[test]
fn a_policy_for_every_cluster_lifts_no_denial_that_exact_arns_keep() {
    let mut kept = 0;
    for (name, scenario, audit) in audited().filter(|(.., audit)| denials(audit) > 0) {
        let passes = |scope| replay(&scenario, &policies(&audit, &scope)).0.failure.is_none();
        if passes(ResourceScope::Exact) {
            assert!(passes(ResourceScope::Any), "{name}");
            kept += 1;
        }
    }
    assert!(kept > 5, "{kept} scenarios");
}

#[test]
fn a_denial_on_another_cluster_keeps_exact_arns_for_its_action() {
    let text = r#"
principal ci arn=arn:aws:iam::111122223333:role/ci
{ "Statement": [
    { "Effect": "Allow", "Action": ["dsql:CreateCluster", "dsql:TagResource"], "Resource": "*" },
    { "Effect": "Allow", "Action": ["dsql:GetCluster", "dsql:DeleteCluster"], "Resource": "*",
      "Condition": { "StringEquals": { "aws:ResourceTag/team": "orders" } } }
] }
clients ops principal=ci
create-cluster region=us-east-1 as=blue
{ "tags": { "team": "orders" }, "deletionProtectionEnabled": false }
create-cluster region=us-east-1 as=green
{ "tags": { "team": "billing" } }
get-cluster region=us-east-1
{ "identifier": "$blue.identifier" }
get-cluster region=us-east-1
{ "identifier": "$green.identifier" }
expect error == AccessDeniedException
run until=quiet
delete-cluster region=us-east-1
{ "identifier": "$blue.identifier" }
expect outcome ok
"#;
    let scenario = Scenario::parse(text).expect("a scenario");
    let (report, audit) = run(&scenario, None);
    assert_eq!(report.failure, None);
    let needs = &audit.needs()["arn:aws:iam::111122223333:role/ci"];
    let any = "arn:aws:dsql:us-east-1:111122223333:cluster/*";
    let of = |policy: &Policy, action: &str| {
        let statement = policy.statement.iter().find(|it| it.action.contains(action)).expect(action);
        (statement.resource.iter().any(|it| it == any), statement.condition.len())
    };
    let (policy, notes) = needs.policy(&ResourceScope::Any);
    assert_eq!(of(&policy, "dsql:DeleteCluster"), (true, 0));
    assert_eq!(of(&policy, "dsql:GetCluster"), (false, 0), "{policy:?}");
    assert!(
        notes.len() == 1 && notes[0].starts_with("dsql:GetCluster in us-east-1 has exact ARNs"),
        "{notes:?}"
    );
    // The tag keeps the two clusters apart without their ARNs.
    let (policy, notes) = needs.policy(&tagged("team", "orders"));
    assert_eq!(of(&policy, "dsql:GetCluster"), (true, 1), "{policy:?}");
    assert_eq!(notes, Vec::<String>::new());
    for scope in [ResourceScope::Any, ResourceScope::Exact, tagged("team", "orders")] {
        assert_eq!(replay(&scenario, &policies(&audit, &scope)).0.failure, None, "{scope:?}");
    }
}

#[test]
fn a_call_on_a_cluster_without_the_tag_is_allowed_and_noted() {
    let text = r#"
create-cluster region=us-east-1 as=blue
{ "tags": { "team": "orders" }, "policy": "{\"Statement\": []}", "bypassPolicyLockoutSafetyCheck": true }
create-cluster region=us-east-1 as=green
get-cluster region=us-east-1
{ "identifier": "$blue.identifier" }
get-cluster region=us-east-1
{ "identifier": "$green.identifier" }
list-tags-for-resource region=us-east-1
{ "resourceArn": "$blue.arn" }
"#;
    let scenario = Scenario::parse(text).expect("a scenario");
    let (_, audit) = run(&scenario, None);
    let needs = audit.needs();
    let [needs] = &needs.values().collect::<Vec<_>>()[..] else { panic!("one principal") };
    let (policy, notes) = needs.policy(&tagged("team", "orders"));
    let limited: Vec<_> = policy.statement.iter().filter(|it| !it.condition.is_empty()).collect();
    let actions: Vec<_> = limited.iter().flat_map(|it| &it.action).collect();
    assert_eq!(actions, ["dsql:ListTagsForResource", "dsql:TagResource"], "{policy:?}");
    assert!(
        notes[0].starts_with("dsql:GetCluster in us-east-1 was also called on a resource without"),
        "{notes:?}"
    );
    assert!(notes[1].contains("dsql:DeleteClusterPolicy"), "{notes:?}");
    let (report, again) = replay(&scenario, &policies(&audit, &tagged("team", "orders")));
    assert_eq!((report.failure, denials(&again)), (None, 0));
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
    let policies = policies(&audit, &ResourceScope::Any);
    let (_, again) = replay(&scenario, &policies);
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
    assert!(audit.needs().values().all(|needs| needs.uses.is_empty()));
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
    let printed = policies(&audit, &ResourceScope::Any)[deployer.identity.principal.arn()].document();
    assert_eq!(deployer.identity.policies, [printed]);
}
