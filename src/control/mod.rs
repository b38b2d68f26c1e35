//! The nodes of a Region: its control plane, and its witness node.
//!
//! Both are state machines without I/O: [`ControlPlane::handle`] takes an input and appends effects, in order. The
//! driver (the simulated world, or the server) owns time, network, storage and randomness.
//!
//! # A call
//!
//! 1. The request's field constraints are checked.
//! 2. The caller is authorized in the cluster's own Region ([`authorization`]).
//! 3. The idempotency token is looked up: a finished call is replayed, a call in flight is joined.
//! 4. State and quota are checked.
//! 5. With multi-Region properties, the witness Region and the peer's Region check the caller too.
//! 6. The record and the token's answer are persisted in one batch; then the reply leaves.
//! 7. Asynchronous work goes on: a timer for a transient status, proposals to the link register ([`peering`]).
//!
//! While a call waits in step 5 its token is in flight, and a second request with the token joins it. A call that ends
//! in an error writes nothing and does not use up its token.
//!
//! # After a crash
//!
//! The disk keeps the records of clusters, tokens and link registers ([`records::Disk`]). Timers and proposals are
//! derived from them on [`Input::Start`]. Calls that waited for other Regions had written nothing and are forgotten;
//! their clients time out and try again.

pub mod assumptions;
pub mod authorization;
pub mod broken_targets;
pub mod environment;
pub mod keys;
pub mod message;
pub mod mutant;
pub mod peering;
pub mod quotas;
pub mod records;

mod errors;
mod lifecycle;
mod machine;
mod operations;
mod restore;
mod stream_health;
mod turn;

use std::fmt;
use std::sync::Arc;

use crate::api::{Error, Operation, Request, Response};
use crate::control::assumptions::Assumptions;
use crate::control::authorization::{Authorizer, Caller, Principals};
use crate::control::environment::Environment;
use crate::control::keys::Keys;
use crate::control::lifecycle::Transitions;
use crate::control::message::{Delivery, Effect, Input, Message, Timer, Wait};
use crate::control::mutant::{Mutants, forgive_reserved_keys, forgive_tags, planted};
use crate::control::operations::{ShownStatuses, handler};
use crate::control::peering::Peering;
use crate::control::records::{CallToken, Storage, Stream, TokenWrite, Tokens};
use crate::control::turn::Turn;
use crate::coverage_mark::CoverageMark;
use crate::region::Region;
use crate::types::{ClusterStatus, Identifier, Instant, NodeId, Timestamp};

pub use machine::Machine;
pub use peering::WitnessNode;

/// The control plane of one Region: the records of its clusters, the calls on them, and one of the three acceptors of
/// each link register that a cluster here takes part in.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    region: Region,
    assumptions: Arc<Assumptions>,
    mutants: Mutants,
    authorizer: Authorizer,
    keys: Arc<Keys>,
    storage: Storage,
    // Volatile from here on: a crash forgets it, and `start` derives what it can from storage.
    environment: Environment,
    tokens: Tokens,
    peering: Peering,
    transitions: Transitions,
    shown_statuses: ShownStatuses,
}

impl ControlPlane {
    /// A control plane of `region` that resumes from `storage`. Its first input must be [`Input::Start`].
    #[must_use]
    pub fn new(
        region: Region,
        assumptions: Arc<Assumptions>,
        principals: Arc<Principals>,
        keys: Arc<Keys>,
        mutants: Mutants,
        storage: Storage,
    ) -> ControlPlane {
        ControlPlane {
            region,
            assumptions,
            mutants,
            authorizer: Authorizer::new(region, principals),
            keys,
            storage,
            environment: Environment::default(),
            tokens: Tokens::default(),
            peering: Peering::default(),
            transitions: Transitions::default(),
            shown_statuses: ShownStatuses::default(),
        }
    }

    /// The authorization of the node.
    pub fn authorizer_mut(&mut self) -> &mut Authorizer {
        &mut self.authorizer
    }

    /// The records in memory, which are ahead of the disk by the writes under way.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The records, taken out of a control plane that is no longer run.
    #[must_use]
    pub fn into_storage(self) -> Storage {
        self.storage
    }

    /// All mutable state, durable and volatile: two control planes with the same configuration and the same knowledge
    /// behave alike. The model checker compares states by it.
    #[must_use]
    pub fn knowledge(&self) -> impl fmt::Debug {
        let ControlPlane { storage, tokens, peering, transitions, .. } = self;
        (storage, tokens, peering, transitions)
    }

    /// The open waits: remote checks and link registers.
    pub fn waits(&self) -> impl Iterator<Item = Wait> {
        self.pending_call_waits().chain(self.register_waits())
    }

    /// Handles one input: updates the state and appends the effects to `out`, in the order in which the driver must
    /// carry them out. `stamp` is the Region's wall clock, for the times that the API shows. Wall clocks drift; every
    /// duration is measured on `now`.
    pub fn handle(&mut self, now: Instant, stamp: Timestamp, input: Input, out: &mut Vec<Effect>) {
        let turn = &mut Turn::new(now, stamp, self.mutants, out);
        match input {
            Input::Start(environment) => self.start(turn, environment),
            Input::Request { delivery, caller, lacks_role, request, fresh } => {
                let ctx = RequestContext { delivery, caller, token: None, fresh, stamp };
                if let Err(error) = self.handle_request(turn, ctx, &request, lacks_role) {
                    turn.reply(&[delivery], Err(Arc::new(error)));
                }
            }
            Input::ExternalEvent(event) => self.apply_external_event(turn, &event),
            Input::Restored { account, fresh, stamp } => self.restore_cluster(turn, account, fresh, stamp),
            Input::Message { from, message } => self.handle_message(turn, from, *message),
            Input::Timer(Timer::Status { account, serial, version, to }) => {
                self.finish_transition(turn, account, serial, version, to);
            }
            Input::Timer(Timer::Stream { account, serial, number, to }) => {
                self.finish_stream_transition(turn, account, serial, number, to);
            }
            Input::Timer(Timer::Propose { account, serial, round }) => {
                self.retry(turn, account, serial, round);
            }
            Input::Timer(Timer::Recheck { call, attempt }) => self.recheck(turn, call, attempt),
            Input::Timer(Timer::Deadline { account, serial, began }) => {
                self.expire_wait(turn, (account, serial), began);
            }
        }
    }

