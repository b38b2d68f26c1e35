//! Which requests the server accepts: those of programs, and none of a web page.

use serde_json::{Value, json};

use crate::http::Answer;
use crate::server::{Server, refused};

/// What the server answers to a request with these headers, besides those that every request has.
fn ask(server: &Server, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
    let mut connection = server.connect();
    let lines: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let text = format!(
        "{method} {target} HTTP/1.1\r\n{lines}content-length: {length}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=any/20260101/us-east-1/dsql/aws4_request, SignedHeaders=host, Signature=00\r\n\r\n{body}"
    );
    connection.send(text.as_bytes()).expect("a connection");
    connection.answer().expect("an answer").expect("an answer")
}

const JSON: &str = "content-type: application/json";

/// The requests that read or change something, each with a body that would have an effect.
const REQUESTS: [(&str, &str, &str); 11] = [
    ("GET", "/_sim/state", ""),
    ("GET", "/_sim/faults", ""),
    ("POST", "/_sim/faults", "{\"faults\": [\"outage us-east-1\"]}"),
    ("POST", "/_sim/advance", "{\"by\": \"366d\"}"),
    ("POST", "/_sim/clock", "{\"paused\": true}"),
    ("GET", "/_sim/events", ""),
    ("POST", "/_sim/reset", ""),
    ("POST", "/moto-api/reset", ""),
    ("POST", "/_localstack/chaos/faults", "[{\"service\": \"dsql\"}]"),
    ("POST", "/cluster", "{}"),
    ("GET", "/cluster", ""),
];

