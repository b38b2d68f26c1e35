//! Refusals: a file with mistakes is shown with each of them underlined, and nothing is run.

use std::fs;

use super::{dsql_sim, records, stderr, stdout};

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
fn a_former_spelling_is_refused_with_the_present_one() {
    for (former, parts) in [
        ("doze us-east-1", ["unknown verb `doze`", "`doze` is called `idle` now"]),
        ("at +1s wake us-east-1", ["unknown verb `wake`", "`wake` is called `connect` now"]),
        (
            "throttle us-east-1 GetCluster error=ConflictException",
            ["`throttle` has no option `error`", "write `fail us-east-1 GetCluster error=ConflictException`"],
        ),
        (
            "list-clusters region=us-east-1 missing=skip",
            ["`list-clusters` has no option `missing`", "`missing=` is called `if-missing=` now"],
        ),
    ] {
        assert_refused(&format!("{former}\n"), &parts);
    }
}

#[test]
fn the_options_of_a_command_are_listed_where_one_is_unknown() {
    assert_refused(
        "create-cluster region=us-east-1 name=blue\n{}\n",
        &["has no option `name`", "its options are `region=`, `as=`,"],
    );
    assert_refused("parallel as=blue\n", &["has no option `as`", "it takes no options"]);
    assert_refused("advance 5s 3s\n", &["does not take `3s`", "its form is `advance DURATION`"]);
}

#[test]
fn an_end_of_a_link_is_a_client_a_region_or_a_node_of_it() {
    for (link, parts) in [
        ("opps->us-east-1", ["`opps` is neither a Region nor a client", "did you mean `ops`?"]),
        (
            "us-east-1->nowhere",
            ["`nowhere` is neither a Region nor a client", "it is a client (ops, ci), a Region,"],
        ),
        ("ops/witness->us-east-1", ["`ops` is a client and has no nodes", "write `ops` alone"]),
    ] {
        assert_refused(&format!("clients ops ci\ndrop {link}\n"), &parts);
    }
}

#[test]
fn a_reference_to_a_member_that_the_answer_lacks_is_corrected() {
    let text = "create-cluster region=us-east-1 as=blue\n{}\nget-cluster region=us-east-1\n{ \"identifier\": \"$blue.identifer\" }\n";
    assert_refused(
        text,
        &[
            "the answer to CreateCluster has no member `identifer`",
            "bad.scenario:4:17",
            "did you mean `identifier`?",
        ],
    );
    assert_refused(
        "create-cluster region=us-east-1 as=blue\n{}\nexpect status == $blue.tags\n",
        &["the answer to CreateCluster has no member `tags`", "it has "],
    );
}

#[test]
fn a_body_beside_its_command_and_a_trace_without_a_separator_are_refused() {
    assert_refused(
        "create-cluster region=us-east-1 { \"tags\": {} }\n",
        &["the body stands on the line of its command", "bad.scenario:1:33", "begin a new line before `{`"],
    );
    assert_refused(
        "advance 1s\n   0.000 ops        calls us-east-1 GetCluster\n",
        &["a line of a trace without `----` above it", "bad.scenario:2:4"],
    );
}

#[test]
fn a_byte_order_mark_and_comments_behind_commands_are_no_mistakes() {
    let folder = tempfile::tempdir().expect("a folder");
    let text =
        "\u{feff}advance 1s  # A second.\nlist-clusters region=us-east-1 # {}\nexpect outcome ok # at once\n";
    fs::write(folder.path().join("good.scenario"), text).expect("a file");
    let output = dsql_sim(folder.path(), &["run", "good.scenario"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
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
fn a_number_that_is_no_whole_number_is_pointed_at() {
    for number in ["1.5", "1e30", "9223372036854775808", "\"1\""] {
        let text = format!("list-clusters region=us-east-1\n{{ \"maxResults\": {number} }}\n");
        assert_refused(
            &text,
            &["ListClusters.maxResults must be a whole number of 64 bits", "bad.scenario:2:17"],
        );
    }
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
    assert_refused(&format!("{ci} boundary\n"), &["`boundary` needs a policy: write it below"]);
    assert_refused(
        "principal root arn=arn:aws:iam::111122223333:root\n{ \"Statement\": [] }\n",
        &["the root of an account may do everything"],
    );
    assert_refused(
        &format!("{ci}\nclients ops principal=cl\n"),
        &["unknown principal `cl`", "did you mean `ci`?"],
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
fn a_crash_that_cannot_be_meant_is_refused() {
    for (crash, parts) in [
        ("crash us-east-1 after=persist:UpdateClutser", ["is not a write", "did you mean `UpdateCluster`?"]),
        ("crash us-east-1 after=Prepare", ["cannot stop after `Prepare`", "after=send:Prepare"]),
        ("crash us-east-1 during=Prepare", ["cannot stop during `Prepare`", "during=persist"]),
        ("crash us-east-1 before=send:Prepere", ["a message between nodes", "did you mean `Prepare`?"]),
        ("crash us-east-1 before=GetCluster.response", ["handles no answers", "before=response:GetCluster"]),
        ("crash ops after=persist", ["a client crashes at once", "at +250ms crash ops"]),
        ("restart ops", ["is a client and needs no restart", "starts it again"]),
    ] {
        assert_refused(&format!("clients ops\n{crash}\n"), &parts);
    }
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
