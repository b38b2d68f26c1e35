//! Peering: two clusters in two Regions agree that they are a pair, and later that they no longer are.
//!
//! # The problem
//!
//! Each of the two clusters is run by the control plane of its own Region. A customer names the peer to each of them
//! separately, in any order, with any delay, and may change their mind in between; messages are lost and Regions go
//! down. Neither side may ever believe in a pair that the other does not: a cluster that is ACTIVE with a peer that has
//! withdrawn is half a pair that no call can repair, and a cluster deleted while its peer lives on breaks the promise
//! that a pair is deleted only as a pair.
//!
//! # The link register
//!
//! Each unordered pair with a declaration has a *link register* ([`LinkValue`]): the sides that have declared the
//! other, the sides that have requested deletion, and the outcome. Its rules are one pure function,
//! [`LinkValue::after`]: once both sides have declared, the pair is linked; once both have requested deletion, it is
//! dissolved. Under the assumption that an active pair can come apart, a side may also leave. Leaving and deletion both
//! give the pair up: once each side has done one of the two, in any order, and at least one has left, the register is
//! open again. The deleted side then goes alone, and the side that left returns to PENDING_SETUP.
//!
//! The register is replicated over three acceptors: the control planes of the two Regions, and the witness node. A
//! change is *chosen* as in CASPaxos (D. Rystsov, "CASPaxos: Replicated State Machines without logs", 2018):
//!
//! 1. *Prepare.* The proposer, always the control plane of one of the two clusters, picks a ballot above any it has
//!    seen and asks the acceptors to promise to refuse lower ones. Each promise carries the value accepted last.
//! 2. *Accept.* With two promises of three, the proposer takes the value with the highest ballot among them (the empty
//!    value if there is none), applies its change, and asks the acceptors to accept the result under its ballot.
//! 3. *Learn.* With two acceptances of three, the changed value is chosen, and the proposer acts on it.
//!
//! Promises and accepted values are durable before an answer leaves, so a crash forgets none. Any two majorities
//! share an acceptor, so every later proposer finds what was chosen before, and the chosen values form one history in
//! which each is a change of the one before it. That is the whole safety argument: *linked* is chosen only after
//! both declarations were, and a withdrawal that comes later in the history finds the pair linked and loses.
//!
//! # Proposals and retries
//!
//! The change that a cluster wants of its register follows from its record alone (`wanted_change`), so a restarted
//! control plane resumes where it stopped. A cluster that has not got what it wants starts another round, ever more
//! slowly and without end. A repeated round is harmless because every change is idempotent, and it is how the cluster
//! learns that the other side has moved. An acceptor that accepts the outcome its own cluster waits for starts a round
//! at once. A call that waits for the register has a deadline, after which it is answered without a decision;
//! `intent.rs` shows why that is safe. Two proposers that interfere both pause for a drawn time, longer with each
//! attempt.
//!
//! # One Region down
//!
//! Two acceptors of three suffice for every step. While both clusters' Regions are up, the witness is not needed; while
//! one is down, the other and the witness decide, and the third learns when it is back and proposes again.
//!
//! # Where this differs from AWS
//!
//! The real protocol is not public; the register is our invention. The documentation gives the rules: both sides must
//! name each other; only a customer's action ends PENDING_SETUP; PENDING_DELETE waits for the last peer without limit;
//! and nothing cancels it. *Not* modelled: how data follows the pair, the re-siting of leaders, and the garbage
//! collection of registers, which are kept for ever.

mod acceptor;
mod intent;
mod pending;
mod proposer;
mod register;
mod witness;

pub use register::{AcceptedValue, Acceptor, Ballot, LinkChange, LinkOutcome, LinkValue, RegisterKey, Side};
pub use witness::WitnessNode;

pub(in crate::control) use intent::Waiting;
pub(in crate::control) use pending::PendingRequest;

use crate::control::message::Delivery;
use crate::control::records::ClusterKey;
use crate::map::FixedMap;

use pending::PendingCall;
use proposer::Round;

/// What a control plane has under way with other nodes. Volatile: a crash ends it, and what the records call for is
/// begun anew at the start.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct Peering {
    /// Calls that wait for remote checks, by the arrival that began them.
    calls: FixedMap<Delivery, PendingCall>,
    /// Calls that wait for the link register, by cluster.
    waiting: FixedMap<ClusterKey, Waiting>,
    /// The latest round of each cluster that wants something of its register.
    rounds: FixedMap<ClusterKey, Round>,
}
