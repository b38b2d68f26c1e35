//! Faults as data: values that can be scheduled, printed, generated, weakened and removed.
//!
//! Each kind of fault has a file with its data, its effect, the fault that ends it and its weaker forms. [`Fault`]
//! lists the kinds; `log.rs` records which faults acted.

mod active;
mod build;
mod crash;
mod crash_point;
mod deny;
mod external_event;
mod heal;
mod log;
mod outage;
mod pattern;
mod refuse;
mod release;
mod restart;
mod rule;
mod skew;

use enumset::EnumSetType;
use rand::RngExt;

use crate::control::environment::ExternalEvent;
use crate::rng::{self, Purpose, mix};
use crate::types::ClientId;

use super::World;

pub use crash::{Crash, Unfinished};
pub use crash_point::{CrashPoint, Point, Written};
pub use deny::Deny;
pub use external_event::InjectedEvent;
pub use heal::Heal;
pub use log::FaultId;
pub use outage::Outage;
pub use pattern::{MessageMatch, NodeMatch};
pub use refuse::Refuse;
pub use release::Release;
pub use restart::Restart;
pub use rule::{Rule, RuleAction};
pub use skew::Skew;

pub(super) use crash_point::{NodeActivity, Stage};
pub(super) use log::FaultLog;
pub(super) use refuse::InjectedErrors;
pub(super) use rule::DUPLICATE_WITHIN;

/// A failure to inject, or a repair.
///
/// The description of each kind says when it *acts*. A fault that never acts tests nothing, however green the run, and
/// a run warns about it.
///
/// ```
/// use std::time::Duration;
///
/// use dsql_sim::prelude::*;
///
/// let (node, witness) = (NodeId::ControlPlane(Region::US_EAST_1), NodeId::Witness(Region::US_WEST_2));
/// let mut sim = Simulation::new(Options::new(42));
/// sim.inject(Fault::crash(node).during_persist(Written::Token).nth(2).losing_unfinished())?;
/// sim.inject(Fault::delay(node, witness, Duration::from_secs(1), Duration::from_secs(5)).both_ways())?;
/// sim.inject_in(Duration::from_secs(30), Fault::outage(Region::US_WEST_2));
/// sim.inject_in(Duration::from_secs(60), Fault::heal_all());
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Fault {
    /// Several faults at the same moment, injected in order. Each part has a [`FaultId`] of its own and acts, or does
    /// not act, independently of the others.
    All(Vec<Fault>),
    /// Installs a network rule, which drops, delays, duplicates, holds or slows messages until it is healed.
    Rule(Rule),
    /// Removes network rules: those between two ends, or every one, with every denial and injected error.
    Heal(Heal),
    /// Removes every rule that holds messages, and sends the held messages on.
    Release(Release),
    /// Stops a node or a client: now, or when the node reaches a point in its work.
    Crash(Crash),
    /// Starts a stopped node with the contents of its disk.
    Restart(Restart),
    /// Stops both nodes of a Region together with their hosts.
    Outage(Outage),
    /// Sets a Region's wall clock ahead or back.
    Skew(Skew),
    /// Denies an action to every caller in a Region, or ends such a denial.
    Deny(Deny),
    /// An event in the environment of a Region's clusters: their connections, encryption keys, creation or quotas.
    ExternalEvent(InjectedEvent),
    /// Answers requests with an error in front of the control plane.
    Refuse(Refuse),
}

/// A kind of fault, as coverage distinguishes them.
#[derive(Debug, PartialOrd, Ord, EnumSetType, strum::IntoStaticStr, strum::VariantArray)]
#[enumset(repr = "u16")]
#[strum(serialize_all = "kebab-case")]
pub enum FaultKind {
    /// No fault has been injected yet.
    None,
    /// A rule drops some messages: of a kind, a number of them, or a percentage.
    Drop,
    /// A rule drops every message on a link.
    Partition,
    /// A rule delays messages.
    Delay,
    /// A rule duplicates messages.
    Duplicate,
    /// A rule holds messages until they are released.
    Hold,
    /// A rule multiplies the latency of a link.
    Slow,
    /// A node crashes, or will at a crash point.
    Crash,
    /// Both nodes of a Region stop with their hosts.
    Outage,
    /// A Region's wall clock is skewed.
    Skew,
    /// An action is denied to every caller in a Region.
    Deny,
    /// Requests get an injected error in front of the control plane.
    #[strum(serialize = "throttle")]
    Refuse,
    /// Clusters become idle, their keys become inaccessible, or their creation fails.
    ExternalEvent,
}

impl FaultKind {
    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The behaviour of a kind of fault, which its file implements.
trait FaultBehaviour {
    /// Carries the fault out; `true` if it acted at once. A fault that lasts returns `false`, and the world records
    /// under `id` that it acted when something meets it.
    fn inject(&self, world: &mut World, id: FaultId) -> bool;

    /// The kind in the coverage; `None` for a repair.
    fn kind(&self) -> Option<FaultKind>;

    /// The fault that ends this one; `None` for a repair, and for a fault that ends by itself.
    fn end(&self) -> Option<Fault>;

