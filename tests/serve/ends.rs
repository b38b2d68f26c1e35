//! The ends of a server: a signal ends it, its recording is complete, and its exit code says what happened.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Connection, request};
use crate::server::{Ended, Server, refused};

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Runs a scenario file, and gives the exit code and the output.
fn replay(file: &Path) -> (Option<i32>, String) {
    let run =
        Command::new(env!("CARGO_BIN_EXE_dsql-sim")).args(["run", "--format", "json"]).arg(file).output();
    let run = run.expect("dsql-sim");
    (run.status.code(), String::from_utf8(run.stdout).expect("text") + &String::from_utf8_lossy(&run.stderr))
}

fn create(connection: &mut Connection) -> Value {
    let made = connection.ask("any", "us-east-1", "POST", "/cluster", &json!({}));
    made.expect("an answer").json()
}

#[test]
fn what_a_killed_server_has_recorded_replays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, partial) = (folder.path().join("day.scenario"), folder.path().join("day.scenario.partial"));
    let server = Server::start(&["--record", text(&file)]);
    let mut connection = server.connect();
    let made = create(&mut connection);
    connection.sim("faults", "throttle us-east-1 GetCluster times=1");
    let path = format!("/cluster/{}", made["identifier"].as_str().expect("text"));
    let read = connection.ask("any", "us-east-1", "GET", &path, &Value::Null).expect("an answer");
    assert_eq!(read.status, 429);
    server.kill();
    assert!(!file.exists());
    let (code, out) = replay(&partial);
    assert_eq!(code, Some(0), "{out}");
    let whole = fs::read_to_string(&partial).expect("a recording");
    assert!(whole.contains("throttle us-east-1 GetCluster\n"), "{whole}");
    // Killed in the middle of a write, it leaves a part of a command.
    fs::write(&partial, format!("{whole}client-1: get-cluster region=us-east-1 after=9s\n{{\"ident"))
        .expect("room");
    assert_eq!(replay(&partial), (code, out));
}

#[test]
fn a_server_that_cannot_start_leaves_an_earlier_recording_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, partial) = (folder.path().join("day.scenario"), folder.path().join("day.scenario.partial"));
    let failing = folder.path().join("failing.scenario");
    fs::write(&failing, "list-clusters region=us-east-1\nexpect failed\n").expect("room");
    for path in [&file, &partial] {
        fs::write(path, "# the work of an hour\nseed 7\n").expect("room");
    }
    let other = Server::start(&[]);
    let port = other.address.rsplit(':').next().expect("a port");
    for arguments in [["--port", port], ["--scenario", text(&failing)]] {
        let refused = refused(&[&arguments[..], &["--record", text(&file)]].concat());
        assert_eq!(refused.code, Some(2), "{}", refused.errors);
        for path in [&file, &partial] {
            assert_eq!(fs::read_to_string(path).expect("a file"), "# the work of an hour\nseed 7\n");
        }
    }
}

#[test]
fn a_reader_that_leaves_changes_neither_the_recording_nor_the_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bug, file) = (folder.path().join("bug.scenario"), folder.path().join("day.scenario"));
    fs::write(&bug, "mutant protection-ignored\n").expect("room");
    let mut server = Server::start(&["--scenario", text(&bug), "--record", text(&file)]);
    drop(server.take_stdout());
    let mut connection = server.connect();
    // One that waits for its peer can be deleted.
    let properties = json!({ "multiRegionProperties": { "witnessRegion": "us-west-2" } });
    let made = connection.ask("any", "us-east-1", "POST", "/cluster", &properties).expect("an answer").json();
    let path = format!("/cluster/{}", made["identifier"].as_str().expect("text"));
    connection.ask("any", "us-east-1", "DELETE", &path, &Value::Null).expect("an answer");
    assert_eq!(server.stop().code, Some(1));
    let (code, out) = replay(&file);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("protected-not-deleted"), "{out}");
}

#[test]
fn every_signal_to_end_completes_the_recording() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("day.scenario");
        let server = Server::start(&["--record", text(&file)]);
        create(&mut server.connect());
        let Ended { code, out, .. } = server.signal(signal);
        assert_eq!(code, Some(0), "{signal}");
        let hash = out.split("hash ").nth(1).and_then(|rest| rest.get(..16)).expect("a hash");
        assert!(replay(&file).1.contains(hash), "{signal}");
    }
}

#[test]
fn what_a_client_sends_neither_ends_a_line_of_the_trace_nor_reaches_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("day.scenario");
    let server = Server::start(&["--record", text(&file)]);
    let mut connection = server.connect();
    for identifier in ["x%0A%0Aoutage%20us-west-2%0A----%0Aok%0A%0Aexpect%20failed", "%1B[2J%1B]0;owned%07"] {
        let path = format!("/cluster/{identifier}");
        connection.ask("any", "us-east-1", "GET", &path, &Value::Null).expect("an answer");
    }
    let trace = connection.look("trace");
    let lines = trace["lines"].as_array().expect("a list").iter();
    let lines: Vec<&str> = lines.map(|line| line.as_str().expect("text")).collect();
    assert!(lines.iter().any(|line| line.contains("outage us-west-2")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:?}");
    assert_eq!(server.stop().code, Some(0));
    let rewrite = Command::new(env!("CARGO_BIN_EXE_dsql-sim"))
        .args(["run", "--rewrite"])
        .arg(&file)
        .env_remove("CI")
        .output();
    assert_eq!(rewrite.expect("dsql-sim").status.code(), Some(0));
    let (code, out) = replay(&file);
    assert_eq!(code, Some(0), "{out}");
}

