//! Scenarios that nobody thought of, made up from a seed.
//!
//! A generated scenario is a [`Scenario`] like any other: it is run, printed and read back as one. Every draw is
//! keyed by the seed and by what it decides, and of several candidates one is drawn by its name, so that one call, one
//! fault or one option can change, and a kind of them can be added, without re-rolling the rest.
//!
//! Which kinds of calls and faults and which bad habits a scenario has is drawn first (A. Groce, C. Zhang, E. Eide,
//! Y. Chen, J. Regehr, "Swarm testing", ISSTA 2012): a scenario that does everything hides what only shows when
//! something is left out. Most scenarios then begin with an *opening*: a few calls that lead to where something is
//! worth trying and that no draws would put together, a pair that comes apart, say, or a cluster in DELETED. What
//! follows is drawn. What a fault damages can be put right: nodes start again, links heal, held messages are
//! released after a while, and every scenario ends with everything put right anyway.

mod aim;
mod calls;
mod draws;
mod faults;
mod principals;
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
pub use vary::vary;

use draws::Draws;
use swarm::Swarm;
use topology::Topology;

/// How large generated scenarios are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many calls there are.
    pub calls: RangeInclusive<usize>,
    /// How many calls there are in one of forty scenarios, at most.
    pub longest: usize,
    /// How many faults there are; what puts them right is not counted.
    pub faults: RangeInclusive<usize>,
    /// How many clients call.
    pub clients: RangeInclusive<usize>,
}

impl Size {
    /// Three calls of one client, and two faults at most.
    pub const SMALL: Size = Size { calls: 3..=3, longest: 3, faults: 0..=2, clients: 1..=1 };
    /// Up to ten calls, seldom forty, of up to three clients, and up to six faults.
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

/// The scenario of `seed`, which is also the seed that it is run with.
#[must_use]
pub fn generate(seed: u64, shape: &Size) -> Scenario {
    let draws = Draws::new(seed);
    let count = shape.calls(draws);
    let opening = Opening::draw(draws.about("opening", 0), count);
    let plan = Plan {
        place: Topology::draw(draws.about("place", 0), opening == Opening::Ring || draws.chance("wide", 12)),
        swarm: Swarm::draw(draws.about("swarm", 0)),
        clients: draws.within("clients", &shape.clients),
    };
    let principals = principals::draw(draws.about("principals", 0), &plan.place);
    let mut set_up = set_up::draw(seed, draws.about("set-up", 0), &plan, principals);
    set_up::suit(draws.about("suits", 0), &mut set_up.assumptions, opening);
    let groups = calls::draw(draws, &plan, &set_up, opening, count);
    let mut actions: Vec<Vec<Action>> = vec![Vec::new(); groups.len() + 1];
    for number in 0..draws.within("faults", &shape.faults) {
        let draws = draws.about("fault", number);
        let place = draws.below("place", actions.len());
        actions[place].extend(faults::draw(draws, &plan));
    }
    let faults = actions.into_iter();
    let actions = faults
        .zip(groups.into_iter().chain([Vec::new()]))
        .flat_map(|(faults, calls)| faults.into_iter().chain(calls));
    let block = actions.chain(end(draws.about("end", 0), &plan)).collect();
    Scenario::of(set_up, vec![block])
}

/// What a scenario is made of.
struct Plan {
    place: Topology,
    swarm: Swarm,
    clients: usize,
}

/// The end of a scenario, where it is not that everything is put right: one node, or both, of a Region stays dead, and
/// what the others can decide must be decided.
fn end(draws: Draws, plan: &Plan) -> Vec<Action> {
    if !plan.swarm.loses_a_region {
        return Vec::new();
    }
    let region = draws.pick("region", &plan.place.all());
    let death = match draws.pick("what", &["both", "control plane", "witness"]) {
        "both" => Fault::Outage(region),
        "control plane" => Fault::crash(NodeId::ControlPlane(region)),
        _ => Fault::crash(NodeId::Witness(region)),
    };
    vec![Action::Fault(death), Action::Converge(Some(region))]
}
