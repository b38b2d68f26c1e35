//! One Region's control plane, and the witness node.
//!
//! Both are state machines without input or output of their own: [`ControlPlane::handle`] takes what happened and
//! appends what is to be done, in order. Whoever runs them (the simulated world, later a server) owns time, network,
//! storage and randomness.
//!
//! # A call
//!
//! Field constraints, then authorization in the own Region, then the idempotency token, then state and quota, then
//! the checks in other Regions (may the caller use the witness Region? what about the peer?), then record and token
//! result are persisted together, then the answer leaves, then the asynchronous work goes on. While a call waits for
//! other Regions its token is in flight, and a second request with that token joins it. A call that ends in an error
//! leaves nothing behind and does not use up its token.
//!
//! # After a crash
//!
//! What survives is what the disk holds ([`disk`]): records of clusters, tokens and link registers. Timers and
//! unfinished business with the link register are derived from it on [`Input::Start`]. Calls that waited for other
//! Regions had written nothing and are forgotten; their callers time out and try again.
//!
//! How two clusters become peers is told in [`peering`].

pub mod assumptions;
pub mod attached;
pub mod authorization;
pub mod authorizer;
pub mod cluster;
pub mod disk;
pub mod environment;
pub mod message;
pub mod mutant;
pub mod peering;
pub mod register;
pub mod required_permissions;
pub mod storage;
pub mod witness;

mod create;
mod delete;
mod errors;
mod idempotency;
mod intent;
mod multi_region;
mod pending;
mod policies;
mod read;
mod streams;
mod tags;
mod update;

use std::fmt;
use std::sync::Arc;

use crate::api::{EncryptionStatus, Error, Request};
use crate::goal::Goal;
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, ClusterStatus, Identifier, Instant, NodeId, PrincipalId, Timestamp};

use assumptions::Assumptions;
use authorization::{Caller, Denials, Principals};
use authorizer::Authorizer;
use cluster::{Cluster, Serial};
use environment::Environment;
use intent::Waiting;
use message::{Commit, DelayRange, Delivery, Effect, Input, Message, Reply, Timer, Wait};
use mutant::{Mutant, Mutants};
use peering::Round;
use pending::{InFlight, PendingCall, RemoteCheck};
use storage::{Batch, Storage, TokenKey};

/// The control plane of a Region.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    region: Region,
    assumptions: Arc<Assumptions>,
    mutants: Mutants,
    authorizer: Authorizer,
    storage: Storage,
    // From here on: volatile, forgotten in a crash.
    environment: Environment,
    calls: FixedMap<Delivery, PendingCall>,
    in_flight: FixedMap<TokenKey, InFlight>,
    waiting: FixedMap<(Account, Serial), Waiting>,
    rounds: FixedMap<(Account, Serial), Round>,
    last_deleted: Option<Identifier>,
    /// Clusters that were in PENDING_DELETE when it started.
    resumed: Vec<(Account, Serial)>,
}

impl ControlPlane {
    /// The control plane of `region`, with what its storage holds. Its first input is [`Input::Start`].
    #[must_use]
    pub fn new(
        region: Region,
        assumptions: Arc<Assumptions>,
        principals: Arc<Principals>,
        mutants: Mutants,
        storage: Storage,
    ) -> ControlPlane {
        ControlPlane {
            region,
            assumptions,
            mutants,
            authorizer: Authorizer::new(region, principals),
            storage,
            environment: Environment::default(),
            calls: FixedMap::default(),
            in_flight: FixedMap::default(),
            waiting: FixedMap::default(),
            rounds: FixedMap::default(),
            last_deleted: None,
            resumed: Vec::new(),
        }
    }

    /// What is denied here.
    pub fn denials_mut(&mut self) -> &mut Denials {
        self.authorizer.denials_mut()
    }

    /// What it has in storage, as far as it knows.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The same, when it is no more.
    #[must_use]
    pub fn into_storage(self) -> Storage {
        self.storage
    }

    /// Everything that decides what it will do, in storage and in memory, but for what it was made with.
    #[must_use]
    pub fn knowledge(&self) -> impl fmt::Debug {
        let ControlPlane { storage, calls, in_flight, waiting, rounds, last_deleted, resumed, .. } = self;
        (storage, calls, in_flight, waiting, rounds, last_deleted, resumed)
    }

    /// Everything that waits here for somebody.
    pub fn waits(&self) -> impl Iterator<Item = Wait> {
        self.pending_call_waits().chain(self.register_waits())
    }

