//! Clients, as the AWS SDKs behave in standard mode: attempts with a time-out each, exponential back-off with full
//! jitter, one token per call reused across its attempts, and the SDK's waiters.
//!
//! A call ends *ok*, *failed* (with the service's error) or *unknown* (the last attempt was not answered, so that the
//! call may or may not have been carried out). This module only keeps the state of calls; the world sends the messages
//! and keeps the time.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Error, Operation, Request, Response, StreamStatus};
use crate::control::message::{Delivery, Reply};
use crate::iam::NetworkOrigin;
use crate::map::FixedMap;
use crate::region::Region;
use crate::rng::{self, Purpose, mix};
use crate::types::{Account, ClientId, ClusterStatus, Identifier, Instant, PrincipalId};

/// A client of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// The client's name in traces.
    pub name: Arc<str>,
    /// The account that it calls from.
    pub account: Account,
    /// The Region it runs in, which determines the latency of its messages. It may call any Region.
    pub home: Region,
    /// The principal it runs as; `None` is allowed everything.
    pub principal: Option<PrincipalId>,
    /// The network from which it calls, as policies see it.
    pub origin: Arc<NetworkOrigin>,
}

impl Default for ClientOptions {
    /// `ops`, in the default account and us-east-1, allowed everything.
    fn default() -> ClientOptions {
        ClientOptions {
            name: "ops".into(),
            account: Account::DEFAULT,
            home: Region::US_EAST_1,
            principal: None,
            origin: Arc::default(),
        }
    }
}

/// A call for a client to make. [`Client`](crate::Client) builds calls by operation; this is the call itself, for code
/// that makes calls of any operation.
///
/// ```
/// use dsql_sim::api::{ListClustersInput, Request};
/// use dsql_sim::prelude::*;
///
/// let mut sim = Simulation::new(Options::new(42));
/// let list = Request::ListClusters(ListClustersInput::default());
/// let call = sim.call(ClientId(0), Call { attempts: 1, ..Call::new(Region::EU_WEST_1, list, 1) });
/// assert_eq!(sim.finish(call)?.name(), "ok");
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone, Debug)]
pub struct Call {
    /// The Region to call.
    pub region: Region,
    /// The request. If the operation takes a client token and the request has none, the world fills one in, as the SDKs
    /// do.
    pub request: Arc<Request>,
    /// The key of every draw about the call. It must differ from the keys of the client's other calls.
    pub key: u64,
    /// The name in traces of the cluster that the call creates.
    pub alias: Option<Arc<str>>,
    /// The maximum number of attempts. The SDKs' default is 3.
    pub attempts: u16,
    /// The time that each attempt waits for its answer.
    pub time_out: Duration,
    /// The condition to wait for, if the call is an SDK's waiter, which repeats it.
    pub waiter: Option<WaitFor>,
    /// The principal that calls, if it is not the client's.
    pub principal: Option<PrincipalId>,
}

impl Call {
    /// A call as an SDK makes it: 3 attempts of 10 seconds each.
    #[must_use]
    pub fn new(region: Region, request: Request, key: u64) -> Call {
        Call {
            region,
            request: Arc::new(request),
            key,
            alias: None,
            attempts: 3,
            time_out: Duration::from_secs(10),
            waiter: None,
            principal: None,
        }
    }
}

// The key stands for the call. The request is hashed once, when the call begins.
impl Hash for Call {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// The condition of an SDK's waiter, which makes the same call every 2 seconds, up to 60 times (API model, waiters).
///
/// Those for ACTIVE end with that status or with any error, and go on at every other status, even FAILED. Those for the
/// end of a resource succeed on ResourceNotFoundException, and any other error ends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum WaitFor {
    /// `ClusterActive`: GetCluster answers ACTIVE.
    ClusterActive,
    /// `ClusterNotExists`: GetCluster answers ResourceNotFoundException.
    ClusterNotExists,
    /// `StreamActive`: GetStream answers ACTIVE.
    StreamActive,
    /// `StreamNotExists`: GetStream answers ResourceNotFoundException.
    StreamNotExists,
}

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Outcome {
    /// The service answered with success.
    Ok(Arc<Response>),
    /// A waiter for the end of a cluster or a stream found that it no longer exists: a success, though the service
    /// answered with an error.
    #[strum(serialize = "ok")]
    Gone,
    /// The service answered with an error that is not retryable, or the last attempt got a retryable one. Earlier
    /// attempts may have been carried out all the same.
    Failed(Arc<Error>),
    /// The last attempt got no answer, or the client crashed. The call may have been carried out, or may still be.
    Unknown,
    /// A waiter used up its calls without meeting its condition.
    TimedOut(LastSeen),
}

