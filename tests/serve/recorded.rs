//! What real clients did is judged again when it is replayed, by every invariant.

use std::fs;

use dsql_sim::Scenario;
use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::internals::scenario::run::run;
use dsql_sim::internals::sim::trace::TraceLevel;
use serde_json::{Value, json};

use crate::server::Server;

#[test]
fn a_recorded_history_is_judged_by_what_its_reads_show() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("recorded.scenario");
    let server = Server::start(&["--record", file.to_str().expect("a path")]);
    let mut connection = server.connect();
    let mut ask = |method: &str, path: &str, input: Value| {
        let answer = connection.ask("AKIAOPS", "us-east-1", method, path, &input).expect("an answer");
        assert_eq!(answer.status, 200, "{method} {path}");
        answer.json()
    };
    ask("POST", "/cluster", json!({ "tags": { "team": "orders" } }));
    let made =
        ask("POST", "/cluster", json!({ "deletionProtectionEnabled": false, "tags": { "stage": "test" } }));
    let (identifier, arn) = (made["identifier"].as_str().expect("text"), made["arn"].as_str().expect("text"));
    assert_eq!(ask("GET", &format!("/cluster/{identifier}"), Value::Null)["tags"]["stage"], "test");
    let tags = format!("/tags/{}", arn.replace(':', "%3A").replace('/', "%2F"));
    assert_eq!(ask("GET", &tags, Value::Null)["tags"]["stage"], "test");
    assert_eq!(server.stop().code, Some(0));

    let recorded = fs::read_to_string(&file).expect("a recording");
    let replayed = |mutants| {
        let mut scenario = Scenario::parse(&recorded).expect("a scenario");
        scenario.set_up.mutants = mutants;
        run(&scenario, None, TraceLevel::None).failure.map(|failure| failure.invariant)
    };
    assert_eq!(replayed(Mutants::NONE), None);
    // The same calls of the same client, answered by control planes that read something else.
    for mutant in [Mutant::ProtectionShownOn, Mutant::TagsOfFirstListed] {
        assert_eq!(
            replayed(Mutants::NONE.with(mutant)).as_deref(),
            Some("acknowledged-is-visible"),
            "{mutant}"
        );
    }
}
