//! Clients that are somebody, and may not do everything.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::server::{Server, refused};

const TEAM: &str = r#"# Who is who.
principal deployer arn=arn:aws:iam::111122223333:role/deployer access-key=AKIADEPLOYER
{
  "Version": "2012-10-17",
  "Statement": [
    { "Effect": "Allow", "Action": ["dsql:*"], "Resource": "arn:aws:dsql:us-east-*:111122223333:cluster/*" }
  ]
}
principal reader arn=arn:aws:iam::444455556666:user/reader access-key=AKIAREADER
{ "Statement": { "Effect": "Allow", "Action": "dsql:List*", "Resource": "*" } }
"#;

fn create(connection: &mut Connection, who: &str, input: &Value) -> (u16, String) {
    let answer = connection.ask(who, "us-east-1", "POST", "/cluster", input).expect("an answer");
    (answer.status, answer.json().to_string())
}

#[test]
fn a_client_is_the_principal_with_its_access_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    fs::write(path("team.scenario"), TEAM).expect("a file");
    let server =
        Server::start(&["--principals", &path("team.scenario"), "--record", &path("recorded.scenario")]);
    let mut connection = server.connect();
    let pair = json!({ "multiRegionProperties": { "witnessRegion": "us-west-2" } });
    let (status, answer) = create(&mut connection, "AKIADEPLOYER", &pair);
    assert_eq!(status, 403);
    for part in
        ["role/deployer", "dsql:PutWitnessRegion", "us-west-2:111122223333:cluster/*", "checked in us-west-2"]
    {
        assert!(answer.contains(part), "{part} is not in {answer}");
    }
    assert_eq!(create(&mut connection, "AKIADEPLOYER", &json!({})).0, 200);
    assert_eq!(create(&mut connection, "AKIAREADER", &json!({})).0, 403);
    // Others may do everything, as ever.
    assert_eq!(create(&mut connection, "AKIAOTHER", &pair).0, 200);

    let report = connection.look("permissions");
    assert_eq!(report["isComplete"], true);
    let actions = |principal: &str| {
        let needed = report["principals"].as_array().expect("principals").iter();
        let mut needed = needed.filter(|needed| needed["principal"] == principal);
        needed.next().map(|needed| needed["policy"]["Statement"].to_string()).unwrap_or_default()
    };
    assert!(actions("arn:aws:iam::111122223333:role/deployer").contains("dsql:CreateCluster"));
    assert!(!actions("arn:aws:iam::111122223333:role/deployer").contains("dsql:PutWitnessRegion"));
    assert!(actions("arn:aws:iam::111122223333:root").contains("dsql:PutWitnessRegion"));
    assert_eq!(actions("arn:aws:iam::444455556666:user/reader"), "");

    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    let hash = ended.out.split("hash ").nth(1).and_then(|rest| rest.split(',').next()).expect("a hash");
    let replay = Command::new(env!("CARGO_BIN_EXE_dsql-sim"))
        .args(["run", &path("recorded.scenario"), "--format", "json"])
        .output()
        .expect("dsql-sim");
    let replayed = String::from_utf8(replay.stdout).expect("text");
    assert!(replayed.contains(hash), "{hash} is not in {replayed}");
}

#[test]
fn principals_are_told_apart_however_many_clients_come() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("team.scenario");
    fs::write(&file, TEAM).expect("a file");
    let server = Server::start(&["--principals", file.to_str().expect("a path")]);
    let mut connection = server.connect();
    for number in 0..1001 {
        let answer = connection.ask(&format!("AKIA{number}"), "us-east-1", "GET", "/cluster", &Value::Null);
        assert_eq!(answer.expect("an answer").status, 200);
    }
    assert_eq!(create(&mut connection, "AKIAREADER", &json!({})).0, 403);
    assert_eq!(create(&mut connection, "AKIA1002", &json!({})).0, 200);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn what_is_no_file_of_principals_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("team.scenario");
    let path = file.to_str().expect("a path");
    let scenario = folder.path().join("world.scenario");
    fs::write(&scenario, "principal reader arn=arn:aws:iam::111122223333:user/reader\n").expect("a file");
    for (text, why) in [
        ("seed 1\n", "unexpected `seed`: a file of principals has `principal` commands only"),
        ("principal ci arn=arn:aws:iam::111122223333:role/ci\n", "needs `access-key=`"),
        ("principal ci arn=nobody access-key=A\n", "is not the ARN of a principal"),
        ("", "the scenario is empty"),
        (TEAM, "the scenario already has a principal `reader`"),
    ] {
        fs::write(&file, text).expect("a file");
        let world = scenario.to_str().expect("a path");
        let ended = refused(&["--principals", path, "--scenario", world]);
        assert_eq!(ended.code, Some(2), "{text}");
        assert!(ended.errors.contains(why), "{}", ended.errors);
    }
}
