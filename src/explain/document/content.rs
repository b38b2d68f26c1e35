//! The content of an event as JSON, and the records that it made durable.

use serde::Serialize;
use serde_json::{Value, json};

use crate::api::Error;
use crate::control::message::{Commit, Message};
use crate::control::peering::{AcceptedValue, Ballot, RegisterKey};
use crate::region::Region;
use crate::sim::history::{History, HistoryContent, HistoryEvent};
use crate::sim::trace::TraceEventKind as Kind;

use super::WriteRecord;

/// What the event carries. A message shows its content where it is sent, and where it is lost or held; the rest of its
/// way repeats none of it.
pub(super) fn json(event: &HistoryEvent, history: &History) -> Value {
    if matches!(event.kind, Kind::Arrived | Kind::Copied) {
        return Value::Null;
    }
    match &event.content {
        HistoryContent::Request(request) => request.to_json(),
        HistoryContent::Reply(Ok(response)) => response.to_json(),
        HistoryContent::Reply(Err(error)) | HistoryContent::Error(error) => of_error(error),
        HistoryContent::Message(message) => of_message(message, history),
        HistoryContent::None | HistoryContent::Commit(_) | HistoryContent::Fault(_) => Value::Null,
    }
}

/// The records that a durable write set or removed.
pub(super) fn writes(event: &HistoryEvent, history: &History) -> Vec<WriteRecord> {
    match (&event.content, event.kind) {
        (HistoryContent::Commit(commit), Kind::Wrote) => written(commit, history),
        _ => Vec::new(),
    }
}

fn written(commit: &Commit, history: &History) -> Vec<WriteRecord> {
    let mut writes = Vec::new();
    if let Some((_, _, after)) = &commit.batch.cluster {
        let record = after.as_ref().or(commit.before.cluster.as_ref());
        let key = record.map(|record| history.cluster_name(record.arn.identifier)).unwrap_or_default();
        let value = after.as_ref().map_or(Value::Null, |record| plain(&**record));
        writes.push(WriteRecord { table: "clusters", key, value });
    }
    if let Some((key, record)) = &commit.batch.token {
        let value = json!({ "operation": record.response.operation().name(), "at": record.at.0 });
        writes.push(WriteRecord { table: "tokens", key: key.token.to_string(), value });
    }
    if let Some((key, acceptor)) = commit.batch.register.as_deref() {
        let value = json!({
            "promised": of_ballot(acceptor.promised),
            "accepted": acceptor.accepted.as_ref().map(of_accepted),
        });
        writes.push(WriteRecord { table: "registers", key: pair(key, history), value });
    }
    writes
}

fn of_error(error: &Error) -> Value {
    let mut json = error.to_json();
    if let Value::Object(members) = &mut json {
        members.insert("__type".to_owned(), error.name().into());
    }
    json
}

fn of_message(message: &Message, history: &History) -> Value {
    match message {
        Message::CheckWitness { attempt, .. } => json!({ "attempt": attempt }),
        Message::WitnessChecked { denial, attempt, .. } => {
            json!({ "allowed": denial.is_none(), "attempt": attempt })
        }
        Message::CheckPeer { peer, action, attempt, .. } => {
            json!({ "peer": peer.to_string(), "action": format!("{action:?}"), "attempt": attempt })
        }
        Message::PeerChecked { peer, answer, attempt, .. } => {
            json!({ "peer": peer.to_string(), "answer": format!("{answer:?}"), "attempt": attempt })
        }
        Message::Prepare { register, ballot } | Message::Accepted { register, ballot } => {
            json!({ "register": pair(register, history), "ballot": of_ballot(*ballot) })
        }
        Message::Promise { register, ballot, accepted } => json!({
            "register": pair(register, history),
            "ballot": of_ballot(*ballot),
            "accepted": accepted.as_ref().map(of_accepted),
        }),
        Message::Accept { register, ballot, value } => json!({
            "register": pair(register, history),
            "ballot": of_ballot(*ballot),
            "value": plain(value),
        }),
        Message::Nack { register, ballot, promised } => json!({
            "register": pair(register, history),
            "ballot": of_ballot(*ballot),
            "promised": of_ballot(*promised),
        }),
    }
}

fn pair(register: &RegisterKey, history: &History) -> String {
    let [one, other] = register.pair().map(|arn| history.cluster_name(arn.identifier));
    format!("{one} and {other}, witness {}", register.witness())
}

fn of_ballot(ballot: Ballot) -> Value {
    let proposer = Region::all().find(|region| ballot.is_of(*region)).map(Region::name);
    // Round 0 is that of an acceptor which has promised nothing.
    if ballot.round() == 0 { Value::Null } else { json!({ "round": ballot.round(), "proposer": proposer }) }
}

fn of_accepted((ballot, value): &AcceptedValue) -> Value {
    json!({ "ballot": of_ballot(*ballot), "value": plain(value) })
}

/// A record as JSON. The records of nodes are plain data, which always has a form in JSON.
fn plain(record: &impl Serialize) -> Value {
    serde_json::to_value(record).unwrap_or_default()
}
