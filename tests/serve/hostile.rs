//! Whatever comes over the wire: the server lives, its memory stays bounded, and every answer is an error of the API,
//! one of HTTP itself, or the end of the connection.

use std::io;
use std::net::Shutdown;
use std::thread;

use dsql_sim::api::Error;
use dsql_sim::internals::rng::{self, Purpose};
use rand::RngExt;
use serde_json::{Value, json};
use strum::VariantNames;

use crate::http::{Answer, Connection, request};
use crate::server::Server;

const THREADS: u64 = 4;
const EACH: u64 = 3000;
const ID: &str = "kiqenqglxyl2snyvkvnj2c3s2e";
const ARN: &str = "arn%3Aaws%3Adsql%3Aus-east-1%3A111122223333%3Acluster%2Fkiqenqglxyl2snyvkvnj2c3s2e";

/// A draw for the request `number` of a thread.
#[derive(Clone, Copy)]
struct Draws(u64, u64);

impl Draws {
    fn below(self, what: u64, bound: u64) -> u64 {
        rng::stream(self.0, Purpose::Scenario, rng::fingerprint(&(self.1, what))).random_range(0..bound)
    }

    fn pick<T: Copy>(self, what: u64, from: &[T]) -> T {
        from[self.below(what, from.len() as u64) as usize]
    }
}

/// A request that is right, or nearly so.
fn plausible(draws: Draws) -> Vec<u8> {
    let who = draws.pick(0, &["AKIDEXAMPLE", "111122223333", "000000000000", "", "a/b", "ü"]);
    let region = draws.pick(1, &["us-east-1", "us-east-2", "eu-west-1", "mars-1", ""]);
    let properties =
        json!({ "witnessRegion": "us-west-2", "clusters": [ARN.replace("%3A", ":").replace("%2F", "/")] });
    let kinesis = json!({ "streamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/s", "roleArn": "arn:aws:iam::111122223333:role/r" });
    let create = json!({ "clientToken": "t", "tags": { "a": "b" }, "multiRegionProperties": properties });
    let stream =
        json!({ "targetDefinition": { "kinesis": kinesis }, "ordering": "UNORDERED", "format": "JSON" });
    let (method, target, body) = match draws.below(2, 12) {
        0 | 1 => ("POST", "/cluster".to_owned(), create),
        2 => ("POST", format!("/cluster/{ID}"), json!({ "deletionProtectionEnabled": false })),
        3 => ("DELETE", format!("/cluster/{ID}?client-token=t"), Value::Null),
        4 => ("GET", format!("/cluster/{ID}"), Value::Null),
        5 => ("GET", "/cluster?max-results=5&next-token=abc".to_owned(), Value::Null),
        6 => ("POST", format!("/tags/{ARN}"), json!({ "tags": { "a": "b" } })),
        7 => ("DELETE", format!("/tags/{ARN}?tagKeys=a&tagKeys=b%20c"), Value::Null),
        8 => ("POST", format!("/cluster/{ID}/policy"), json!({ "policy": "{}" })),
        9 => ("POST", format!("/stream/{ID}"), stream),
        10 => ("GET", format!("/clusters/{ID}/vpc-endpoint-service-name"), Value::Null),
        _ => ("POST", "/_sim/advance".to_owned(), json!({ "by": "1s" })),
    };
    request(who, region, method, &target, &body)
}

