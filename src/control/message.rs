//! What goes into a node and what comes out: inputs, effects, and the messages that nodes send each other.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Error, Request, Response, StreamStatus};
use crate::goal::Goal;
use crate::region::Region;
use crate::rng::{key, mix};
use crate::types::{Account, ClientId, ClusterArn, ClusterStatus, Identifier, NodeId, Timestamp};

use super::authorization::{Caller, IamAction};
use super::authorizer::{Checked, Denial};
use super::cluster::Serial;
use super::environment::{Environment, ExternalEvent};
use super::register::{AcceptedValue, Ballot, LinkOutcome, LinkValue, RegisterKey};
use super::required_permissions::PeerAction;
use super::storage::{Batch, Storage, Undo};

/// A request as it arrived: which call it belongs to, which attempt, which copy. Answers go back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Delivery {
    /// Who called.
    pub client: ClientId,
    /// Where the caller keeps the call.
    pub slot: u32,
    /// Which of the client's calls: a key that no other call of the client has, whatever else happens.
    pub call: u64,
    /// Which attempt of the call, from 1.
    pub attempt: u16,
    /// Which copy of the message: 0 unless the network duplicated it.
    pub copy: u16,
}

impl Delivery {
    /// A number for keys and hashes.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let arrival = u64::from(self.attempt) << 16 | u64::from(self.copy);
        mix(self.call.wrapping_add(arrival << 32), u64::from(self.client.0))
    }
}

/// Something that happens to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// The node starts, for the first time or after a crash, with what its storage holds, and meets what is so outside.
    Start(Environment),
    /// A client's request arrives.
    Request {
        /// Which one.
        delivery: Delivery,
        /// Who called.
        caller: Caller,
        /// Whether the account has no service-linked role yet; IAM knows, and it is asked before anything is created.
        lacks_role: bool,
        /// What is asked.
        request: Arc<Request>,
        /// An identifier that nobody else was or will be offered.
        fresh: Identifier,
        /// What the Region's wall clock says, for `creationTime` and nothing else.
        stamp: Timestamp,
    },
    /// A message from another node arrives.
    Message {
        /// Who sent it.
        from: NodeId,
        /// What it says.
        message: Box<Message>,
    },
    /// A timer that was set fires.
    Timer(Timer),
    /// Something comes over the clusters of a control plane from outside.
    ExternalEvent(ExternalEvent),
}

/// Something that a node wants done. Effects are carried out in order: a reply or a message waits until every persist
/// ahead of it is durable.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Write to storage.
    Persist(Box<Commit>),
    /// Send a message to another node.
    Send {
        /// To whom.
        to: NodeId,
        /// What. Boxed, for most effects are small and none is copied for nothing.
        message: Box<Message>,
    },
    /// Answer a request.
    Reply {
        /// Which one.
        delivery: Delivery,
        /// With what.
        result: Reply,
    },
    /// Feed `timer` back in, some time within `after`.
    SetTimer {
        /// When, from now.
        after: DelayRange,
        /// What.
        timer: Timer,
    },
    /// Tell the trace what happened. Boxed, like a message.
    Note(Box<Note>),
    /// Tell whoever asked for it of a check that was made. Changes nothing.
    Checked(Box<Checked>),
    /// Tell that the action was denied. Changes nothing.
    Denied(IamAction),
    /// Tell whoever searches that a situation was met. Changes nothing.
    Reached(Goal),
}

/// The answer to a request. Cloning shares it.
pub type Reply = Result<Arc<Response>, Arc<Error>>;

/// A write, what was there before, and for which call it was made.
#[derive(Clone, Debug)]
pub struct Commit {
    /// What is written.
    pub batch: Batch,
    /// What was there before.
    pub before: Undo,
    /// The call that is being carried out, if it is one.
    pub cause: Option<Delivery>,
}

/// A time from `min` to `max`, both included; which, is drawn by whoever keeps the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayRange {
    /// At least.
    pub min: Duration,
    /// At most.
    pub max: Duration,
}

impl Commit {
    /// Writes `batch` to what a node knows of its `storage`; it is yet to be made durable.
    #[must_use]
    pub fn new(storage: &mut Storage, batch: Batch, cause: Option<Delivery>) -> Box<Commit> {
        let before = storage.apply(&batch);
        Box::new(Commit { batch, before, cause })
    }
}

impl Effect {
    /// Sends `message` to `to`.
    #[must_use]
    pub fn send(to: NodeId, message: Message) -> Effect {
        Effect::Send { to, message: Box::new(message) }
    }
}

impl DelayRange {
    /// From `min` to `max` milliseconds.
    #[must_use]
    pub const fn millis(min: u64, max: u64) -> DelayRange {
        DelayRange { min: Duration::from_millis(min), max: Duration::from_millis(max) }
    }
}

