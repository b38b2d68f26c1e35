//! Fault targets: the link, the kind of message, the node or the point in its work that a fault hits.

use strum::VariantArray;

use crate::api::Operation;
use crate::control::message::MessageKind;
use crate::sim::fault::{CrashPoint, MessageMatch, NodeMatch, Point, Written};
use crate::types::{ClientId, NodeId};

use super::Plan;
use super::draws::Draws;

/// The two ends of a link, and whether one of them is a client. `client_percent` is the share of such links.
pub(super) fn link(draws: Draws, plan: &Plan, client_percent: u32) -> (NodeMatch, NodeMatch, bool) {
    let topology = &plan.topology;
    let region = draws.among("from", topology.clusters()).expect("there are two");
    if draws.chance("client", client_percent) {
        let client = NodeMatch::Client(ClientId(draws.below("which client", plan.clients) as u32));
        let end = draws.weigh(
            "end",
            &[(8, NodeMatch::Region(region)), (2, NodeMatch::ControlPlane(region)), (1, NodeMatch::Any)],
        );
        let to_client = draws.chance("to client", 50);
        return if to_client { (end, client, true) } else { (client, end, true) };
    }
    let others = topology.all().into_iter().filter(|other| *other != region);
    let other = draws.among("to", others).unwrap_or(topology.witness);
    let end = |what: &str, region| {
        let ends = [
            (8, NodeMatch::Region(region)),
            (1, NodeMatch::ControlPlane(region)),
            (1, NodeMatch::Witness(region)),
        ];
        draws.weigh(what, &ends)
    };
    let (from, to) = (end("one end", region), end("other end", other));
    if draws.chance("reverse", 50) { (to, from, false) } else { (from, to, false) }
}

/// A pattern for the messages of a link. `is_call` selects the kinds between a client and a Region, otherwise those
/// between nodes: a pattern for the other sort would match no message of the link.
pub(super) fn message_match(draws: Draws, is_call: bool) -> MessageMatch {
    if draws.chance("anything", 60) {
        return MessageMatch::Anything;
    }
    if !is_call {
        return MessageMatch::Message(draws.pick("message", MessageKind::VARIANTS));
    }
    let operation = draws.chance("one operation", 60).then(|| draws.pick("operation", Operation::ALL));
    match draws.pick("call", &["request", "response"]) {
        "request" => MessageMatch::Request(operation),
        _ => MessageMatch::Response(operation),
    }
}

/// A node or a client to crash.
pub(super) fn node(draws: Draws, plan: &Plan) -> NodeId {
    if draws.chance("client", 10) {
        return NodeId::Client(ClientId(draws.below("which client", plan.clients) as u32));
    }
    let planes = plan.topology.clusters().map(NodeId::ControlPlane);
    let witness = NodeId::Witness(plan.topology.witness);
    draws.among("node", planes.chain([witness])).expect("there are three")
}

/// The point in a node's work at which it crashes: mostly the first to fourth occurrence of a step.
pub(super) fn crash_point(draws: Draws) -> CrashPoint {
    let nth = draws.between("nth", 1, 4) as u32;
    let moments =
        ["now", "before a write", "during a write", "after a write", "before a message", "sending", "sent"];
    let point = match draws.pick("moment", &moments) {
        "now" => return CrashPoint::Now,
        "before a write" => Point::BeforePersisting(written(draws)),
        "during a write" => Point::Persisting(written(draws)),
        "after a write" => Point::AfterPersisting(written(draws)),
        "sending" => Point::BeforeSending(sent(draws)),
        "sent" => Point::AfterSending(sent(draws)),
        _ => Point::BeforeHandling(match draws.chance("request", 40) {
            true => MessageMatch::Request(operation(draws)),
            false => MessageMatch::Message(draws.pick("message", MessageKind::VARIANTS)),
        }),
    };
    CrashPoint::At(point, nth)
}

fn operation(draws: Draws) -> Option<Operation> {
    draws.chance("one operation", 40).then(|| draws.pick("operation", Operation::ALL))
}

/// A pattern for a message that a node sends.
fn sent(draws: Draws) -> MessageMatch {
    match draws.chance("answer", 40) {
        true => MessageMatch::Response(operation(draws)),
        false => MessageMatch::Message(draws.pick("message", MessageKind::VARIANTS)),
    }
}

/// A pattern for a write to disk; any write, most of the time.
fn written(draws: Draws) -> Written {
    if draws.chance("any write", 60) {
        return Written::Anything;
    }
    match operation(draws) {
        Some(operation) => Written::For(operation),
        None => draws.pick("write", &Written::HOLDINGS).1,
    }
}
