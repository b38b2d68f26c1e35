//! The text of an event: a line of the trace, without its time.

use std::fmt::Write as _;

use crate::api::Operation;
use crate::control::message::{Commit, Note};
use crate::control::peering::LinkOutcome as Link;
use crate::sim::client::{Call, ClientOptions, Names, Outcome};
use crate::sim::fault::{NodeActivity, Stage};
use crate::sim::network::{Envelope, Payload};
use crate::sim::stream_moves::{moved_streams, stream_move};
use crate::types::{Identifier, NodeId};

use super::{TraceEvent, Unhashed, time};

impl TraceEvent<'_> {
    /// The text of the event as a line of the trace; `None` if it shows in others.
    pub(in crate::sim) fn text(&self, formatter: &TraceFormatter<'_>) -> Option<String> {
        Some(match self {
            TraceEvent::Invoked(_, call, _) => format!("calls {}", formatter.call(call)),
            TraceEvent::Retried(_, call, attempt) => {
                format!("calls {}, attempt {attempt}", formatter.call(call))
            }
            TraceEvent::Ended(_, call, outcome) => {
                format!("{} {}", call.request.operation(), formatter.outcome(call, outcome))
            }
            TraceEvent::Sent(envelope, at) => {
                format!("sends {}, arriving at {}", formatter.to(envelope), time(*at).trim())
            }
            TraceEvent::Arrived(envelope) => {
                format!(
                    "receives {} from {}",
                    formatter.payload(envelope),
                    formatter.node(Some(envelope.from))
                )
            }
            TraceEvent::Lost(envelope, reason) => {
                format!("sends {} ✗ {}", formatter.to(envelope), reason.text())
            }
            TraceEvent::Copied(envelope, copies) => {
                format!("sends {}, duplicated {copies}×", formatter.to(envelope))
            }
            TraceEvent::Held(envelope) => format!("sends {}, held back", formatter.to(envelope)),
            TraceEvent::Wrote(_, commit) => formatter.commit(commit)?,
            TraceEvent::Forgot(_, commit) => match &commit.batch.cluster {
                None if commit.batch.register.is_some() => {
                    "loses an unfinished write: a link register".to_owned()
                }
                _ => format!("loses an unfinished write: {}", formatter.commit(commit)?),
            },
            TraceEvent::Noted(_, note) => formatter.note(note),
            TraceEvent::Crashed(_, Unhashed(None)) => "crashes".to_owned(),
            TraceEvent::Crashed(_, Unhashed(Some(reason))) => format!("crashes {reason}"),
            TraceEvent::Injected(_, operation, error) => {
                format!("answers {operation} with {} (injected)", error.name())
            }
            TraceEvent::Restarted(_) => "restarts".to_owned(),
            // The sending of an answer follows as a line of its own, and a timer shows in its consequences.
            TraceEvent::Replied(..) | TraceEvent::Fired(..) => return None,
            TraceEvent::Remark(text) | TraceEvent::FaultInjected(_, Unhashed(text)) => (*text).to_owned(),
        })
    }

    /// The text of the event in a history, which has every event.
    pub(in crate::sim) fn full_text(&self, formatter: &TraceFormatter<'_>) -> String {
        self.text(formatter).unwrap_or_else(|| match self {
            TraceEvent::Replied(_, delivery, Ok(response)) => match response.status() {
                Some(status) => format!("answers {}: ok {status}", delivery.operation),
                None => format!("answers {}: ok", delivery.operation),
            },
            TraceEvent::Replied(_, delivery, Err(error)) => {
                format!("answers {}: {} {}", delivery.operation, error.http_status(), error.name())
            }
            TraceEvent::Fired(..) => "a timer fires".to_owned(),
            TraceEvent::Forgot(..) => "loses an unfinished write: a token".to_owned(),
            _ => "writes a token".to_owned(),
        })
    }
}

/// Formats events with the names that a scenario gave to clients, Regions and clusters.
pub(in crate::sim) struct TraceFormatter<'a> {
    pub(in crate::sim) names: &'a Names,
    pub(in crate::sim) clients: &'a [ClientOptions],
}