/// The same, with something wrong.
fn mutated(draws: Draws) -> Vec<u8> {
    let mut bytes = plausible(draws);
    let length = bytes.len() as u64;
    let place = draws.below(10, length) as usize;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let replaced = |bytes: &[u8], from: &str, to: &str| text(bytes).replacen(from, to, 1).into_bytes();
    match draws.below(11, 18) {
        0 => bytes,
        1 => {
            for number in 0..=draws.below(12, 8) {
                let place = draws.below(20 + number, length) as usize;
                bytes[place] = draws.below(40 + number, 256) as u8;
            }
            bytes
        }
        2 => {
            bytes.truncate(place);
            bytes
        }
        3 => {
            let end = (place + 1 + draws.below(12, 40) as usize).min(bytes.len());
            bytes.drain(place..end);
            bytes
        }
        4 => {
            let again: Vec<u8> = bytes[place..].to_vec();
            bytes.splice(place..place, again);
            bytes
        }
        5 => replaced(&bytes, "content-length: ", "content-length: 9"),
        6 => replaced(&bytes, "content-length: ", "content-length: -"),
        7 => replaced(&bytes, "content-length: ", "content-length: 99999999999999999999999"),
        8 => replaced(&bytes, "content-length", "transfer-encoding: chunked\r\nx-length"),
        9 => replaced(&bytes, "\r\n", &format!("\r\nx-{}: y\r\n", "long".repeat(1 << draws.below(12, 16)))),
        10 => replaced(&bytes, "\r\n", &"\r\nx: y".repeat(1 << draws.below(12, 10)))
            .into_iter()
            .chain(*b"\r\n\r\n")
            .collect(),
        11 => replaced(&bytes, "/cluster", &format!("/{}", "%2e%2E/".repeat(1 << draws.below(12, 12)))),
        12 => replaced(
            &bytes,
            "Credential=",
            draws.pick(12, &["Credential", "credential=", "Credential=////", "Credential=%"]),
        ),
        13 => replaced(
            &bytes,
            "host: localhost",
            draws.pick(12, &["host: dsql.us-east-1.api.aws", "host:", "host: \u{7f}", "x: y"]),
        ),
        14 => replaced(&bytes, "{", &"[".repeat(1 << draws.below(12, 17))),
        15 => replaced(&bytes, "\"", draws.pick(12, &["\"\\ud800", "\u{0}", "'", "\"\\u0000", "1e999,\""])),
        16 => {
            let size = draws.pick(12, &[100_000, 1_000_000, 1_100_000, 3_000_000]);
            request("AKIDEXAMPLE", "us-east-1", "POST", "/cluster", &json!({ "policy": "p".repeat(size) }))
        }
        _ => {
            let keys = draws.pick(12, &[100, 1000, 20_000]);
            let list: Vec<String> = (0..keys).map(|number| format!("k{number}")).collect();
            request(
                "AKIDEXAMPLE",
                "us-east-1",
                "POST",
                "/cluster",
                &json!({ "metricGroups": list, "multiRegionProperties": { "clusters": list } }),
            )
        }
    }
}

/// Sends `bytes`, in one piece or in several, and takes what comes until the end.
fn exchange(address: &str, bytes: &[u8], draws: Draws) -> io::Result<Vec<Answer>> {
    let mut connection = Connection::open(address)?;
    let parts = if draws.below(60, 4) == 0 { 3 } else { 1 };
    // The server may have heard enough before it has heard all.
    for part in bytes.chunks(bytes.len() / parts + 1) {
        if connection.send(part).is_err() {
            break;
        }
        thread::yield_now();
    }
    if draws.below(61, 10) == 0 {
        return Ok(Vec::new());
    }
    let _ = connection.stream().shutdown(Shutdown::Write);
    let mut answers = Vec::new();
    while let Ok(Some(answer)) = connection.answer() {
        answers.push(answer);
    }
    Ok(answers)
}

fn is_proper(answer: &Answer) -> bool {
    match answer.header("x-amzn-errortype") {
        // The signature is one for another service.
        Some("NotImplemented") => answer.status == 501,
        Some(error) => Error::VARIANTS.contains(&error) && answer.json()["message"].is_string(),
        None if answer.status == 200 => answer.json().is_object(),
        // What is not even HTTP, or is no request of the admin API's.
        None => matches!(answer.status, 400 | 404 | 405 | 408 | 413 | 414 | 431),
    }
}