/// A message from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// To a witness node: may this caller's clusters have their witness with you? (`dsql:PutWitnessRegion` in the
    /// witness Region.)
    CheckWitness {
        /// For which call.
        call: Delivery,
        /// Whose.
        caller: Caller,
        /// How often it was asked before.
        attempt: u32,
    },
    /// The answer to [`Message::CheckWitness`].
    WitnessChecked {
        /// For which call.
        call: Delivery,
        /// Why not, if they may not.
        denial: Option<Denial>,
        /// The `attempt` that is answered.
        attempt: u32,
    },
    /// To the peer's control plane: what about this cluster of yours? (`dsql:AddPeerCluster` or
    /// `dsql:RemovePeerCluster` on its exact ARN.)
    CheckPeer {
        /// For which call.
        call: Delivery,
        /// Whose.
        caller: Caller,
        /// Which cluster.
        peer: ClusterArn,
        /// Why.
        action: PeerAction,
        /// How often it was asked before.
        attempt: u32,
    },
    /// The answer to [`Message::CheckPeer`].
    PeerChecked {
        /// For which call.
        call: Delivery,
        /// Which cluster.
        peer: ClusterArn,
        /// Why it was asked about.
        action: PeerAction,
        /// What is known.
        answer: PeerAnswer,
        /// The `attempt` that is answered.
        attempt: u32,
    },
    /// Phase one of a change to a link register.
    Prepare {
        /// Which register.
        register: RegisterKey,
        /// Under which ballot.
        ballot: Ballot,
    },
    /// An acceptor's promise.
    Promise {
        /// Which register.
        register: RegisterKey,
        /// The ballot promised.
        ballot: Ballot,
        /// What it accepted before.
        accepted: Option<AcceptedValue>,
    },
    /// Phase two of a change to a link register.
    Accept {
        /// Which register.
        register: RegisterKey,
        /// Under which ballot.
        ballot: Ballot,
        /// The changed value.
        value: LinkValue,
    },
    /// An acceptor has accepted.
    Accepted {
        /// Which register.
        register: RegisterKey,
        /// The ballot accepted under.
        ballot: Ballot,
    },
    /// An acceptor has promised a higher ballot to somebody.
    Refused {
        /// Which register.
        register: RegisterKey,
        /// The ballot refused.
        ballot: Ballot,
        /// The ballot promised.
        promised: Ballot,
    },
}

/// What a control plane says about a cluster that another Region's caller wants as a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAnswer {
    /// The caller may not do that with it.
    Denied(Denial),
    /// It does not exist.
    Missing,
    /// It exists, and is a single-Region cluster.
    SingleRegion,
    /// It exists, and is a multi-Region cluster.
    MultiRegion {
        /// Its status.
        status: ClusterStatus,
        /// Its witness Region.
        witness: Region,
        /// Whom it is linked with.
        linked: Option<ClusterArn>,
    },
}

/// The name of a message kind, for rules, triggers and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the kind of the message of the same name")]
pub enum MessageKind {
    CheckWitness,
    WitnessChecked,
    CheckPeer,
    PeerChecked,
    Prepare,
    Promise,
    Accept,
    Accepted,
    Refused,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [MessageKind; 9] = [
        MessageKind::CheckWitness,
        MessageKind::WitnessChecked,
        MessageKind::CheckPeer,
        MessageKind::PeerChecked,
        MessageKind::Prepare,
        MessageKind::Promise,
        MessageKind::Accept,
        MessageKind::Accepted,
        MessageKind::Refused,
    ];

    /// Its name, as in `Prepare`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MessageKind::CheckWitness => "CheckWitness",
            MessageKind::WitnessChecked => "WitnessChecked",
            MessageKind::CheckPeer => "CheckPeer",
            MessageKind::PeerChecked => "PeerChecked",
            MessageKind::Prepare => "Prepare",
            MessageKind::Promise => "Promise",
            MessageKind::Accept => "Accept",
            MessageKind::Accepted => "Accepted",
            MessageKind::Refused => "Refused",
        }
    }
}

