//! Clients, as the AWS SDKs behave in standard mode: attempts with a time-out each, exponential back-off with full
//! jitter, one token per call reused across its attempts, and the SDK's waiters.
//!
//! A call ends *ok*, *failed* (with the service's error) or *unknown* (no attempt was answered: it may have been
//! carried out, or not). What is here is pure bookkeeping; the world sends the messages and keeps the time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Error, Request, Response};
use crate::control::message::{Delivery, Reply};
use crate::map::FixedMap;
use crate::region::Region;
use crate::rng::{self, Purpose, mix};
use crate::types::{Account, ClientId, ClusterStatus, Identifier, Instant, PrincipalId};

use super::prefetch::fetch_element;

/// A client of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// Its name in traces.
    pub name: Arc<str>,
    /// Whose it is.
    pub account: Account,
    /// Where it runs, for the latency of its messages.
    pub home: Region,
    /// Who it runs as; `None` may do everything.
    pub principal: Option<PrincipalId>,
}

/// A call to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// The Region whose control plane is called.
    pub region: Region,
    /// What is asked. A client token that the operation takes and the request lacks is filled in.
    pub request: Arc<Request>,
    /// What every draw about the call is keyed by: unlike that of any other call of the client.
    pub key: u64,
    /// What the cluster that the call creates is called in traces.
    pub alias: Option<Arc<str>>,
    /// How often it is tried at most. The SDKs' default is 3.
    pub attempts: u16,
    /// How long an attempt waits for its answer.
    pub time_out: Duration,
    /// What the call is repeated for, if it is an SDK's waiter.
    pub waiter: Option<WaitFor>,
    /// Who calls, if it is not who the client runs as.
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

/// What an SDK's waiter waits for: a GetCluster every 2 seconds, 60 times (API model, waiters).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Until the status is ACTIVE. Any error ends it, and no status does but ACTIVE.
    ClusterActive,
    /// Until GetCluster answers ResourceNotFoundException. Any other error ends it.
    ClusterNotExists,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With an answer.
    Ok(Arc<Response>),
    /// Well, for a waiter that waited until there is no such cluster.
    Gone,
    /// With the service's error, after the last attempt that could be made.
    Failed(Arc<Error>),
    /// Without any answer: it may have been carried out.
    Unknown,
    /// A waiter that made its last try in vain, having seen this status so many times in the end.
    TimedOut(Sight),
}

impl Outcome {
    /// The word for it: `ok`, `failed`, `unknown` or `timed-out`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Ok(_) | Outcome::Gone => "ok",
            Outcome::Failed(_) => "failed",
            Outcome::Unknown => "unknown",
            Outcome::TimedOut(_) => "timed-out",
        }
    }
}

/// What a waiter saw last, and how many times without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The cluster's status.
    pub status: ClusterStatus,
    /// How many times.
    pub times: u16,
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sight { status, times } = self;
        write!(f, "{status}, {times} {}", if *times == 1 { "time" } else { "times" })
    }
}

/// Names a call of a world while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    pub(super) slot: u32,
    pub(super) key: u64,
}

impl CallId {
    /// Whether `delivery` is an attempt of the call.
    #[must_use]
    pub fn is_of(self, delivery: Delivery) -> bool {
        (self.slot, self.key) == (delivery.slot, delivery.call)
    }
}

/// A call under way.
#[derive(Clone, Debug)]
pub(super) struct Ongoing {
    pub(super) client: ClientId,
    pub(super) call: Call,
    pub(super) attempt: u16,
    pub(super) doing: ClientActivity,
    /// When it does something by itself, if nothing happens before.
    pub(super) wakes: Instant,
    tries: u16,
    /// What a waiter saw last.
    sight: Option<Sight>,
    pub(super) outcome: Option<Outcome>,
}

/// What a call is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientActivity {
    /// Waits for the answer to an attempt.
    Waiting,
    /// Waits before it tries again.
    BackingOff,
    /// Waits before a waiter's next call.
    Pausing,
    /// Nothing: it has ended.
    Ended,
    /// Nothing: its client has crashed.
    Abandoned,
}

/// What a call does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Sends an attempt.
    Send,
    /// Waits until the time.
    Sleep,
    /// What it did before: the answer is to an attempt that it does not wait for.
    Late,
    /// Nothing: it has ended.
    End,
}

impl Ongoing {
    fn new(client: ClientId, call: Call) -> Ongoing {
        Ongoing {
            client,
            call,
            attempt: 0,
            doing: ClientActivity::Pausing,
            wakes: Instant::START,
            tries: 0,
            sight: None,
            outcome: None,
        }
    }

    /// The delivery that the current attempt is, as its `copy`-th copy.
    pub(super) fn delivery(&self, slot: u32, copy: u16) -> Delivery {
        Delivery { client: self.client, slot, call: self.call.key, attempt: self.number(), copy }
    }

