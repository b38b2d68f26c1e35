//! Scenarios that test less than they say: a warning, and with `--strict` a failure.

use std::fs;

use super::{dsql_sim, records, stdout};

#[test]
fn a_fault_that_never_acted_is_shown_where_it_stands() {
    let idle = [
        ("drop us-east-1->ops GetCluster.response", "it matched no message"),
        ("delay us-east-1<->us-east-2 by=1s skip=3", "it matched no message"),
        ("partition us-east-1<->us-east-2", "it matched no message"),
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
        ("idle us-east-1", "no cluster in us-east-1 was ACTIVE or IDLE"),
        ("connect us-east-1", "no cluster in us-east-1 was IDLE or INACTIVE"),
        ("disable-keys us-east-1", "no cluster in us-east-1 had or was to have a key of its own"),
        ("enable-keys us-east-1", "no key in us-east-1 was disabled"),
        (
            "disable-key arn:aws:kms:us-east-1:111122223333:key/k",
            "no cluster had or was to have the key arn:aws:kms:us-east-1:111122223333:key/k",
        ),
        (
            "enable-key arn:aws:kms:us-east-1:111122223333:key/k",
            "the key arn:aws:kms:us-east-1:111122223333:key/k was not disabled",
        ),
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
        "disable-key arn:aws:kms:us-east-1:111122223333:key/k\n\
         create-cluster region=us-east-1\n{ \"kmsEncryptionKey\": \"k\" }\n\
         enable-key arn:aws:kms:us-east-1:111122223333:key/k",
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
fn a_scenario_that_tests_less_than_it_says_is_underlined() {
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
        "drop us-east-1->ops\ncreate-cluster region=us-east-1 as=blue\nget-cluster region=us-east-1 if-missing=skip\n\
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
