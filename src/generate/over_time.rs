//! Faults for a run whose calls are not known, because a program outside makes them.

use std::time::Duration;

use crate::api::Error;
use crate::region::Region;
use crate::scenario::{Action, When};
use crate::sim::fault::{Crash, CrashPoint, Fault, FaultKind, Refuse};
use crate::types::NodeId;

use super::draws::Draws;
use super::{Plan, Size, SwarmFeatures, Topology, faults};

/// The faults of `seed` about `regions`, each with its end: up to six, of the kinds that a caller who retries survives.
/// The times count from the beginning of the run, and are mostly short; each fault begins within two minutes or so.
///
/// Of the faults of a generated scenario these leave out denials, events of the environment, the errors that no SDK
/// retries, and crashes of clients: no program can be expected to succeed when it may not call, and the process of a
/// program outside does not crash.
#[must_use]
pub fn faults_over_time(seed: u64, regions: &[Region]) -> Vec<Vec<Action>> {
    let draws = Draws::new(seed).about("over time", 0);
    let mut swarm = SwarmFeatures::draw(draws.about("swarm", 0));
    swarm.faults.retain(|kind| !matches!(kind, FaultKind::Deny | FaultKind::ExternalEvent));
    let mut plan = Plan { topology: Topology::among(draws, regions, regions), swarm, clients: 1 };
    let mut drawn = Vec::new();
    for number in 0..draws.within("faults", &Size::USUAL.faults) {
        let draws = draws.about("fault", number);
        plan.topology = Topology::among(draws, regions, regions);
        let begins = draws.chance("is late", 70).then(|| draws.pause("late", LATEST_DOUBLINGS));
        let mut actions = faults::draw(draws, &plan);
        if !actions.iter().all(is_survivable) {
            continue;
        }
        if let Some(end) = actions.last().filter(|_| actions.iter().any(is_armed)).cloned() {
            actions.extend(AGAIN.map(|pause| later(end.clone(), pause)));
        }
        drawn.push(actions.into_iter().map(|action| later(action, begins.unwrap_or_default())).collect());
    }
    drawn.retain(|actions: &Vec<Action>| !actions.is_empty());
    drawn
}

/// Whether a caller who retries survives the fault of `action`.
fn is_survivable(action: &Action) -> bool {
    let (Action::Fault(fault) | Action::FaultAt(_, fault)) = action else { return true };
    fault.parts().all(|part| match part {
        Fault::Crash(Crash { node: NodeId::Client(_), .. }) => false,
        Fault::Refuse(Refuse { error, .. }) => {
            matches!(error, Error::Throttling { .. } | Error::InternalServer { .. })
        }
        _ => true,
    })
}

/// Whether `action` crashes a node at a point in its work, which it may reach after the restart that is drawn.
fn is_armed(action: &Action) -> bool {
    let (Action::Fault(fault) | Action::FaultAt(_, fault)) = action else { return false };
    matches!(fault, Fault::Crash(Crash { moment: CrashPoint::At(..), .. }))
}

/// The fault of `action`, so much later.
fn later(action: Action, pause: Duration) -> Action {
    match action {
        Action::Fault(fault) => Action::FaultAt(When::In(pause), fault),
        Action::FaultAt(When::In(at), fault) => Action::FaultAt(When::In(at + pause), fault),
        other => other,
    }
}

/// The pauses after which a node starts again that may have crashed after its first restart. A program that waits for a
/// quarter of an hour then finds it.
const AGAIN: [Duration; 3] =
    [Duration::from_secs(30), Duration::from_secs(2 * 60), Duration::from_secs(10 * 60)];

/// The latest beginning of a fault, in doublings of a millisecond: 131 seconds.
const LATEST_DOUBLINGS: usize = 17;
