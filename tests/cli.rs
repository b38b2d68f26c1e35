//! The command line: its messages, its exit codes, what it refuses, and that what it prints brings a failure back.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[test]
fn a_misspelt_member_is_underlined_and_corrected() {
    let text = "create-cluster region=us-east-1\n{\n  \"multiRegionProperties\": { \"witnesRegion\": \"us-west-2\" }\n}\n";
    assert_refused(
        text,
        &[
            "unknown member `witnesRegion` of CreateCluster.multiRegionProperties",
            "bad.scenario:3:30",
            "^^^^^^^^^^^^^^",
            "did you mean `witnessRegion`?",
        ],
    );
}

#[test]
fn an_unknown_verb_is_corrected() {
    assert_refused(
        "seed 1\ncreate-clutser region=us-east-1\n{}\n",
        &["unknown verb `create-clutser`", "bad.scenario:2:1", "did you mean `create-cluster`?"],
    );
}

#[test]
fn an_unknown_region_is_corrected() {
    assert_refused(
        "create-cluster region=us-east-3\n{}\n",
        &["unknown Region `us-east-3`", "did you mean `us-east-1`?"],
    );
    assert_refused(
        "regions use1=us-east-1\ncreate-cluster region=use2\n{}\n",
        &["unknown Region `use2`", "`use1`"],
    );
}

#[test]
fn an_undefined_alias_is_named() {
    let text = "create-cluster region=us-east-1 as=blue\n{}\nget-cluster region=us-east-1\n{ \"identifier\": \"$bleu.identifier\" }\n";
    assert_refused(
        text,
        &["no call before this one is called `bleu`", "bad.scenario:4:17", "did you mean `blue`?"],
    );
}

#[test]
fn json_that_is_no_json_is_pointed_at() {
    assert_refused("create-cluster region=us-east-1\n{ \"tags\": }\n", &["bad.scenario:2:"]);
}

#[test]
fn every_mistake_of_a_file_is_shown_at_once() {
    let text = "seeed 1\n\ncreate-cluster region=nowhere\n{}\n\nexpect\n";
    assert_refused(text, &["unknown verb `seeed`", "unknown Region `nowhere`", "needs something to expect"]);
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    assert_refused("throttle us-east-1 times=0\n", &["`times` counts from 1"]);
    assert_refused("crash us-east-1 after=persist nth=0\n", &["`nth` counts from 1"]);
    assert_refused("create-cluster region=us-east-1 attempts=0\n{}\n", &["at least one attempt"]);
    assert_refused("latency 50ms..1ms\n", &["`50ms..1ms` is not a duration or a range"]);
}

#[test]
fn a_mistake_in_a_policy_is_shown_where_it_stands() {
    let under = |policy: &str| format!("principal ci arn=arn:aws:iam::111122223333:role/ci\n{policy}\n");
    assert_refused(
        &under(
            "{\n  \"Statement\": [\n    { \"Effect\": \"allow\", \"Action\": \"*\", \"Resource\": \"*\" }\n  ]\n}",
        ),
        &[
            "this is no policy: Statement[0].Effect: unknown value \"allow\", expected \"Allow\" or \"Deny\"",
            "bad.scenario:4:7",
        ],
    );
    assert_refused(
        &under("{ \"Statement\": { \"Effect\": \"Allow\", \"Actoin\": \"*\", \"Resource\": \"*\" } }"),
        &["Statement.Actoin: unknown member", "bad.scenario:2:37"],
    );
    assert_refused(
        &under("{ \"Statement\": [{ \"Effect\": \"Allow\", \"Action\": \"*\" }] }"),
        &["Statement[0]: Resource is missing", "bad.scenario:2:17"],
    );
}