    /// Weaker faults, the weakest first.
    fn weaker(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// The same fault with `client` in the position of every client in it; `None` if there is none in it.
    fn with_client(&self, _client: ClientId) -> Option<Fault> {
        None
    }
}

impl Fault {
    /// The behaviour of an elementary fault; `None` for [`Fault::All`], whose parts are carried out one by one.
    fn behaviour(&self) -> Option<&dyn FaultBehaviour> {
        match self {
            Fault::All(_) => None,
            Fault::Rule(rule) => Some(rule),
            Fault::Heal(heal) => Some(heal),
            Fault::Release(release) => Some(release),
            Fault::Crash(crash) => Some(crash),
            Fault::Restart(restart) => Some(restart),
            Fault::Outage(outage) => Some(outage),
            Fault::Skew(skew) => Some(skew),
            Fault::Deny(deny) => Some(deny),
            Fault::ExternalEvent(event) => Some(event),
            Fault::Refuse(refuse) => Some(refuse),
        }
    }

    /// These faults at the same moment. One fault is itself: the same data has the same key of draws, whether a command
    /// names one link or node of several, or a fault ends with it.
    #[must_use]
    pub fn all(mut faults: Vec<Fault>) -> Fault {
        if faults.len() == 1 { faults.remove(0) } else { Fault::All(faults) }
    }

    /// The elementary faults in it, in order: [`Fault::All`] is flattened.
    pub fn parts(&self) -> Box<dyn Iterator<Item = &Fault> + '_> {
        match self {
            Fault::All(faults) => Box::new(faults.iter().flat_map(Fault::parts)),
            fault => Box::new(std::iter::once(fault)),
        }
    }

    /// Gives a key of its own to each fault in it that makes draws and has no key.
    pub(crate) fn fill_keys(&mut self, next: &mut impl FnMut() -> u64) {
        self.for_each_key(&mut |key| {
            if *key == 0 {
                *key = next();
            }
        });
    }

    /// Sets the key of the draws of every fault in it.
    pub fn set_key(&mut self, key: u64) {
        self.for_each_key(&mut |own| *own = key);
    }

    /// Calls `change` with the key of every fault in it that makes draws of its own.
    fn for_each_key(&mut self, change: &mut dyn FnMut(&mut u64)) {
        match self {
            Fault::All(faults) => faults.iter_mut().for_each(|fault| fault.for_each_key(change)),
            Fault::Rule(Rule { key, .. }) | Fault::Refuse(Refuse { key, .. }) => change(key),
            Fault::Heal(_)
            | Fault::Release(_)
            | Fault::Crash(_)
            | Fault::Restart(_)
            | Fault::Outage(_)
            | Fault::Skew(_)
            | Fault::Deny(_)
            | Fault::ExternalEvent(_) => {}
        }
    }

    /// Whether the fault only ends others.
    pub(crate) fn is_repair(&self) -> bool {
        let adds = |event: &InjectedEvent| {
            matches!(event.event, ExternalEvent::RestoreCluster { .. } | ExternalEvent::RaiseQuota { .. })
        };
        self.parts().all(|part| match part {
            Fault::ExternalEvent(event) if adds(event) => false,
            part => part.behaviour().is_none_or(|part| part.kind().is_none()),
        })
    }

    /// The kind of an elementary fault in the coverage; `None` for a repair and for several faults at once.
    #[must_use]
    pub fn kind(&self) -> Option<FaultKind> {
        self.behaviour()?.kind()
    }

    /// The fault that ends this one; `None` for a repair, and for a fault that ends by itself.
    #[must_use]
    pub fn end(&self) -> Option<Fault> {
        let ends: Vec<Fault> = self.parts().filter_map(|part| part.behaviour()?.end()).collect();
        (!ends.is_empty()).then(|| Fault::all(ends))
    }

    /// Weaker faults, the weakest first. Several faults at once have none.
    #[must_use]
    pub fn weaker(&self) -> Vec<Fault> {
        let mut parts = self.parts();
        match (parts.next().and_then(Fault::behaviour), parts.next()) {
            (Some(only), None) => only.weaker(),
            _ => Vec::new(),
        }
    }

    /// The same fault with `client` in the position of every client in it.
    #[must_use]
    pub fn with_client(&self, client: ClientId) -> Fault {
        match self {
            Fault::All(faults) => Fault::All(faults.iter().map(|fault| fault.with_client(client)).collect()),
            fault => fault.behaviour().and_then(|it| it.with_client(client)).unwrap_or_else(|| fault.clone()),
        }
    }
}

/// Whether a fault with a percentage applies to a message. The draw is keyed by the fault and the message; without a
/// percentage there is no draw.
fn is_drawn(seed: u64, percent: Option<u8>, fault: u64, message: u64) -> bool {
    percent.is_none_or(|percent| {
        rng::stream(seed, Purpose::Rate, mix(fault, message)).random_ratio(u32::from(percent), 100)
    })
}

impl World {
    /// Carries out a fault, whose first part has the identifier `first`.
    pub(super) fn apply_fault(&mut self, first: FaultId, fault: &Fault) {
        self.last_progress = self.now;
        if let Some(history) = self.trace.history_mut() {
            history.intervene(Some((first, fault)));
        }
        for (index, part) in fault.parts().filter_map(Fault::behaviour).enumerate() {
            let id = first.plus(index);
            if let Some(kind) = part.kind() {
                self.faults = (self.faults - FaultKind::None) | kind;
            }
            if part.inject(self, id) {
                self.fault_log.record_acted(id);
            }
        }
    }
}
