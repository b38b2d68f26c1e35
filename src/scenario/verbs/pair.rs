//! `pair`: two clusters that are created, linked and waited for.
//!
//! The command stands for several calls, which are read, run and printed like any other: their steps have the keys that
//! they would have if they were written in full.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::call::CallStep;
use super::{Chapter, VerbEntry, VerbReader};
use crate::api::{Operation, Request};
use crate::region::Region;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::{Diagnostic, Parsed, ParsedWhole};
use crate::scenario::expect::{Comparison, Expectation, Operator};
use crate::scenario::read::ScenarioReader;
use crate::scenario::script::{Body, Command, JsonKind, Word};
use crate::scenario::{Action, body};
use crate::sim::client::WaitFor;
use crate::types::ClientId;

pub(super) const PAIR: VerbEntry = VerbEntry {
    name: "pair",
    chapter: Chapter::Calls,
    usage: "[CLIENT:] pair NAME REGION NAME REGION witness=REGION\n[{ SETTINGS }]",
    meaning: "\
Creates two clusters with a common witness Region, links them, and waits until both are ACTIVE. The scenario fails if
one of the calls does. `pair blue use1 green use2 witness=usw2` stands for these commands:

```text
create-cluster region=use1 as=blue
{ \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }
expect outcome ok
create-cluster region=use2 as=green
{ \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\", \"clusters\": [\"$blue.arn\"] } }
expect outcome ok
update-cluster region=use1
{ \"identifier\": \"$blue.identifier\",
  \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\", \"clusters\": [\"$green.arn\"] } }
expect outcome ok
wait cluster-active region=use1
{ \"identifier\": \"$blue.identifier\" }
expect outcome ok
wait cluster-active region=use2
{ \"identifier\": \"$green.identifier\" }
expect outcome ok
```

A JSON object on the next line has further members for the input of both creations, such as
`deletionProtectionEnabled`. A scenario that dsql-sim prints, shrunk or recorded, has the commands in full.",
    example: "pair blue use1 green use2 witness=usw2\n{ \"deletionProtectionEnabled\": false }",
    reader: VerbReader::Calls(read),
};

/// One of the two clusters.
struct PairedCluster<'a> {
    name: &'a Word,
    region: Region,
}

impl PairedCluster<'_> {
    /// A reference to a member of the answer to the cluster's creation.
    fn reference(&self, member: &str) -> String {
        format!("${}.{member}", self.name.text)
    }
}

fn read(reader: &mut ScenarioReader, command: &Command) -> ParsedWhole<Vec<Action>> {
    let mut arguments = Arguments::new(command);
    let client = reader.set_up.caller(command)?;
    let (one, other) = (paired_cluster(reader, &mut arguments)?, paired_cluster(reader, &mut arguments)?);
    let witness = arguments.required_option("witness", "the witness Region")?;
    let witness = reader.set_up.region(witness)?;
    let settings = arguments.body();
    arguments.finish()?;
    if one.name.text == other.name.text {
        return Err(vec![Diagnostic::new("the clusters of a pair have different names", other.name.span)]);
    }
    if reader.is_together() {
        let mistake = Diagnostic::new("`pair` makes one call after the other", command.verb.span);
        return Err(vec![mistake.help("write it before `parallel`".to_owned())]);
    }
    let settings = settings.map_or_else(|| Ok(json!({})), |body| read_settings(reader, body))?;
    for cluster in [&one, &other] {
        reader.name_call(cluster.name, Operation::CreateCluster, Duration::ZERO);
    }
    reader.note_call(Operation::GetCluster);
    Ok(calls(client, &one, &other, witness, &settings)
        .into_iter()
        .flat_map(|call| [call, succeeds()])
        .collect())
}

fn paired_cluster<'a>(reader: &ScenarioReader, arguments: &mut Arguments<'a>) -> Parsed<PairedCluster<'a>> {
    let name =
        arguments.required("two names of clusters, each with its Region, as in blue use1 green use2")?;
    let region = arguments.required("a Region behind each name, as in blue use1 green use2")?;
    Ok(PairedCluster { name, region: reader.set_up.region(region)? })
}

/// The members of the input that both creations have beside those that make them a pair.
fn read_settings(reader: &ScenarioReader, body: &Body) -> ParsedWhole<Value> {
    let mistakes = body::check(Operation::CreateCluster, &body.value, reader.visible_calls(Duration::ZERO));
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let JsonKind::Object(members) = &body.value.kind else { return Ok(json!({})) };
    match members.iter().find(|member| member.name.text == PROPERTIES) {
        Some(member) => {
            Err(vec![Diagnostic::new("`pair` sets multiRegionProperties itself", member.name.span)])
        }
        None => Ok(body.value.to_value()),
    }
}