#[test]
fn a_principal_that_cannot_be_is_refused() {
    let ci = "principal ci arn=arn:aws:iam::111122223333:role/ci";
    assert_refused("principal ci\n", &["principal `ci` needs `arn=`", "as in arn=arn:aws:iam::"]);
    assert_refused("principal ci arn=role/ci\n", &["`role/ci` is not the ARN of a principal"]);
    assert_refused("principal s arn=backup.amazonaws.com\n", &["is not the ARN of a principal"]);
    assert_refused(&format!("{ci}\n{ci}\n"), &["principal `ci` has an ARN already", "bad.scenario:2:"]);
    assert_refused(&format!("{ci} guard\n"), &["`guard` is not a kind of policy", "boundary"]);
    assert_refused(&format!("{ci} boundary\n"), &["a boundary is a policy"]);
    assert_refused(
        "principal root arn=arn:aws:iam::111122223333:root\n{ \"Statement\": [] }\n",
        &["the root of an account may do everything"],
    );
    assert_refused(
        &format!("{ci}\nclients ops principal=cl\n"),
        &["no principal `cl`", "did you mean `ci`?"],
    );
    assert_refused(
        &format!("{ci}\nclients ops account=444455556666 principal=ci\n"),
        &["principal `ci` belongs to account 111122223333"],
    );
    assert_refused(
        &format!("{ci}\nclients ops account=444455556666\ncreate-cluster region=us-east-1 principal=ci\n"),
        &["does not belong to the client's account"],
    );
    assert_refused(
        &format!(
            "{ci} access-key=AKIA1\nprincipal cd arn=arn:aws:iam::111122223333:role/cd access-key=AKIA1\n"
        ),
        &["access key id `AKIA1` already"],
    );
    assert_refused(&format!("get-cluster region=us-east-1\n{ci}\n"), &["belongs before the first call"]);
}

