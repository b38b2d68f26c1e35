//! Statuses that settle at once: `--instant`, and the same by a switch of a scenario file.

use std::fs;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::server::Server;

/// The status of a cluster, or the HTTP status of the refusal.
fn status(connection: &mut Connection, region: &str, cluster: &Value) -> Value {
    let path = format!("/cluster/{}", cluster["identifier"].as_str().expect("an identifier"));
    let answer = connection.ask("any", region, "GET", &path, &Value::Null).expect("an answer");
    if answer.status == 200 { answer.json()["status"].clone() } else { Value::from(answer.status) }
}

fn create(connection: &mut Connection, region: &str, input: &Value) -> Value {
    let answer = connection.ask("any", region, "POST", "/cluster", input).expect("an answer");
    assert_eq!(answer.status, 200);
    answer.json()
}

#[test]
fn an_instant_server_settles_every_status_before_the_next_call() {
    let server = Server::start(&["--instant"]);
    let mut connection = server.connect();
    let cluster = create(&mut connection, "us-east-1", &json!({ "deletionProtectionEnabled": false }));
    assert_eq!(cluster["status"], "CREATING");
    assert_eq!(status(&mut connection, "us-east-1", &cluster), "ACTIVE");
    let path = format!("/cluster/{}", cluster["identifier"].as_str().expect("an identifier"));
    let deleted = connection.ask("any", "us-east-1", "DELETE", &path, &Value::Null).expect("an answer");
    assert_eq!(deleted.json()["status"], "DELETING");
    assert_eq!(status(&mut connection, "us-east-1", &cluster), 404);
    // A decision of a person is no time of a status.
    let alone = json!({ "multiRegionProperties": { "witnessRegion": "us-west-2" } });
    let alone = create(&mut connection, "us-east-1", &alone);
    connection.sim("advance", "{\"by\": \"1d\"}");
    assert_eq!(status(&mut connection, "us-east-1", &alone), "PENDING_SETUP");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn what_was_deleted_takes_no_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens.scenario");
    // A token is remembered for hours, and is no part of this.
    fs::write(&file, "assume token_window=1s\n").expect("a file");
    let file = file.to_str().expect("a path");
    let server = Server::start(&["--instant", "--speed", "100000", "--log", "off", "--scenario", file]);
    let mut connection = server.connect();
    let mut live_and_die = |clusters| {
        for _ in 0..clusters {
            let cluster =
                create(&mut connection, "us-east-1", &json!({ "deletionProtectionEnabled": false }));
            assert_eq!(status(&mut connection, "us-east-1", &cluster), "ACTIVE");
            let path = format!("/cluster/{}", cluster["identifier"].as_str().expect("an identifier"));
            connection.ask("any", "us-east-1", "DELETE", &path, &Value::Null).expect("an answer");
        }
        server.resident_kib()
    };
    let (few, many) = (live_and_die(500), live_and_die(10_000));
    // One KiB for each would be twice this.
    assert!(many < few + 5_000, "{few} KiB, and {many} after 10,000 more");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_time_of_a_status_may_be_one_duration() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("creation.scenario");
    fs::write(&file, "assume create_time=0s delete_time=1h\n").expect("a file");
    let server = Server::start(&["--scenario", file.to_str().expect("a path")]);
    let mut connection = server.connect();
    let cluster = create(&mut connection, "us-east-1", &json!({ "deletionProtectionEnabled": false }));
    assert_eq!(status(&mut connection, "us-east-1", &cluster), "ACTIVE");
    let path = format!("/cluster/{}", cluster["identifier"].as_str().expect("an identifier"));
    connection.ask("any", "us-east-1", "DELETE", &path, &Value::Null).expect("an answer");
    connection.sim("advance", "{\"by\": \"59m\"}");
    assert_eq!(status(&mut connection, "us-east-1", &cluster), "DELETING");
    connection.sim("advance", "{\"by\": \"2m\"}");
    assert_eq!(status(&mut connection, "us-east-1", &cluster), 404);
    assert_eq!(server.stop().code, Some(0));
}