// An outcome counts by its kind: the answer was hashed when it was given.
impl Hash for Outcome {
    fn hash<H: Hasher>(&self, state: &mut H) {
        mem::discriminant(self).hash(state);
    }
}

impl Outcome {
    /// The outcome in scenario files: `ok`, `failed`, `unknown` or `timed-out`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

/// The status of the resource that a waiter reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiterStatus {
    /// That of a cluster.
    Cluster(ClusterStatus),
    /// That of a stream.
    Stream(StreamStatus),
}

impl WaiterStatus {
    /// The status in `response`, if it describes a cluster or a stream.
    fn of(response: &Response) -> Option<WaiterStatus> {
        let of_stream = || response.stream_status().map(WaiterStatus::Stream);
        response.status().map(WaiterStatus::Cluster).or_else(of_stream)
    }
}

impl fmt::Display for WaiterStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaiterStatus::Cluster(status) => status.fmt(f),
            WaiterStatus::Stream(status) => f.write_str((*status).into()),
        }
    }
}

/// The last status that a waiter saw, and the number of calls in a row that returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSeen {
    /// The status of the cluster or the stream.
    pub status: WaiterStatus,
    /// The number of calls in a row that returned it, from 1.
    pub times: u16,
}

impl fmt::Display for LastSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LastSeen { status, times } = self;
        write!(f, "{status}, {times} {}", if *times == 1 { "time" } else { "times" })
    }
}

/// Identifies a call of a world until it is taken. The slot finds the call, and the key tells it from earlier calls in
/// the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    pub(super) slot: u32,
    pub(super) key: u64,
}

impl CallId {
    /// Whether `delivery` is an attempt of this call.
    #[must_use]
    pub fn is_of(self, delivery: Delivery) -> bool {
        (self.slot, self.key) == (delivery.slot, delivery.call)
    }
}

/// The state of a call, from its first attempt until it is taken.
#[derive(Clone, Debug)]
pub(super) struct OngoingCall {
    /// The number of calls that began before it.
    number_of_call: u64,
    pub(super) client: ClientId,
    pub(super) call: Call,
    pub(super) attempt: u16,
    pub(super) activity: ClientActivity,
    /// The end of the current time-out or pause.
    pub(super) wake_at: Instant,
    /// The number of calls that a waiter has completed.
    waiter_tries: u16,
    /// The last status that a waiter saw.
    last_seen: Option<LastSeen>,
    pub(super) outcome: Option<Outcome>,
}

/// The activity of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientActivity {
    /// An attempt is in flight.
    Waiting,
    /// The call pauses before its next attempt.
    BackingOff,
    /// A waiter pauses before its next call.
    Pausing,
    /// The call has its outcome.
    Ended,
    /// The client has crashed. In contrast to `Ended`, later answers reach no process and are lost.
    Abandoned,
}

/// The next step of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// The world sends the next attempt.
    Send,
    /// The world schedules a timer for [`OngoingCall::wake_at`].
    Wait,
    /// The answer belongs to an attempt that has timed out, or is a second answer. The call ignores it: an SDK has
    /// closed that connection.
    Late,
    /// The call has its outcome.
    End,
}

impl OngoingCall {
    fn new(number_of_call: u64, client: ClientId, call: Call) -> OngoingCall {
        OngoingCall {
            number_of_call,
            client,
            call,
            attempt: 0,
            activity: ClientActivity::Pausing,
            wake_at: Instant::START,
            waiter_tries: 0,
            last_seen: None,
            outcome: None,
        }
    }