#[test]
fn permissions_prints_policies_and_the_reason_of_every_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "principal ci arn=arn:aws:iam::111122223333:role/ci\n\
                { \"Statement\": { \"Sid\": \"Read\", \"Effect\": \"Allow\", \"Action\": \"dsql:List*\", \"Resource\": \"*\" } }\n\
                clients ops principal=ci\n\
                list-clusters region=us-east-1\ncreate-cluster region=us-east-1\n";
    fs::write(folder.path().join("one.scenario"), text).expect("a file");
    let output = dsql_sim(folder.path(), &["permissions", "one.scenario", "--why", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = &records(&output)[0];
    let [list, create] = &told["checks"].as_array().expect("checks")[..] else { panic!("{told}") };
    assert_eq!(list["by"], "identity_policies[0].Statement[0] (Read)");
    assert_eq!((&create["decision"], &create["action"]), (&"Implicit".into(), &"dsql:CreateCluster".into()));
    assert_eq!(create["by"], "identity_policies[0].Statement[0] (Read): Action does not match");
    let needed = &told["principals"];
    assert_eq!(needed.as_array().map(Vec::len), Some(1));
    let statement = &needed[0]["policy"]["Statement"];
    assert_eq!(statement.as_array().map(Vec::len), Some(1), "what is denied is not needed: {needed}");
    assert_eq!(statement[0]["Condition"]["StringEquals"]["aws:RequestedRegion"], "us-east-1");
    let output = dsql_sim(folder.path(), &["permissions", "one.scenario", "--why"]);
    for part in [
        "one.scenario: ops: ListClusters by arn:aws:iam::111122223333:role/ci",
        "  Implicit dsql:CreateCluster",
    ] {
        assert!(stdout(&output).contains(part), "{part} is not in:\n{}", stdout(&output));
    }
    let output = dsql_sim(folder.path(), &["permissions", "one.scenario", "--allow-all"]);
    assert!(stdout(&output).contains("\"dsql:CreateCluster\""), "{}", stdout(&output));
}

#[test]
fn permissions_of_a_scenario_that_fails_or_is_none_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("fails.scenario"),
        "create-cluster region=us-east-1\nexpect outcome unknown\n",
    )
    .expect("a file");
    let output = dsql_sim(folder.path(), &["permissions", "fails.scenario"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("fails.scenario fails: expectation: outcome is \"ok\""),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&output).contains("dsql:CreateCluster"), "{}", stdout(&output));
    fs::write(folder.path().join("quiet.scenario"), "advance 1s\n").expect("a file");
    let output = dsql_sim(folder.path(), &["permissions", "quiet.scenario"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("no call was allowed anything"), "{}", stderr(&output));
    let output = dsql_sim(folder.path(), &["permissions", "nowhere.scenario"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_empty_file_is_refused() {
    assert_refused("", &["the scenario is empty"]);
}

#[test]
fn an_unreadable_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = dsql_sim(folder.path(), &["run", "nowhere.scenario"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot read nowhere.scenario"), "{}", stderr(&output));
    fs::write(folder.path().join("bytes.scenario"), [b's', 0xff]).expect("a file");
    let output = dsql_sim(folder.path(), &["run", "bytes.scenario"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is not text: byte 1"), "{}", stderr(&output));
}

#[test]
fn a_directory_without_scenarios_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = dsql_sim(folder.path(), &["run", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no scenario in ."), "{}", stderr(&output));
}

#[test]
fn one_bad_file_among_good_ones_runs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("good.scenario"), "create-cluster region=us-east-1\n{}\n").expect("a file");
    fs::write(folder.path().join("bad.scenario"), "nonsense\n").expect("a file");
    let output = dsql_sim(folder.path(), &["run", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "{}", stdout(&output));
}

#[test]
fn a_bad_file_is_a_record_of_its_own_in_json() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("bad.scenario"), "nonsense\n").expect("a file");
    let output = dsql_sim(folder.path(), &["run", "bad.scenario", "--format", "json"]);
    let record = records(&output).remove(0);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        (record["outcome"].as_str(), record["scenario"].as_str()),
        (Some("error"), Some("bad.scenario"))
    );
    assert!(record["message"].as_str().expect("a message").contains("unknown verb `nonsense`"));
}

#[test]
fn bad_usage_exits_with_two() {
    for arguments in [&["run"][..], &["run", "x", "--seeds", "9..3"], &["walk"], &["help", "nothing"]] {
        assert_eq!(dsql_sim(Path::new("."), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn an_expectation_that_does_not_hold_exits_with_one_and_says_what_was_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "create-cluster region=us-east-1 as=blue\n{}\nexpect status == ACTIVE\n";
    fs::write(folder.path().join("wrong.scenario"), text).expect("a file");
    let output = dsql_sim(folder.path(), &["run", "wrong.scenario"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = stdout(&output);
    for part in [
        "expectation: status is \"CREATING\"",
        "wrong.scenario:3:1",
        "reproduce: dsql-sim run wrong.scenario",
    ] {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
}

/// The test that replay tools tend to lose: run, fail, take the printed command, run it, meet the same failure.
#[test]
fn the_printed_command_brings_the_same_violation_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "mutant protection-ignored\ncreate-cluster region=us-east-1 as=blue\n{}\nrun until=quiet\n\
                delete-cluster region=us-east-1\n{ \"identifier\": \"$blue.identifier\" }\n";
    fs::write(folder.path().join("planted.scenario"), text).expect("a file");
    let first = records(&dsql_sim(
        folder.path(),
        &["run", "planted.scenario", "--seeds", "40..43", "--format", "json"],
    ));
    assert_eq!(first.len(), 3);
    for record in first {
        assert_eq!(record["invariant"], "protected-not-deleted");
        let command = record["reproduce"].as_str().expect("a command");
        let arguments: Vec<&str> = command.split(' ').skip(1).chain(["--format", "json"]).collect();
        let again = records(&dsql_sim(folder.path(), &arguments)).remove(0);
        for member in ["seed", "outcome", "invariant", "message", "hash", "events", "virtual_ms"] {
            assert_eq!(again[member], record[member], "{member}");
        }
    }
}

#[test]
fn a_scenario_is_taken_from_standard_input_and_never_written_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str], text: &str| {
        let mut command = command(folder.path());
        let running =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = running.spawn().expect("the binary runs");
        let mut input = running.stdin.take().expect("a pipe");
        // A command that refuses its arguments reads nothing.
        let _ = input.write_all(text.as_bytes());
        drop(input);
        running.wait_with_output().expect("it ends")
    };
    let good = run(&["run", "-"], "list-clusters region=us-east-1\nexpect outcome ok\n");
    assert_eq!(good.status.code(), Some(0), "{}", stderr(&good));
    let bad = run(&["run", "-"], "list-cluster region=us-east-1\n");
    assert_eq!(bad.status.code(), Some(2));
    assert!(stderr(&bad).contains("-:1:1"), "{}", stderr(&bad));
    let rewrite = run(&["run", "-", "--rewrite"], "list-clusters region=us-east-1\n");
    assert_eq!(rewrite.status.code(), Some(2));
    assert!(stderr(&rewrite).contains("standard input cannot be written"), "{}", stderr(&rewrite));
}

#[test]
fn two_processes_and_any_number_of_threads_give_equal_hashes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = |jobs: &str| {
        let arguments = ["run", "scenarios", "--seeds", "0..5", "--format", "json", "--jobs", jobs];
        stdout(&dsql_sim(root, &arguments))
    };
    let one = run("1");
    assert!(one.lines().count() > 5);
    assert_eq!(one, run("2"));
}

#[test]
fn determinism_is_checked_and_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = dsql_sim(root, &["run", "scenarios", "--seeds", "0..5", "--check-determinism"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("no difference, 0 failed"), "{}", stdout(&output));
    let folder = tempfile::tempdir().expect("a folder");
    let text = "create-cluster region=us-east-1 as=blue\n{}\nexpect status == ACTIVE\n";
    fs::write(folder.path().join("wrong.scenario"), text).expect("a file");
    let output =
        dsql_sim(folder.path(), &["run", "wrong.scenario", "--seeds", "0..5", "--check-determinism"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output).matches("FAIL").count(), 5, "{}", stdout(&output));
    assert!(stdout(&output).contains("no difference, 5 failed"), "{}", stdout(&output));
}

#[test]
fn a_trace_that_differs_fails_and_rewrite_records_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old.scenario");
    fs::write(&path, "create-cluster region=us-east-1 as=blue\n{}\n----\n   0.000 nothing like it\n")
        .expect("a file");
    let output = dsql_sim(folder.path(), &["run", "old.scenario"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("recorded-trace: recorded `   0.000 nothing like it`"),
        "{}",
        stdout(&output)
    );
    assert_eq!(dsql_sim(folder.path(), &["run", "old.scenario", "--rewrite"]).status.code(), Some(0));
    assert_eq!(dsql_sim(folder.path(), &["run", "old.scenario"]).status.code(), Some(0));
    assert!(fs::read_to_string(&path).expect("the file").contains("blue CREATING"));
}

#[test]
fn rewrite_refuses_in_ci_and_when_something_does_not_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.scenario");
    let text = "create-cluster region=us-east-1 as=blue\n{}\nexpect status == ACTIVE\n";
    fs::write(&path, text).expect("a file");
    assert_eq!(dsql_sim(folder.path(), &["run", "wrong.scenario", "--rewrite"]).status.code(), Some(1));
    assert_eq!(fs::read_to_string(&path).expect("the file"), text);
    let in_ci =
        command(folder.path()).args(["run", "wrong.scenario", "--rewrite"]).env("CI", "true").output();
    let in_ci = in_ci.expect("it runs");
    assert_eq!(in_ci.status.code(), Some(2));
    assert!(stderr(&in_ci).contains("refused when CI is set"), "{}", stderr(&in_ci));
}

#[test]
fn a_reader_that_goes_away_changes_no_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = "create-cluster region=us-east-1 as=blue\n{}\n";
    fs::write(folder.path().join("good.scenario"), good).expect("a file");
    fs::write(folder.path().join("wrong.scenario"), format!("{good}expect status == ACTIVE\n"))
        .expect("a file");
    fs::write(folder.path().join("bad.scenario"), "make-cluster\n").expect("a file");
    fs::write(folder.path().join("quiet.scenario"), "advance 1s\n").expect("a file");
    for (arguments, code) in [
        (&["run", "good.scenario", "--trace", "messages"][..], 0),
        (&["run", "wrong.scenario", "--trace", "messages"], 1),
        (&["run", "good.scenario", "wrong.scenario", "--format", "json"], 1),
        (&["run", "wrong.scenario", "--seeds", "0..100"], 1),
        (&["run", "good.scenario", "--seeds", "0..9", "--check-determinism"], 0),
        (&["run", "bad.scenario"], 2),
        (&["sweep", "--seeds", "0..50"], 0),
        (&["sweep", "--seeds", "0..50", "--mutant", "protection-ignored"], 1),
        (&["sweep", "--seeds", "0..20", "--require-goals"], 1),
        (&["shrink", "wrong.scenario"], 1),
        (&["shrink", "good.scenario"], 2),
        (&["generate", "7"], 0),
        (&["permissions", "good.scenario"], 0),
        (&["permissions", "wrong.scenario"], 1),
        (&["mutants"], 0),
        (&["mutants", "--matrix", "quiet.scenario"], 1),
        (&["mutants", "--search", "--only", "protection-ignored"], 0),
        (&["mutants", "--search", "--only", "protection-ignored", "--most", "1"], 1),
        (&["help"], 0),
        (&["help", "scenario"], 0),
        (&["help", "nothing"], 2),
        (&["--help"], 0),
        (&["walk"], 2),
    ] {
        let mut child = command(folder.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().expect("it ends").code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn colour_is_for_terminals_only() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("one.scenario"), "create-cluster region=us-east-1\n{}\n").expect("a file");
    assert!(!stdout(&dsql_sim(folder.path(), &["run", "one.scenario"])).contains('\u{1b}'));
    assert!(!stderr(&dsql_sim(folder.path(), &["run", "none.scenario"])).contains('\u{1b}'));
}

#[test]
fn the_reference_page_is_what_help_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_page(root, "docs/scenario-files.md", &stdout(&dsql_sim(root, &["help", "scenario"])));
    assert_page(root, "docs/report.schema.json", &stdout(&dsql_sim(root, &["help", "report"])));
}

#[test]
fn every_json_record_fits_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&stdout(&dsql_sim(root, &["help", "report"]))).expect("JSON");
    let known = schema["properties"].as_object().expect("an object's schema");
    let required: Vec<&str> =
        schema["required"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for record in records(&dsql_sim(root, &["run", "scenarios", "--format", "json"])) {
        let record = record.as_object().expect("an object").clone();
        assert!(record.keys().all(|member| known.contains_key(member)));
        assert!(required.iter().all(|member| record.contains_key(*member)));
        assert_eq!(record["outcome"], "pass");
        assert_eq!(record["hash"].as_str().expect("a hash").len(), 16);
    }
}

#[test]
fn mutants_are_listed_with_what_must_catch_them() {
    let shown = stdout(&dsql_sim(Path::new("."), &["mutants"]));
    for mutant in dsql_sim::control::mutant::Mutant::ALL {
        assert!(shown.contains(mutant.name()), "{mutant}");
    }
}

#[test]
fn a_fault_that_never_acted_is_shown_where_it_stands() {
    let idle = [
        ("drop us-east-1->ops GetCluster.response", "it decided of no message"),
        ("delay us-east-1<->us-east-2 by=1s skip=3", "it decided of no message"),
        ("partition us-east-1<->us-east-2", "it decided of no message"),
        ("heal us-east-1<->us-east-2", "no rule that could still apply was on this link"),
        ("heal", "there was nothing to heal"),
        ("release", "nothing was held back"),
        ("crash us-east-1 before=Prepare", "its moment never came"),
        ("crash us-east-1 after=persist:UpdateCluster", "its moment never came"),
        ("crash us-east-1 during=persist:stream", "its moment never came"),
        ("crash us-east-1 after=persist:CreateCluster nth=2", "its moment never came"),
        ("crash ops", "no call of ops was in flight"),
        ("restart us-east-1", "us-east-1 was running"),
        ("skew us-east-2 by=1h", "nothing was created in us-east-2 meanwhile"),
        ("deny us-east-1 DeleteCluster", "nothing was refused in us-east-1 for want of DeleteCluster"),
        ("allow us-east-1 DeleteCluster", "DeleteCluster was not denied in us-east-1"),
        ("doze us-east-1", "no cluster in us-east-1 was ACTIVE or IDLE"),
        ("wake us-east-1", "no cluster in us-east-1 was IDLE or INACTIVE"),
        ("disable-keys us-east-1", "no cluster in us-east-1 had a key of its own"),
        ("enable-keys us-east-1", "no key in us-east-1 was disabled"),
        ("throttle us-east-1 DeleteCluster", "no request for DeleteCluster came to us-east-1"),
        ("throttle us-east-2", "no request came to us-east-2"),
        ("at +1ms release", "nothing was held back"),
    ];
    for (fault, why) in idle {
        let text = format!("{fault}\ncreate-cluster region=us-east-1 as=blue\nexpect outcome ok\n");
        assert_vacuous(&text, &[&format!("this fault never acted: {why}"), "one.scenario:1:1", fault]);
    }
}

#[test]
fn a_fault_that_acted_is_not_complained_of() {
    let acting = [
        "drop us-east-1->ops CreateCluster.response times=1",
        "slow ops<->us-east-1 by=2x",
        "hold us-east-1->ops times=1\nat +2s release",
        "drop us-east-2->us-west-2\nat +2s heal us-west-2<->us-east-2\ncreate-cluster region=us-east-2 attempts=1\n\
         { \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }",
        "crash us-east-1 before=CreateCluster\nat +1s restart us-east-1",
        "crash us-east-1 before=response:CreateCluster\nat +1s restart us-east-1",
        "crash us-east-1 after=response:CreateCluster\nat +1s restart us-east-1",
        "crash us-east-1 before=persist:cluster\nat +1s restart us-east-1",
        "crash us-east-1 during=persist:token unfinished=lost\nat +1s restart us-east-1",
        "crash us-east-1 after=persist:CreateCluster\nat +1s restart us-east-1",
        "outage us-east-1\nrestart us-east-1 us-east-1/witness",
        "skew us-east-1 by=-1h",
        "deny us-east-1 CreateCluster\nat +1ms allow us-east-1 CreateCluster\n\
         create-cluster region=us-east-1\nadvance 10ms",
        "throttle us-east-1 CreateCluster times=2",
        "at +1ms crash ops\nlist-clusters region=us-east-1",
    ];
    for faults in acting {
        let text = format!("{faults}\ncreate-cluster region=us-east-1 as=blue\nexpect outcome ok\n");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("one.scenario"), &text).expect("a file");
        let output = dsql_sim(folder.path(), &["run", "one.scenario", "--strict"]);
        let code = output.status.code();
        assert!(code == Some(0) || !stdout(&output).contains("never acted"), "{text}{}", stdout(&output));
    }
}

#[test]
fn what_tests_less_than_it_says_is_pointed_at() {
    let create = "create-cluster region=us-east-1 as=blue\n";
    let cannot = |expect: &str, help: &str| {
        let subject = expect.split(' ').nth(1).unwrap_or_default();
        let subject = subject.strip_prefix("blue.").unwrap_or(subject);
        let never = format!("{subject} can never be");
        assert_vacuous(&format!("{create}{expect}\n"), &[&never, "one.scenario:2:8", help]);
    };
    cannot("expect status != PENDING_SETPU", "did you mean `PENDING_SETUP`?");
    cannot("expect blue.status != PENDING_SETPU", "did you mean `PENDING_SETUP`?");
    cannot("expect error != ValidatonException", "did you mean `ValidationException`?");
    cannot("expect deletionProtectionEnabled != \"true\"", "it is true or false");
    cannot("expect arn != 5", "it is text: write it in quotes, as in \"5\"");
    assert_vacuous(&create.repeat(2), &["`blue` names an earlier call already", "one.scenario:2:36"]);
    assert_vacuous(
        &format!("{create}advance 5s\nat 1s crash us-east-1\n"),
        &["this moment has passed: it was 5.", "one.scenario:3:1"],
    );
    assert_vacuous(
        "drop us-east-1->ops\ncreate-cluster region=us-east-1 as=blue\nget-cluster region=us-east-1 missing=skip\n\
         { \"identifier\": \"$blue.identifier\" }\n",
        &["this call was left out: `$blue.identifier` has no value", "one.scenario:3:1"],
    );
}

#[test]
fn strictness_is_judged_with_the_files_own_seed() {
    let folder = tempfile::tempdir().expect("a folder");
    // A message in two is lost: the fault acts with some seeds only.
    let text = "seed 3\ndrop ops->us-east-1 times=1 rate=50%\nlist-clusters region=us-east-1\n";
    fs::write(folder.path().join("one.scenario"), text).expect("a file");
    let run = |arguments: &[&str]| {
        let arguments = [&["run", "one.scenario", "--strict", "--format", "json"], arguments].concat();
        let output = dsql_sim(folder.path(), &arguments);
        (output.status.code(), records(&output))
    };
    let (own, _) = run(&[]);
    let (several, seen) = run(&["--seeds", "10..20"]);
    assert_eq!(own, several);
    let seeds: Vec<_> = seen.iter().filter_map(|record| record["seed"].as_u64()).collect();
    assert_eq!(seeds, [&[3][..], &(10..20).collect::<Vec<_>>()].concat());
    assert!(seen[1..].iter().all(|record| record["outcome"] == "pass" && record["warnings"].is_null()));
}

#[test]
fn a_failure_says_how_it_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let update = "get-cluster region=us-east-1\n{ \"identifier\": \"$blue.identifier\" }\n".repeat(10);
    let text = format!(
        "drop us-east-1<->us-west-2\ncreate-cluster region=us-east-1 as=blue\n{update}\
         at +1ms crash us-east-1\nadvance 10ms\n\
         parallel\nlist-clusters region=us-east-1 as=list\nexpect list.clusters.length == 2\n"
    );
    fs::write(folder.path().join("wrong.scenario"), &text).expect("a file");
    for arguments in [&["--seeds", "4..5"][..], &[]] {
        let output = dsql_sim(folder.path(), &[&["run", "wrong.scenario"], arguments].concat());
        let shown = stdout(&output);
        let lines: Vec<&str> = shown.lines().skip_while(|line| !line.contains("before it:")).collect();
        assert!(lines.get(1).is_some_and(|line| line.contains("lines before")), "{shown}");
        let told = lines[2..].iter().take_while(|line| line.starts_with("    ")).count();
        assert_eq!(told, 15, "{shown}");
        assert!(shown.contains("crash us-east-1"), "{shown}");
    }
    let whole = stdout(&dsql_sim(folder.path(), &["run", "wrong.scenario", "--trace", "milestones"]));
    assert!(!whole.contains("before it:"), "{whole}");
}

