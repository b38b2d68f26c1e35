//! Faults for the run of a program whose calls are not known in advance: what a caller that goes on trying survives.
//!
//! A generated scenario puts its faults between its calls. A program makes its calls when it likes, so its faults
//! have times of their own: half of them early, where a program creates, and half of them anywhere in the time that
//! it takes.

use std::iter;
use std::ops::RangeInclusive;
use std::time::Duration;

use strum::VariantArray;

use crate::region::Region;
use crate::scenario::{Action, When, injected_error};
use crate::sim::fault::{Fault, FaultKind, Refuse};
use crate::types::{ClientId, NodeId};

use super::draws::Draws;
use super::{Plan, SwarmFeatures, Topology, faults};

/// What the faults of a program are aimed at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramTargets {
    /// The Regions that the program calls.
    pub called: Vec<Region>,
    /// The Regions that it names as witness Regions.
    pub witnesses: Vec<Region>,
    /// The number of its clients. The first one never crashes.
    pub clients: usize,
    /// The virtual time that the program takes without faults.
    pub span: Duration,
}

/// Recoverable faults of `seed` around a program, each followed by the fault that ends it: messages are lost, late or
/// duplicated for a while, nodes crash and start again, Regions vanish and return, requests are throttled. The times
/// count from the beginning of the run.
///
/// Faults after which a correct program may give up are not among them: denied actions, disabled keys, and errors that
/// no SDK retries.
#[must_use]
pub fn recoverable_faults(
    seed: u64,
    targets: &ProgramTargets,
    count: &RangeInclusive<usize>,
) -> Vec<Vec<Action>> {
    let draws = Draws::new(seed).about("program", 0);
    let mut swarm = SwarmFeatures::draw(draws.about("swarm", 0));
    swarm.faults = FaultKind::VARIANTS.iter().copied().filter(|kind| is_recoverable(*kind)).collect();
    swarm.faults.retain(|kind| draws.about("kind", 0).chance(kind.name(), 60));
    let mut plan = Plan {
        topology: Topology::among(draws, &targets.called, &targets.witnesses),
        swarm,
        clients: targets.clients.max(1),
    };
    let mut drawn = Vec::new();
    for number in 0..draws.within("faults", count) {
        let draws = draws.about("fault", number);
        plan.topology = Topology::among(draws, &targets.called, &targets.witnesses);
        let Some(fault) = faults::fault(draws, &plan).and_then(|fault| survivable(draws, fault)) else {
            continue;
        };
        let span = usize::try_from(targets.span.as_millis()).unwrap_or(usize::MAX);
        let begins = match draws.chance("early", 50) {
            true => draws.pause("begins", 13),
            false => Duration::from_millis(draws.below("begins at", span) as u64),
        };
        let ends = begins + draws.pause("lasts", 15);
        let end = fault.end().map(|end| Action::FaultAt(When::In(ends), end));
        let begin = Action::FaultAt(When::In(begins), fault);
        drawn.push(iter::once(begin).chain(end).collect());
    }
    drawn
}

fn is_recoverable(kind: FaultKind) -> bool {
    use FaultKind::{Crash, Delay, Drop, Duplicate, Hold, Outage, Partition, Refuse, Skew, Slow};
    matches!(kind, Drop | Partition | Delay | Duplicate | Hold | Slow | Crash | Outage | Skew | Refuse)
}

/// `fault`, or a similar one that a caller survives; `None` if there is none.
fn survivable(draws: Draws, fault: Fault) -> Option<Fault> {
    match fault {
        Fault::Refuse(refuse) if !refuse.error.is_retryable() => {
            let name = draws.pick("retryable", &["ThrottlingException", "InternalServerException"]);
            Some(Fault::Refuse(Refuse { error: injected_error(name)?, ..refuse }))
        }
        Fault::Crash(crash) if crash.node == NodeId::Client(ClientId(0)) => None,
        fault => Some(fault),
    }
}