    /// The identity of the current attempt's `copy`-th copy.
    pub(super) fn delivery(&self, slot: u32, copy: u16) -> Delivery {
        let (call, operation) = (self.call.key, self.call.request.operation());
        Delivery { client: self.client, slot, call, attempt: self.number(), copy, operation }
    }

    /// The number of the current attempt, counted over all calls of a waiter.
    fn number(&self) -> u16 {
        self.waiter_tries.saturating_mul(self.call.attempts).saturating_add(self.attempt)
    }

    /// Begins the next attempt.
    pub(super) fn begin_attempt(&mut self, now: Instant) {
        self.attempt += 1;
        self.activity = ClientActivity::Waiting;
        self.wake_at = now.after(self.call.time_out);
    }

    /// Processes the end of a time-out or pause.
    pub(super) fn wake(&mut self, seed: u64, now: Instant) -> Next {
        match self.activity {
            ClientActivity::Waiting => self.attempt_failed(seed, now, None),
            ClientActivity::BackingOff | ClientActivity::Pausing => Next::Send,
            ClientActivity::Ended | ClientActivity::Abandoned => Next::Wait,
        }
    }

    /// Processes the answer to the attempt `delivery`.
    pub(super) fn answered(&mut self, seed: u64, now: Instant, delivery: Delivery, result: Reply) -> Next {
        // Only the current attempt counts. Even a late success is lost on the SDK, which retries with the same token.
        if self.activity != ClientActivity::Waiting || delivery.attempt != self.number() {
            return Next::Late;
        }
        match result {
            Ok(response) => self.finish(now, Outcome::Ok(response)),
            Err(error) if error.is_retryable() => self.attempt_failed(seed, now, Some(error)),
            Err(error) => self.finish(now, Outcome::Failed(error)),
        }
    }

    /// Ends the call with unknown outcome because its client crashes.
    pub(super) fn abandon(&mut self) {
        self.activity = ClientActivity::Abandoned;
        self.outcome = Some(Outcome::Unknown);
    }

    /// Processes a connection reset for the attempt `delivery`.
    pub(super) fn reset(&mut self, seed: u64, now: Instant, delivery: Delivery) -> Next {
        // The attempt has timed out already, or a copy of it was answered.
        if self.activity != ClientActivity::Waiting || delivery.attempt != self.number() {
            return Next::Wait;
        }
        self.attempt_failed(seed, now, None)
    }

    /// Processes an attempt without an answer (`None`) or with a retryable error: backs off, or ends the call if it was
    /// the last attempt.
    fn attempt_failed(&mut self, seed: u64, now: Instant, error: Option<Arc<Error>>) -> Next {
        if self.attempt >= self.call.attempts {
            return self.finish(now, error.map_or(Outcome::Unknown, Outcome::Failed));
        }
        // Full jitter: any pause up to the bound, which doubles with each attempt. Shorter pauses than the bound are as
        // likely, so that clients which failed together do not retry together.
        let longest = FIRST_BACK_OFF.saturating_mul(1 << (self.attempt - 1).min(5)).min(LAST_BACK_OFF);
        let key = mix(self.call.key, u64::from(self.number()));
        let pause = rng::between(seed, Purpose::Backoff, key, Duration::ZERO, longest);
        self.activity = ClientActivity::BackingOff;
        self.wake_at = now.after(pause);
        Next::Wait
    }

    /// Ends the call; for a waiter, one of its calls, after which it may pause and call again.
    fn finish(&mut self, now: Instant, outcome: Outcome) -> Next {
        let outcome = match self.call.waiter {
            None => outcome,
            Some(waiter) => match waiter.evaluate(outcome) {
                Ok(outcome) => outcome,
                Err(status) => {
                    let before = self.last_seen.filter(|last_seen| last_seen.status == status);
                    let last_seen =
                        LastSeen { status, times: before.map_or(0, |last_seen| last_seen.times) + 1 };
                    if self.waiter_tries + 1 >= WAITER_TRIES {
                        self.activity = ClientActivity::Ended;
                        self.outcome = Some(Outcome::TimedOut(last_seen));
                        return Next::End;
                    }
                    self.last_seen = Some(last_seen);
                    self.waiter_tries += 1;
                    self.attempt = 0;
                    self.activity = ClientActivity::Pausing;
                    self.wake_at = now.after(WAITER_DELAY);
                    return Next::Wait;
                }
            },
        };
        self.activity = ClientActivity::Ended;
        self.outcome = Some(outcome);
        Next::End
    }
}

