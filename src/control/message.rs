//! The interface of a node: the inputs it takes, the effects it returns, and the messages, timers and notes in them.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Error, Operation, Request, Response, StreamStatus};
use crate::control::authorization::{Caller, Checked, Denial, IamAction, PeerAction};
use crate::control::environment::{Environment, ExternalEvent};
use crate::control::peering::{AcceptedValue, Ballot, LinkOutcome, LinkValue, RegisterKey};
use crate::control::records::{Batch, Serial, Storage, Undo};
use crate::coverage_mark::CoverageMark;
use crate::region::Region;
use crate::types::{Account, ClientId, ClusterArn, ClusterStatus, Identifier, NodeId, Timestamp};

/// One arrival of a request: the client, its call, the attempt and the network's copy. A reply is addressed to a
/// delivery, so each duplicate and each retry gets an answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// The client that sent the request.
    pub client: ClientId,
    /// The slot of the client's call table that holds the call.
    pub slot: u32,
    /// The key of the call. No other call of the client has it, whatever else happens in the world.
    pub call: u64,
    /// The attempt of the call, from 1; each retry has the next number.
    pub attempt: u16,
    /// The copy of the attempt: 0, or higher for the copies that the network made of it.
    pub copy: u16,
    /// The operation of the call. It is kept here because an answer may come after the call has been forgotten.
    pub operation: Operation,
}

// The slot depends on the other calls of the world, and the draws about a call must not. The operation follows from the
// call.
impl Hash for Delivery {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Delivery { client, slot: _, call, attempt, copy, operation: _ } = self;
        (client, call, attempt, copy).hash(state);
    }
}

/// An event that a node handles.
#[derive(Clone, Debug)]
pub enum Input {
    /// The driver starts the node, for the first time or after a crash. Storage is already loaded; everything else
    /// (timers, waits, rounds) is derived from it now. The environment is passed because the node did not see it
    /// change while it was down. It is the first input of every node.
    Start(Environment),
    /// A client's request reaches the control plane of the Region that the client called. Retries and duplicates
    /// arrive as further requests, each with a delivery of its own.
    Request {
        /// The arrival to reply to.
        delivery: Delivery,
        /// The account and the principal that called.
        caller: Caller,
        /// Whether the account still lacks the service-linked role. IAM knows; the fact is read when the request
        /// arrives, before anything is created.
        lacks_role: bool,
        /// The operation and its input.
        request: Arc<Request>,
        /// An identifier that no other cluster or stream has or will be offered. A request that creates nothing
        /// leaves it unused.
        fresh: Identifier,
    },
    /// A message from another node arrives. It may be late, duplicated, overtaken by later ones, or from before a
    /// crash of either side.
    Message {
        /// The sender, to which an answer goes.
        from: NodeId,
        /// The content.
        message: Box<Message>,
    },
    /// A timer that this node set fires. Timers are not cancelled: the handler compares what the timer carries with
    /// the present state, and ignores a timer that is out of date.
    Timer(Timer),
    /// An event of the environment that affects the clusters of the Region: connections, or the availability of KMS
    /// keys. Witness nodes ignore it.
    ExternalEvent(ExternalEvent),
    /// AWS Backup restores a cluster into the Region. Witness nodes ignore it.
    Restored {
        /// The account that owns the cluster.
        account: Account,
        /// An identifier that no other cluster or stream has or will be offered.
        fresh: Identifier,
        /// The Region's wall clock, for `creationTime` only.
        stamp: Timestamp,
    },
}

/// An action that a node requests from its driver.
///
/// The order of effects is the durability contract: the driver carries them out in order, and holds every reply and
/// message until the persists ahead of it are durable. A crash between two effects loses the later one.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Make a batch durable. The node's memory holds it already; a crash before the write is done takes it back. A
    /// batch is written whole or not at all.
    Persist(Box<Commit>),
    /// Send a message to another node. Delivery is not guaranteed, and a loss is not reported: the sender sets a timer
    /// if it needs an answer.
    Send {
        /// The recipient.
        to: NodeId,
        /// The content, boxed to keep the other effects small.
        message: Box<Message>,
    },
    /// Answer one arrival of a request. It waits for the persists ahead of it, so an answer that a client has seen
    /// survives a crash.
    Reply {
        /// The arrival that is answered.
        delivery: Delivery,
        /// The response or the error.
        result: Reply,
    },
    /// Return `timer` as an input after a delay. A crash forgets it; [`Input::Start`] sets anew those that storage
    /// calls for.
    SetTimer {
        /// The range that the driver draws the delay from.
        after: DelayRange,
        /// The timer to return.
        timer: Timer,
    },
    /// Record an event for the trace that no write, message or reply shows. Changes no state.
    Note(Box<Note>),
    /// Report one authorization check, with its decision. Emitted only while checks are watched
    /// ([`Principals::are_watched`](super::authorization::Principals)). Changes no state.
    Checked(Box<Checked>),
    /// Report that an action was denied, for the checkers that count denials. Changes no state.
    Denied(IamAction),
    /// Report that a call was refused because it selects the key with this ARN, which is disabled. It tells the world
    /// that the fault acted, and changes no state.
    KeyRefused(Arc<str>),
    /// Report that a situation worth searching for was met. Coverage only: it changes no state and no answer.
    Covered(CoverageMark),
}

