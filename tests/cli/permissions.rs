//! `dsql-sim permissions`: the least policies, and why each check was decided as it was.

use std::fs;

use super::{dsql_sim, records, stderr, stdout};

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
    let shown = &records(&output)[0];
    let [list, create] = &shown["checks"].as_array().expect("checks")[..] else { panic!("{shown}") };
    assert_eq!(list["by"], "identity_policies[0].Statement[0] (Read)");
    assert_eq!(
        (&create["decision"], &create["action"]),
        (&"ImplicitDeny".into(), &"dsql:CreateCluster".into())
    );
    assert_eq!(create["by"], "identity_policies[0].Statement[0] (Read): Action does not match");
    let needed = &shown["principals"];
    assert_eq!(needed.as_array().map(Vec::len), Some(1));
    let statement = &needed[0]["policy"]["Statement"];
    assert_eq!(statement.as_array().map(Vec::len), Some(1), "what is denied is not needed: {needed}");
    assert_eq!(statement[0]["Condition"]["StringEquals"]["aws:RequestedRegion"], "us-east-1");
    let output = dsql_sim(folder.path(), &["permissions", "one.scenario", "--why"]);
    for part in [
        "one.scenario: ops: ListClusters by arn:aws:iam::111122223333:role/ci",
        "  ImplicitDeny dsql:CreateCluster",
    ] {
        assert!(stdout(&output).contains(part), "{part} is not in:\n{}", stdout(&output));
    }
    let output = dsql_sim(folder.path(), &["permissions", "one.scenario", "--allow-all"]);
    assert!(stdout(&output).contains("\"dsql:CreateCluster\""), "{}", stdout(&output));
}

#[test]
fn permissions_of_a_failing_or_missing_scenario_are_reported_as_such() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("fails.scenario"),
        "create-cluster region=us-east-1\nexpect outcome unknown\n",
    )
    .expect("a file");
    let output = dsql_sim(folder.path(), &["permissions", "fails.scenario"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("fails.scenario fails: expectation: expected outcome unknown, got ok"),
        "{}",
        stderr(&output)
    );
    assert!(stdout(&output).contains("dsql:CreateCluster"), "{}", stdout(&output));
    fs::write(folder.path().join("quiet.scenario"), "advance 1s\n").expect("a file");
    let output = dsql_sim(folder.path(), &["permissions", "quiet.scenario"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("no call was allowed anything"), "{}", stderr(&output));
    assert!(stderr(&output).contains("--allow-all finds out"), "{}", stderr(&output));
    let output = dsql_sim(folder.path(), &["permissions", "quiet.scenario", "--allow-all"]);
    assert!(!stderr(&output).contains("--allow-all"), "{}", stderr(&output));
    let output = dsql_sim(folder.path(), &["permissions", "nowhere.scenario"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn permissions_names_no_identifier_that_a_run_made_up_unless_it_is_asked_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "create-cluster region=us-east-1 as=blue\n{ \"tags\": { \"team\": \"orders\" } }\n\
                get-cluster region=us-east-1\n{ \"identifier\": \"$blue.identifier\" }\n\
                run until=quiet\ncreate-stream region=us-east-1 as=changes\n\
                { \"clusterIdentifier\": \"$blue.identifier\", \"ordering\": \"UNORDERED\", \"format\": \"JSON\",\n\
                \"targetDefinition\": { \"kinesis\": { \"streamArn\": \"arn:aws:kinesis:us-east-1:111122223333:stream/s\",\n\
                \"roleArn\": \"arn:aws:iam::111122223333:role/writer\" } } }\n\
                get-stream region=us-east-1\n\
                { \"clusterIdentifier\": \"$blue.identifier\", \"streamIdentifier\": \"$changes.streamIdentifier\" }\n";
    fs::write(folder.path().join("one.scenario"), text).expect("a file");
    let resources = |options: &[&str]| {
        let arguments = [&["permissions", "one.scenario", "--format", "json"], options].concat();
        let output = dsql_sim(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let policy = records(&output)[0]["principals"][0]["policy"]["Statement"].clone();
        let statements = policy.as_array().expect("statements").clone();
        let of = |action: &str| {
            let it = statements.iter().find(|it| it["Action"].to_string().contains(action));
            it.unwrap_or_else(|| panic!("{action}: {statements:?}")).clone()
        };
        [of("dsql:GetCluster"), of("dsql:GetStream")]
    };
    let [cluster, stream] = resources(&[]);
    assert_eq!(cluster["Resource"], "arn:aws:dsql:us-east-1:111122223333:cluster/*");
    assert_eq!(stream["Resource"], "arn:aws:dsql:us-east-1:111122223333:cluster/*/stream/*");
    let [cluster, stream] = resources(&["--exact"]);
    assert_eq!(
        cluster["Resource"].as_str().map(str::len),
        Some("arn:aws:dsql:us-east-1:111122223333:cluster/".len() + 26)
    );
    assert!(!stream["Resource"].to_string().contains('*'), "{stream}");
    let [cluster, _] = resources(&["--by-tag", "team=orders"]);
    assert_eq!(cluster["Resource"], "arn:aws:dsql:us-east-1:111122223333:cluster/*");
    assert_eq!(cluster["Condition"]["StringEquals"]["aws:ResourceTag/team"], "orders");
    for wrong in
        [&["--by-tag", "team"][..], &["--by-tag", "=orders"], &["--exact", "--by-tag", "team=orders"]]
    {
        let output = dsql_sim(folder.path(), &[&["permissions", "one.scenario"], wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    }
}