impl WaitFor {
    /// The name in scenario files, as in `cluster-active`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The operation that the waiter calls.
    #[must_use]
    pub fn operation(self) -> Operation {
        match self {
            WaitFor::ClusterActive | WaitFor::ClusterNotExists => Operation::GetCluster,
            WaitFor::StreamActive | WaitFor::StreamNotExists => Operation::GetStream,
        }
    }

    /// The outcome of the waiter after one of its calls ended with `outcome`.
    ///
    /// # Errors
    /// The status that the call returned, if the waiter goes on.
    fn evaluate(self, outcome: Outcome) -> Result<Outcome, WaiterStatus> {
        let seen = match &outcome {
            Outcome::Ok(response) => WaiterStatus::of(response),
            _ => None,
        };
        let wanted = match self {
            WaitFor::ClusterActive => Some(WaiterStatus::Cluster(ClusterStatus::Active)),
            WaitFor::StreamActive => Some(WaiterStatus::Stream(StreamStatus::Active)),
            WaitFor::ClusterNotExists | WaitFor::StreamNotExists => None,
        };
        match outcome {
            outcome if wanted.is_some() && seen == wanted => Ok(outcome),
            Outcome::Failed(error) if wanted.is_none() && error.name() == "ResourceNotFoundException" => {
                Ok(Outcome::Gone)
            }
            // A status other than the desired one, and only that, keeps the waiter going.
            outcome => seen.map_or(Ok(outcome), Err),
        }
    }
}

/// The calls of a world, by slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The number of calls so far.
    begun: u64,
    open: usize,
    /// The calls that were abandoned and have been removed since. Answers to them are still lost.
    abandoned: FixedMap<CallId, ()>,
}

/// A slot for a call, reused once the call is taken.
#[derive(Clone, Debug)]
struct Slot {
    ongoing: Option<OngoingCall>,
    /// The time of the earliest timer scheduled for the slot. It may stem from an earlier call.
    alarm: Option<Instant>,
}

impl Calls {
    pub(super) fn add(&mut self, client: ClientId, call: Call) -> CallId {
        let key = call.key;
        let ongoing = Some(OngoingCall::new(self.begun, client, call));
        self.begun += 1;
        self.open += 1;
        let slot = match self.free.pop() {
            Some(slot) => {
                // A timer of an earlier call may still be queued. It does not count for this one, whose own timers then
                // are queued in the same order as in a slot that was never used.
                self.slots[slot as usize] = Slot { ongoing, alarm: None };
                slot
            }
            None => {
                self.slots.push(Slot { ongoing, alarm: None });
                self.slots.len() as u32 - 1
            }
        };
        CallId { slot, key }
    }

    pub(super) fn get(&self, id: CallId) -> Option<&OngoingCall> {
        let ongoing = self.slots.get(id.slot as usize)?.ongoing.as_ref();
        ongoing.filter(|ongoing| ongoing.call.key == id.key)
    }

    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut OngoingCall> {
        let ongoing = self.slots.get_mut(id.slot as usize)?.ongoing.as_mut();
        ongoing.filter(|ongoing| ongoing.call.key == id.key)
    }

    pub(super) fn remove(&mut self, id: CallId) -> Option<OngoingCall> {
        self.get(id)?;
        self.free.push(id.slot);
        let removed = self.slots[id.slot as usize].ongoing.take()?;
        if removed.activity == ClientActivity::Abandoned {
            self.abandoned.insert(id, ());
        }
        Some(removed)
    }

    /// Whether a crash of its client has abandoned the call.
    pub(super) fn is_abandoned(&self, id: CallId) -> bool {
        let is_known = |ongoing: &OngoingCall| ongoing.activity == ClientActivity::Abandoned;
        self.get(id).map_or_else(|| self.abandoned.contains_key(&id), is_known)
    }