impl Message {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        match self {
            Message::CheckWitness { .. } => MessageKind::CheckWitness,
            Message::WitnessChecked { .. } => MessageKind::WitnessChecked,
            Message::CheckPeer { .. } => MessageKind::CheckPeer,
            Message::PeerChecked { .. } => MessageKind::PeerChecked,
            Message::Prepare { .. } => MessageKind::Prepare,
            Message::Promise { .. } => MessageKind::Promise,
            Message::Accept { .. } => MessageKind::Accept,
            Message::Accepted { .. } => MessageKind::Accepted,
            Message::Refused { .. } => MessageKind::Refused,
        }
    }

    /// A number that tells it from every other message between the same two nodes: what random draws about it are
    /// keyed by. An attempt number or a ballot is always in it, so that a retry meets a fate of its own.
    #[must_use]
    pub fn key(&self) -> u64 {
        let about = match self {
            Message::CheckWitness { call, attempt, .. } => key(&[call.digest(), u64::from(*attempt)]),
            Message::WitnessChecked { call, denial, attempt } => {
                key(&[call.digest(), u64::from(denial.is_none()), u64::from(*attempt)])
            }
            Message::CheckPeer { call, action, attempt, .. } => {
                key(&[call.digest(), u64::from(*attempt) | action.digest() << 32])
            }
            Message::PeerChecked { call, action, answer, attempt, .. } => {
                key(&[call.digest(), answer.digest(), u64::from(*attempt) | action.digest() << 32])
            }
            Message::Prepare { register, ballot } | Message::Accepted { register, ballot } => {
                key(&[register.digest(), ballot.digest()])
            }
            Message::Promise { register, ballot, accepted } => {
                let (from, value) = accepted.map_or((0, 0), |(from, value)| (from.digest(), value.digest()));
                key(&[register.digest(), ballot.digest(), from, value])
            }
            Message::Accept { register, ballot, value } => {
                key(&[register.digest(), ballot.digest(), value.digest()])
            }
            Message::Refused { register, ballot, promised } => {
                key(&[register.digest(), ballot.digest(), promised.digest()])
            }
        };
        mix(about, self.kind() as u64)
    }
}

impl PeerAnswer {
    fn digest(&self) -> u64 {
        match self {
            PeerAnswer::Denied(_) => 1,
            PeerAnswer::Missing => 2,
            PeerAnswer::SingleRegion => 3,
            PeerAnswer::MultiRegion { status, witness, linked } => {
                let linked = linked.map_or(0, |arn| arn.identifier.digest());
                key(&[4, *status as u64, witness.index() as u64, linked])
            }
        }
    }
}

/// What a node wants to be reminded of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The work behind a transient status is done.
    Status {
        /// Whose cluster.
        account: Account,
        /// Which cluster.
        serial: Serial,
        /// The version of the record that the work was begun on.
        version: u32,
        /// The status that it leads to; `None` removes the cluster.
        to: Option<ClusterStatus>,
    },
    /// The work behind a stream's transient status is done.
    Stream {
        /// Whose cluster.
        account: Account,
        /// Which cluster.
        serial: Serial,
        /// Which of its streams.
        number: u32,
        /// The status that it leads to; `None` removes the stream.
        to: Option<StreamStatus>,
    },
    /// Ask the link register again.
    Propose {
        /// Whose cluster.
        account: Account,
        /// Which cluster.
        serial: Serial,
        /// The round of the ballot under which it was last asked.
        round: u32,
    },
    /// Ask the other Regions again, for a call that waits for their answers.
    Recheck {
        /// Which call.
        call: Delivery,
        /// How often they were asked before.
        attempt: u32,
    },
    /// End a wait for the link register that has lasted long enough.
    Deadline {
        /// Whose cluster.
        account: Account,
        /// Which cluster.
        serial: Serial,
        /// The call that the wait began with; `None` if it was found in storage at a start.
        began: Option<Delivery>,
    },
}

impl Timer {
    /// A number that tells it from every other timer of the same node.
    #[must_use]
    pub fn key(&self) -> u64 {
        match self {
            Timer::Status { account, serial, version, to } => {
                key(&[1, account.number(), serial.0, u64::from(*version), to.map_or(99, |to| to as u64)])
            }
            Timer::Stream { account, serial, number, to } => {
                key(&[5, account.number(), serial.0, u64::from(*number), to.map_or(99, |to| to as u64)])
            }
            Timer::Propose { account, serial, round } => {
                key(&[2, account.number(), serial.0, u64::from(*round)])
            }
            Timer::Recheck { call, attempt } => key(&[3, call.digest(), u64::from(*attempt)]),
            Timer::Deadline { account, serial, began } => {
                key(&[4, account.number(), serial.0, began.map_or(0, |call| call.digest())])
            }
        }
    }

    /// Whether it only repeats a question, so that a world in which nothing else is to come is quiet.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        matches!(self, Timer::Propose { .. })
    }
}

/// Something worth telling that is not a write, a message or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A request was answered from the token table.
    Replayed(Delivery),
    /// A request joined the call in flight with its token.
    Joined(Delivery),
    /// A change to a link register was chosen.
    Chosen {
        /// Which register.
        register: RegisterKey,
        /// For which cluster it was proposed.
        cluster: ClusterArn,
        /// What the register says now.
        outcome: LinkOutcome,
    },
}

/// Something that a control plane waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Where.
    pub region: Region,
    /// Which cluster, or which call.
    pub waiter: String,
    /// Whose answer is missing; nobody's, if it waits for time to pass.
    pub missing: Vec<NodeId>,
    /// What it waits for.
    pub action: &'static str,
}