#[test]
fn nothing_that_comes_over_the_wire_ends_it_or_fills_its_memory() {
    let server = Server::start(&["--timeout", "2", "--memory", "16", "--speed", "600"]);
    // Some that begin and never go on.
    let mut waiting: Vec<Connection> = (0..100).map(|_| server.connect()).collect();
    for (number, connection) in waiting.iter_mut().enumerate() {
        let bytes =
            request("AKIDEXAMPLE", "us-east-1", "POST", "/cluster", &json!({ "clientToken": "slow" }));
        connection.send(&bytes[..number * bytes.len() / 100]).expect("a connection");
    }
    let mut counts = [0; 3];
    thread::scope(|scope| {
        let sending = (0..THREADS).map(|thread| {
            let address = &server.address;
            scope.spawn(move || {
                let mut counts = [0; 3];
                for number in 0..EACH {
                    let draws = Draws(thread, number);
                    let bytes = mutated(draws);
                    let answers = exchange(address, &bytes, draws).expect("it takes connections");
                    for answer in &answers {
                        assert!(is_proper(answer), "{answer:?} to {}", String::from_utf8_lossy(&bytes));
                        counts[usize::from(answer.status == 200)] += 1;
                    }
                    counts[2] += usize::from(answers.is_empty());
                }
                counts
            })
        });
        for sent in sending.collect::<Vec<_>>() {
            let more = sent.join().expect("every answer is proper");
            (0..3).for_each(|kind| counts[kind] += more[kind]);
        }
    });
    assert!(counts.iter().all(|count| *count > 100), "refused, done and closed: {counts:?}");
    for connection in &mut waiting {
        while let Ok(Some(answer)) = connection.answer() {
            assert!(is_proper(&answer), "{answer:?}");
        }
    }
    let resident = server.resident_kib();
    assert!(resident < 200 * 1024, "{resident} KiB");
    let mut connection = server.connect();
    let alive =
        connection.ask("AKIDEXAMPLE", "us-east-1", "GET", "/cluster", &Value::Null).expect("an answer");
    assert_eq!(alive.status, 200);
    assert_eq!(connection.look("verdict")["violations"], json!([]));
    assert!(connection.look("permissions")["principals"].as_array().is_some_and(|all| !all.is_empty()));
    let ended = server.stop();
    assert_eq!(ended.code, Some(0));
    // Whatever the bytes of a request are, it has one line in the log. The last line is about the end of the world.
    let lines: Vec<_> = ended.errors.lines().collect();
    for line in &lines[..lines.len() - 1] {
        let without_time = line.trim_start().split_once(' ').map_or("", |(_, rest)| rest);
        assert!(without_time.starts_with(" INFO dsql_sim::server: "), "{line}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_answered_and_ends_the_connection() {
    let server = Server::start(&[]);
    let head = "POST /cluster HTTP/1.1\r\nhost: dsql.us-east-1.api.aws\r\n";
    let chunked = |body: &str| format!("{head}transfer-encoding: chunked\r\n\r\n{body}");
    let counted = |length: u32, body: &str| format!("{head}content-length: {length}\r\n\r\n{body}");
    let large = counted(2_000_000, &"x".repeat(2_000_000));
    let endless = format!("2;{}", "x".repeat(100_000));
    for (sent, why) in [
        (chunked("zz\r\n{}\r\n0\r\n\r\n"), "cannot be read: Invalid chunk size line"),
        (chunked("2\r\n{}xx0\r\n\r\n"), "cannot be read: Invalid chunk body CR"),
        (chunked("fffffffffffffffffff\r\n{}"), "cannot be read: invalid chunk size: overflow"),
        (chunked("2\r\n{}\r\n0\r\n\u{1}: x\r\n\r\n"), "cannot be read: "),
        (chunked(&endless), "cannot be read: "),
        (chunked("2\r\n{}\r\n"), "cannot be read: "),
        (counted(10, "{}"), "cannot be read: "),
        (large, "larger than 1048576 bytes"),
    ] {
        let mut connection = server.connect();
        // The server may have answered before it has everything.
        let _ = connection.send(sent.as_bytes());
        let _ = connection.stream().shutdown(Shutdown::Write);
        let answer = connection.answer().expect("an answer").unwrap_or_else(|| panic!("no answer: {why}"));
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{why}");
        assert_eq!(answer.header("x-amzn-errortype"), Some("ValidationException"));
        assert_eq!(answer.json()["reason"], "cannotParse");
        assert!(answer.json()["message"].to_string().contains(why), "{why}: {}", answer.json());
        assert!(!matches!(connection.answer(), Ok(Some(_))), "the connection ends");
    }
    let mut connection = server.connect();
    connection.send(chunked("2\r\n{}\r\n0\r\n\r\n").as_bytes()).expect("a connection");
    assert_eq!(connection.answer().expect("an answer").map(|answer| answer.status), Some(200));
    assert_eq!(connection.look("state")["clusters"]["us-east-1"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_head_that_is_not_http_is_answered_with_a_status_alone() {
    let server = Server::start(&[]);
    for (sent, status) in [
        ("hello\r\n\r\n".to_owned(), 400),
        ("GET /cluster HTTP/1.1\r\nhost localhost\r\n\r\n".to_owned(), 400),
        ("POST /cluster HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(70_000)), 414),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200)), 431),
    ] {
        let mut connection = server.connect();
        let _ = connection.send(sent.as_bytes());
        let answer = connection.answer().expect("an answer").expect("an answer");
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")));
        // A client knows where it ends.
        assert_eq!((answer.header("content-length"), &answer.body[..]), (Some("0"), &b""[..]));
    }
    assert_eq!(server.stop().code, Some(0));
}
