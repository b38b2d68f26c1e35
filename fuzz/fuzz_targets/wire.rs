//! HTTP requests: whatever comes in is read or refused, and what is read can be written and read again.
//!
//! The input is a request as HTTP/1.1 writes it, without the version: `METHOD PATH?QUERY`, headers, an empty line and
//! the body.

#![no_main]

use dsql_sim::api::wire::{HttpRequest, decode, decode_answer, encode, encode_request, receive};
use dsql_sim::api::{Error, Operation, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    match read(input) {
        Ok(request) => {
            let sent = encode_request(&request);
            let (path, query) = sent.target.split_once('?').unwrap_or((&sent.target, ""));
            let again = decode(HttpRequest { method: sent.method, path, query, body: &sent.body });
            assert_eq!(again, Ok(request));
        }
        Err(error) => {
            let answer = encode(Err(&error), "request-id");
            assert_eq!(decode_answer(Operation::GetCluster, &answer).expect("readable"), Err(error));
        }
    }
});

fn read(input: &[u8]) -> Result<Request, Error> {
    let end = input.windows(2).position(|bytes| bytes == b"\n\n");
    let (head, body) = end.map_or((input, &[][..]), |end| (&input[..end], &input[end + 2..]));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let (method, target) = first.split_once(' ').unwrap_or((first, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let header =
        |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    let parts = HttpRequest { method, path, query, body };
    let (_, request) = receive(parts, header("authorization"), header("host"))?;
    request.validate()?;
    Ok(request)
}