    /// Resumes after a start: sets the timers and reopens the waits that the records call for. Pending calls wrote
    /// nothing and are gone; their clients retry.
    fn start(&mut self, turn: &mut Turn<'_>, environment: Environment) {
        self.observe_environment(turn, environment);
        let clusters: Vec<_> = self.storage.clusters().cloned().collect();
        for cluster in clusters {
            let mut timer = self.status_timer(&cluster);
            planted!(self.mutants, TimersForgottenInCrash => timer = None);
            timer.into_iter().for_each(|(after, timer)| turn.set_timer(after, timer));
            let mut streams = cluster.streams();
            planted!(self.mutants, StreamsForgottenInCrash => streams = &[]);
            streams.iter().for_each(|stream| self.set_stream_timer(turn, &cluster, stream));
            let resumed = cluster.streams().iter().any(Stream::is_transient);
            turn.cover_if(resumed, CoverageMark::StreamResumed);
            turn.cover_if(cluster.status.is_transient(), CoverageMark::WorkResumed);
            if cluster.status == ClusterStatus::PendingDelete {
                self.transitions.resume(cluster.key());
            }
            // A deferred call comes before the proposal: what the cluster wants of its register depends on its
            // intent.
            self.resume_intent(turn, &cluster);
            self.propose(turn, &cluster, 0);
        }
    }

    /// The order of checks is the API's: constraints, authorization, token, then state. A retry is thus refused for a
    /// permission that was lost since, and answered from its token even where the state has moved on.
    fn handle_request(
        &mut self,
        turn: &mut Turn<'_>,
        mut ctx: RequestContext,
        request: &Request,
        lacks_role: bool,
    ) -> Result<(), Error> {
        let mut validity = request.validate();
        planted!(self.mutants, StreamTagsNotValidated if request.operation() == Operation::CreateStream =>
            validity = forgive_tags(validity));
        planted!(self.mutants, ReservedKeySet if request.operation() == Operation::TagResource =>
            validity = forgive_reserved_keys(validity));
        validity?;
        self.authorize(turn, &ctx, request, lacks_role)?;
        ctx.token = self.token_of(ctx.caller.account, request);
        planted!(self.mutants, DeletionLooksForClusterFirst => if let Request::DeleteCluster(input) = request {
            self.find(ctx.caller.account, &input.identifier)?;
        });
        planted!(self.mutants, StreamTokenNotLookedUp if request.operation() == Operation::CreateStream =>
            return handler(request).carry_out(self, turn, &ctx));
        if self.replay_or_join(turn, &ctx)? {
            return Ok(());
        }
        handler(request).carry_out(self, turn, &ctx)
    }

    /// Dispatches a message by its role: remote check, proposer, or acceptor.
    fn handle_message(&mut self, turn: &mut Turn<'_>, from: NodeId, message: Message) {
        match message {
            Message::CheckPeer { call, caller, peer, action, attempt } => {
                let answer = self.answer_peer_check(turn, call, caller, peer, action);
                turn.send(from, Message::PeerChecked { call, peer, action, answer, attempt });
            }
            Message::WitnessChecked { call, denial, .. } => self.receive_witness_answer(turn, call, denial),
            Message::PeerChecked { call, peer, action, answer, .. } => {
                self.receive_peer_answer(turn, call, peer, action, answer);
            }
            Message::Promise { register, ballot, accepted } => {
                self.receive_promise(turn, from, register, ballot, accepted);
            }
            Message::Accepted { register, ballot } => self.receive_acceptance(turn, from, register, ballot),
            Message::Nack { register, ballot, promised } => {
                self.receive_nack(turn, register, ballot, promised)
            }
            // Only witness nodes answer it; one that is misdirected has no answer here.
            Message::CheckWitness { .. } => {}
            Message::Prepare { .. } => {
                self.act_as_acceptor(turn, from, message);
            }
            Message::Accept { register, .. } => {
                self.act_as_acceptor(turn, from, message);
                // The accepted value may be the one that this Region's own cluster waits for.
                self.learn_from_acceptor(turn, &register);
            }
        }
    }
}

/// An arrived request besides its input: the caller, and the values that only the driver can supply.
#[derive(Clone, Debug)]
struct RequestContext {
    delivery: Delivery,
    caller: Caller,
    /// The client token; `None` for an operation or a request without one.
    token: Option<CallToken>,
    fresh: Identifier,
    stamp: Timestamp,
}

impl RequestContext {
    /// The token's record for a call that ends with `response`; `None` if the request has no token.
    fn token_write(&self, turn: &Turn<'_>, response: &Arc<Response>) -> Option<TokenWrite> {
        self.token.as_ref().map(|token| token.record(turn.now(), response))
    }
}
