//! As much of an HTTP client as a test needs that also says what is not HTTP.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) struct Connection(BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

impl Connection {
    pub(crate) fn open(address: &str) -> io::Result<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        // Nothing here takes so long; a test that waits for ever says nothing.
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        Ok(Connection(BufReader::new(stream)))
    }

    /// Opens the connection again, as a client does that finds it closed.
    pub(crate) fn reconnect(&mut self) {
        let address = self.stream().peer_addr().expect("an address");
        *self = Connection::open(&address.to_string()).expect("a connection");
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    /// Sends `bytes` as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// The next answer; `None` if the connection ended before it began.
    pub(crate) fn answer(&mut self) -> io::Result<Option<Answer>> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("{line:?} begins no answer")))?;
        let mut headers = Vec::new();
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(Some(Answer { status, headers, body }))
    }

    /// An answer to a request of the account in the Region.
    pub(crate) fn ask(
        &mut self,
        who: &str,
        region: &str,
        method: &str,
        target: &str,
        body: &Value,
    ) -> io::Result<Answer> {
        self.send(&request(who, region, method, target, body))?;
        self.answer()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// What `/_sim/` answers to a POST.
    pub(crate) fn sim(&mut self, what: &str, body: &str) -> Answer {
        // Faults are lines of the scenario language.
        let body = match what {
            "faults" => json!({ "faults": [body] }).to_string(),
            _ => body.to_owned(),
        };
        let length = body.len();
        let text = format!(
            "POST /_sim/{what} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.send(text.as_bytes()).expect("a connection");
        self.answer().expect("an answer").expect("an answer")
    }

    /// What `/_sim/` answers to a GET.
    pub(crate) fn look(&mut self, what: &str) -> Value {
        self.send(format!("GET /_sim/{what} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
            .expect("a connection");
        self.answer().expect("an answer").expect("an answer").json()
    }
}

/// The bytes of a request, signed by nobody.
pub(crate) fn request(who: &str, region: &str, method: &str, target: &str, body: &Value) -> Vec<u8> {
    request_with("", who, region, (method, target), body)
}

/// Those of a request with further header lines, each of which ends with `\r\n`.
pub(crate) fn request_with(
    headers: &str,
    who: &str,
    region: &str,
    (method, target): (&str, &str),
    body: &Value,
) -> Vec<u8> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential={who}/20260101/{region}/dsql/aws4_request, SignedHeaders=host, Signature=00\r\n{headers}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