/// The result of a request. Cloning shares it, since every joined call gets the same one.
pub type Reply = Result<Arc<Response>, Arc<Error>>;

/// One batch to be made durable, with its undo record and the call that caused it.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The records to write, atomically.
    pub batch: Batch,
    /// The records that the batch replaced. Checkers compare the two, and a crash that loses the write restores them.
    pub before: Undo,
    /// The call that is being carried out; `None` for the node's own progress (timers, acceptors, environment).
    pub cause: Option<Delivery>,
}

/// A delay range, inclusive. The driver draws the actual delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DelayRange {
    /// The shortest delay.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
}

impl Commit {
    /// Applies `batch` to the `storage` in memory and returns the write that makes it durable.
    #[must_use]
    pub fn new(storage: &mut Storage, batch: Batch, cause: Option<Delivery>) -> Box<Commit> {
        let before = storage.apply(&batch);
        Box::new(Commit { batch, before, cause })
    }
}

// Of the records before, the hash took in each when it was written.
impl Hash for Commit {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Commit { batch, before: _, cause } = self;
        (batch, cause).hash(state);
    }
}

impl DelayRange {
    /// The range from `min` to `max` milliseconds.
    #[must_use]
    pub const fn millis(min: u64, max: u64) -> DelayRange {
        DelayRange { min: Duration::from_millis(min), max: Duration::from_millis(max) }
    }
}

/// A message from one node to another. Two pairs are the remote checks of a pending call, the other five the
/// consensus on a link register (see [`peering`](super::peering)).
///
/// Each contains an attempt number or a ballot, so that a retry has a fingerprint of its own: the network loses or
/// delays it independently.
#[derive(Clone, Debug, PartialEq, Eq, Hash, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(MessageKind),
    derive(PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::VariantArray),
    doc = "The kind of a message, as rules, crash points and traces name it."
)]
pub enum Message {
    /// From the control plane that handles a call to the witness node: evaluate `dsql:PutWitnessRegion` for this
    /// caller in the witness Region. Sent for every call with multi-Region properties, again while the answer is
    /// late. It reserves nothing: the witness node keeps no record of it.
    CheckWitness {
        /// The call that waits for the answer.
        call: Delivery,
        /// The account and the principal to authorize.
        caller: Caller,
        /// The number of earlier attempts. It is echoed in the answer, so that each attempt has a message key of its
        /// own.
        attempt: u32,
    },
    /// From the witness node: the answer to [`Message::CheckWitness`]. Duplicates, and answers to earlier attempts,
    /// are as good as the first; after the call has ended they mean nothing.
    WitnessChecked {
        /// The call that waits for the answer.
        call: Delivery,
        /// The reason of the denial; `None` allows.
        denial: Option<Denial>,
        /// The attempt that is answered.
        attempt: u32,
    },
    /// From the control plane that handles a call to the control plane of the peer's Region: authorize the caller on
    /// the exact ARN of this peer (`dsql:AddPeerCluster` or `dsql:RemovePeerCluster`) and describe the cluster. Sent
    /// for the peer that a call lists, keeps or leaves out, again while the answer is late. It links nothing: only
    /// the register does.
    CheckPeer {
        /// The call that waits for the answer.
        call: Delivery,
        /// The account and the principal to authorize.
        caller: Caller,
        /// The peer to describe.
        peer: ClusterArn,
        /// The use that the call makes of the peer; it decides which permission is needed.
        action: PeerAction,
        /// The number of earlier attempts.
        attempt: u32,
    },
    /// From the peer's control plane: the answer to [`Message::CheckPeer`]. The description is of the past when it
    /// arrives; the call may rely on it for a refusal, never for a link.
    PeerChecked {
        /// The call that waits for the answer.
        call: Delivery,
        /// The peer that is described.
        peer: ClusterArn,
        /// The use that the question named; it tells two checks of one call apart.
        action: PeerAction,
        /// The description, or the denial.
        answer: PeerAnswer,
        /// The attempt that is answered.
        attempt: u32,
    },
    /// Phase one, from a proposer (the control plane of one of the pair's clusters) to the other acceptors: promise
    /// to ignore lower ballots, and report the value accepted last. Sent at the start of each round. It carries no
    /// change: that is computed from the promises.
    Prepare {
        /// The register.
        register: RegisterKey,
        /// The proposer's ballot, above every ballot that it has seen.
        ballot: Ballot,
    },
    /// From an acceptor: the promise for [`Message::Prepare`], durable before it is sent. The accepted value in it
    /// need not be chosen; the proposer adopts the one with the highest ballot all the same, because it may be.
    Promise {
        /// The register.
        register: RegisterKey,
        /// The ballot that is promised.
        ballot: Ballot,
        /// The value that the acceptor accepted last, and its ballot; `None` is an empty register.
        accepted: Option<AcceptedValue>,
    },
    /// Phase two, from the proposer, once a majority has promised: accept this value under the ballot. Acceptors do
    /// not check the change; the rules are in [`LinkValue::after`] and were applied by the proposer.
    Accept {
        /// The register.
        register: RegisterKey,
        /// The ballot of the round.
        ballot: Ballot,
        /// The adopted value with the proposer's change applied.
        value: LinkValue,
    },
    /// From an acceptor: the value of [`Message::Accept`] is durable there. Two of three acceptances choose the
    /// value; one alone proves nothing.
    Accepted {
        /// The register.
        register: RegisterKey,
        /// The ballot of the accepted value.
        ballot: Ballot,
    },
    /// From an acceptor that has promised a higher ballot, a negative acknowledgement: the round cannot succeed here.
    /// The proposer starts another above `promised`, later. It is no rejection of the change itself.
    Nack {
        /// The register.
        register: RegisterKey,
        /// The ballot that is refused.
        ballot: Ballot,
        /// The higher ballot that the acceptor has promised.
        promised: Ballot,
    },
}

