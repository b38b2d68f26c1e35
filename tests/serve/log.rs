//! The log of `dsql-sim serve`: what has a line, at which time, and what happens when its reader leaves.

use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use serde_json::{Value, json};

use crate::http::Connection;
use crate::server::Server;

const WHO: &str = "AKIDEXAMPLE";

/// The line that is about `subject`, without its time and duration.
fn line_of(errors: &str, subject: &str) -> String {
    let line = errors.lines().find(|line| line.contains(subject));
    let line = line.unwrap_or_else(|| panic!("no line about {subject} in:\n{errors}"));
    without_time(line).split(" duration=").next().expect("a line").to_owned()
}

fn without_time(line: &str) -> &str {
    line.trim_start().split_once(' ').expect("a time").1
}

#[test]
fn each_request_has_a_line_with_region_operation_status_and_error() {
    // Fast, because the connection of a lost answer is open until the call times out.
    let server = Server::start(&["--speed", "600"]);
    let mut connection = server.connect();
    connection.ask(WHO, "us-east-1", "POST", "/cluster", &json!({})).expect("an answer");
    let missing = "/cluster/aaaaaaaaaaaaaaaaaaaaaaaaaa";
    connection.ask(WHO, "eu-west-1", "GET", missing, &Value::Null).expect("an answer");
    connection.ask(WHO, "us-east-1", "PUT", "/nothing", &Value::Null).expect("an answer");
    connection.sim("faults", "drop us-east-2->* times=1");
    assert!(connection.ask(WHO, "us-east-2", "GET", "/cluster", &Value::Null).is_err());
    let errors = server.stop().errors;
    for (subject, line) in [
        (
            "POST /cluster",
            r#" INFO dsql_sim::server: POST /cluster region="us-east-1" operation="CreateCluster" status=200"#,
        ),
        (
            "GET /cluster/a",
            " INFO dsql_sim::server: GET /cluster/aaaaaaaaaaaaaaaaaaaaaaaaaa region=\"eu-west-1\" \
             operation=\"GetCluster\" status=404 error=\"ResourceNotFoundException\"",
        ),
        ("PUT", r#" INFO dsql_sim::server: PUT /nothing status=400 error="ValidationException""#),
        ("/_sim/faults", " INFO dsql_sim::server: POST /_sim/faults status=200"),
        ("drop", " WARN dsql_sim::fault: drop us-east-2->* times=1 seed=0"),
        (
            "no answer",
            " INFO dsql_sim::server: GET /cluster gets no answer region=\"us-east-2\" \
             operation=\"ListClusters\"",
        ),
    ] {
        assert_eq!(line_of(&errors, subject), line);
    }
    // The last line is about the repair of all faults when the server ends.
    assert_eq!(errors.lines().count(), 7, "{errors}");
}

#[test]
fn a_line_has_the_virtual_time_and_the_duration_in_wall_time() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.sim("advance", "{\"by\": \"5h\"}");
    connection.ask(WHO, "us-east-1", "GET", "/cluster", &Value::Null).expect("an answer");
    let errors = server.stop().errors;
    let line = errors.lines().find(|line| line.contains("ListClusters")).expect("a line");
    let seconds: u64 = line.trim().split('.').next().expect("a time").parse().expect("seconds");
    assert!((18_000..18_060).contains(&seconds), "{line}");
    let duration = line.rsplit_once("duration=").expect("a duration").1;
    assert!(duration.ends_with("ms") || duration.ends_with("µs"), "{duration}");
}

#[test]
fn a_filter_selects_the_lines() {
    let server = Server::start(&["--log", "dsql_sim::client=info"]);
    let mut connection = server.connect();
    connection.ask(WHO, "us-east-1", "POST", "/cluster", &json!({})).expect("an answer");
    let errors = server.stop().errors;
    let starts: Vec<_> = errors.lines().map(|line| &without_time(line)[..27]).collect();
    assert_eq!(starts, [" INFO dsql_sim::client: cal", " INFO dsql_sim::client: Cre"]);
}

#[test]
fn a_reader_of_the_log_that_leaves_does_not_end_the_server() {
    let (mut child, mut connection) = piped();
    drop(child.stderr.take());
    for _ in 0..10 {
        list(&mut connection);
    }
    end(child);
}

#[test]
fn a_pipe_of_the_log_without_a_reader_does_not_stop_the_server() {
    let (child, mut connection) = piped();
    // The lines of these are four times what a pipe holds.
    for _ in 0..2_000 {
        list(&mut connection);
    }
    end(child);
}

fn list(connection: &mut Connection) {
    let answer = connection.ask(WHO, "us-east-1", "GET", "/cluster", &Value::Null).expect("an answer");
    assert_eq!(answer.status, 200);
}

/// A server whose log goes to a pipe, and a connection to it.
fn piped() -> (Child, Connection) {
    let folder = tempfile::tempdir().expect("a folder");
    let ready = folder.path().join("ready");
    let mut child = Command::new(env!("CARGO_BIN_EXE_dsql-sim"))
        .args(["serve", "--port", "0", "--ready-file"])
        .arg(&ready)
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dsql-sim");
    while !ready.exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it goes on");
        thread::sleep(Duration::from_millis(2));
    }
    let url = fs::read_to_string(&ready).expect("an address");
    let connection = Connection::open(url.trim().trim_start_matches("http://")).expect("a connection");
    (child, connection)
}

fn end(mut child: Child) {
    let sent = Command::new("kill").arg(child.id().to_string()).status();
    assert!(sent.expect("kill").success());
    assert_eq!(child.wait().expect("its end").code(), Some(0));
}
