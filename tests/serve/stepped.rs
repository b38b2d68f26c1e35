//! `--clock stepped`: a run depends on the requests and their order, and on nothing else.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Connection, request, request_with};
use crate::server::{Server, refused};

const WHO: &str = "AKIDEXAMPLE";

fn start(arguments: &[&str]) -> Server {
    Server::start(&[&["--clock", "stepped", "--log", "off"], arguments].concat())
}

fn milliseconds(connection: &mut Connection) -> u64 {
    connection.look("time")["virtualMilliseconds"].as_u64().expect("a time")
}

fn create(connection: &mut Connection, token: &str) -> Answer {
    let input = json!({ "clientToken": token, "deletionProtectionEnabled": false });
    connection.ask(WHO, "us-east-1", "POST", "/cluster", &input).expect("an answer")
}

fn read(connection: &mut Connection, made: &Value) -> Value {
    let path = format!("/cluster/{}", made["identifier"].as_str().expect("an identifier"));
    connection.ask(WHO, "us-east-1", "GET", &path, &Value::Null).expect("an answer").json()
}

/// The polls of an SDK's waiter, every two seconds. Returns the number of them.
fn wait_until_active(connection: &mut Connection, made: &Value) -> usize {
    let polled = (1..=60).find(|_| {
        let is_active = read(connection, made)["status"] == "ACTIVE";
        if !is_active {
            connection.sim("advance", r#"{"by": "2s"}"#);
        }
        is_active
    });
    polled.expect("an active cluster")
}

/// The life of a cluster, with a pause of the test between requests: the answers, and the verdict.
fn live(connection: &mut Connection, pause: Duration) -> (Vec<Value>, Value) {
    let mut answers = Vec::new();
    connection
        .sim("faults", "drop us-east-1->client-1 rate=30%\nat +20s heal\ncrash us-east-1 after=persist");
    for token in ["a", "b", "c", "d"] {
        thread::sleep(pause);
        connection
            .send(&request_with(
                "x-dsql-sim-client-timeout: 3s\r\n",
                WHO,
                "us-east-1",
                ("POST", "/cluster"),
                &json!({ "clientToken": token }),
            ))
            .expect("a connection");
        match connection.answer().expect("an end") {
            Some(answer) => answers.push(answer.json()),
            None => {
                answers.push(Value::Null);
                connection.reconnect();
            }
        }
    }
    connection.sim("faults", "heal\nrestart us-east-1");
    connection.sim("advance", r#"{"by": "20s"}"#);
    let made = create(connection, "e").json();
    thread::sleep(pause);
    answers.push(json!(wait_until_active(connection, &made)));
    answers.push(connection.look("time"));
    (answers, connection.sim("verdict", "").json())
}

#[test]
fn the_same_requests_have_the_same_answers_however_long_the_client_pauses() {
    let runs = [0, 3, 11].map(|pause| {
        let server = start(&["--seed", "7"]);
        let run = live(&mut server.connect(), Duration::from_millis(pause));
        assert_eq!(server.stop().code, Some(0));
        run
    });
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
    assert!(runs[0].0.contains(&Value::Null), "an answer is lost: {:?}", runs[0].0);
    // One server for many runs: a reset with a seed forgets all that was before.
    let server = start(&[]);
    let mut connection = server.connect();
    create(&mut connection, "before");
    for _ in 0..2 {
        assert_eq!(connection.sim("reset", r#"{"seed": 7}"#).status, 200);
        assert_eq!(live(&mut connection, Duration::ZERO), runs[0]);
    }
    connection.sim("reset", r#"{"seed": 8}"#);
    assert_ne!(live(&mut connection, Duration::ZERO).1["hash"], runs[0].1["hash"]);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn time_stands_still_between_calls() {
    let server = start(&[]);
    let mut connection = server.connect();
    create(&mut connection, "a");
    let before = milliseconds(&mut connection);
    assert!(before < 1000, "a call takes as long as its messages: {before}");
    thread::sleep(Duration::from_millis(20));
    assert_eq!(milliseconds(&mut connection), before);
    let answer = connection.sim("advance", r#"{"by": "5m"}"#).json();
    assert_eq!(answer["virtualMilliseconds"], before + 300_000);
    assert_eq!(connection.look("time")["epochMilliseconds"], 1_767_225_600_000_u64);
    connection.sim("reset", "");
    assert_eq!(milliseconds(&mut connection), 0);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_lost_answer_costs_the_time_out_of_the_client_and_closes_the_connection() {
    for (arguments, header, cost) in [
        (&[][..], "", 60_000),
        (&["--client-timeout", "7s"], "", 7_000),
        (&["--client-timeout", "7s"], "x-dsql-sim-client-timeout: 1s500ms\r\n", 1_500),
    ] {
        let server = start(arguments);
        let mut connection = server.connect();
        create(&mut connection, "a");
        connection.sim("faults", "drop us-east-1->client-1 times=1");
        connection.sim("advance", r#"{"by": "1s"}"#);
        // The call begins at the next whole millisecond.
        let begins = milliseconds(&mut connection) + 1;
        let lost = request_with(header, WHO, "us-east-1", ("GET", "/cluster"), &Value::Null);
        connection.send(&lost).expect("a connection");
        assert!(connection.answer().expect("an end").is_none());
        connection.reconnect();
        assert_eq!(milliseconds(&mut connection), begins + cost);
        assert_eq!(create(&mut connection, "b").status, 200);
        assert_eq!(server.stop().code, Some(0));
    }
}

#[test]
fn a_waiter_polls_until_time_has_made_the_cluster_active() {
    let server = start(&[]);
    let mut connection = server.connect();
    let made = create(&mut connection, "a").json();
    assert_eq!(read(&mut connection, &made)["status"], "CREATING");
    let polls = wait_until_active(&mut connection, &made);
    let passed = milliseconds(&mut connection);
    assert!(polls > 2, "{polls}");
    assert!(
        (2_000 * (polls as u64 - 1)..2_000 * polls as u64 + 5_000).contains(&passed),
        "{polls}, {passed}"
    );
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn calls_of_several_connections_are_made_one_after_the_other() {
    let server = start(&[]);
    let mut connections: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for (index, connection) in connections.iter_mut().enumerate() {
        let input = json!({ "clientToken": format!("t{index}") });
        connection.send(&request(WHO, "us-east-1", "POST", "/cluster", &input)).expect("a connection");
    }
    let made: Vec<_> = connections
        .iter_mut()
        .map(|connection| connection.answer().expect("an answer").expect("an answer").status)
        .collect();
    assert_eq!(made, [200; 8]);
    let trace = connections[0].look("trace");
    let lines = trace["lines"].as_array().expect("lines").iter().map(|line| line.as_str().expect("text"));
    let own: Vec<bool> =
        lines.filter(|line| line.contains("client-1")).map(|line| line.contains("calls")).collect();
    // Each call has its answer before the next one begins.
    assert_eq!(own, [true, false].repeat(8), "{trace}");
    assert_eq!(server.stop().code, Some(0));
}

/// The hash of a replay by `dsql-sim run`.
fn replayed(scenario: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("recorded.scenario");
    fs::write(&file, scenario).expect("room");
    let run = Command::new(env!("CARGO_BIN_EXE_dsql-sim"))
        .args(["run", "--format", "json"])
        .arg(&file)
        .output()
        .expect("dsql-sim");
    let out = String::from_utf8(run.stdout).expect("text");
    assert!(run.status.success(), "{out}{}\n{scenario}", String::from_utf8_lossy(&run.stderr));
    let report: Value = serde_json::from_str(out.lines().next().expect("a report")).expect("JSON");
    report["hash"].as_str().expect("a hash").to_owned()
}

#[test]
fn the_scenario_of_a_verdict_replays_to_its_hash() {
    let server = start(&[]);
    let mut connection = server.connect();
    for seed in 0..40 {
        let reset = json!({ "seed": seed, "faults": "swarm" }).to_string();
        assert_eq!(connection.sim("reset", &reset).status, 200);
        let mut made = Vec::new();
        for number in 0..6 {
            let ask = request_with(
                "x-dsql-sim-client-timeout: 2s\r\n",
                WHO,
                ["us-east-1", "us-east-2"][number % 2],
                ("POST", "/cluster"),
                &json!({
                    "clientToken": format!("t{number}"),
                    "multiRegionProperties": { "witnessRegion": "us-west-2", "clusters": made },
                }),
            );
            connection.send(&ask).expect("a connection");
            match connection.answer().expect("an end") {
                Some(answer) if answer.status == 200 => made = vec![answer.json()["arn"].clone()],
                Some(_) => {}
                None => connection.reconnect(),
            }
            connection.sim("advance", ["{\"by\": \"777us\"}", "{\"by\": \"9s\"}"][number % 2]);
        }
        let verdict = connection.sim("verdict", "").json();
        assert_eq!(verdict["violations"], json!([]), "seed {seed}");
        let scenario = verdict["scenario"].as_str().expect("a scenario");
        assert_eq!(verdict["hash"], replayed(scenario), "seed {seed}\n{scenario}");
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn worlds_without_delays_replay_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, text) in
        ["latency 0ms\ndisk 0ms\n", "latency 1ms\ndisk 1ms\n", "disk 0ms\n"].iter().enumerate()
    {
        let file = folder.path().join(format!("{number}.scenario"));
        fs::write(&file, text).expect("room");
        let recorded = folder.path().join(format!("{number}.recorded"));
        let path = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
        let server = start(&["--scenario", &path(&file), "--record", &path(&recorded)]);
        let mut connection = server.connect();
        connection.sim("faults", "duplicate *->* copies=2 rate=50%");
        for token in ["a", "a", "b"] {
            let made = create(&mut connection, token).json();
            connection.sim("faults", "hold us-east-1->client-1 GetCluster times=1\nat +1ms release");
            read(&mut connection, &made);
            connection.sim("advance", r#"{"by": "3ms"}"#);
        }
        let ended = server.stop();
        assert_eq!(ended.code, Some(0));
        let hash = replayed(&fs::read_to_string(&recorded).expect("a recording"));
        assert!(ended.out.contains(&hash), "{text}: {hash} is not {}", ended.out);
    }
}

#[test]
fn the_faults_of_a_seed_are_the_same_each_time_and_can_be_given_back_as_text() {
    let server = start(&[]);
    let mut connection = server.connect();
    let mut swarm = |seed: u64, faults: Value| {
        let answer = connection.sim("reset", &json!({ "seed": seed, "faults": faults }).to_string());
        assert_eq!(answer.status, 200, "{}", answer.json());
        let schedule = answer.json()["faults"].clone();
        // Under some faults it has no answer.
        let call = request(WHO, "us-east-1", "POST", "/cluster", &json!({ "clientToken": "a" }));
        connection.send(&call).expect("a connection");
        if connection.answer().expect("an end").is_none() {
            connection.reconnect();
        }
        (schedule, connection.sim("verdict", "").json())
    };
    let mut kinds = Vec::new();
    for seed in 0..100 {
        let (schedule, verdict) = swarm(seed, json!("swarm"));
        assert_eq!(swarm(seed, json!("swarm")), (schedule.clone(), verdict.clone()), "seed {seed}");
        let lines: Vec<&str> =
            schedule.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        kinds.extend(lines.iter().filter_map(|line| line.split(' ').nth(2)).map(str::to_owned));
        // As text, it is the same run; without lines, it has no faults.
        assert_eq!(swarm(seed, json!(lines.join("\n"))).1, verdict, "seed {seed}");
    }
    kinds.sort();
    kinds.dedup();
    for kind in ["crash", "delay", "drop", "duplicate", "fail", "hold", "outage", "partition", "skew", "slow"]
    {
        assert!(kinds.iter().any(|known| known == kind), "{kind} is not among {kinds:?}");
    }
    assert!(!kinds.iter().any(|kind| kind == "deny" || kind == "idle"), "{kinds:?}");
    assert_eq!(swarm(0, json!("")).1["idleFaults"], json!([]));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_verdict_ends_the_run_and_names_the_faults_that_never_acted() {
    let folder = tempfile::tempdir().expect("a folder");
    let bug = folder.path().join("bug.scenario");
    fs::write(&bug, "mutant protection-ignored\n").expect("room");
    let server = start(&["--scenario", bug.to_str().expect("a path")]);
    let mut connection = server.connect();
    let faults = "drop us-east-1->client-1 times=1\nthrottle us-east-2 GetCluster times=1\nat +1h heal";
    connection.sim("reset", &json!({ "faults": faults }).to_string());
    let pair = json!({ "multiRegionProperties": { "witnessRegion": "us-west-2" } });
    let lost = request_with(
        "x-dsql-sim-client-timeout: 1s\r\n",
        WHO,
        "us-east-1",
        ("GET", "/cluster"),
        &Value::Null,
    );
    connection.send(&lost).expect("a connection");
    assert!(connection.answer().expect("an end").is_none());
    connection.reconnect();
    let made = connection.ask(WHO, "us-east-1", "POST", "/cluster", &pair).expect("an answer").json();
    let path = format!("/cluster/{}", made["identifier"].as_str().expect("an identifier"));
    connection.ask(WHO, "us-east-1", "DELETE", &path, &Value::Null).expect("an answer");

    let so_far = connection.look("verdict");
    assert_eq!(
        (&so_far["hasEnded"], &so_far["violations"][0]["invariant"]),
        (&json!(false), &json!("protected-not-deleted"))
    );
    let verdict = connection.sim("verdict", "").json();
    assert_eq!(verdict["hasEnded"], true);
    let idle = verdict["idleFaults"].to_string();
    assert!(idle.contains("throttle us-east-2") && !idle.contains("drop"), "{idle}");
    assert!(verdict["trace"].as_array().is_some_and(|lines| !lines.is_empty()));
    // The world stays as it is, and a second verdict is the same.
    assert_eq!(connection.sim("verdict", "").json(), verdict);
    assert_eq!(create(&mut connection, "late").status, 429);
    for (what, body) in [("advance", r#"{"by": "1s"}"#), ("faults", "outage us-east-1")] {
        let refused = connection.sim(what, body);
        assert_eq!(refused.status, 400);
        assert!(refused.json()["message"].to_string().contains("/_sim/reset"), "{what}");
    }
    assert_eq!(connection.look("verdict"), verdict);
    connection.sim("reset", "");
    assert_eq!(create(&mut connection, "again").status, 200);
    assert_eq!(connection.look("verdict")["violations"], json!([]));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_wall_clock_has_verdicts_as_well_and_a_data_directory_has_none() {
    let server = Server::start(&["--log", "off", "--speed", "1000"]);
    let mut connection = server.connect();
    create(&mut connection, "a");
    let verdict = connection.sim("verdict", "").json();
    assert_eq!((&verdict["violations"], verdict.get("scenario")), (&json!([]), None));
    thread::sleep(Duration::from_millis(20));
    assert_eq!(connection.look("verdict"), verdict);
    assert_eq!(server.stop().code, Some(0));

    let folder = tempfile::tempdir().expect("a folder");
    let server = start(&["--data-dir", folder.path().to_str().expect("a path")]);
    let mut connection = server.connect();
    let made = create(&mut connection, "a").json();
    let refused = connection.sim("verdict", "");
    assert_eq!(refused.status, 400);
    assert!(refused.json()["message"].to_string().contains("--data-dir"));
    server.kill();
    let server = start(&["--data-dir", folder.path().to_str().expect("a path")]);
    assert_eq!(create(&mut server.connect(), "a").json()["identifier"], made["identifier"]);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn what_a_stepped_clock_cannot_do_it_refuses_and_says_why() {
    for (arguments, why) in [
        (&["--clock", "stepped", "--speed", "60"][..], "--clock stepped"),
        (&["--clock", "sundial"], "wall, stepped"),
        (&["--client-timeout", "soon"], "1ms to 1day"),
    ] {
        let ended = refused(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.errors.contains(why), "{}", ended.errors);
    }
    let server = start(&[]);
    let mut connection = server.connect();
    let made = create(&mut connection, "a").json();
    for (body, why) in [
        (r#"{"sead": 7}"#, "unknown field `sead`"),
        (r#"{"faults": "crush us-east-1"}"#, "did you mean `crash`?"),
        (r#"{"faults": "seed 7"}"#, "belongs to the set-up"),
        (r#"{"faults": "swarm", "regions": ["mars-1"]}"#, "unknown Region mars-1"),
        (r#"{"regions": ["us-east-1"]}"#, "swarm"),
    ] {
        let answer = connection.sim("reset", body);
        assert_eq!(answer.status, 400, "{body}");
        let message = answer.json()["message"].as_str().expect("text").to_owned();
        assert!(message.contains(why), "{body}: {message}");
    }
    // A reset that is refused leaves the world as it is.
    assert_eq!(read(&mut connection, &made)["identifier"], made["identifier"]);
    for time_out in ["soon", "0s", "2days"] {
        let header = format!("x-dsql-sim-client-timeout: {time_out}\r\n");
        let ask = request_with(&header, WHO, "us-east-1", ("GET", "/cluster"), &Value::Null);
        connection.send(&ask).expect("a connection");
        let answer = connection.answer().expect("an answer").expect("an answer");
        assert_eq!(answer.status, 400);
        assert!(answer.json()["message"].to_string().contains(time_out));
    }
    assert_eq!(server.stop().code, Some(0));
}
