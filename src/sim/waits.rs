//! Who waits for whom, as data and as text, and the states of the nodes that are waited for.

use std::fmt::Write as _;

use crate::region::Region;
use crate::types::NodeId;

use super::World;
use super::node::NodeState;
use super::trace::TraceFormatter;

/// A client that waits for an answer, or a cluster or a call of a control plane that waits for other nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWait {
    /// The Region of the control plane; `None` for a client.
    pub region: Option<Region>,
    /// The client, the cluster or the call.
    pub waiter: String,
    /// The nodes whose answers are missing; empty if only time has to pass.
    pub missing: Vec<NodeId>,
    /// The awaited action, as an infinitive: "waits for NODE to ACTION".
    pub action: String,
}

impl World {
    /// The nodes that exist, each with its state. A node exists once the first message or fault has reached it.
    pub fn node_states(&self) -> impl Iterator<Item = (NodeId, NodeState)> {
        self.nodes.iter().map(|node| (node.id, node.state))
    }

    /// The name of a node or a client in traces.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> String {
        TraceFormatter { names: &self.names, clients: &self.options.clients }.node(Some(node))
    }

    /// Every client and cluster that waits: the chain to follow when a world does not come to rest.
    pub fn open_waits(&self) -> impl Iterator<Item = OpenWait> {
        let of_clients = self.calls.waiting().map(|(client, call)| OpenWait {
            region: None,
            waiter: self.node_name(NodeId::Client(client)),
            missing: vec![NodeId::ControlPlane(call.region)],
            action: format!("answer {}", call.request.operation()),
        });
        let planes = self.nodes.iter().filter_map(|node| node.machine.control_plane());
        let of_planes = planes.flat_map(|plane| plane.waits()).map(|wait| OpenWait {
            region: Some(wait.region),
            waiter: wait.waiter,
            missing: wait.missing,
            action: wait.action.to_owned(),
        });
        of_clients.chain(of_planes)
    }

    /// [`World::open_waits`] as text, one per line.
    #[must_use]
    pub fn who_waits(&self) -> String {
        let mut text = String::new();
        for OpenWait { region, waiter, missing, action } in self.open_waits() {
            let on: Vec<_> = missing.into_iter().map(|node| self.name_and_state(node)).collect();
            let on = if on.is_empty() { "its own timer".to_owned() } else { on.join(", ") };
            let region = region.map(|region| format!("{region} ")).unwrap_or_default();
            let _ = write!(text, "\n  {region}{waiter} waits for {on} to {action}");
        }
        text
    }

    fn name_and_state(&self, id: NodeId) -> String {
        let is_down = self.node_states().any(|(known, state)| known == id && state != NodeState::Up);
        self.node_name(id) + if is_down { " (down)" } else { "" }
    }
}
