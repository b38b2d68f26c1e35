//! What `dsql-sim serve` does besides answering calls.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Value, json};

use crate::http::{Connection, request};
use crate::server::{Server, refused};

const WHO: &str = "AKIDEXAMPLE";
const WITNESS: &str = "us-west-2";

fn create(connection: &mut Connection, region: &str, input: &Value) -> Value {
    let answer = connection.ask(WHO, region, "POST", "/cluster", input).expect("an answer");
    assert_eq!(answer.status, 200);
    answer.json()
}

fn status(connection: &mut Connection, cluster: &Value, region: &str) -> String {
    let identifier = cluster["identifier"].as_str().expect("an identifier");
    let path = format!("/cluster/{identifier}");
    let answer = connection.ask(WHO, region, "GET", &path, &Value::Null).expect("an answer");
    if answer.status == 404 {
        return "gone".to_owned();
    }
    answer.json()["status"].as_str().expect("a status").to_owned()
}

#[test]
fn every_answer_has_an_id_of_its_own_and_an_error_its_name() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let mut ids = Vec::new();
    for target in ["/cluster", "/cluster/nobody", "/nothing"] {
        let answer = connection.ask(WHO, "us-east-1", "GET", target, &Value::Null).expect("an answer");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-amzn-errortype").is_some(), answer.status != 200);
        ids.push(answer.header("x-amzn-requestid").expect("an id").to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let unsigned = b"GET /cluster HTTP/1.1\r\nhost: dsql.eu-west-1.api.aws\r\n\r\nGET /cluster HTTP/1.1\r\nhost: localhost\r\n\r\n";
    connection.send(unsigned).expect("a connection");
    assert_eq!(connection.answer().expect("an answer").expect("an answer").status, 200);
    let nowhere = connection.answer().expect("an answer").expect("an answer");
    assert_eq!((nowhere.status, nowhere.header("x-amzn-errortype")), (400, Some("ValidationException")));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_scenario_file_sets_the_world_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("set_up.scenario");
    let text =
        "assume single_region_quota=1\ncreate-cluster region=us-east-1\nrun until=quiet\noutage us-west-2\n";
    fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a path");
    let server = Server::start(&["--scenario", file, "--speed", "1000"]);
    let mut connection = server.connect();
    let one_more =
        connection.ask("111122223333", "us-east-1", "POST", "/cluster", &json!({})).expect("an answer");
    assert_eq!(
        (one_more.status, one_more.header("x-amzn-errortype")),
        (402, Some("ServiceQuotaExceededException"))
    );
    let pair = json!({ "multiRegionProperties": { "witnessRegion": WITNESS } });
    let alone = connection.ask("111122223333", "us-east-1", "POST", "/cluster", &pair).expect("an answer");
    assert_eq!(alone.status, 500);
    let state = connection.look("state");
    assert_eq!(state["clusters"]["us-east-1"].as_array().map(Vec::len), Some(1));
    connection.sim("reset", "");
    let state = connection.look("state");
    assert_eq!(state["clusters"]["us-east-1"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_violation_is_said_when_it_happens_and_in_the_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bug.scenario");
    fs::write(&file, "mutant protection-ignored\n").expect("a file");
    let server = Server::start(&["--scenario", file.to_str().expect("a path")]);
    let mut connection = server.connect();
    let pair = json!({ "multiRegionProperties": { "witnessRegion": WITNESS } });
    let cluster = create(&mut connection, "us-east-1", &pair);
    let path = format!("/cluster/{}", cluster["identifier"].as_str().expect("an identifier"));
    let deleted = connection.ask(WHO, "us-east-1", "DELETE", &path, &Value::Null).expect("an answer");
    assert_eq!(deleted.status, 200);
    let verdict = connection.look("verdict");
    assert_eq!(verdict["violations"][0]["invariant"], "protected-not-deleted");
    let ended = server.stop();
    assert_eq!(ended.code, Some(1));
    assert!(ended.errors.contains("ERROR dsql_sim::check: "), "{}", ended.errors);
    assert!(ended.errors.contains("invariant=\"protected-not-deleted\""), "{}", ended.errors);
}

#[test]
fn what_the_admin_api_cannot_do_it_refuses_and_says_why() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for (what, body, why) in [
        ("faults", "crush us-east-1", "did you mean `crash`?"),
        ("faults", "crash mars-1", "Region"),
        ("faults", "create-cluster region=us-east-1", "only faults"),
        ("advance", "{\"by\": \"soon\"}", "30s"),
        ("advance", "{\"by\": \"2000d\"}", "at most 366 days"),
        ("nothing", "", "unknown path"),
    ] {
        let answer = connection.sim(what, body);
        assert!((400..500).contains(&answer.status), "{what} {body}");
        let message = answer.json()["message"].to_string();
        assert!(message.contains(why), "{what} {body}: {message}");
    }
    assert_eq!(connection.look("state")["clusters"], json!({}));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn ctrl_c_and_sigterm_end_it_cleanly_with_a_connection_open() {
    for signal in ["-INT", "-TERM"] {
        let server = Server::start(&["--log", "off"]);
        let mut connection = server.connect();
        create(&mut connection, "us-east-1", &json!({}));
        let ended = server.signal(signal);
        assert_eq!((ended.code, &*ended.errors), (Some(0), ""));
        assert!(ended.out.contains("0 violations"), "{}", ended.out);
    }
}

#[test]
fn one_port_serves_one_process_and_a_bad_option_is_refused() {
    let server = Server::start(&[]);
    let port = server.address.rsplit(':').next().expect("a port");
    let taken = refused(&["--port", port]);
    assert_eq!(taken.code, Some(2), "{}", taken.errors);
    for (arguments, why) in [
        (&["--speed", "0"][..], "--speed"),
        (&["--scenario", "nowhere.scenario"], "nowhere.scenario"),
        (&["--record", "nowhere/recorded.scenario"], "nowhere/recorded.scenario"),
        (&["--record", "r", "--data-dir", "d"], "cannot be used with"),
    ] {
        let ended = refused(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.errors.contains(why), "{}", ended.errors);
    }
}

#[test]
fn the_state_comes_in_pages_that_together_are_all_of_it() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for region in ["us-east-1", "eu-west-1", "us-east-1", "us-east-2"] {
        create(&mut connection, region, &json!({}));
    }
    let whole = connection.look("state");
    assert!(whole.get("nextToken").is_none());
    let mut listed: Vec<(String, Value)> = Vec::new();
    let mut query = "state?max-results=1".to_owned();
    loop {
        let page = connection.look(&query);
        for (region, clusters) in page["clusters"].as_object().expect("an object") {
            let clusters = clusters.as_array().expect("a list");
            listed.extend(clusters.iter().map(|cluster| (region.clone(), cluster.clone())));
        }
        let Some(token) = page["nextToken"].as_str() else { break };
        query = format!("state?max-results=1&next-token={token}");
    }
    let all = whole["clusters"].as_object().expect("an object").iter().flat_map(|(region, clusters)| {
        let clusters = clusters.as_array().expect("a list").clone();
        clusters.into_iter().map(|cluster| (region.clone(), cluster)).collect::<Vec<_>>()
    });
    listed.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(listed, all.collect::<Vec<_>>());
    assert!(connection.look("state?max-results=0")["message"].is_string());
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn memory_that_is_used_up_refuses_changes_until_it_is_given_back() {
    let server = Server::start(&["--memory", "1"]);
    let mut connection = server.connect();
    let read = |connection: &mut Connection| {
        connection.ask(WHO, "us-east-1", "GET", "/cluster", &Value::Null).expect("an answer").status
    };
    let body = json!({ "deletionProtectionEnabled": false });
    // Of many accounts, because each has a quota.
    let who = |number: usize| format!("{:012}", number / 10);
    let mut made = Vec::new();
    let message = loop {
        let answer =
            connection.ask(&who(made.len()), "us-east-1", "POST", "/cluster", &body).expect("an answer");
        if answer.status == 429 {
            break answer.json()["message"].to_string();
        }
        made.push(answer.json()["identifier"].as_str().expect("text").to_owned());
        assert!(made.len() < 2000);
    };
    assert!(message.contains("/_sim/reset") && made.len() > 500, "{} clusters: {message}", made.len());
    assert_eq!(read(&mut connection), 200);
    connection.sim("advance", r#"{"by": "5m"}"#);
    // A deletion is made without memory. It gives back that of the cluster, and time that of the tokens.
    for (number, identifier) in made.iter().enumerate() {
        let path = format!("/cluster/{identifier}");
        let deleted = connection.ask(&who(number), "us-east-1", "DELETE", &path, &Value::Null);
        assert_eq!(deleted.expect("an answer").status, 200);
    }
    connection.sim("advance", r#"{"by": "17h"}"#);
    for number in 0..made.len() {
        let again = connection.ask(&who(number), "us-east-1", "POST", "/cluster", &body).expect("an answer");
        assert_eq!(again.status, 200);
    }
    connection.sim("reset", "");
    create(&mut connection, "us-east-1", &json!({}));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn the_trace_and_the_accounts_that_are_told_apart_have_a_bound() {
    let server = Server::start(&["--speed", "1000"]);
    let mut connection = server.connect();
    let mut ask = |number: u64, method: &str, body: &Value| {
        let who = format!("{:012}", 100_000_000_000 + number);
        connection.ask(&who, "us-east-1", method, "/cluster", body).expect("an answer").json()
    };
    // Each call is two lines of trace at least.
    for number in 0..5100 {
        ask(number, "GET", &Value::Null);
    }
    ask(5100, "POST", &json!({}));
    let count = |answer: Value| answer["clusters"].as_array().map(Vec::len);
    assert_eq!(count(ask(998, "GET", &Value::Null)), Some(0));
    assert_eq!(count(ask(999, "GET", &Value::Null)), Some(1));
    assert_eq!(connection.look("trace")["lines"].as_array().map(Vec::len), Some(10_000));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_client_that_reads_nothing_is_left() {
    let server = Server::start(&["--timeout", "1", "--speed", "1000"]);
    let mut deaf = server.connect();
    let ask = request(WHO, "us-east-1", "GET", "/cluster", &Value::Null).repeat(100);
    let error = loop {
        if let Err(error) = deaf.send(&ask) {
            break error;
        }
    };
    // Were it not left, it would find after a minute that it cannot send.
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_connection_that_says_nothing_or_half_of_it_is_closed() {
    let server = Server::start(&["--timeout", "1"]);
    let half = b"POST /cluster HTTP/1.1\r\nhost: dsql.us-east-1.api.aws\r\ncontent-length: 10\r\n\r\n{";
    let admin = b"POST /_sim/advance HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{";
    for (said, has_head) in [(&b""[..], false), (b"GET /clus", false), (half, true), (admin, true)] {
        let mut connection = server.connect();
        connection.send(said).expect("a connection");
        let answer = connection.answer().expect("an end");
        assert_eq!(answer.is_some(), has_head, "{said:?}");
        if let Some(answer) = answer {
            assert_eq!(answer.status, 400);
            assert!(answer.json()["message"].to_string().contains("did not arrive within 1s"));
            assert!(connection.answer().expect("an end").is_none());
        }
    }
    let mut idle = server.connect();
    create(&mut idle, "us-east-1", &json!({}));
    assert!(idle.answer().expect("an end").is_none());
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_client_that_leaves_does_not_end_its_call() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    connection.ask(WHO, "us-east-1", "GET", "/cluster", &Value::Null).expect("an answer");
    connection.sim("faults", "hold us-east-1->client-1 response");
    let mut leaver = server.connect();
    let token = json!({ "clientToken": "left" });
    leaver.send(&request(WHO, "us-east-1", "POST", "/cluster", &token)).expect("a connection");
    let made = |connection: &mut Connection| connection.look("state")["clusters"]["us-east-1"][0].clone();
    while made(&mut connection).is_null() {}
    drop(leaver);
    connection.sim("faults", "heal");
    let cluster = create(&mut connection, "us-east-1", &token);
    assert_eq!(cluster["identifier"], made(&mut connection)["identifier"]);
    connection.sim("advance", "{\"by\": \"1m\"}");
    assert_eq!(status(&mut connection, &cluster, "us-east-1"), "ACTIVE");
    assert_eq!(server.stop().code, Some(0));
}

/// What is in a data directory, by name.
fn contents(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().expect("a name");
        (name, fs::read(entry.path()).expect("a file"))
    };
    let mut contents: Vec<_> = entries.map(read).collect();
    contents.sort();
    contents
}

#[test]
fn a_data_directory_that_is_not_right_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = folder.path().join("good");
    let path = good.to_str().expect("a path");
    let server = Server::start(&["--data-dir", path]);
    let in_use = refused(&["--data-dir", path]);
    assert_eq!(in_use.code, Some(2));
    assert!(in_use.errors.contains("another process is using it"), "{}", in_use.errors);
    let mut connection = server.connect();
    for number in 0..20 {
        create(&mut connection, "us-east-1", &json!({ "clientToken": format!("t{number}") }));
    }
    assert_eq!(server.stop().code, Some(0));

    let [(count_name, count), (name, whole)] = &contents(&good)[..] else { panic!("two files") };
    let bad = folder.path().join("bad");
    let is_refused = |arguments: &[&str], why: &str| {
        let before = contents(&bad);
        let ended = refused(&[arguments, &["--data-dir", bad.to_str().expect("a path")]].concat());
        assert_eq!(ended.code, Some(2), "{why}: {}", ended.errors);
        assert!(ended.errors.contains(why), "{why}: {}", ended.errors);
        assert!(ended.errors.contains(bad.to_str().expect("a path")), "{}", ended.errors);
        assert!(contents(&bad) == before, "{why}: it was touched");
    };
    fs::create_dir(&bad).expect("a directory");
    fs::write(bad.join("notes.txt"), "mine").expect("a file");
    is_refused(&[], "holds no data of dsql-sim");
    fs::remove_file(bad.join("notes.txt")).expect("a file");
    fs::write(bad.join(count_name), count).expect("a file");
    is_refused(&[], "dsql-sim.redb is missing");
    let lengths = [0, 1, 100, 4096, whole.len() / 3, whole.len() / 2, whole.len() - 4096, whole.len() - 1];
    for length in lengths {
        fs::write(bad.join(name), &whole[..length]).expect("a file");
        is_refused(&[], "damaged");
    }
    fs::write(bad.join(name), "PK\x03\x04 something else altogether".repeat(1000)).expect("a file");
    is_refused(&[], "damaged");
    fs::write(bad.join(name), whole).expect("a file");
    is_refused(&["--seed", "1"], "another scenario or seed");
}

#[test]
fn what_was_kept_goes_on_and_a_reset_forgets_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made").join("here");
    let arguments = ["--data-dir", path.to_str().expect("a path"), "--speed", "1"];
    let token = json!({ "clientToken": "t", "deletionProtectionEnabled": false });
    let server = Server::start(&arguments);
    let first = create(&mut server.connect(), "us-east-1", &token);
    server.kill();

    let server = Server::start(&arguments);
    let mut connection = server.connect();
    assert_eq!(status(&mut connection, &first, "us-east-1"), "CREATING");
    assert_eq!(create(&mut connection, "us-east-1", &token), first);
    connection.sim("advance", "{\"by\": \"1m\"}");
    assert_eq!(status(&mut connection, &first, "us-east-1"), "ACTIVE");
    let other = create(&mut connection, "us-east-1", &json!({}));
    assert_ne!(other["identifier"], first["identifier"]);
    assert_eq!(server.stop().code, Some(0));

    let server = Server::start(&arguments);
    let mut connection = server.connect();
    assert_eq!(status(&mut connection, &first, "us-east-1"), "ACTIVE");
    connection.sim("reset", "");
    assert_eq!(status(&mut connection, &first, "us-east-1"), "gone");
    server.kill();
    let server = Server::start(&arguments);
    assert_eq!(status(&mut server.connect(), &first, "us-east-1"), "gone");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn time_never_goes_back_and_disabled_keys_stay_disabled_in_another_life() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("a path");
    let arguments = ["--data-dir", path, "--speed", "1"];
    let key = json!({ "kmsEncryptionKey": "arn:aws:kms:us-east-1:111122223333:key/k" });
    let time = |answer: &Value| answer["virtualMilliseconds"].as_u64().expect("a time");

    let server = Server::start(&arguments);
    let mut connection = server.connect();
    let cluster = create(&mut connection, "us-east-1", &key);
    connection.sim("advance", "{\"by\": \"1h\"}");
    connection.sim("faults", "disable-key arn:aws:kms:us-east-1:111122223333:key/k");
    connection.sim("faults", "disable-keys us-east-2");
    let shown = time(&connection.sim("advance", "{\"by\": \"24h\"}").json());
    assert_eq!(status(&mut connection, &cluster, "us-east-1"), "IDLE");
    server.kill();

    let server = Server::start(&arguments);
    let mut connection = server.connect();
    let later = time(&connection.look("state"));
    assert!(later >= shown, "{later} is before {shown}");
    assert_eq!(status(&mut connection, &cluster, "us-east-1"), "IDLE");
    for (region, key, answer) in
        [("us-east-1", "k", 400), ("us-east-1", "other", 200), ("us-east-2", "k", 400)]
    {
        let input = json!({ "kmsEncryptionKey": key });
        let answered = connection.ask(WHO, region, "POST", "/cluster", &input).expect("an answer");
        assert_eq!(answered.status, answer, "{key} in {region}");
    }
    connection.sim("faults", "enable-key arn:aws:kms:us-east-1:111122223333:key/k");
    let shown = time(&connection.look("verdict"));
    server.kill();

    let server = Server::start(&arguments);
    let mut connection = server.connect();
    assert!(time(&connection.look("state")) >= shown);
    assert_eq!(status(&mut connection, &cluster, "us-east-1"), "ACTIVE");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn raised_quotas_and_restored_clusters_are_there_in_another_life() {
    let folder = tempfile::tempdir().expect("a folder");
    let set_up = folder.path().join("set-up.scenario");
    fs::write(&set_up, "assume single_region_quota=1\n").expect("a file");
    let data = folder.path().join("data");
    let (data, set_up) = (data.to_str().expect("a path"), set_up.to_str().expect("a path"));
    let arguments = ["--data-dir", data, "--scenario", set_up, "--speed", "1"];
    let is_full = |connection: &mut Connection| {
        connection.ask(WHO, "us-east-1", "POST", "/cluster", &json!({})).expect("an answer").status == 402
    };
    let listed = |connection: &mut Connection| {
        let answer = connection.ask(WHO, "us-east-1", "GET", "/cluster", &Value::Null).expect("an answer");
        answer.json()["clusters"].as_array().expect("a list").clone()
    };

    let server = Server::start(&arguments);
    let mut connection = server.connect();
    connection.sim("faults", "restore-cluster us-east-1");
    assert!(is_full(&mut connection));
    connection.sim("faults", "raise-quota us-east-1 single-region to=3");
    connection.sim("faults", "restore-cluster us-east-1");
    let restored = listed(&mut connection);
    assert_eq!(restored.len(), 2);
    server.kill();

    let server = Server::start(&arguments);
    let mut connection = server.connect();
    assert_eq!(listed(&mut connection), restored);
    create(&mut connection, "us-east-1", &json!({}));
    assert!(is_full(&mut connection));
    connection.sim("faults", "raise-quota us-east-1 single-region to=5");
    connection.sim("faults", "restore-cluster us-east-1");
    let identifiers: BTreeSet<_> = listed(&mut connection)
        .iter()
        .map(|cluster| cluster["identifier"].as_str().expect("an identifier").to_owned())
        .collect();
    assert_eq!(identifiers.len(), 4);
    connection.sim("advance", "{\"by\": \"1m\"}");
    assert!(restored.iter().all(|cluster| status(&mut connection, cluster, "us-east-1") == "ACTIVE"));
    assert_eq!(connection.look("verdict")["violations"], json!([]));
    assert_eq!(server.stop().code, Some(0));
}