/// The description of a peer that its control plane gives to another Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerAnswer {
    /// The caller lacks the permission on the peer. The answer hides whether the cluster exists.
    Denied(Denial),
    /// No cluster has this ARN, or it is gone.
    Missing,
    /// The cluster exists and is a single-Region cluster: it can never declare a peer.
    SingleRegion,
    /// The cluster exists and is a multi-Region cluster.
    MultiRegion {
        /// The status when the check was made.
        status: ClusterStatus,
        /// The witness Region that the cluster names.
        witness: Region,
        /// The peer that the cluster is linked with, if it is linked.
        linked: Option<ClusterArn>,
    },
}

impl MessageKind {
    /// The kind's name, as in `Prepare`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Message {
    /// The kind of the message.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.into()
    }
}

/// A reminder that a node sets for itself. Timers are never cancelled: each carries enough to recognize that it is
/// out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The work behind a cluster's transient status is done (CREATING, UPDATING, DELETING, DELETED), or a dissolved
    /// pair's PENDING_DELETE has lasted long enough. Set by every write that changes the status, and at a start for
    /// each cluster in such a status. Ignored when the record's version has moved on.
    Status {
        /// The owner of the cluster.
        account: Account,
        /// The cluster.
        serial: Serial,
        /// The version of the record when the timer was set.
        version: u32,
        /// The status that follows; `None` removes the record.
        to: Option<ClusterStatus>,
    },
    /// The work behind a stream's transient status is done. Set when a stream is created or deleted, and at a start.
    /// Streams have no version: the timer counts only if the stream's status still leads to `to`.
    Stream {
        /// The owner of the cluster.
        account: Account,
        /// The cluster.
        serial: Serial,
        /// The stream's number within the cluster.
        number: u32,
        /// The status that follows; `None` removes the stream.
        to: Option<StreamStatus>,
    },
    /// Run another round on the link register. Set with every round, so a proposer whose messages are lost goes on,
    /// and one whose change is chosen notices what the peer did since. Ignored when a later round has begun.
    Propose {
        /// The owner of the cluster.
        account: Account,
        /// The cluster that proposes.
        serial: Serial,
        /// The round of the ballot that the timer was set with.
        round: u32,
    },
    /// Repeat the remote checks of a pending call that are still unanswered, or fail the call after the last attempt.
    /// Ignored when the call has ended.
    Recheck {
        /// The pending call.
        call: Delivery,
        /// The number of attempts so far.
        attempt: u32,
    },
    /// End a wait for the link register that has lasted for `remote_deadline`. Set when a deferred call is written,
    /// and at a start for each one found. It carries the call that began the wait, so that it cannot end a later one.
    Deadline {
        /// The owner of the cluster.
        account: Account,
        /// The cluster whose register has not decided.
        serial: Serial,
        /// The call that began the wait; `None` for a wait that was resumed from storage at a start.
        began: Option<Delivery>,
    },
}

impl Timer {
    /// Whether the timer only repeats a proposal. Such timers go on for ever, so a world in which no other is left
    /// counts as quiet.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        matches!(self, Timer::Propose { .. })
    }
}

/// An event for the trace that is not a write, a message or a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// A request was answered with the response recorded for its token. Nothing was written.
    Replayed(Delivery),
    /// A request joined a call in flight and will get its answer. The joined request writes nothing of its own.
    Joined(Delivery),
    /// A round chose a value whose outcome this cluster did not know. Rounds that only confirm a known outcome are
    /// not noted.
    Chosen {
        /// The register.
        register: RegisterKey,
        /// The cluster that proposed.
        cluster: ClusterArn,
        /// The outcome of the chosen value.
        outcome: LinkOutcome,
    },
}

/// One open wait of a control plane, for the report of a run that is stuck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The Region of the control plane.
    pub region: Region,
    /// The cluster or the call that waits.
    pub waiter: String,
    /// The nodes whose answers are missing; empty if only time has to pass.
    pub missing: Vec<NodeId>,
    /// The awaited action, as an infinitive: "waits for NODE to ACTION".
    pub action: &'static str,
}
