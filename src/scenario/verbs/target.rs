//! The targets of faults: links, nodes and kinds of message, from text and back.

use strum::VariantArray;

use crate::api::Operation;
use crate::control::message::MessageKind;
use crate::region::Region;
use crate::scenario::SetUp;
use crate::scenario::diagnostic::{Diagnostic, Parsed, did_you_mean};
use crate::scenario::script::Word;
use crate::scenario::write::Writer;
use crate::sim::fault::{MessageMatch, NodeMatch};
use crate::types::NodeId;

/// A link: its two ends, and whether it has both directions.
pub(super) fn link(set_up: &SetUp, word: &Word) -> Parsed<(NodeMatch, NodeMatch, bool)> {
    let (ends, both_ways) = match (word.text.split_once("<->"), word.text.split_once("->")) {
        (Some(ends), _) => (ends, true),
        (None, Some(ends)) => (ends, false),
        (None, None) => {
            return Err(Diagnostic::new(format!("`{}` is not a link", word.text), word.span)
                .help("write it as in use1->use2 or use1<->use2".to_owned()));
        }
    };
    Ok((end_of_link(set_up, word, ends.0)?, end_of_link(set_up, word, ends.1)?, both_ways))
}

fn end_of_link(set_up: &SetUp, link: &Word, end: &str) -> Parsed<NodeMatch> {
    if end == "*" {
        return Ok(NodeMatch::Any);
    }
    // A client's name hides a Region's short name, as in a crash.
    if let Some(client) = set_up.client_called(end) {
        return Ok(NodeMatch::Client(client));
    }
    let (name, part) = end.split_once('/').map_or((end, None), |(name, part)| (name, Some(part)));
    let region = set_up.region(&Word { text: name.to_owned(), span: link.span });
    let region = region.map_err(|mistake| no_end_of_link(set_up, name, mistake))?;
    match part {
        None => Ok(NodeMatch::Region(region)),
        Some("witness") => Ok(NodeMatch::Witness(region)),
        Some("control-plane") => Ok(NodeMatch::ControlPlane(region)),
        Some(part) => Err(Diagnostic::new(format!("a Region has no node `{part}`"), link.span)
            .help("it has `witness` and `control-plane`".to_owned())),
    }
}

pub(super) fn node(set_up: &SetUp, word: &Word) -> Parsed<NodeId> {
    match end_of_link(set_up, word, &word.text)? {
        NodeMatch::Region(region) | NodeMatch::ControlPlane(region) => Ok(NodeId::ControlPlane(region)),
        NodeMatch::Witness(region) => Ok(NodeId::Witness(region)),
        NodeMatch::Client(_) => {
            Err(Diagnostic::new(format!("`{}` is a client and needs no restart", word.text), word.span)
                .help("the next command of a crashed client starts it again".to_owned()))
        }
        NodeMatch::Any => Err(Diagnostic::new(format!("`{}` is not a node", word.text), word.span)
            .help("a node is REGION or REGION/witness".to_owned())),
    }
}

/// The messages that `word` matches, as in `CreateCluster`, `CreateCluster.response`, `request` or `Prepare`.
pub(super) fn message_match(word: &Word) -> Parsed<MessageMatch> {
    let (name, is_response) = match word.text.strip_suffix(".response") {
        Some(name) => (name, true),
        None => (word.text.as_str(), false),
    };
    match (name, name.parse::<Operation>().ok(), is_response) {
        ("request", ..) => return Ok(MessageMatch::Request(None)),
        ("response", ..) => return Ok(MessageMatch::Response(None)),
        (_, Some(operation), true) => return Ok(MessageMatch::Response(Some(operation))),
        (_, Some(operation), false) => return Ok(MessageMatch::Request(Some(operation))),
        _ => {}
    }
    let kind = MessageKind::VARIANTS.iter().find(|kind| kind.name() == name);
    kind.copied().map(MessageMatch::Message).ok_or_else(|| {
        let operations = Operation::ALL.iter().map(|operation| operation.name());
        let kinds = MessageKind::VARIANTS.iter().map(|kind| kind.name());
        let closest = did_you_mean(name, operations.chain(kinds).chain(["request", "response"]));
        Diagnostic::new(format!("unknown message kind `{}`", word.text), word.span).help(closest)
    })
}

/// A better `mistake` than that `name` is no Region: an end of a link may be meant for a client.
fn no_end_of_link(set_up: &SetUp, name: &str, mistake: Diagnostic) -> Diagnostic {
    let clients: Vec<&str> = set_up.clients.iter().map(|client| &*client.name).collect();
    let regions = set_up.regions.iter().map(|(name, _)| &**name);
    if clients.contains(&name) {
        return Diagnostic::new(format!("`{name}` is a client and has no nodes"), mistake.span)
            .help(format!("write `{name}` alone"));
    }
    let all_regions = Region::all().map(|region| region.name());
    let known: Vec<&str> = clients.iter().copied().chain(regions).chain(all_regions).collect();
    let closest = did_you_mean(name, known);
    let all = format!(
        "it is a client ({}), a Region, REGION/control-plane, REGION/witness or `*`",
        clients.join(", ")
    );
    Diagnostic::new(format!("`{name}` is neither a Region nor a client"), mistake.span)
        .help(closest.unwrap_or(all))
}

impl SetUp {
    /// The name of a node or a client in the file.
    pub(super) fn node_name(&self, node: NodeId) -> String {
        match node {
            NodeId::ControlPlane(region) => self.region_name(region).to_owned(),
            NodeId::Witness(region) => format!("{}/witness", self.region_name(region)),
            NodeId::Client(client) => self.clients[client.0 as usize].name.to_string(),
        }
    }
}

impl Writer<'_> {
    /// A node or a client.
    pub(super) fn node(&self, node: NodeId) -> String {
        self.set_up.node_name(node)
    }

    /// A link.
    pub(super) fn link(&self, from: NodeMatch, to: NodeMatch, both_ways: bool) -> String {
        let arrow = if both_ways { "<->" } else { "->" };
        self.end_of_link(from) + arrow + &self.end_of_link(to)
    }

    fn end_of_link(&self, end: NodeMatch) -> String {
        match end {
            NodeMatch::Any => "*".to_owned(),
            NodeMatch::Client(client) => self.set_up.clients[client.0 as usize].name.to_string(),
            NodeMatch::Region(region) => self.region(region).to_owned(),
            NodeMatch::ControlPlane(region) => format!("{}/control-plane", self.region(region)),
            NodeMatch::Witness(region) => format!("{}/witness", self.region(region)),
        }
    }

    /// The kind of a message.
    pub(super) fn message_match(&self, message: MessageMatch) -> String {
        match message {
            MessageMatch::Anything => unreachable!("a rule for every message has no word for it"),
            MessageMatch::Request(None) => "request".to_owned(),
            MessageMatch::Response(None) => "response".to_owned(),
            MessageMatch::Request(Some(operation)) => operation.name().to_owned(),
            MessageMatch::Response(Some(operation)) => format!("{operation}.response"),
            MessageMatch::Message(kind) => kind.name().to_owned(),
        }
    }
}