impl TraceFormatter<'_> {
    pub(in crate::sim) fn node(&self, node: Option<NodeId>) -> String {
        match node {
            None => "·".to_owned(),
            Some(NodeId::Client(client)) => self.clients[client.0 as usize].name.to_string(),
            Some(NodeId::ControlPlane(region)) => self.names.region(region).to_owned(),
            Some(NodeId::Witness(region)) => format!("{}/witness", self.names.region(region)),
        }
    }

    fn call(&self, call: &Call) -> String {
        let mut text = format!("{} {}", self.names.region(call.region), call.request.operation());
        if let Some(identifier) = call.request.identifier() {
            let name = Identifier::parse(identifier).map(|identifier| self.names.cluster(identifier));
            let _ = write!(text, " {}", name.unwrap_or_else(|| identifier.to_owned()));
        }
        if let Some(alias) = &call.alias {
            let _ = write!(text, " as {alias}");
        }
        text
    }

    fn outcome(&self, call: &Call, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Ok(response) => match (response.status(), call.request.operation()) {
                (Some(status), _) => format!("ok {status}"),
                (None, Operation::ListClusters) => match response.listed() {
                    1 => "ok 1 cluster".to_owned(),
                    count => format!("ok {count} clusters"),
                },
                (None, _) => "ok".to_owned(),
            },
            Outcome::Failed(error) => {
                let message = self.names.in_text(error.message());
                format!("failed {} {} {message:?}", error.http_status(), error.name())
            }
            Outcome::Gone if call.request.operation() == Operation::GetStream => {
                "ok: no such stream".to_owned()
            }
            Outcome::Gone => "ok: no such cluster".to_owned(),
            Outcome::Unknown => "unknown: no answer".to_owned(),
            Outcome::TimedOut(last_seen) => format!("timed out: saw {last_seen}"),
        }
    }

    /// The crash point that a node has reached with `activity`.
    pub(in crate::sim) fn reason(&self, activity: NodeActivity<'_>) -> String {
        match activity {
            NodeActivity::Handles(what) => format!("before handling {what}"),
            NodeActivity::Sends(what) => format!("before sending {what}"),
            NodeActivity::Sent(what) => format!("after sending {what}"),
            NodeActivity::Persists(stage, commit, operation) => {
                let when = match stage {
                    Stage::Before => "before",
                    Stage::During => "while",
                    Stage::After => "after",
                };
                format!("{when} persisting {}", self.written(commit, operation))
            }
        }
    }

    /// The operation and the cluster of a write, as far as it has them.
    fn written(&self, commit: &Commit, operation: Option<Operation>) -> String {
        let after = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
        let cluster =
            after.or(commit.before.cluster.as_ref()).map(|it| self.names.cluster(it.arn.identifier));
        match (operation, cluster, &commit.batch.register) {
            (Some(operation), Some(cluster), _) => format!("{operation} of {cluster}"),
            (None, Some(cluster), _) => cluster,
            (_, None, Some(register)) => {
                let [one, other] = register.0.pair().map(|arn| self.names.cluster(arn.identifier));
                format!("the link of {one} and {other}")
            }
            (Some(operation), None, None) => operation.to_string(),
            (None, None, None) => "a token".to_owned(),
        }
    }

    fn to(&self, envelope: &Envelope) -> String {
        format!("{} to {}", self.payload(envelope), self.node(Some(envelope.to)))
    }

    fn payload(&self, envelope: &Envelope) -> String {
        match &envelope.payload {
            Payload::Request { request, delivery, .. } => {
                format!("{} (attempt {})", request.operation(), delivery.attempt)
            }
            Payload::Response { operation, delivery, .. } => {
                format!("{operation}.response (attempt {})", delivery.attempt)
            }
            Payload::Reset(_) => "connection reset".to_owned(),
            Payload::Message(message) => message.kind().name().to_owned(),
        }
    }

    fn commit(&self, commit: &Commit) -> Option<String> {
        let Some((_, _, after)) = &commit.batch.cluster else {
            return commit.batch.register.as_ref().map(|_| "writes a link register".to_owned());
        };
        let before = commit.before.cluster.as_ref();
        Some(match (before, after) {
            (None, Some(after)) => format!("{} {}", self.names.cluster(after.arn.identifier), after.status),
            (Some(before), Some(after)) => {
                let is_moved = before.status != after.status;
                let status = is_moved.then(|| format!("{} → {}", before.status, after.status));
                let moves: Vec<_> =
                    status.into_iter().chain(moved_streams(commit).map(stream_move)).collect();
                let cluster = self.names.cluster(after.arn.identifier);
                if moves.is_empty() {
                    return Some(format!("{cluster} written, still {}", after.status));
                }
                format!("{cluster} {}", moves.join(", "))
            }
            (Some(before), None) => {
                format!("{} {} → gone", self.names.cluster(before.arn.identifier), before.status)
            }
            (None, None) => return None,
        })
    }

    fn note(&self, note: &Note) -> String {
        match note {
            Note::Replayed(_) => "answers from its token table".to_owned(),
            Note::Joined(_) => "joins the call in flight with the same token".to_owned(),
            Note::Chosen { register, cluster, outcome } => {
                let cluster_name = self.names.cluster(cluster.identifier);
                let peer = register.other(*cluster).map(|peer| self.names.cluster(peer.identifier));
                let state = match outcome {
                    Link::Open => "no link yet",
                    Link::Linked => "linked",
                    Link::Dissolved => "dissolved",
                };
                format!("{cluster_name} and {}: {state}", peer.unwrap_or_default())
            }
        }
    }
}