/// The calls that make a pair of two clusters with these settings.
fn calls(
    client: ClientId,
    one: &PairedCluster<'_>,
    other: &PairedCluster<'_>,
    witness: Region,
    settings: &Value,
) -> [Action; 5] {
    let call = |cluster: &PairedCluster<'_>, operation, input| CallStep {
        client,
        region: cluster.region,
        alias: None,
        attempts: CallStep::ATTEMPTS,
        time_out: CallStep::TIME_OUT,
        after: Duration::ZERO,
        waiter: None,
        principal: None,
        may_be_skipped: false,
        input: Request::from_json(operation, input).expect("every member is of its kind"),
    };
    let witness = witness.name();
    let create = |cluster: &PairedCluster<'_>, properties| {
        let mut input = settings.clone();
        input[PROPERTIES] = properties;
        let alias = Some(Arc::from(cluster.name.text.as_str()));
        CallStep { alias, ..call(cluster, Operation::CreateCluster, input) }
    };
    let wait = |cluster: &PairedCluster<'_>| CallStep {
        waiter: Some(WaitFor::ClusterActive),
        ..call(cluster, Operation::GetCluster, json!({ "identifier": cluster.reference("identifier") }))
    };
    let linked =
        |peer: &PairedCluster<'_>| json!({ "witnessRegion": witness, "clusters": [peer.reference("arn")] });
    let update = json!({ "identifier": one.reference("identifier"), PROPERTIES: linked(other) });
    let calls = [
        create(one, json!({ "witnessRegion": witness })),
        create(other, linked(one)),
        call(one, Operation::UpdateCluster, update),
        wait(one),
        wait(other),
    ];
    calls.map(Action::Call)
}

/// The expectation that the call before it succeeds.
fn succeeds() -> Action {
    let test = Comparison::Compares(Operator::Equal, Value::from("ok"));
    Action::Expect(Expectation::Answer { call: None, subject: "outcome".to_owned(), test })
}

const PROPERTIES: &str = "multiRegionProperties";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::scenario::run::run;
    use crate::sim::trace::TraceLevel;

    const REGIONS: &str = "regions use1=us-east-1 use2=us-east-2 usw2=us-west-2\n";

    fn scenario(text: &str) -> Scenario {
        Scenario::parse(&format!("{REGIONS}{text}")).expect("a scenario")
    }

    fn mistake(text: &str) -> String {
        Scenario::parse(&format!("{REGIONS}{text}")).expect_err("a mistake").remove(0).message
    }

    fn failure(text: &str) -> String {
        run(&scenario(text), None, TraceLevel::None).failure.expect("a failure").message
    }

    #[test]
    fn it_stands_for_the_commands_that_the_reference_lists() {
        let (_, commands) = PAIR.meaning.split_once("```text\n").expect("a block");
        let (commands, _) = commands.split_once("```").expect("the end of the block");
        let (short, full) = (scenario("pair blue use1 green use2 witness=usw2"), scenario(commands));
        assert_eq!(short.print(""), full.print(""));
        let keys = |scenario: &Scenario| -> Vec<u64> {
            scenario.blocks.iter().flatten().map(|step| step.key).collect()
        };
        assert_eq!(keys(&short), keys(&full));
        let [short, full] = [short, full].map(|scenario| run(&scenario, None, TraceLevel::None));
        assert_eq!((short.failure, short.hash), (None, full.hash));
    }

    #[test]
    fn settings_are_a_part_of_both_creations() {
        let text =
            scenario("pair blue use1 green use2 witness=usw2\n{ \"tags\": { \"a\": \"b\" } }").print("");
        assert_eq!(text.matches("\"tags\":{\"a\":\"b\"}").count(), 2);
    }

    #[test]
    fn a_failure_names_the_call_that_failed() {
        let message = failure(
            "fail use2 CreateCluster error=ConflictException times=9\npair blue use1 green use2 witness=usw2",
        );
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[0], "expected outcome ok, got failed");
        assert!(lines[1].starts_with("  the answer was 409 ConflictException"), "{message}");
        assert_eq!(lines[2], "  the call was `create-cluster region=use2 as=green`");
        let message = failure("outage usw2\npair blue use1 green use2 witness=usw2");
        assert!(message.ends_with("\n  the call was `create-cluster region=use1 as=blue`"), "{message}");
    }

    #[test]
    fn mistakes_say_what_is_missing() {
        let expected = [
            (
                "pair blue use1",
                "`pair` needs two names of clusters, each with its Region, as in blue use1 green use2",
            ),
            ("pair blue use1 green", "`pair` needs a Region behind each name, as in blue use1 green use2"),
            ("pair blue use1 green use2", "`pair` needs `witness=`, the witness Region"),
            ("pair blue use1 blue use2 witness=usw2", "the clusters of a pair have different names"),
            ("parallel\npair a use1 b use2 witness=usw2", "`pair` makes one call after the other"),
            (
                "pair a use1 b use2 witness=usw2\n{ \"multiRegionProperties\": {} }",
                "`pair` sets multiRegionProperties itself",
            ),
            ("pair a use1 b use2 witness=usw2\n{ \"tag\": {} }", "unknown member `tag` of CreateCluster"),
        ];
        for (text, message) in expected {
            assert_eq!(mistake(text), message);
        }
    }
}