#[test]
fn sigterm_is_heard_while_every_connection_is_taken() {
    let server = Server::start(&["--log", "off", "--timeout", "20"]);
    // As many as the limits of this process and of the server allow.
    let open = || Connection::open(&server.address).ok();
    let mut connections: Vec<_> = std::iter::from_fn(open).take(1024).collect();
    let served = connections.len() / 2;
    for connection in &mut connections[..served] {
        connection.send(&request("any", "us-east-1", "GET", "/cluster", &Value::Null)).expect("a connection");
    }
    for connection in &mut connections[..served] {
        connection.answer().expect("an answer");
    }
    let begin = Instant::now();
    assert_eq!(server.stop().code, Some(0));
    // The goal is a second; the machine may have other work.
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn sigterm_interrupts_an_advance() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    // A pair that waits for its peer asks the witness for as long as time passes.
    let properties = json!({ "multiRegionProperties": {
        "witnessRegion": "us-west-2",
        "clusters": ["arn:aws:dsql:us-east-2:111122223333:cluster/kiqenqglxyl2snyvkvnj2c3s2e"],
    } });
    connection.ask("any", "us-east-1", "POST", "/cluster", &properties).expect("an answer");
    let body = json!({ "by": "366d" }).to_string();
    let length = body.len();
    let head = "POST /_sim/advance HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let head = format!("{head}content-length: {length}\r\n\r\n{body}");
    connection.send(head.as_bytes()).expect("a connection");
    thread::sleep(Duration::from_millis(50));
    let begin = Instant::now();
    assert_eq!(server.stop().code, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn at_the_end_of_virtual_time_every_request_has_an_answer() {
    let server = Server::start(&["--log", "off", "--speed", "200000"]);
    let mut connection = server.connect();
    for _ in 0..498 {
        assert_eq!(connection.sim("advance", r#"{"by": "366d"}"#).status, 200);
    }
    let refused = connection.sim("advance", r#"{"by": "366d"}"#);
    assert_eq!(refused.status, 400);
    let message = refused.json()["message"].as_str().expect("text").to_owned();
    assert!(message.contains("500 years"), "{message}");
    // Until then, virtual time is as good as any other.
    create(&mut connection);
    while connection.sim("advance", r#"{"by": "1d"}"#).status == 200 {}
    while connection.sim("advance", r#"{"by": "1s"}"#).status == 200 {}
    thread::sleep(Duration::from_millis(20));
    let read = connection.ask("any", "us-east-1", "GET", "/cluster", &Value::Null).expect("an answer");
    assert_eq!(read.status, 429);
    assert!(read.json()["message"].as_str().expect("text").contains("500 years"));
    assert_eq!(connection.sim("faults", "outage us-east-1").status, 400);
    assert_eq!(connection.look("verdict")["violations"], json!([]));
    connection.sim("reset", "");
    create(&mut connection);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_server_ends_with_the_process_that_started_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let ready = folder.path().join("ready");
    let mut server = Command::new(env!("CARGO_BIN_EXE_dsql-sim"))
        .args(["serve", "--port", "0", "--until-stdin-closes", "--ready-file"])
        .arg(&ready)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("dsql-sim");
    while !ready.exists() {
        thread::sleep(Duration::from_millis(2));
    }
    // The end of a process closes its end of the pipe.
    drop(server.stdin.take());
    let mut out = String::new();
    server.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
    assert_eq!(server.wait().expect("its end").code(), Some(0));
    assert!(out.contains("0 violations"), "{out}");
}

#[test]
fn a_file_that_cannot_grow_ends_the_server_with_a_code_of_its_own() {
    for option in ["--data-dir", "--record"] {
        let folder = tempfile::tempdir().expect("a folder");
        let (ready, target) = (folder.path().join("ready"), folder.path().join("target"));
        // The limit of the size of a file, in blocks, stands for a full disk; its signal is ignored.
        let blocks = if option == "--record" { "8" } else { "4096" };
        let shell = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut server = Command::new("sh")
            .args([
                "-c",
                &shell,
                "sh",
                env!("CARGO_BIN_EXE_dsql-sim"),
                "serve",
                "--port",
                "0",
                "--log",
                "off",
            ])
            .arg("--until-stdin-closes")
            .args(["--ready-file", text(&ready), option, text(&target)])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sh");
        while !ready.exists() && server.try_wait().expect("a child").is_none() {
            thread::sleep(Duration::from_millis(2));
        }
        let url = fs::read_to_string(&ready).expect("a server");
        let address = url.trim().trim_start_matches("http://");
        let mut connection = Connection::open(address).expect("a connection");
        let tags = json!({ "tags": { "text": "x".repeat(200) } });
        // Of many accounts, because each has a quota.
        let accounts = (0..).map(|number| format!("{:012}", number / 10));
        let mut calls = accounts.map(|who| connection.ask(&who, "us-east-1", "POST", "/cluster", &tags));
        calls.find(Result::is_err).expect("it ends").expect_err("it was found");
        let status = server.wait().expect("its end");
        let mut errors = String::new();
        server.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("text");
        assert_eq!(status.code(), Some(4), "{option}: {errors}");
    }
}