#[test]
fn a_waiter_that_timed_out_says_what_it_saw() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "create-cluster region=us-east-1 as=blue\n\
                { \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }\n\
                wait cluster-active region=us-east-1\n{ \"identifier\": \"$blue.identifier\" }\nexpect outcome ok\n";
    fs::write(folder.path().join("wrong.scenario"), text).expect("a file");
    let shown = stdout(&dsql_sim(folder.path(), &["run", "wrong.scenario"]));
    assert!(shown.contains("the waiter saw last: PENDING_SETUP, 60 times"), "{shown}");
    assert!(shown.contains("timed out: saw PENDING_SETUP, 60 times"), "{shown}");
}

#[test]
fn a_crash_that_cannot_be_meant_is_refused() {
    for (crash, parts) in [
        (
            "crash us-east-1 after=persist:UpdateClutser",
            ["something that is written", "did you mean `UpdateCluster`?"],
        ),
        ("crash us-east-1 after=Prepare", ["cannot stop after `Prepare`", "after=send:Prepare"]),
        ("crash us-east-1 during=Prepare", ["cannot stop during `Prepare`", "during=persist"]),
        ("crash us-east-1 before=send:Prepere", ["a message between nodes", "did you mean `Prepare`?"]),
        ("crash us-east-1 before=GetCluster.response", ["handles no answers", "before=response:GetCluster"]),
        ("crash ops after=persist", ["a client crashes at once", "at +250ms crash ops"]),
        ("restart ops", ["is a client and needs no start", "its next life"]),
    ] {
        assert_refused(&format!("clients ops\n{crash}\n"), &parts);
    }
}

