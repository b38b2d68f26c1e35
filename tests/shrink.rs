//! What is made small fails in the same way as what it was made of.

use dsql_sim::Scenario;
use dsql_sim::internals::scenario::run::{Failure, run};
use dsql_sim::internals::shrink::Shrinker;
use dsql_sim::internals::sim::trace::TraceLevel;

#[test]
fn a_failing_expectation_stays_that_very_expectation() {
    // Without the second call and its fault another expectation would fail sooner, and the shorter file hide this one.
    let text = "seed 1
regions use1=us-east-1 usw2=us-west-2 use2=us-east-2

create-cluster region=use1 as=blue
{ \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }
create-cluster region=use2 as=green
{ \"deletionProtectionEnabled\": false, \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\", \"clusters\": [\"$blue.arn\"] } }
update-cluster region=use1
{ \"identifier\": \"$blue.identifier\", \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\", \"clusters\": [\"$green.arn\"] } }
expect outcome ok
run until=quiet
expect blue is ACTIVE
expect green is ACTIVE
tag-resource region=use1
{ \"resourceArn\": \"$blue.arn\", \"tags\": { \"team\": \"orders\" } }
expect outcome ok
expect green is PENDING_DELETE
";
    let small = smallest(text);
    assert!(small.contains("expect green is PENDING_DELETE"), "{small}");
    let failure = failure(&small);
    let expected = "expected green to be PENDING_DELETE, got: green in";
    assert!(failure.message.starts_with(expected), "{}", failure.message);
    assert!(failure.message.contains("is ACTIVE"), "what was seen stays, too: {}", failure.message);
    assert!(!small.contains("tag-resource"), "{small}");
}

#[test]
fn an_expectation_about_the_last_call_keeps_that_call() {
    // Both expectations read alike, and only the second one fails.
    let text = "seed 1
create-cluster region=us-east-1 as=blue
{}
expect outcome ok
list-clusters region=us-east-1
{}
get-cluster region=us-east-1
{ \"identifier\": \"nothingiscalledlikethisabcd\" }
expect outcome ok
";
    let small = smallest(text);
    assert!(small.contains("get-cluster"), "{small}");
    assert!(!small.contains("list-clusters") && !small.contains("create-cluster"), "{small}");
}

#[test]
fn a_number_that_an_expectation_saw_stays() {
    let text = "seed 1
create-cluster region=us-east-1
{}
create-cluster region=us-east-1
{}
list-clusters region=us-east-1
{}
expect clusters in us-east-1 == 3
";
    let small = smallest(text);
    assert_eq!(small.matches("create-cluster").count(), 2, "{small}");
    assert_eq!(failure(&small).message, failure(text).message);
}

#[test]
fn a_reference_without_a_value_is_kept_with_its_step() {
    let text = "seed 1
create-cluster region=us-east-1 as=blue
{ \"multiRegionProperties\": { \"witnessRegion\": \"us-east-1\" } }
create-cluster region=us-east-1 as=green
{ \"multiRegionProperties\": { \"witnessRegion\": \"us-east-1\" } }
get-cluster region=us-east-1
{ \"identifier\": \"$green.identifier\" }
";
    let small = smallest(text);
    assert!(small.contains("$green.identifier") && !small.contains("as=blue"), "{small}");
}

#[test]
fn a_violation_keeps_its_sentence() {
    // One invariant, two sentences: of a cluster, and of a stream.
    let text = "seed 1
mutant stale-timer stream-deleted-in-creation
create-cluster region=us-east-1 as=blue
{}
run until=quiet
create-stream region=us-east-1 as=feed
{ \"clusterIdentifier\": \"$blue.identifier\", \"targetDefinition\": { \"kinesis\": { \"streamArn\": \"arn:aws:kinesis:us-east-1:111122223333:stream/s\", \"roleArn\": \"arn:aws:iam::111122223333:role/r\" } }, \"ordering\": \"UNORDERED\", \"format\": \"JSON\" }
delete-stream region=us-east-1
{ \"clusterIdentifier\": \"$blue.identifier\", \"streamIdentifier\": \"$feed.streamIdentifier\" }
";
    let whole = failure(text);
    assert_eq!(whole.invariant, "legal-transition", "{}", whole.message);
    assert!(whole.message.starts_with("stream"), "{}", whole.message);
    let small = failure(&smallest(text));
    assert!(small.message.starts_with("stream"), "{}", small.message);
}

#[test]
fn a_fault_of_a_client_stays_where_one_client_makes_all_calls() {
    // The call times out because its answer is lost; one client is enough for that, whichever it is.
    let text = "seed 1
clients ops ci
regions use1=us-east-1

ops: list-clusters region=use1
{}
drop use1->ci
ci: list-clusters region=use1 attempts=1
{}
expect outcome ok
";
    let small = smallest(text);
    assert_eq!(failure(&small).message, failure(text).message);
    assert!(!small.contains("clients") && !small.contains("ci"), "{small}");
    assert!(small.contains("drop use1->ops"), "the fault is about the client that is left: {small}");
}

fn smallest(text: &str) -> String {
    let mut shrinker = Shrinker::of(&read(text)).expect("it fails");
    while shrinker.step().is_some() {}
    shrinker.scenario().print("")
}

fn failure(text: &str) -> Failure {
    run(&read(text), None, TraceLevel::None).failure.expect("it fails")
}

fn read(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"))
}