#[test]
fn a_web_page_can_neither_control_the_server_nor_call_it() {
    let server = Server::start(&[]);
    let port = server.address.rsplit(':').next().expect("a port");
    let own = format!("host: {}", server.address);
    let hostile = [
        // A page of another site, in browsers with and without fetch metadata.
        vec![own.clone(), "origin: http://evil.example".to_owned()],
        vec![own.clone(), "origin: null".to_owned()],
        vec![own.clone(), "sec-fetch-site: cross-site".to_owned()],
        vec![own.clone(), "sec-fetch-site: same-site".to_owned(), "sec-fetch-mode: no-cors".to_owned()],
        // Another port of this machine is another origin.
        vec![own.clone(), "origin: http://127.0.0.1:1".to_owned()],
        vec![
            own.clone(),
            format!("origin: http://{}", server.address),
            "origin: http://evil.example".to_owned(),
        ],
        // A name that was bound to 127.0.0.1 after the page had been loaded from it.
        vec![format!("host: evil.example:{port}"), format!("origin: http://evil.example:{port}")],
        vec![format!("host: evil.example:{port}"), "sec-fetch-site: same-origin".to_owned()],
        vec!["host: localhost.evil.example".to_owned()],
        vec!["host: 127.0.0.1.evil.example".to_owned()],
        vec!["host: dsql.us-east-1.api.aws.evil.example".to_owned()],
        vec!["host: evillocalhost".to_owned()],
        vec!["host: evil.example@localhost".to_owned()],
        vec!["host: 10.1.2.3".to_owned()],
        vec!["host: [::2]:80".to_owned()],
        vec!["host: ".to_owned()],
        vec![],
    ];
    for headers in &hostile {
        for content_type in [JSON, "content-type: text/plain;charset=UTF-8"] {
            let mut headers: Vec<&str> = headers.iter().map(String::as_str).collect();
            headers.push(content_type);
            for (method, target, body) in REQUESTS {
                let answer = ask(&server, method, target, &headers, body);
                assert_eq!(answer.status, 403, "{method} {target} {headers:?}");
                assert!(answer.json()["message"].is_string());
            }
        }
    }
    let mut connection = server.connect();
    assert_eq!(connection.look("faults")["faults"], json!([]));
    let state = connection.look("state");
    assert_eq!(state["clusters"], json!({}));
    assert!(state["virtualMilliseconds"].as_u64() < Some(3_600_000));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_target_in_absolute_form_is_a_host_name_as_well() {
    let server = Server::start(&[]);
    let absolute = |host: &str| format!("http://{host}/_sim/state");
    assert_eq!(ask(&server, "GET", &absolute("evil.example"), &["host: localhost"], "").status, 403);
    assert_eq!(ask(&server, "GET", &absolute("localhost"), &["host: evil.example"], "").status, 403);
    assert_eq!(ask(&server, "GET", &absolute("localhost"), &["host: localhost"], "").status, 200);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn the_names_of_local_endpoints_are_accepted() {
    let server = Server::start(&["--allow-host", "dsql", "--allow-host", "*.test.example"]);
    for host in [
        "localhost",
        "LOCALHOST:1",
        "localhost.",
        "us-east-1.localhost:4566",
        "127.0.0.1",
        "127.9.9.9:80",
        "[::1]:4566",
        "[::1]",
        "dsql.localhost.localstack.cloud:4566",
        "host.docker.internal:4566",
        "dsql.us-east-1.api.aws",
        "dsql-fips.us-east-1.api.aws",
        "dsql:4566",
        "DSQL",
        "a.test.example",
    ] {
        let host = format!("host: {host}");
        for (method, target) in [("GET", "/_sim/state"), ("GET", "/cluster")] {
            assert_eq!(ask(&server, method, target, &[&host], "").status, 200, "{target} {host}");
        }
    }
    assert_eq!(ask(&server, "GET", "/cluster", &["host: test.example"], "").status, 403);
    assert_eq!(ask(&server, "GET", "/cluster", &["host: dsql.mars-1.api.aws"], "").status, 403);
    // A page of the server itself, and an address that a person enters.
    let own = [&*format!("host: {}", server.address), &*format!("origin: http://{}", server.address)];
    for site in ["sec-fetch-site: same-origin", "sec-fetch-site: none"] {
        assert_eq!(ask(&server, "POST", "/_sim/reset", &[own[0], own[1], site], "").status, 200);
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_body_for_the_control_interface_is_declared_as_json() {
    let server = Server::start(&[]);
    let fault = "{\"faults\": [\"outage us-east-1\"]}";
    for (content_type, status) in [
        ("content-type: text/plain", 415),
        ("content-type: application/x-www-form-urlencoded", 415),
        ("content-type: text/plain; a=application/json", 415),
        ("x-other: 1", 415),
        (JSON, 200),
        ("content-type: Application/JSON; charset=utf-8", 200),
    ] {
        let answer = ask(&server, "POST", "/_sim/faults", &["host: localhost", content_type], fault);
        assert_eq!(answer.status, status, "{content_type}");
        assert!(answer.json().is_object());
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_server_beyond_loopback_demands_its_token() {
    let none = refused(&["--listen", "0.0.0.0"]);
    assert_eq!(none.code, Some(2), "{}", none.errors);
    assert!(none.errors.contains("--token"), "{}", none.errors);
    let server = Server::start(&["--listen", "0.0.0.0", "--token", "s3cret"]);
    let mut connection = server.connect();
    let mut status = |target: &str, authorization: &str| {
        let text =
            format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: {authorization}\r\n\r\n");
        connection.send(text.as_bytes()).expect("a connection");
        connection.answer().expect("an answer").expect("an answer").status
    };
    let signed = "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dsql/aws4_request, Signature=00";
    for authorization in ["", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crets", "Basic x", signed] {
        for target in ["/_sim/state", "/_sim/nothing", "/_localstack/chaos/faults"] {
            assert_eq!(status(target, authorization), 401, "{target} {authorization}");
        }
    }
    assert_eq!(status("/_sim/state", "Bearer s3cret"), 200);
    assert_eq!(status("/health", ""), 200);
    assert_eq!(status("/cluster", signed), 200);
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_refusal_of_a_call_has_the_form_of_the_api() {
    let server = Server::start(&[]);
    let answer = ask(&server, "GET", "/cluster", &["host: dsql"], "");
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (403, Some("AccessDeniedException")));
    let message: Value = answer.json()["message"].clone();
    assert!(message.to_string().contains("--allow-host"), "{message}");
    assert_eq!(server.stop().code, Some(0));
}
