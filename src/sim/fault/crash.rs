//! `crash`: a node or a client stops.

use crate::sim::World;
use crate::sim::client::Next;
use crate::sim::disk::NodeCrash;
use crate::sim::node::{CrashTrigger, NodeState};
use crate::sim::trace::{TraceEvent, Unhashed};
use crate::types::{ClientId, NodeId};

use super::{CrashPoint, Fault, FaultBehaviour, FaultId, FaultKind, NodeMatch, Restart, Rule};

/// Stops a node or a client.
///
/// A node loses its memory, and with it every write that has not reached the disk, except those that `unfinished`
/// keeps. The host answers later requests with a connection reset, so that clients retry at once. A node crashes when
/// it reaches `moment`; a client always crashes immediately.
///
/// A client abandons its calls: they end unknown and are not retried. Requests in flight are still delivered and
/// carried out, and their answers are dropped. The calls that the client makes afterwards belong to its next process.
///
/// It acts when it stops a node that is up, or a client with a call in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a fault does nothing until it is injected"]
pub struct Crash {
    /// The node or client to stop.
    pub node: NodeId,
    /// The point in the node's work at which it stops.
    pub moment: CrashPoint,
    /// Whether writes in progress reach the disk. `None`: the world draws how many of them do.
    pub unfinished: Option<Unfinished>,
}

/// The fate of the writes that a crash interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unfinished {
    /// Every write that was begun reaches the disk. The caller still gets no answer, and a retry must find the result.
    Kept,
    /// No unfinished write reaches the disk. A retry must be able to start over.
    Lost,
}

impl Fault {
    /// A crash when the node reaches `moment`. The world draws which writes in progress survive.
    #[must_use]
    pub fn crash_at(node: NodeId, moment: CrashPoint) -> Fault {
        Fault::Crash(Crash { node, moment, unfinished: None })
    }
}

impl FaultBehaviour for Crash {
    fn inject(&self, world: &mut World, id: FaultId) -> bool {
        let Crash { node, moment, unfinished } = *self;
        if let NodeId::Client(client) = node {
            return world.crash_client(client);
        }
        let index = world.node_index(node);
        match moment {
            CrashPoint::Now => world.crash(index, NodeCrash::new(NodeState::Down, unfinished)),
            CrashPoint::At(..) => {
                world.nodes[index].triggers.push(CrashTrigger { fault: id, moment, unfinished });
                false
            }
        }
    }

    fn kind(&self) -> Option<FaultKind> {
        Some(FaultKind::Crash)
    }

    fn end(&self) -> Option<Fault> {
        match self.node {
            // A client needs no restart: its next call belongs to its next process.
            NodeId::Client(_) => None,
            node => Some(Fault::Restart(Restart { node })),
        }
    }

    fn weaker(&self) -> Vec<Fault> {
        let first = match self.moment {
            CrashPoint::Now => {
                Fault::All(vec![Fault::Rule(Rule::cut(self.node.into(), NodeMatch::Any, true))])
            }
            CrashPoint::At(..) => Fault::crash(self.node).into(),
        };
        let drawn = self.unfinished.is_some().then_some(Crash { unfinished: None, ..*self });
        let plainer = self.moment.plainer().map(|moment| Crash { moment, ..*self });
        [first].into_iter().chain(drawn.into_iter().chain(plainer).map(Fault::Crash)).collect()
    }

    fn with_client(&self, client: ClientId) -> Option<Fault> {
        let is_client = matches!(self.node, NodeId::Client(_));
        is_client.then_some(Fault::Crash(Crash { node: NodeId::Client(client), ..*self }))
    }
}

impl World {
    /// Stops a client and ends its calls unknown; `false` if none was in flight. Their messages stay on the network:
    /// the control plane may still carry the requests out.
    fn crash_client(&mut self, client: ClientId) -> bool {
        self.note(&TraceEvent::Crashed(NodeId::Client(client), Unhashed(None)));
        let open = self.calls.open_of(client);
        for id in &open {
            self.calls.get_mut(*id).expect("a call in flight").abandon();
            self.apply_next(*id, Next::End);
        }
        !open.is_empty()
    }
}