    /// The call in a slot, if there is one.
    pub(super) fn in_slot(&mut self, slot: u32) -> Option<(CallId, &mut OngoingCall)> {
        let ongoing = self.slots[slot as usize].ongoing.as_mut()?;
        Some((CallId { slot, key: ongoing.call.key }, ongoing))
    }

    /// The calls of `client` that have not ended, oldest first: their slots depend on when earlier calls were taken.
    pub(super) fn open_of(&self, client: ClientId) -> Vec<CallId> {
        let slots = self.slots.iter().zip(0..);
        let calls = slots.filter_map(|(known, slot)| Some((known.ongoing.as_ref()?, slot)));
        let open = calls.filter(|(ongoing, _)| ongoing.client == client && ongoing.outcome.is_none());
        let mut open: Vec<_> = open.collect();
        open.sort_unstable_by_key(|(ongoing, _)| ongoing.number_of_call);
        open.into_iter().map(|(ongoing, slot)| CallId { slot, key: ongoing.call.key }).collect()
    }

    /// The calls with an attempt in flight, with their clients.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (ClientId, &Call)> {
        let calls = self.slots.iter().filter_map(|slot| slot.ongoing.as_ref());
        calls
            .filter(|it| it.activity == ClientActivity::Waiting)
            .map(|ongoing| (ongoing.client, &ongoing.call))
    }

    /// The time for which to schedule a timer for the call; `None` if an earlier timer is scheduled for its slot. That
    /// one schedules the next, so that a call has at most one timer in the queue most of the time.
    pub(super) fn set_alarm(&mut self, id: CallId) -> Option<Instant> {
        let slot = &mut self.slots[id.slot as usize];
        let wake_at = slot.ongoing.as_ref()?.wake_at;
        if slot.alarm.is_some_and(|alarm| alarm <= wake_at) {
            return None;
        }
        slot.alarm = Some(wake_at);
        slot.alarm
    }

    /// Records that a timer of the slot fired.
    pub(super) fn alarm_went_off(&mut self, slot: u32, now: Instant) {
        let alarm = &mut self.slots[slot as usize].alarm;
        *alarm = alarm.filter(|alarm| *alarm > now);
    }

    /// Counts a call as ended.
    pub(super) fn ended(&mut self) {
        self.open -= 1;
    }

    /// The number of calls that have not ended.
    pub(super) fn open(&self) -> usize {
        self.open
    }
}

/// The names of clusters and Regions in traces.
#[derive(Clone, Debug, Default)]
pub struct Names {
    clusters: FixedMap<Identifier, Arc<str>>,
    regions: FixedMap<Region, Arc<str>>,
}

impl Names {
    /// Sets the name of a Region.
    pub fn name_region(&mut self, region: Region, name: Arc<str>) {
        self.regions.insert(region, name);
    }

    /// Sets the name of a cluster.
    pub fn name_cluster(&mut self, identifier: Identifier, name: Arc<str>) {
        self.clusters.insert(identifier, name);
    }

    /// The name of a Region: its alias, or its code such as `us-east-1`.
    #[must_use]
    pub fn region(&self, region: Region) -> &str {
        self.regions.get(&region).map_or(region.name(), |name| name)
    }

    /// The name of a cluster: its alias, or the first eight characters of its identifier.
    #[must_use]
    pub fn cluster(&self, identifier: Identifier) -> String {
        self.clusters.get(&identifier).map_or_else(|| format!("{identifier:.8}"), |name| (**name).to_owned())
    }

    /// The identifiers named `name`, or `name` with a suffix such as `.2`: those of the attempts and copies of one
    /// call.
    pub fn clusters_called<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Identifier> + Clone + 'a {
        let is_called = move |known: &str| {
            known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.clusters.iter().filter(move |(_, known)| is_called(known)).map(|(identifier, _)| *identifier)
    }

    /// `text`, with the identifier of every named cluster replaced by its name.
    #[must_use]
    pub fn in_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (identifier, name) in &self.clusters {
            let identifier = identifier.to_string();
            if text.contains(&identifier) {
                text = text.replace(&identifier, name);
            }
        }
        text
    }
}

const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LAST_BACK_OFF: Duration = Duration::from_secs(20);
const WAITER_DELAY: Duration = Duration::from_secs(2);
const WAITER_TRIES: u16 = 60;
