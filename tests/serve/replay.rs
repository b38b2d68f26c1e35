//! A recording replays to the same answers and the same hash, whatever came in, and in whatever order.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use dsql_sim::Scenario;
use dsql_sim::internals::rng::{self, Purpose};
use dsql_sim::internals::scenario::run::run;
use dsql_sim::internals::scenario::verbs::{Chapter, Verb};
use dsql_sim::internals::sim::trace::TraceLevel;
use rand::RngExt;
use serde_json::{Value, json};

use crate::http::{Answer, Connection};
use crate::server::Server;

/// The number of recordings, if the variable `DSQL_SIM_RECORDINGS` gives no other.
const ROUNDS: u64 = 24;
const CALLS: u64 = 120;

const REGIONS: [&str; 3] = ["us-east-1", "us-east-2", "us-west-2"];

/// Every verb of a fault, and the end of most.
const FAULTS: [&str; 41] = [
    "drop us-east-1->* rate=30%",
    "drop us-east-1->client-1 CreateCluster.response times=1",
    "delay *->* by=1ms..2s rate=20%",
    "duplicate *->* copies=2 rate=20%",
    "duplicate *->us-east-1 GetCluster",
    "hold us-east-1->us-east-2 times=2",
    "release",
    "slow *->* by=3x",
    "partition us-east-1<->us-west-2",
    "heal",
    "at +3s heal",
    "crash us-east-1 after=persist nth=2",
    "crash us-east-2 before=response:CreateCluster",
    "crash us-east-1 after=persist:CreateCluster",
    "at +2s crash us-west-2/witness",
    "crash client-1",
    "restart us-east-1 us-east-2 us-west-2/witness",
    "at +5s restart us-east-1",
    "outage us-west-2",
    "at +5s outage us-east-2",
    "restart us-west-2 us-west-2/witness us-east-2 us-east-2/witness",
    "skew us-east-1 by=-3h",
    "skew us-east-1 by=+0s",
    "deny us-east-2 CreateCluster",
    "allow us-east-2 CreateCluster",
    "idle us-east-1",
    "connect us-east-1",
    "disable-keys us-east-1",
    "enable-keys us-east-1",
    "disable-key arn:aws:kms:us-east-1:111122223333:key/k",
    "enable-key arn:aws:kms:us-east-1:111122223333:key/k",
    "break-target us-east-1 arn:aws:kinesis:us-east-1:111122223333:stream/x error=KINESIS_THROUGHPUT_EXCEEDED",
    "repair-target us-east-1 arn:aws:kinesis:us-east-1:111122223333:stream/x",
    "fail-creation us-east-1",
    "restore-cluster us-east-1",
    "raise-quota us-east-1 single-region to=21",
    "throttle us-east-1 CreateCluster times=3",
    "fail us-east-2 GetCluster error=InternalServerException times=2",
    "at 90s heal",
    "heal\nduplicate *->* rate=50%",
    "heal us-east-1<->us-west-2",
];

/// Worlds in which many things happen at the same time, and the usual one.
const SET_UPS: [&str; 4] = ["seed 7\n", "latency 1ms\ndisk 1ms\n", "latency 0ms\ndisk 0ms\n", "disk 0ms\n"];

/// Texts that mean something in a scenario, in JSON, on a terminal, or nowhere.
const TEXTS: [&str; 14] = [
    "$c1.arn",
    "$$",
    "$",
    "a\nb\n\n----\nok",
    "\u{1b}[2J",
    "\0",
    "# x",
    "\\",
    "\"",
    "é😀",
    "\u{feff}",
    "",
    "{",
    "team",
];

/// The draws for call `number` of a thread.
#[derive(Clone, Copy)]
struct Draws(u64, u64);

impl Draws {
    fn below(self, what: u64, bound: u64) -> u64 {
        rng::stream(self.0, Purpose::Scenario, rng::fingerprint(&(self.1, what))).random_range(0..bound)
    }

    fn pick<T: Clone>(self, what: u64, from: &[T]) -> T {
        from[self.below(what, from.len() as u64) as usize].clone()
    }
}

