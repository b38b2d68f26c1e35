//! The live page: the page itself, its events, its clock, and the scenario that it saves.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Connection, request};
use crate::server::Server;

const WHO: &str = "AKIDEXAMPLE";

/// A watcher: a connection on which the server sends events.
struct Watcher {
    stream: BufReader<TcpStream>,
    /// The picture, with the changes so far.
    picture: Value,
    /// What came since the last look: the names of the events, the calls, and the lines.
    names: Vec<String>,
    pulses: usize,
    calls: Vec<Value>,
    lines: Vec<String>,
}

impl Watcher {
    /// Begins to watch, and reads nothing.
    fn begin(server: &Server, headers: &str) -> Watcher {
        let mut stream = TcpStream::connect(&server.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        let text = format!("GET /_sim/events HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        stream.write_all(text.as_bytes()).expect("a connection");
        Watcher {
            stream: BufReader::new(stream),
            picture: json!({}),
            names: Vec::new(),
            pulses: 0,
            calls: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Watches until the first picture is there.
    fn open(server: &Server) -> Watcher {
        let mut watcher = Watcher::begin(server, "");
        watcher.until(|it| it.names.contains(&"picture".to_owned()));
        watcher
    }

    /// Reads one event; `false` at the end of the stream.
    fn read(&mut self) -> io::Result<bool> {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Ok(false);
            }
            if let Some(found) = line.trim().strip_prefix("event: ") {
                name = found.to_owned();
            }
            // A pulse comes every ten seconds.
            self.pulses += usize::from(line.trim() == ":");
            assert!(self.pulses < 6, "nothing changes any more");
            let Some(data) = line.strip_prefix("data: ") else { continue };
            self.pulses = 0;
            let sections: Value = serde_json::from_str(data).expect("JSON");
            for (section, value) in sections.as_object().expect("sections") {
                let list = || value["list"].as_array().expect("a list").iter();
                match section.as_str() {
                    "calls" => self.calls.extend(list().cloned()),
                    "lines" => self.lines.extend(list().map(|line| line.as_str().expect("text").to_owned())),
                    _ => self.picture[section] = value.clone(),
                }
            }
            self.names.push(name);
            return Ok(true);
        }
    }

    /// Reads events until one of them has made `is_met` true.
    fn until(&mut self, is_met: impl Fn(&Watcher) -> bool) {
        while !is_met(self) {
            assert!(self.read().expect("an event"), "the events ended");
        }
    }

    fn region(&self, name: &str) -> &Value {
        let regions = self.picture["regions"].as_array().expect("Regions").iter();
        regions.into_iter().find(|region| region["name"] == name).expect("a Region")
    }

    fn statuses(&self) -> Vec<&str> {
        let clusters = self.picture["clusters"]["list"].as_array().expect("clusters").iter();
        clusters.map(|cluster| cluster["status"].as_str().expect("text")).collect()
    }
}

/// Creates a cluster in us-east-1.
fn create(connection: &mut Connection, token: &str) -> Value {
    let input = json!({ "clientToken": token, "deletionProtectionEnabled": false });
    connection.ask(WHO, "us-east-1", "POST", "/cluster", &input).expect("an answer").json()
}

/// What the server answers to a GET with these header lines.
fn get(server: &Server, target: &str, headers: &str) -> crate::http::Answer {
    let mut connection = server.connect();
    let text = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    connection.send(text.as_bytes()).expect("a connection");
    connection.answer().expect("an answer").expect("an answer")
}

#[test]
fn the_page_loads_nothing_but_its_own_files_and_no_other_page_may_frame_it() {
    let server = Server::start(&[]);
    for (target, media_type) in [
        ("/_sim/", "text/html"),
        ("/_sim", "text/html"),
        ("/_sim/live.js", "text/javascript"),
        ("/_sim/live.css", "text/css"),
    ] {
        let answer = get(&server, target, "");
        assert_eq!(answer.status, 200, "{target}");
        assert!(answer.header("content-type").expect("a type").starts_with(media_type), "{target}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").expect("a policy");
        for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        let text = String::from_utf8(answer.body).expect("text");
        assert!(!text.contains("https://"), "{target} refers to another server");
        assert!(
            !text.contains(" style=") && !text.contains(" onclick="),
            "{target} has what its policy forbids"
        );
    }
    let page = String::from_utf8(get(&server, "/_sim/", "").body).expect("text");
    for region in ["us-east-1", "eu-central-1", "sa-east-1"] {
        assert!(page.contains(&format!("data-region=\"{region}\"")), "{region}");
    }
    let mut connection = server.connect();
    assert_eq!(connection.sim("events", "").status, 405);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_watcher_sees_a_call_and_the_status_that_follows_from_it() {
    let server = Server::start(&["--speed", "600"]);
    let mut connection = server.connect();
    create(&mut connection, "before");
    let mut watcher = Watcher::open(&server);
    assert_eq!(watcher.picture["clock"]["speed"], 600);
    assert_eq!(watcher.calls[0]["operation"], "CreateCluster");
    assert_eq!(watcher.region("us-east-1")["controlPlane"], "up");
    assert_eq!(watcher.region("us-east-1")["witness"], Value::Null);
    assert_eq!(watcher.region("us-east-1")["clusters"], 1);
    let made = create(&mut connection, "after");
    watcher.until(|it| it.calls.len() == 2 && it.statuses().len() == 2);
    assert_eq!(
        (&watcher.calls[1]["outcome"], &watcher.calls[1]["detail"]),
        (&json!("ok"), &json!("CREATING"))
    );
    assert_eq!(watcher.calls[1]["client"], "client-1");
    assert!(
        watcher.lines.iter().any(|line| line.contains("calls us-east-1 CreateCluster")),
        "{:?}",
        watcher.lines
    );
    watcher.until(|it| it.statuses() == ["ACTIVE", "ACTIVE"]);
    let shown = &watcher.picture["clusters"]["list"][1];
    assert_eq!(shown["identifier"], made["identifier"]);
    assert_eq!(watcher.region("us-east-1")["statuses"], json!({ "ACTIVE": 2 }));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn faults_and_those_who_wait_are_shown() {
    let server = Server::start(&["--speed", "10"]);
    let mut watcher = Watcher::open(&server);
    let mut connection = server.connect();
    connection.sim("faults", "outage us-east-1\npartition us-east-2<->us-west-2\ncrash eu-west-1/witness");
    watcher.until(|it| {
        it.region("us-east-1")["controlPlane"] == "dark" && it.region("eu-west-1")["witness"] == "down"
    });
    assert_eq!(watcher.region("us-east-1")["witness"], "dark");
    let rules = &watcher.picture["rules"]["list"];
    assert_eq!(
        (&rules[0]["from"], &rules[0]["to"], &rules[0]["isPartition"]),
        (&json!("us-east-2"), &json!("us-west-2"), &json!(true))
    );
    let faults = &watcher.picture["faults"]["list"];
    assert!(
        faults
            .as_array()
            .expect("a list")
            .contains(&json!({ "text": "outage us-east-1", "end": "restart us-east-1 us-east-1/witness" })),
        "{faults}"
    );
    connection.send(&request(WHO, "us-east-1", "GET", "/cluster", &Value::Null)).expect("a connection");
    watcher.until(|it| it.picture["waits"]["list"] != json!([]));
    assert_eq!(
        watcher.picture["waits"]["list"][0],
        json!({ "waiter": "client-1", "missing": [["us-east-1", "dark"]], "action": "answer ListClusters" })
    );
    assert_eq!(watcher.picture["open"]["list"][0]["operation"], "ListClusters");
    assert!(connection.answer().expect("an end").is_none(), "the call has a time-out");
    watcher.until(|it| it.picture["waits"]["list"] == json!([]) && !it.calls.is_empty());
    assert_eq!(watcher.calls[0]["outcome"], "unknown");
    connection.reconnect();
    connection.sim("faults", "heal\nrestart us-east-1\nrestart us-east-1/witness\nrestart eu-west-1/witness");
    watcher.until(|it| it.picture["faults"]["list"] == json!([]));
    assert_eq!(watcher.region("us-east-1")["controlPlane"], "up");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_violation_is_shown_when_it_occurs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("planted.scenario");
    fs::write(
        &file,
        "# A control plane shows deletion protection that is off as on.\n\nmutant protection-shown-on\n",
    )
    .expect("room");
    let server = Server::start(&["--scenario", file.to_str().expect("a path")]);
    let mut watcher = Watcher::open(&server);
    assert_eq!(watcher.picture["violations"], json!([]));
    let mut connection = server.connect();
    let made = create(&mut connection, "a");
    let path = format!("/cluster/{}", made["identifier"].as_str().expect("an identifier"));
    connection.ask(WHO, "us-east-1", "GET", &path, &Value::Null).expect("an answer");
    watcher.until(|it| it.picture["violations"] != json!([]));
    assert_eq!(watcher.picture["violations"][0]["invariant"], "acknowledged-is-visible");
    assert_eq!(server.stop().code, Some(1));
}

#[test]
fn a_reset_shows_the_new_world() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    create(&mut connection, "a");
    let mut watcher = Watcher::open(&server);
    assert_eq!(watcher.statuses().len(), 1);
    watcher.names.clear();
    connection.sim("reset", r#"{"seed": 9}"#);
    watcher.until(|it| it.names.contains(&"picture".to_owned()));
    assert_eq!(watcher.picture["clock"]["seed"], 9);
    assert_eq!(watcher.statuses(), [""; 0]);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn time_and_the_end_of_a_run_are_shown_though_nothing_happens() {
    for arguments in [&["--clock", "stepped"][..], &[]] {
        let server = Server::start(arguments);
        let mut watcher = Watcher::open(&server);
        let mut connection = server.connect();
        connection.sim("advance", r#"{"by": "1h"}"#);
        watcher.until(|it| it.picture["clock"]["virtualMilliseconds"].as_u64() >= Some(3_600_000));
        assert_eq!(watcher.picture["clock"]["hasEnded"], false);
        connection.sim("verdict", "");
        watcher.until(|it| it.picture["clock"]["hasEnded"] == true);
        assert_eq!(server.stop().code, Some(0));
    }
}

#[test]
fn a_watcher_that_does_not_read_stops_nobody_and_gets_a_picture_later() {
    let server = Server::start(&["--speed", "200000", "--timeout", "3600", "--log", "off"]);
    let mut slow = Watcher::begin(&server, "");
    let mut connection = server.connect();
    let long = "x".repeat(250);
    // More than all the buffers between the server and the watcher hold.
    for number in 0..400 {
        for _ in 0..40 {
            let input = json!({ "tags": { format!("{long}{number}")[..128].to_owned(): &long[..200] } });
            let bad = connection.ask(WHO, "us-east-1", "POST", "/cluster/none", &input).expect("an answer");
            assert!(bad.status >= 400);
        }
        thread::sleep(Duration::from_millis(1));
    }
    let kib = server.resident_kib();
    assert!(kib < 300_000, "the server keeps {kib} KiB");
    create(&mut connection, "last");
    slow.until(|it| it.picture["regions"].is_array() && it.region("us-east-1")["clusters"] == 1);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_world_of_many_clusters_is_shown_in_part() {
    let server = Server::start(&["--log", "off"]);
    let mut connection = server.connect();
    connection.sim("faults", "raise-quota us-east-1 single-region to=500");
    for number in 0..300 {
        create(&mut connection, &format!("t{number}"));
    }
    let mut watcher = Watcher::open(&server);
    let clusters = &watcher.picture["clusters"];
    assert_eq!(
        clusters["list"].as_array().expect("a list").len() as u64
            + clusters["more"].as_u64().expect("a number"),
        300
    );
    assert_eq!(watcher.region("us-east-1")["clusters"], 300);
    assert!(watcher.picture.to_string().len() < 60_000, "{}", watcher.picture.to_string().len());
    assert!(watcher.calls.len() <= 50 && watcher.lines.len() <= 60);
    create(&mut connection, "another");
    watcher.until(|it| it.region("us-east-1")["clusters"] == 301);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn the_events_end_with_the_server_and_too_many_watchers_are_refused() {
    let server = Server::start(&[]);
    let mut watchers: Vec<_> = (0..32).map(|_| Watcher::open(&server)).collect();
    let refused = get(&server, "/_sim/events", "");
    assert_eq!(refused.status, 429);
    assert!(refused.json()["message"].to_string().contains("close a page"));
    assert_eq!(server.stop().code, Some(0));
    for watcher in &mut watchers {
        while watcher.read().unwrap_or(false) {}
    }
}

#[test]
fn a_watcher_that_leaves_makes_room_for_another() {
    let server = Server::start(&[]);
    for _ in 0..3 {
        let watchers: Vec<_> = (0..32).map(|_| Watcher::open(&server)).collect();
        drop(watchers);
        // The server notices the end of a connection when it writes to it.
        let mut connection = server.connect();
        while get_status_of_events(&server) == 429 {
            create(&mut connection, "again");
            thread::sleep(Duration::from_millis(20));
        }
    }
    assert_eq!(server.stop().code, Some(0));
}

/// The status of the answer to a watcher that leaves at once.
fn get_status_of_events(server: &Server) -> u16 {
    let mut watcher = Watcher::begin(server, "");
    let mut line = String::new();
    watcher.stream.read_line(&mut line).expect("an answer");
    line["HTTP/1.1 ".len()..][..3].parse().expect("a status")
}

#[test]
fn what_the_page_reads_and_does_has_the_protections_of_the_control_interface() {
    let server = Server::start(&["--token", "s3cret"]);
    for target in ["/_sim/events", "/_sim/scenario", "/_sim/clock"] {
        assert_eq!(get(&server, target, "").status, 401, "{target}");
        assert_eq!(get(&server, target, "authorization: Bearer s3cre\r\n").status, 401, "{target}");
    }
    // The page holds nothing about the world, and asks for the token.
    assert_eq!(get(&server, "/_sim/", "").status, 200);
    let mut watcher = Watcher::begin(&server, "authorization: Bearer s3cret\r\n");
    watcher.until(|it| it.picture["clock"]["clock"] == "wall");
    for target in ["/_sim/", "/_sim/live.js", "/_sim/events", "/_sim/scenario", "/_sim/clock"] {
        for header in [
            "origin: http://evil.example\r\n",
            "sec-fetch-site: cross-site\r\n",
            "sec-fetch-site: same-site\r\n",
        ] {
            let answer = get(&server, target, &format!("authorization: Bearer s3cret\r\n{header}"));
            assert_eq!(answer.status, 403, "{target} {header}");
        }
    }
    assert_eq!(server.stop().code, Some(0));
}

/// The virtual time.
fn now(connection: &mut Connection) -> u64 {
    connection.look("clock")["virtualNanoseconds"].as_u64().expect("a time")
}

#[test]
fn a_paused_clock_stands_still_and_goes_on_in_steps() {
    let server = Server::start(&["--speed", "60"]);
    let mut connection = server.connect();
    assert_eq!(connection.sim("clock", r#"{"step": true}"#).status, 400);
    let paused = connection.sim("clock", r#"{"paused": true}"#).json();
    assert_eq!(
        (&paused["clock"], &paused["paused"], &paused["speed"]),
        (&json!("wall"), &json!(true), &json!(60))
    );
    let before = now(&mut connection);
    thread::sleep(Duration::from_millis(20));
    assert_eq!(now(&mut connection), before);
    // A call waits until steps have answered it.
    let mut caller = server.connect();
    caller.send(&request(WHO, "us-east-1", "GET", "/cluster", &Value::Null)).expect("a connection");
    let mut watcher = Watcher::open(&server);
    watcher.until(|it| it.picture["open"]["list"] != json!([]));
    let mut steps = 0;
    while watcher.picture["open"]["list"] != json!([]) {
        let events = connection.look("verdict")["events"].as_u64().expect("a number");
        assert_eq!(connection.sim("clock", r#"{"step": true}"#).status, 200);
        assert!(connection.look("verdict")["events"].as_u64() > Some(events));
        steps += 1;
        assert!(steps < 10, "a call has few events");
        let present = now(&mut connection);
        watcher.until(|it| it.picture["clock"]["virtualNanoseconds"].as_u64() >= Some(present));
    }
    assert_eq!(caller.answer().expect("an answer").expect("an answer").status, 200);
    let stepped = now(&mut connection);
    assert!(stepped > before);
    let advanced = connection.sim("advance", r#"{"by": "1h"}"#).json();
    assert_eq!(advanced["virtualMilliseconds"].as_u64(), Some((stepped + 3_600_000_000_000) / 1_000_000));
    connection.sim("clock", r#"{"paused": false, "speed": 200000}"#);
    while now(&mut connection) < stepped + 7_200_000_000_000 {
        thread::sleep(Duration::from_millis(2));
    }
    connection.sim("clock", r#"{"paused": true}"#);
    connection.sim("reset", "");
    let clock = connection.look("clock");
    assert_eq!(
        (&clock["paused"], &clock["speed"]),
        (&json!(false), &json!(60)),
        "a reset begins as the server did"
    );
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_clock_refuses_what_its_kind_cannot_do() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    for body in ["", "[]", r#"{"speed": 0}"#, r#"{"speed": 200001}"#, r#"{"rate": 2}"#, r#"{"paused": 1}"#] {
        assert_eq!(connection.sim("clock", body).status, 400, "{body}");
    }
    connection.sim("verdict", "");
    let ended = connection.sim("clock", r#"{"paused": true, "step": true}"#);
    assert_eq!(ended.status, 400);
    assert_eq!(connection.look("clock")["paused"], false, "a refused change has no effect");
    assert_eq!(server.stop().code, Some(0));

    let server = Server::start(&["--clock", "stepped"]);
    let mut connection = server.connect();
    for body in [r#"{"speed": 2}"#, r#"{"paused": true}"#, r#"{"paused": false, "step": true}"#] {
        let refused = connection.sim("clock", body);
        assert_eq!(refused.status, 400, "{body}");
        assert!(refused.json()["message"].to_string().contains("/_sim/advance"), "{body}");
    }
    create(&mut connection, "a");
    let before = now(&mut connection);
    assert_eq!(connection.sim("clock", r#"{"step": true}"#).json()["clock"], "stepped");
    assert!(now(&mut connection) > before, "the cluster goes on");
    assert_eq!(server.stop().code, Some(0));
}

/// The hash of a replay by `dsql-sim run`.
fn replayed(scenario: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("saved.scenario");
    fs::write(&file, scenario).expect("room");
    let run =
        Command::new(env!("CARGO_BIN_EXE_dsql-sim")).args(["run", "--format", "json"]).arg(&file).output();
    let run = run.expect("dsql-sim");
    let out = String::from_utf8(run.stdout).expect("text");
    assert!(run.status.success(), "{out}{}", String::from_utf8_lossy(&run.stderr));
    let report: Value = serde_json::from_str(out.lines().next().expect("a report")).expect("JSON");
    report["hash"].as_str().expect("a hash").to_owned()
}

#[test]
fn the_saved_scenario_replays_to_the_hash_of_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.scenario");
    let recorded = ["--record", file.to_str().expect("a path"), "--speed", "60"];
    for arguments in [&["--clock", "stepped"][..], &recorded] {
        let server = Server::start(arguments);
        let mut connection = server.connect();
        connection.sim("clock", r#"{"paused": true}"#);
        connection.sim("faults", "drop us-east-1->us-west-2 times=1\ncrash us-east-2");
        connection.sim("clock", r#"{"paused": false}"#);
        let made = create(&mut connection, "a");
        connection.sim("advance", r#"{"by": "30s"}"#);
        let path = format!("/cluster/{}", made["identifier"].as_str().expect("an identifier"));
        connection.ask(WHO, "us-east-1", "GET", &path, &Value::Null).expect("an answer");
        connection.sim("clock", r#"{"paused": true}"#);
        for _ in 0..3 {
            connection.sim("clock", r#"{"step": true}"#);
        }
        let saved = get(&server, "/_sim/scenario", "");
        assert_eq!(saved.status, 200);
        assert!(saved.header("content-disposition").expect("a name").contains("recorded.scenario"));
        let verdict = connection.sim("verdict", "").json();
        assert_eq!(
            Value::from(replayed(&saved.body)),
            verdict["hash"],
            "{}",
            String::from_utf8_lossy(&saved.body)
        );
        let ended = get(&server, "/_sim/scenario", "");
        assert_eq!(Value::from(replayed(&ended.body)), verdict["hash"]);
        assert_eq!(server.stop().code, Some(0));
    }
}

#[test]
fn no_scenario_is_saved_of_calls_that_are_not_recorded() {
    let server = Server::start(&[]);
    let refused = get(&server, "/_sim/scenario", "");
    assert_eq!(refused.status, 409);
    assert!(refused.json()["message"].to_string().contains("--record"));
    assert_eq!(Watcher::open(&server).picture["clock"]["isRecorded"], false);
    assert_eq!(server.stop().code, Some(0));
}
