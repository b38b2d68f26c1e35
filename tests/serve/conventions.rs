//! What people expect of a local stand-in for AWS: health, reset, injected errors, and a start that scripts can follow.

use std::fs;
use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::process::Command;

use serde_json::{Value, json};

use crate::http::{Answer, Connection, request};
use crate::server::{Server, refused};

fn ask(connection: &mut Connection, method: &str, target: &str, body: &Value) -> Answer {
    connection.ask("any", "us-east-1", method, target, body).expect("an answer")
}

fn health(url: &str) -> Option<i32> {
    let command =
        Command::new(env!("CARGO_BIN_EXE_dsql-sim")).args(["health", url, "--timeout", "5"]).output();
    command.expect("dsql-sim").status.code()
}

#[test]
fn a_health_check_passes_as_long_as_the_server_lives() {
    let server = Server::start(&[]);
    let url = format!("http://{}", server.address);
    assert_eq!(health(&url), Some(0));
    assert_eq!(health(&url.replace("127.0.0.1", "localhost")), Some(0));
    let mut connection = server.connect();
    for target in ["/health", "/_localstack/health"] {
        let answer = ask(&mut connection, "GET", target, &Value::Null);
        assert_eq!((answer.status, &answer.json()["services"]["dsql"]), (200, &json!("running")));
    }
    assert_eq!(server.stop().code, Some(0));
    assert_eq!(health(&url), Some(1));
    // A server of another kind.
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = other.local_addr().expect("an address");
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().expect("a connection");
        stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").expect("a client");
    });
    assert_eq!(health(&format!("http://{address}")), Some(1));
    answering.join().expect("an answer");
}

#[test]
fn the_resets_of_other_stand_ins_empty_the_world() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for target in ["/moto-api/reset", "/_localstack/state/reset"] {
        assert_eq!(ask(&mut connection, "POST", "/cluster", &json!({})).status, 200);
        assert_eq!(connection.look("state")["clusters"]["us-east-1"].as_array().map(Vec::len), Some(1));
        let answer = ask(&mut connection, "POST", target, &Value::Null);
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("ok")));
        assert_eq!(connection.look("state")["clusters"], json!({}));
    }
    assert_eq!(ask(&mut connection, "GET", "/moto-api/reset", &Value::Null).status, 405);
    assert_eq!(ask(&mut connection, "GET", "/_localstack/info", &Value::Null).status, 404);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn chaos_rules_answer_with_their_error_until_they_are_removed() {
    const CHAOS: &str = "/_localstack/chaos/faults";
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let rule = |operation: &str, code: &str| json!({ "service": "dsql", "region": "us-east-1", "operation": operation, "error": { "code": code } });
    let first = json!([rule("CreateCluster", "ThrottlingException")]);
    let answer = ask(&mut connection, "POST", CHAOS, &first);
    assert_eq!((answer.status, answer.json()), (200, first));
    assert_eq!(
        ask(&mut connection, "PATCH", CHAOS, &json!([rule("ListClusters", "ConflictException")])).status,
        200
    );
    for _ in 0..3 {
        assert_eq!(ask(&mut connection, "POST", "/cluster", &json!({})).status, 429);
        assert_eq!(ask(&mut connection, "GET", "/cluster", &Value::Null).status, 409);
    }
    for (wrong, why) in [
        (json!([{ "service": "s3" }]), "service"),
        (json!([{ "probability": 0.005 }]), "probability"),
        (json!([{ "probability": 1.5 }]), "probability"),
        (json!([{ "probability": -0.5 }]), "probability"),
        (json!([{ "probability": 1e-9 }]), "probability"),
        (json!([{ "probability": "often" }]), "string"),
        (json!([{ "error": { "code": "Teapot" } }]), "Teapot"),
        (json!([{ "error": { "code": "ThrottlingException", "statusCode": 503 } }]), "429"),
        (json!([{ "operation": "x\nheal" }]), "single words"),
        (json!([{ "region": "mars-1" }]), "mars-1"),
        (json!([{ "colour": "red" }]), "colour"),
        (json!({}), "list"),
    ] {
        let answer = ask(&mut connection, "PATCH", CHAOS, &wrong);
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(answer.json()["message"].to_string().contains(why), "{wrong}: {}", answer.json());
    }
    assert_eq!(ask(&mut connection, "GET", CHAOS, &Value::Null).json().as_array().map(Vec::len), Some(2));
    assert_eq!(ask(&mut connection, "DELETE", CHAOS, &Value::Null).json(), json!([]));
    assert_eq!(ask(&mut connection, "POST", "/cluster", &json!({})).status, 200);
    // Without a Region a rule is one of every Region.
    assert_eq!(ask(&mut connection, "POST", CHAOS, &json!([{ "operation": "CreateCluster" }])).status, 200);
    let elsewhere = connection.ask("any", "eu-west-1", "POST", "/cluster", &json!({})).expect("an answer");
    assert_eq!(elsewhere.status, 500);
    assert_eq!(server.stop().code, Some(0));
}