    /// The number of the current attempt, counted over all tries of a waiter.
    fn number(&self) -> u16 {
        self.tries.saturating_mul(self.call.attempts).saturating_add(self.attempt)
    }

    /// Begins the next attempt.
    pub(super) fn begin_attempt(&mut self, now: Instant) {
        self.attempt += 1;
        self.doing = ClientActivity::Waiting;
        self.wakes = now.after(self.call.time_out);
    }

    /// Its time has come.
    pub(super) fn wake(&mut self, seed: u64, now: Instant) -> Next {
        match self.doing {
            ClientActivity::Waiting => self.attempt_failed(seed, now, None),
            ClientActivity::BackingOff | ClientActivity::Pausing => Next::Send,
            ClientActivity::Ended | ClientActivity::Abandoned => Next::Sleep,
        }
    }

    /// An answer has come to the attempt `delivery`.
    pub(super) fn answered(&mut self, seed: u64, now: Instant, delivery: Delivery, result: Reply) -> Next {
        if self.doing != ClientActivity::Waiting || delivery.attempt != self.number() {
            return Next::Late;
        }
        match result {
            Ok(response) => self.finish(now, Outcome::Ok(response)),
            Err(error) if error.is_retryable() => self.attempt_failed(seed, now, Some(error)),
            Err(error) => self.finish(now, Outcome::Failed(error)),
        }
    }

    /// Its client has crashed: nothing is known of how it ends.
    pub(super) fn abandon(&mut self) {
        self.doing = ClientActivity::Abandoned;
        self.outcome = Some(Outcome::Unknown);
    }

    /// The connection of the attempt `delivery` was refused.
    pub(super) fn reset(&mut self, seed: u64, now: Instant, delivery: Delivery) -> Next {
        if self.doing != ClientActivity::Waiting || delivery.attempt != self.number() {
            return Next::Sleep;
        }
        self.attempt_failed(seed, now, None)
    }

    /// An attempt led to nothing, or to an error that is worth another.
    fn attempt_failed(&mut self, seed: u64, now: Instant, error: Option<Arc<Error>>) -> Next {
        if self.attempt >= self.call.attempts {
            return self.finish(now, error.map_or(Outcome::Unknown, Outcome::Failed));
        }
        let most = FIRST_BACK_OFF.saturating_mul(1 << (self.attempt - 1).min(5)).min(LAST_BACK_OFF);
        let key = mix(self.call.key, u64::from(self.number()));
        let pause = rng::between(seed, Purpose::Backoff, key, Duration::ZERO, most);
        self.doing = ClientActivity::BackingOff;
        self.wakes = now.after(pause);
        Next::Sleep
    }

    /// A call, or one try of a waiter, has ended.
    fn finish(&mut self, now: Instant, outcome: Outcome) -> Next {
        let outcome = match self.call.waiter {
            None => outcome,
            Some(goal) => match goal.judge(outcome) {
                Ok(outcome) => outcome,
                Err(status) => {
                    let before = self.sight.filter(|sight| sight.status == status);
                    let sight = Sight { status, times: before.map_or(0, |sight| sight.times) + 1 };
                    if self.tries + 1 >= WAITER_TRIES {
                        self.doing = ClientActivity::Ended;
                        self.outcome = Some(Outcome::TimedOut(sight));
                        return Next::End;
                    }
                    self.sight = Some(sight);
                    self.tries += 1;
                    self.attempt = 0;
                    self.doing = ClientActivity::Pausing;
                    self.wakes = now.after(WAITER_DELAY);
                    return Next::Sleep;
                }
            },
        };
        self.doing = ClientActivity::Ended;
        self.outcome = Some(outcome);
        Next::End
    }
}

impl WaitFor {
    /// The outcome of the waiter after a call of it ended with `outcome`.
    ///
    /// # Errors
    /// It goes on, having seen this status.
    fn judge(self, outcome: Outcome) -> Result<Outcome, ClusterStatus> {
        let seen = match &outcome {
            Outcome::Ok(response) => response.status(),
            _ => None,
        };
        match (self, outcome) {
            (WaitFor::ClusterActive, outcome) if seen == Some(ClusterStatus::Active) => Ok(outcome),
            (WaitFor::ClusterNotExists, Outcome::Failed(error))
                if error.name() == "ResourceNotFoundException" =>
            {
                Ok(Outcome::Gone)
            }
            (_, outcome) => seen.map_or(Ok(outcome), Err),
        }
    }
}

/// The calls of a world, by slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
    open: usize,
}

/// A place for a call, used again once the call is forgotten.
#[derive(Clone, Debug)]
struct Slot {
    ongoing: Option<Ongoing>,
    /// When the next of the alarms that were set for the calls here goes off.
    alarm: Option<Instant>,
}

