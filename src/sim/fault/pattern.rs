//! Patterns of messages: the two ends of a link, and the kind of a message.

use std::fmt;

use crate::api::Operation;
use crate::control::message::MessageKind;
use crate::region::Region;
use crate::types::{ClientId, NodeId};

/// A pattern for one end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeMatch {
    /// Every node and every client.
    Any,
    /// One client.
    Client(ClientId),
    /// The control plane and the witness node of a Region. Clients whose home is that Region are not included.
    Region(Region),
    /// The control plane of a Region.
    ControlPlane(Region),
    /// The witness node of a Region.
    Witness(Region),
}

impl NodeMatch {
    /// Whether the pattern matches `node`.
    #[must_use]
    pub fn includes(self, node: NodeId) -> bool {
        match self {
            NodeMatch::Any => true,
            NodeMatch::Client(client) => node == NodeId::Client(client),
            NodeMatch::Region(region) => node.region() == Some(region),
            NodeMatch::ControlPlane(region) => node == NodeId::ControlPlane(region),
            NodeMatch::Witness(region) => node == NodeId::Witness(region),
        }
    }

    /// The pattern with `client` in the position of a client.
    pub(super) fn with_client(self, client: ClientId) -> NodeMatch {
        if let NodeMatch::Client(_) = self { NodeMatch::Client(client) } else { self }
    }
}

impl From<NodeId> for NodeMatch {
    /// The pattern that matches exactly this node.
    fn from(node: NodeId) -> NodeMatch {
        match node {
            NodeId::Client(client) => NodeMatch::Client(client),
            NodeId::ControlPlane(region) => NodeMatch::ControlPlane(region),
            NodeId::Witness(region) => NodeMatch::Witness(region),
        }
    }
}

/// A pattern for the kind of a message; with an operation in it, also the exact kind of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageMatch {
    /// Every message.
    Anything,
    /// A request of a client: of one operation, or of any.
    Request(Option<Operation>),
    /// A response to a client: to one operation, or to any. A connection reset matches
    /// only the pattern for any operation.
    Response(Option<Operation>),
    /// A message of one kind between two nodes.
    Message(MessageKind),
}

impl MessageMatch {
    /// Whether the pattern matches a message of the exact kind `other`.
    #[must_use]
    pub fn includes(self, other: MessageMatch) -> bool {
        match (self, other) {
            (MessageMatch::Anything, _) => true,
            (MessageMatch::Request(None), MessageMatch::Request(_))
            | (MessageMatch::Response(None), MessageMatch::Response(_)) => true,
            (mine, other) => mine == other,
        }
    }
}

impl fmt::Display for MessageMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MessageMatch::Anything => f.write_str("anything"),
            MessageMatch::Request(None) => f.write_str("a request"),
            MessageMatch::Response(None) => f.write_str("an answer"),
            MessageMatch::Request(Some(operation)) => write!(f, "{operation}"),
            MessageMatch::Response(Some(operation)) => write!(f, "the answer to {operation}"),
            MessageMatch::Message(kind) => f.write_str(kind.name()),
        }
    }
}
