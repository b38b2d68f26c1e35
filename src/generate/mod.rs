//! Generation: builds a random scenario from a seed, or varies a written one.
//!
//! A generated scenario is a [`Scenario`] like any other: it runs, prints and parses back. Every draw is keyed by the
//! seed, by its subject and by its name. One call, fault or option can therefore change without re-rolling the rest.
//!
//! The first draws decide which kinds of calls and faults the scenario may have at all (A. Groce, C. Zhang, E. Eide,
//! Y. Chen, J. Regehr, "Swarm testing", ISSTA 2012): some bugs show only in the absence of a feature, and a scenario
//! with every feature would hide them. Most scenarios then begin with an *opening*: a few calls that reach an
//! interesting state which independent draws would seldom reach, such as a pair that comes apart or a cluster in
//! DELETED. The calls after it are drawn one by one. Every fault is recoverable: nodes restart, links heal, and held
//! messages are released after a drawn time. The run ends every remaining fault anyway, except for the loss of a
//! Region that some scenarios end with.

mod aim;
mod calls;
mod conditions;
mod draws;
mod faults;
mod keys;
mod principals;
mod program;
mod set_up;
#[cfg(feature = "proptest")]
pub mod strategy;
mod swarm;
mod topology;
mod vary;

use std::ops::RangeInclusive;

use crate::scenario::{Action, Scenario};
use crate::sim::fault::Fault;
use crate::types::NodeId;

pub use calls::{CallKind, Opening};
pub use program::{ProgramTargets, recoverable_faults};
pub use vary::vary;

use draws::Draws;
use swarm::SwarmFeatures;
use topology::Topology;

/// The size of generated scenarios. Each count is drawn from its range, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// The number of calls. An opening, or calls that begin together, may exceed it by one or two.
    pub calls: RangeInclusive<usize>,
    /// The largest number of calls in the one scenario of forty that is long.
    pub longest: usize,
    /// The number of faults. The actions that end them are not counted.
    pub faults: RangeInclusive<usize>,
    /// The number of clients. At most four have names.
    pub clients: RangeInclusive<usize>,
}

impl Size {
    /// Three calls of one client, and at most two faults.
    pub const SMALL: Size = Size { calls: 3..=3, longest: 3, faults: 0..=2, clients: 1..=1 };
    /// Up to ten calls (seldom forty) of up to three clients, and at most six faults.
    pub const USUAL: Size = Size { calls: 2..=10, longest: 40, faults: 0..=6, clients: 1..=3 };

    fn calls(&self, draws: Draws) -> usize {
        let is_long = draws.below("is long", 40) == 0;
        if is_long {
            draws.between("long", *self.calls.end(), self.longest)
        } else {
            draws.within("calls", &self.calls)
        }
    }
}

/// The scenario of `seed`, which is also the seed of its run. The same seed and size give the same scenario.
#[must_use]
pub fn generate(seed: u64, size: &Size) -> Scenario {
    let draws = Draws::new(seed);
    let count = size.calls(draws);
    let opening = Opening::draw(draws.about("opening", 0), count);
    let plan = Plan {
        topology: Topology::draw(
            draws.about("topology", 0),
            opening == Opening::Ring || draws.chance("wide", 12),
        ),
        swarm: SwarmFeatures::draw(draws.about("swarm", 0)),
        clients: draws.within("clients", &size.clients),
    };
    let principals = principals::draw(draws.about("principals", 0), &plan, opening);
    let mut set_up = set_up::draw(seed, draws.about("set-up", 0), &plan, principals);
    set_up::adapt(draws.about("suits", 0), &mut set_up, opening);
    let groups = calls::draw(draws, &plan, &set_up, opening, count);
    // Faults stand before a group of calls or behind the last one, never among calls that begin together.
    let mut faults_before: Vec<Vec<Action>> = vec![Vec::new(); groups.len() + 1];
    for number in 0..draws.within("faults", &size.faults) {
        let draws = draws.about("fault", number);
        let position = draws.below("position", faults_before.len());
        faults_before[position].extend(faults::draw(draws, &plan));
    }
    let actions = faults_before
        .into_iter()
        .zip(groups.into_iter().chain([Vec::new()]))
        .flat_map(|(faults, calls)| faults.into_iter().chain(calls));
    let block = actions.chain(end(draws.about("end", 0), &plan)).collect();
    Scenario::of(set_up, vec![block])
}

/// The draws that the whole scenario shares.
struct Plan {
    topology: Topology,
    swarm: SwarmFeatures,
    clients: usize,
}

/// The end of a scenario that loses a Region: one node of it, or both, stays down, and the other nodes must converge on
/// all that they can decide without it. Empty for every other scenario.
fn end(draws: Draws, plan: &Plan) -> Vec<Action> {
    if !plan.swarm.loses_a_region {
        return Vec::new();
    }
    let region = draws.pick("region", &plan.topology.all());
    let loss = match draws.pick("what", &["both", "control plane", "witness"]) {
        "both" => Fault::outage(region),
        "control plane" => Fault::crash(NodeId::ControlPlane(region)).into(),
        _ => Fault::crash(NodeId::Witness(region)).into(),
    };
    vec![Action::Fault(loss), Action::Converge(Some(region))]
}