/// The clusters of all clients so far: identifier and ARN.
type Known = Mutex<Vec<(String, String)>>;

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The method, the target and the body of a call.
fn call(draws: Draws, known: &Known) -> (&'static str, String, Value) {
    let known = known.lock().expect("no thread has panicked");
    let text = |what| draws.pick(what, &TEXTS).to_string();
    let (identifier, arn) = match known.is_empty() || draws.below(1, 20) == 0 {
        true => (text(2), text(3)),
        false => draws.pick(2, &known),
    };
    let token = match draws.below(4, 4) {
        0 => text(5),
        1 => format!("00000000-0000-4000-8000-00000000000{}", draws.below(5, 9)),
        _ => format!("token-{}-{}", draws.0, draws.1),
    };
    let tags = json!({ text(6): text(7) });
    let (cluster, on) = (format!("/cluster/{}", percent(&identifier)), draws.below(8, 2) == 0);
    let peers = json!({ "witnessRegion": "us-west-2", "clusters": [arn] });
    match draws.below(0, 12) {
        0..3 => {
            let mut body = json!({ "clientToken": token, "deletionProtectionEnabled": on, "tags": {} });
            match draws.below(9, 4) {
                0 => body["tags"] = tags,
                1 => body["multiRegionProperties"] = peers,
                2 => body["multiRegionProperties"] = json!({ "witnessRegion": "us-west-2" }),
                _ => {}
            }
            ("POST", "/cluster".to_owned(), body)
        }
        3 => ("DELETE", format!("{cluster}?client-token={}", percent(&token)), Value::Null),
        4 => ("POST", cluster, json!({ "clientToken": token, "deletionProtectionEnabled": on })),
        5 => ("POST", cluster, json!({ "clientToken": token, "multiRegionProperties": peers })),
        6 => ("POST", format!("/tags/{}", percent(&arn)), json!({ "tags": tags })),
        7 => ("GET", format!("/cluster?max-results={}", draws.below(9, 4)), Value::Null),
        8 => {
            let target = json!({ "kinesis": {
                "streamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/x",
                "roleArn": "arn:aws:iam::111122223333:role/x",
            } });
            let body = json!({
                "clientToken": token, "ordering": "UNORDERED", "format": "JSON", "targetDefinition": target,
            });
            ("POST", format!("/stream/{}", percent(&identifier)), body)
        }
        9 => ("POST", format!("{cluster}/policy"), json!({ "clientToken": token, "policy": text(9) })),
        _ => ("GET", cluster, Value::Null),
    }
}

/// Makes `calls` calls, one after the other. The simulated network may lose an answer, and with it the connection.
fn work(server: &str, seed: u64, (thread, calls): (u64, u64), known: &Known) -> io::Result<()> {
    let mut connection = Connection::open(server)?;
    for number in 0..calls {
        let draws = Draws(seed, thread * 1000 + number);
        if thread == 0 && draws.below(20, 4) == 0 {
            let (path, body) = match draws.below(21, 4) {
                0 => (
                    "advance",
                    json!({ "by": draws.pick(22, &["1ns", "1ms", "999us", "30s", "25h"]) }).to_string(),
                ),
                _ => ("faults", draws.pick(22, &FAULTS).to_string()),
            };
            assert_eq!(connection.sim(path, &body).status, 200, "{body}");
        }
        let (method, target, body) = call(draws, known);
        let who = draws.pick(23, &["any", "444455556666", "AKIDEXAMPLE", "ops", "a b", "{}"]);
        match connection.ask(who, draws.pick(24, &REGIONS), method, &target, &body) {
            Ok(Answer { status: 200, body, .. }) if target == "/cluster" => {
                let made: Value = serde_json::from_slice(&body)?;
                let text = |member: &str| made[member].as_str().expect("text").to_owned();
                known.lock().expect("no thread has panicked").push((text("identifier"), text("arn")));
            }
            Ok(_) => {}
            Err(_) => connection = Connection::open(server)?,
        }
    }
    Ok(())
}

/// Records what several clients do, and replays it.
fn round(seed: u64, folder: &Path) {
    let path = |name: &str| folder.join(format!("{seed}.{name}")).to_str().expect("a path").to_owned();
    let (set_up, recorded) = (path("set-up.scenario"), path("recorded.scenario"));
    fs::write(&set_up, SET_UPS[(seed % 4) as usize]).expect("a file");
    // High speeds, because the client of a lost answer waits for its whole time-out.
    let speed = if seed.is_multiple_of(3) { "600" } else { "6000" };
    let arguments =
        ["--log", "off", "--trace", "none", "--speed", speed, "--scenario", &set_up, "--record", &recorded];
    let server = Server::start(&arguments);
    let (threads, known) = (1 + seed % 3 * 4, Known::default());
    thread::scope(|scope| {
        for thread in 0..threads {
            let (address, known) = (&server.address, &known);
            scope.spawn(move || work(address, seed, (thread, CALLS / threads), known).expect("a server"));
        }
    });
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "seed {seed}: {}{}", ended.out, ended.errors);
    let text = fs::read_to_string(&recorded).expect("a recording");
    let scenario = Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("seed {seed}: {mistakes:?}"));
    let report = run(&scenario, None, TraceLevel::None);
    assert!(report.failure.is_none(), "seed {seed}: {:?}", report.failure);
    let again = format!("{} events, hash {:016x}, 0 violations", report.events, report.hash);
    assert!(ended.out.contains(&again), "seed {seed}: {again} is not {}\n{text}", ended.out);
}

#[test]
fn every_recording_replays_to_the_same_answers_and_hash() {
    #[expect(clippy::disallowed_methods, reason = "the checks before a landing make many more rounds")]
    let rounds = env::var("DSQL_SIM_RECORDINGS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let seed @ 0.. = next.fetch_add(1, Ordering::Relaxed)
                    && seed < rounds
                {
                    round(seed, folder.path());
                }
            });
        }
    });
}

#[test]
fn the_recordings_meet_every_verb_of_a_fault() {
    let faults = Verb::ALL.iter().filter(|verb| verb.chapter() == Chapter::Faults);
    for name in faults.map(|verb| verb.name()) {
        let is_met = FAULTS.iter().flat_map(|text| text.split_whitespace()).any(|word| word == name);
        assert!(is_met, "{name}");
    }
}
