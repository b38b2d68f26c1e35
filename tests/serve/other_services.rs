//! A global `AWS_ENDPOINT_URL`: STS knows the caller, and other services refuse in their own protocol.

use std::fs;

use crate::http::{Answer, Connection};
use crate::server::Server;

/// An answer to a request that is signed for `service`.
fn ask(
    connection: &mut Connection,
    who: &str,
    service: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> Answer {
    let (method, length) = (if body.is_empty() { "GET" } else { "POST" }, body.len());
    let text = format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential={who}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=00\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    );
    connection.send(text.as_bytes()).expect("a connection");
    connection.answer().expect("an answer").expect("an answer")
}

const FORM: &str = "content-type: application/x-www-form-urlencoded; charset=utf-8\r\n";

#[test]
fn sts_says_who_the_access_key_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("principals");
    let text = "principal ci arn=arn:aws:iam::444455556666:role/deploy/ci access-key=AKIACI\n\
                principal ann arn=arn:aws:iam::444455556666:user/ann access-key=AKIAANN\n";
    fs::write(&file, text).expect("a file");
    let server = Server::start(&["--principals", file.to_str().expect("a path")]);
    let mut connection = server.connect();
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    for (who, arn, account) in [
        ("any", "arn:aws:iam::111122223333:root", "111122223333"),
        ("999900001111", "arn:aws:iam::999900001111:root", "999900001111"),
        ("AKIACI", "arn:aws:sts::444455556666:assumed-role/ci/dsql-sim", "444455556666"),
        ("AKIAANN", "arn:aws:iam::444455556666:user/ann", "444455556666"),
    ] {
        let posted = ask(&mut connection, who, "sts", "/", FORM, body);
        let got = ask(&mut connection, who, "sts", &format!("/?{body}"), "", "");
        for answer in [posted, got] {
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/xml")));
            let text = String::from_utf8(answer.body).expect("text");
            assert!(text.contains(&format!("<Arn>{arn}</Arn>")), "{text}");
            assert!(text.contains(&format!("<Account>{account}</Account>")), "{text}");
        }
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn another_service_is_refused_in_its_own_protocol() {
    let server = Server::start(&[]);
    let mut connection = server.connect();
    let target = |version: &str, name: &str| {
        format!("content-type: application/x-amz-json-{version}\r\nx-amz-target: {name}\r\n")
    };
    let json_error = "\"__type\":\"NotImplemented\"";
    for (service, path, headers, body, content_type, part) in [
        ("sts", "/", FORM.to_owned(), "Action=AssumeRole", "text/xml", "<ErrorResponse><Error>"),
        ("iam", "/", FORM.to_owned(), "Action=GetUser", "text/xml", "<Code>NotImplemented</Code>"),
        ("ec2", "/", FORM.to_owned(), "Action=DescribeVpcs", "text/xml", "<Response><Errors><Error>"),
        (
            "dynamodb",
            "/",
            target("1.0", "DynamoDB_20120810.GetItem"),
            "{}",
            "application/x-amz-json-1.0",
            json_error,
        ),
        ("kms", "/", target("1.1", "TrentService.CreateKey"), "{}", "application/x-amz-json-1.1", json_error),
        ("lambda", "/2015-03-31/functions", String::new(), "", "application/json", json_error),
        ("s3", "/bucket/key", String::new(), "", "application/xml", "<Error><Code>NotImplemented</Code>"),
        ("route53", "/2013-04-01/hostedzone", String::new(), "", "application/xml", "<ErrorResponse><Error>"),
    ] {
        let answer = ask(&mut connection, "any", service, path, &headers, body);
        assert_eq!((answer.status, answer.header("content-type")), (501, Some(content_type)), "{service}");
        assert_eq!(answer.header("x-amzn-errortype"), Some("NotImplemented"));
        let text = String::from_utf8(answer.body).expect("text");
        assert!(text.contains(part), "{service}: {text}");
        assert!(text.contains("dsql-sim") && text.contains(service), "{service}: {text}");
    }
    assert_eq!(server.stop().code, Some(0));
}