/// Runs a file with `text`: it passes with a warning, and with `--strict` it fails; both say all of `parts`.
fn assert_vacuous(text: &str, parts: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("one.scenario"), text).expect("a file");
    for (arguments, code, level) in
        [(&["run", "one.scenario"][..], 0, "warning: "), (&["run", "one.scenario", "--strict"], 1, "error: ")]
    {
        let output = dsql_sim(folder.path(), arguments);
        let shown = stdout(&output);
        assert_eq!(output.status.code(), Some(code), "{text}{shown}");
        for part in [&[level], parts].concat() {
            assert!(shown.contains(part), "{part} is not in:\n{shown}");
        }
    }
}

#[test]
fn the_page_of_mutants_has_a_line_for_each() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mutants.md")).expect("a page");
    let named: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| ")?.split_whitespace().next()).skip(1).collect();
    let known: Vec<&str> =
        dsql_sim::control::mutant::Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
    assert_eq!(named, known, "`dsql-sim mutants --measure` prints the table anew");
}

/// Compares a page of the repository with what it is generated from; `REWRITE=1` writes it.
#[expect(clippy::disallowed_methods, reason = "REWRITE is how a person speaks to this test")]
fn assert_page(root: &Path, page: &str, generated: &str) {
    if std::env::var_os("REWRITE").is_some() {
        fs::write(root.join(page), generated).expect("a page");
    }
    let kept = fs::read_to_string(root.join(page)).expect("the page is in the repository");
    assert_eq!(kept, generated, "{page} is not what it is generated from: REWRITE=1 writes it");
}

/// Runs a file with `text` and expects it to be refused with exit code 2 and all of `parts` on standard error.
fn assert_refused(text: &str, parts: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("bad.scenario"), text).expect("a file");
    let output = dsql_sim(folder.path(), &["run", "bad.scenario"]);
    let shown = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(output.stdout.is_empty(), "{}", stdout(&output));
    for part in parts {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
}

fn records(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

fn dsql_sim(folder: &Path, arguments: &[&str]) -> Output {
    command(folder).args(arguments).output().expect("it runs")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dsql-sim"));
    command.current_dir(folder).env_remove("CI").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}