/// The statuses of 200 calls of ListClusters under a chaos rule with this probability.
fn statuses(server: &Server, probability: f64) -> Vec<u16> {
    const CHAOS: &str = "/_localstack/chaos/faults";
    let mut connection = server.connect();
    let rule = json!([{
        "service": "dsql",
        "region": "us-east-1",
        "operation": "ListClusters",
        "error": { "code": "InternalServerException" },
        "probability": probability,
    }]);
    assert_eq!(ask(&mut connection, "POST", CHAOS, &rule).status, 200);
    assert_eq!(ask(&mut connection, "GET", CHAOS, &Value::Null).json(), rule);
    let statuses = (0..200).map(|_| ask(&mut connection, "GET", "/cluster", &Value::Null).status).collect();
    // Another operation is spared.
    assert_eq!(ask(&mut connection, "POST", "/cluster", &json!({})).status, 200);
    statuses
}

#[test]
fn a_chaos_rule_with_a_probability_meets_the_same_calls_in_every_run() {
    let run = |seed: &str, probability: f64| {
        let server = Server::start(&["--seed", seed]);
        let statuses = statuses(&server, probability);
        assert_eq!(server.stop().code, Some(0));
        statuses
    };
    let refused = |statuses: &[u16]| statuses.iter().filter(|status| **status == 500).count();
    let quarter = run("7", 0.25);
    assert!((25..80).contains(&refused(&quarter)), "{}", refused(&quarter));
    assert_eq!(run("7", 0.25), quarter);
    assert_ne!(run("8", 0.25), quarter);
    assert_eq!(refused(&run("7", 0.0)), 0);
}

#[test]
fn a_recording_of_a_chaos_rule_with_a_probability_replays_to_the_same_hash() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("recorded.scenario");
    let recording = file.to_str().expect("a path");
    let server = Server::start(&["--record", recording]);
    let statuses = statuses(&server, 0.5);
    assert!(statuses.contains(&200) && statuses.contains(&500));
    let ended = server.stop();
    let (_, hash) = ended.out.split_once("hash ").expect("a hash");
    let (hash, _) = hash.split_once(',').expect("its end");
    let replay = ["run", recording, "--format", "json"];
    let replayed = Command::new(env!("CARGO_BIN_EXE_dsql-sim")).args(replay).output().expect("dsql-sim");
    let report = String::from_utf8(replayed.stdout).expect("text");
    assert!(replayed.status.success() && report.contains(hash), "{report}");
}