    /// Takes in `input` and appends what is to be done to `out`.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Start(environment) => self.start(environment, out),
            Input::Request { delivery, caller, lacks_role, request, fresh, stamp } => {
                let Caller { account, principal } = caller;
                let ctx = RequestContext { delivery, account, principal, lacks_role, request, fresh, stamp };
                if let Err(error) = self.handle_request(now, &ctx, out) {
                    out.push(Effect::Reply { delivery, result: Err(Arc::new(error)) });
                }
            }
            Input::ExternalEvent(event) => self.apply_external_event(event, out),
            Input::Message { from, message } => self.handle_message(now, from, *message, out),
            Input::Timer(Timer::Status { account, serial, version, to }) => {
                self.finish_transition(account, serial, version, to, out);
            }
            Input::Timer(Timer::Stream { account, serial, number, to }) => {
                self.finish_stream_transition(account, serial, number, to, out);
            }
            Input::Timer(Timer::Propose { account, serial, round }) => {
                self.retry(account, serial, round, out);
            }
            Input::Timer(Timer::Recheck { call, attempt }) => self.recheck(call, attempt, out),
            Input::Timer(Timer::Deadline { account, serial, began }) => {
                self.expire_wait(now, (account, serial), began, out);
            }
        }
    }

    /// Derives from storage what a crash made it forget.
    fn start(&mut self, environment: Environment, out: &mut Vec<Effect>) {
        self.observe_environment(environment, out);
        let clusters: Vec<_> = self.storage.clusters().cloned().collect();
        for cluster in clusters {
            if !self.mutants.has(Mutant::TimersForgottenInCrash) {
                self.set_status_timer(&cluster, out);
            }
            if !self.mutants.has(Mutant::StreamsForgottenInCrash) {
                cluster.streams().iter().for_each(|stream| self.set_stream_timer(&cluster, stream, out));
            }
            let resumed = cluster.streams().iter().any(attached::Stream::is_transient);
            out.extend(resumed.then_some(Effect::Reached(Goal::StreamResumed)));
            out.extend(cluster.status.is_transient().then_some(Effect::Reached(Goal::WorkResumed)));
            if cluster.status == ClusterStatus::PendingDelete {
                self.resumed.push((cluster.arn.account, cluster.serial));
            }
            self.resume_intent(&cluster, out);
            self.propose(&cluster, 0, out);
        }
    }

    fn handle_request(
        &mut self,
        now: Instant,
        ctx: &RequestContext,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        ctx.request.validate()?;
        self.authorize(now, ctx, out)?;
        if self.replay_or_join(now, ctx, out)? {
            return Ok(());
        }
        match &*ctx.request {
            Request::CreateCluster(input) => self.create_cluster(now, ctx, input, out),
            Request::UpdateCluster(input) => self.update_cluster(now, ctx, input, out),
            Request::DeleteCluster(input) => self.delete_cluster(now, ctx, input, out),
            Request::GetCluster(input) => self.get_cluster(ctx, input, out),
            Request::ListClusters(input) => self.list_clusters(ctx, input, out),
            Request::TagResource(input) => self.tag_resource(ctx, input, out),
            Request::UntagResource(input) => self.untag_resource(ctx, input, out),
            Request::ListTagsForResource(input) => self.list_tags(ctx, input, out),
            Request::PutClusterPolicy(input) => self.put_policy(now, ctx, input, out),
            Request::GetClusterPolicy(input) => self.get_policy(ctx, input, out),
            Request::DeleteClusterPolicy(input) => self.delete_policy(now, ctx, input, out),
            Request::GetVpcEndpointServiceName(input) => self.get_vpc_endpoint_service_name(ctx, input, out),
            Request::CreateStream(input) => self.create_stream(now, ctx, input, out),
            Request::GetStream(input) => self.get_stream(ctx, input, out),
            Request::ListStreams(input) => self.list_streams(ctx, input, out),
            Request::DeleteStream(input) => self.delete_stream(now, ctx, input, out),
        }
    }

    fn handle_message(&mut self, now: Instant, from: NodeId, message: Message, out: &mut Vec<Effect>) {
        match message {
            Message::CheckPeer { call, caller, peer, action, attempt } => {
                let answer = self.answer_peer_check(now, call, caller, peer, action, out);
                out.push(Effect::send(from, Message::PeerChecked { call, peer, action, answer, attempt }));
            }
            Message::WitnessChecked { call, denial, .. } => {
                self.receive_witness_answer(now, call, denial, out)
            }
            Message::PeerChecked { call, peer, action, answer, .. } => {
                self.receive_peer_answer(now, call, RemoteCheck::Peer(peer, action), answer, out);
            }
            Message::Promise { register, ballot, accepted } => {
                self.receive_promise(now, from, register, ballot, accepted, out);
            }
            Message::Accepted { register, ballot } => {
                self.receive_acceptance(now, from, register, ballot, out)
            }
            Message::Refused { register, ballot, promised } => {
                self.receive_refusal(register, ballot, promised, out)
            }
            Message::CheckWitness { .. } => {}
            Message::Prepare { .. } => {
                self.act_as_acceptor(from, message, out);
            }
            Message::Accept { register, .. } => {
                self.act_as_acceptor(from, message, out);
                self.learn_from_acceptor(&register, out);
            }
        }
    }

    /// The work behind a transient status is done, or there was none and the status just moves on.
    fn finish_transition(
        &mut self,
        account: Account,
        serial: Serial,
        version: u32,
        to: Option<ClusterStatus>,
        out: &mut Vec<Effect>,
    ) {
        let Some(cluster) = self.storage.at(account, serial).cloned() else { return };
        if cluster.version != version {
            out.push(Effect::Reached(Goal::TimerStale));
            if !self.mutants.has(Mutant::StaleTimer) {
                return;
            }
        }
        match to {
            Some(status) => {
                if status == ClusterStatus::Deleting && self.resumed.contains(&(account, serial)) {
                    out.push(Effect::Reached(Goal::PendingDeleteHealed));
                }
                let encryption = match cluster.encryption {
                    EncryptionStatus::Updating => self.encryption_with(cluster.kms_key.as_ref()),
                    encryption => encryption,
                };
                let status = self.settled(encryption, status);
                let cluster = self.write(&cluster, None, None, out, |record| {
                    record.status = status;
                    record.encryption = encryption;
                });
                self.propose(&cluster, 0, out);
            }
            None => {
                self.last_deleted = Some(cluster.arn.identifier);
                let batch = Batch { cluster: Some((account, serial, None)), ..Batch::default() };
                self.persist(batch, None, out);
            }
        }
    }

    /// Sets the timer that leads out of a transient status.
    fn set_status_timer(&self, cluster: &Cluster, out: &mut Vec<Effect>) {
        use ClusterStatus::{Active, Creating, Deleted, Deleting, Failed, Updating};
        let assumed = &*self.assumptions;
        let is_linked = cluster.linked_peer().is_some();
        let visible = assumed.deleted_visible;
        let (after, to) = match cluster.status {
            Creating if is_linked => {
                (assumed.peering_time, Some(if assumed.peering_fails { Failed } else { Active }))
            }
            Creating => (assumed.create_time, Some(if assumed.creation_fails { Failed } else { Active })),
            Updating if self.mutants.has(Mutant::UpdateLeadsToActive) => (assumed.update_time, Some(Active)),
            Updating => (assumed.update_time, Some(cluster.settled_status())),
            Deleting if visible.is_zero() => (assumed.delete_time, None),
            Deleting => (assumed.delete_time, Some(Deleted)),
            Deleted => (DelayRange { min: visible, max: visible }, None),
            _ => return,
        };
        let (account, serial, version) = (cluster.arn.account, cluster.serial, cluster.version);
        out.push(Effect::SetTimer { after, timer: Timer::Status { account, serial, version, to } });
    }

    /// Writes a changed record, and `token`'s answer with it, and sets the timer that the new status needs.
    fn write(
        &mut self,
        before: &Arc<Cluster>,
        token: Option<storage::TokenWrite>,
        cause: Option<Delivery>,
        out: &mut Vec<Effect>,
        change: impl FnOnce(&mut Cluster),
    ) -> Arc<Cluster> {
        let mut record = Cluster::clone(before);
        change(&mut record);
        record.version += u32::from(record.status != before.status);
        let record = Arc::new(record);
        let cluster = Some((record.arn.account, record.serial, Some(record.clone())));
        self.persist(Batch { cluster, token, register: None }, cause, out);
        if record.status != before.status {
            self.set_status_timer(&record, out);
        }
        record
    }

    /// Writes what `caller` changes of what is attached to a cluster, and `token`'s answer with it.
    fn attach(
        &mut self,
        ctx: &RequestContext,
        cluster: &Arc<Cluster>,
        token: Option<storage::TokenWrite>,
        out: &mut Vec<Effect>,
        change: impl FnOnce(&mut attached::Attached),
    ) {
        self.write(cluster, token, Some(ctx.delivery), out, |record| {
            change(Arc::make_mut(record.attached.get_or_insert_default()));
        });
    }

    fn persist(&mut self, batch: Batch, cause: Option<Delivery>, out: &mut Vec<Effect>) {
        let mut commit = Commit::new(&mut self.storage, batch, cause);
        if self.mutants.has(Mutant::TokenForgottenInCrash) {
            commit.batch.token = None;
        }
        out.push(Effect::Persist(commit));
    }

    /// What `mutant` does wrong: what was to be persisted last stays in memory only.
    fn keep_in_memory(&self, mutant: Mutant, out: &mut Vec<Effect>) {
        if self.mutants.has(mutant) {
            out.pop_if(|effect| matches!(effect, Effect::Persist(_)));
        }
    }

    /// Answers `deliveries`. Whatever was persisted before is durable when the answers leave.
    fn reply(&self, deliveries: &[Delivery], result: Reply, out: &mut Vec<Effect>) {
        let Some((last, others)) = deliveries.split_last() else { return };
        let first = out.len();
        out.extend(
            others.iter().map(|delivery| Effect::Reply { delivery: *delivery, result: result.clone() }),
        );
        out.push(Effect::Reply { delivery: *last, result });
        if self.mutants.has(Mutant::JoinerNotAnswered) {
            out.truncate(first + 1);
        }
        if self.mutants.has(Mutant::ReplyBeforePersist) {
            let replies = out.len() - first;
            out.rotate_right(replies);
        }
    }
}

/// A request and who made it.
#[derive(Clone, Debug)]
struct RequestContext {
    delivery: Delivery,
    account: Account,
    principal: Option<PrincipalId>,
    lacks_role: bool,
    request: Arc<Request>,
    fresh: Identifier,
    stamp: Timestamp,
}

impl RequestContext {
    fn caller(&self) -> Caller {
        Caller { account: self.account, principal: self.principal }
    }
}