impl Calls {
    pub(super) fn add(&mut self, client: ClientId, call: Call) -> CallId {
        let key = call.key;
        let ongoing = Some(Ongoing::new(client, call));
        self.open += 1;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize].ongoing = ongoing;
                slot
            }
            None => {
                self.slots.push(Slot { ongoing, alarm: None });
                self.slots.len() as u32 - 1
            }
        };
        CallId { slot, key }
    }

    pub(super) fn get(&self, id: CallId) -> Option<&Ongoing> {
        let ongoing = self.slots.get(id.slot as usize)?.ongoing.as_ref();
        ongoing.filter(|ongoing| ongoing.call.key == id.key)
    }

    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut Ongoing> {
        let ongoing = self.slots.get_mut(id.slot as usize)?.ongoing.as_mut();
        ongoing.filter(|ongoing| ongoing.call.key == id.key)
    }

    pub(super) fn remove(&mut self, id: CallId) -> Option<Ongoing> {
        self.get(id)?;
        self.free.push(id.slot);
        self.slots[id.slot as usize].ongoing.take()
    }

    /// The call in a slot.
    pub(super) fn in_slot(&mut self, slot: u32) -> Option<(CallId, &mut Ongoing)> {
        let ongoing = self.slots[slot as usize].ongoing.as_mut()?;
        Some((CallId { slot, key: ongoing.call.key }, ongoing))
    }

    /// The calls of `client` that have not ended, by slot.
    pub(super) fn open_of(&self, client: ClientId) -> Vec<CallId> {
        let places = self.slots.iter().zip(0..);
        let calls = places.filter_map(|(known, slot)| Some((known.ongoing.as_ref()?, slot)));
        let open = calls.filter(|(ongoing, _)| ongoing.client == client && ongoing.outcome.is_none());
        open.map(|(ongoing, slot)| CallId { slot, key: ongoing.call.key }).collect()
    }

    /// The calls that wait for an answer, and whose they are.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (ClientId, &Call)> {
        let calls = self.slots.iter().filter_map(|slot| slot.ongoing.as_ref());
        calls.filter(|it| it.doing == ClientActivity::Waiting).map(|ongoing| (ongoing.client, &ongoing.call))
    }

    /// When to wake the slot of a call that wants to be woken; `None` if an alarm goes off there before.
    pub(super) fn set_alarm(&mut self, id: CallId) -> Option<Instant> {
        let slot = &mut self.slots[id.slot as usize];
        let wakes = slot.ongoing.as_ref()?.wakes;
        if slot.alarm.is_some_and(|alarm| alarm <= wakes) {
            return None;
        }
        slot.alarm = Some(wakes);
        slot.alarm
    }

    /// Has the call in a slot fetched from memory, for it will be looked at soon.
    pub(super) fn fetch(&self, slot: u32) {
        fetch_element(&self.slots, slot as usize);
    }

    /// An alarm of the slot went off.
    pub(super) fn alarm_went_off(&mut self, slot: u32, now: Instant) {
        let alarm = &mut self.slots[slot as usize].alarm;
        *alarm = alarm.filter(|alarm| *alarm > now);
    }

    /// A call has ended.
    pub(super) fn ended(&mut self) {
        self.open -= 1;
    }

    /// How many calls have not ended.
    pub(super) fn open(&self) -> usize {
        self.open
    }
}

/// The names that clusters have in traces.
#[derive(Clone, Debug, Default)]
pub struct Names {
    clusters: FixedMap<Identifier, Arc<str>>,
    regions: FixedMap<Region, Arc<str>>,
}

impl Names {
    /// Calls a Region `name` from now on.
    pub fn name_region(&mut self, region: Region, name: Arc<str>) {
        self.regions.insert(region, name);
    }

    /// Calls a cluster `name` from now on.
    pub fn name_cluster(&mut self, identifier: Identifier, name: Arc<str>) {
        self.clusters.insert(identifier, name);
    }

    /// What a Region is called.
    #[must_use]
    pub fn region(&self, region: Region) -> &str {
        self.regions.get(&region).map_or(region.name(), |name| name)
    }

    /// What a cluster is called: its alias, or the first letters of its identifier.
    #[must_use]
    pub fn cluster(&self, identifier: Identifier) -> String {
        self.clusters.get(&identifier).map_or_else(|| format!("{identifier:.8}"), |name| (**name).to_owned())
    }

    /// The identifiers that are called `name`, or `name` and a number: those that a call of that name brought along.
    pub fn clusters_called<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Identifier> + Clone + 'a {
        let is_called = move |known: &str| {
            known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.clusters.iter().filter(move |(_, known)| is_called(known)).map(|(identifier, _)| *identifier)
    }

    /// `text` with every cluster's identifier replaced by its name.
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