#[test]
fn the_active_faults_can_be_listed() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let faults = "outage us-west-2\ndrop us-east-1->* CreateCluster.response times=2\ncrash eu-west-1\n\
                  throttle us-east-2 times=3\ndeny us-east-1 GetCluster\nat +1h skew us-east-1 by=+5s";
    assert_eq!(connection.sim("faults", faults).status, 200);
    assert_eq!(
        connection.ask("any", "us-east-2", "GET", "/cluster", &Value::Null).expect("an answer").status,
        429
    );
    let listed = connection.look("faults")["faults"].to_string();
    for line in [
        "\"outage us-west-2\"",
        "\"drop us-east-1->* CreateCluster.response times=2\"",
        "\"crash us-east-1\"".replace("us-east-1", "eu-west-1").as_str(),
        "throttle us-east-2 times=2",
        "deny us-east-1 GetCluster",
    ] {
        assert!(listed.contains(line), "{line} is not in {listed}");
    }
    assert!(!listed.contains("skew"), "{listed}");
    assert_eq!(
        connection
            .sim("faults", "heal\nrestart us-west-2\nrestart us-west-2/witness\nrestart eu-west-1")
            .status,
        200
    );
    assert_eq!(connection.look("faults")["faults"], json!([]));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_verb_of_the_set_up_is_no_fault() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for line in
        ["seed 7", "regions use1=us-east-1", "mutant protection-ignored", "assume creation_fails=true"]
    {
        let answer = connection.sim("faults", line);
        let verb = line.split(' ').next().expect("a verb");
        let message = answer.json()["message"].to_string();
        assert_eq!(answer.status, 400, "{line}");
        assert!(message.contains(&format!("`{verb}`")), "{message}");
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_fault_may_name_a_client_that_has_not_called_yet() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("recorded.scenario");
    let recording = file.to_str().expect("a path");
    let server = Server::start(&["--record", recording, "--speed", "60"]);
    let mut connection = server.connect();
    assert_eq!(
        connection.sim("faults", "drop us-east-1->client-2 CreateCluster.response times=1").status,
        200
    );
    let create = |who: &str| {
        let mut connection = server.connect();
        connection.send(&request(who, "us-east-1", "POST", "/cluster", &json!({}))).expect("a connection");
        connection.answer().expect("an end").map(|answer| answer.status)
    };
    assert_eq!(create("222233334444"), Some(200));
    assert_eq!(create("555566667777"), None, "the second client loses its answer");
    assert_eq!(create("555566667777"), Some(200));
    assert_eq!(connection.sim("faults", "partition us-east-1<->client-9").status, 200);
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    let replayed = Command::new(env!("CARGO_BIN_EXE_dsql-sim")).args(["run", recording]).output();
    let replayed = replayed.expect("dsql-sim");
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stdout));
    let text = fs::read_to_string(file).expect("a recording");
    assert!(text.contains("client-2") && text.contains("555566667777"), "{text}");
}

#[test]
fn a_reset_takes_a_seed_and_nothing_else() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let mut identifier = |body: &str| {
        assert_eq!(connection.sim("reset", body).status, 200);
        ask(&mut connection, "POST", "/cluster", &json!({})).json()["identifier"].clone()
    };
    assert_ne!(identifier("{\"seed\": 7}"), identifier("{\"seed\": 8}"));
    for body in ["{\"seeds\": 7}", "{\"seed\": \"x\"}", "7"] {
        let answer = connection.sim("reset", body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json()["message"].to_string().contains("seed"), "{body}");
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_client_that_closes_its_half_of_the_connection_gets_its_answer() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.send(&request("any", "us-east-1", "POST", "/cluster", &json!({}))).expect("a connection");
    connection.stream().shutdown(Shutdown::Write).expect("a connection");
    assert_eq!(connection.answer().expect("an answer").map(|answer| answer.status), Some(200));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let ended = refused(&["--port", &port]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.errors.contains(&format!("127.0.0.1:{port}")), "{}", ended.errors);
}

#[test]
fn the_start_ends_with_ready_and_leaves_other_files_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ready, part) = (folder.path().join("url.txt"), folder.path().join("url.part"));
    fs::write(&part, "mine").expect("a file");
    let server = Server::start(&["--account", "444455556666"]);
    let path = ready.to_str().expect("a path").to_owned();
    let other = Server::start_with_ready_file(&path);
    assert_eq!(fs::read_to_string(&part).expect("a file"), "mine");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    let url = format!("http://{}", other.address);
    assert_eq!(fs::read_to_string(&ready).expect("a file"), format!("{url}\n"));
    let lines: Vec<String> = other.stop().out.lines().map(str::to_owned).collect();
    let wanted = [
        format!("dsql-sim is ready at {url}"),
        format!("export AWS_ENDPOINT_URL_DSQL={url}"),
        "Ready.".to_owned(),
    ];
    assert_eq!(lines[..3], wanted);
    let mut connection = server.connect();
    let cluster = ask(&mut connection, "POST", "/cluster", &json!({})).json();
    assert!(cluster["arn"].to_string().contains(":444455556666:"), "{cluster}");
    assert_eq!(server.stop().code, Some(0));
}
