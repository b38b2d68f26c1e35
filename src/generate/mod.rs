//! Scenarios that nobody thought of, made up from a seed.
//!
//! A generated scenario is a [`Scenario`] like any other: it is run, printed and read back as one. Every draw is
//! keyed by the seed and by what it decides, so that one call, one fault or one option can change without re-rolling
//! the rest.
//!
//! Which kinds of calls and faults and which bad habits a scenario has is drawn first (A. Groce, C. Zhang, E. Eide,
//! Y. Chen, J. Regehr, "Swarm testing", ISSTA 2012): a scenario that does everything hides what only shows when
//! something is left out. What a fault damages can be put right: nodes start again, links heal and held messages are
//! released after a while, and every scenario ends with everything put right anyway.

mod attached;
mod calls;
mod draws;
mod faults;
mod principals;
#[cfg(feature = "proptest")]
pub mod strategy;
mod vary;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::control::message::Span;
use crate::region::{Region, RegionSet};
use crate::scenario::{Action, Scenario, SetUp};
use crate::sim::Latency;
use crate::sim::client::ClientOptions;
use crate::sim::coverage::FaultKind;
use crate::types::{Account, PrincipalId};

pub use calls::CallKind;
pub use vary::vary;

use draws::Draws;

/// How large generated scenarios are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many calls there are.
    pub calls: RangeInclusive<usize>,
    /// How many faults there are; what puts them right is not counted.
    pub faults: RangeInclusive<usize>,
    /// How many clients call.
    pub clients: RangeInclusive<usize>,
}

impl Shape {
    /// Three calls of one client, and two faults at most.
    pub const SMALL: Shape = Shape { calls: 3..=3, faults: 0..=2, clients: 1..=1 };
    /// Up to ten calls of up to three clients, and up to six faults.
    pub const USUAL: Shape = Shape { calls: 2..=10, faults: 0..=6, clients: 1..=3 };
}

/// The scenario of `seed`, which is also the seed that it is run with.
#[must_use]
pub fn generate(seed: u64, shape: &Shape) -> Scenario {
    let draws = Draws::new(seed);
    let mut plan = Plan {
        place: Place::draw(draws.about("place", 0)),
        swarm: Swarm::draw(draws.about("swarm", 0)),
        clients: draws.within("clients", &shape.clients),
        principals: 0,
    };
    let principals = principals::draw(draws.about("principals", 0), &plan.place);
    plan.principals = principals.len();
    let groups = calls::draw(draws, &plan, draws.within("calls", &shape.calls));
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
    let block = actions.collect();
    let set_up = SetUp { principals, ..set_up(seed, draws.about("set-up", 0), &plan) };
    Scenario::of(set_up, vec![block])
}

/// What a scenario is made of.
struct Plan {
    place: Place,
    swarm: Swarm,
    clients: usize,
    principals: usize,
}

/// Where a scenario plays: two Regions for clusters and one for the witness, all of one Region set.
struct Place {
    regions: [Region; 2],
    witness: Region,
    /// All Regions of that set.
    set: Vec<Region>,
}

/// What a scenario may do.
struct Swarm {
    calls: Vec<CallKind>,
    faults: Vec<FaultKind>,
    /// Whether it begins as the documentation tells how to make a pair.
    makes_a_pair: bool,
    /// Whether that pair is deleted, or comes apart.
    ends_the_pair: bool,
    parts_the_pair: bool,
    /// Whether it deletes something between two pages of a listing.
    turns_pages: bool,
    /// Whether it fills a cluster with streams.
    fills_streams: bool,
    /// Whether calls are made at the same time.
    parallel: bool,
    /// Whether calls share client tokens.
    shares_tokens: bool,
    /// Whether there are mistakes in the arguments.
    mistakes: bool,
    /// Whether open questions are answered in another way than usual.
    assumes: bool,
}

impl Plan {
    /// Who somebody runs as: nobody in particular, or one of the principals.
    fn principal(&self, draws: Draws) -> Option<PrincipalId> {
        PrincipalId::new(draws.below("principal", self.principals + 1))
            .filter(|it| it.place() < self.principals)
    }
}

impl Place {
    fn draw(draws: Draws) -> Place {
        let sets = [RegionSet::Americas, RegionSet::Americas, RegionSet::Europe, RegionSet::AsiaPacific];
        let set = draws.pick("set", &sets);
        let set: Vec<Region> = Region::all().filter(|region| region.set() == set).collect();
        let mut left = set.clone();
        let mut take = |what: &str| left.swap_remove(draws.below(what, left.len()));
        Place { regions: [take("one"), take("other")], witness: take("witness"), set }
    }

    /// Regions of which as many as can be are called, and named as a witness.
    fn among(draws: Draws, called: &[Region], witnesses: &[Region]) -> Place {
        let set: Vec<Region> =
            Region::all().filter(|region| called.first().is_none_or(|it| it.set() == region.set())).collect();
        let all: Vec<Region> = Region::all().collect();
        let mut taken: Vec<Region> = Vec::new();
        let mut take = |what: &str, wished: &[Region]| {
            let free = [wished, &set, &all]
                .map(|among| among.iter().copied().filter(|it| !taken.contains(it)).collect::<Vec<_>>());
            let free = free.iter().find(|free| !free.is_empty()).expect("there are more than three Regions");
            taken.push(draws.pick(what, free));
            taken[taken.len() - 1]
        };
        Place {
            regions: [take("one", called), take("other", called)],
            witness: take("witness", witnesses),
            set,
        }
    }

    /// The three Regions.
    fn all(&self) -> [Region; 3] {
        [self.regions[0], self.regions[1], self.witness]
    }
}

impl Swarm {
    fn draw(draws: Draws) -> Swarm {
        let calls = CallKind::ALL.iter().enumerate();
        let faults = FaultKind::ALL.iter().enumerate();
        Swarm {
            calls: calls
                .filter(|(it, _)| draws.about("call", *it).chance("on", 60))
                .map(|(_, it)| *it)
                .collect(),
            faults: faults
                .filter(|(it, _)| draws.about("fault", *it).chance("on", 50))
                .map(|(_, it)| *it)
                .collect(),
            makes_a_pair: draws.chance("makes a pair", 60),
            ends_the_pair: draws.chance("ends the pair", 40),
            parts_the_pair: draws.chance("parts the pair", 15),
            turns_pages: draws.chance("turns pages", 15),
            fills_streams: draws.chance("fills streams", 15),
            parallel: draws.chance("parallel", 50),
            shares_tokens: draws.chance("shares tokens", 40),
            mistakes: draws.chance("mistakes", 40),
            assumes: draws.chance("assumes", 25),
        }
    }
}

fn set_up(seed: u64, draws: Draws, plan: &Plan) -> SetUp {
    let client = |number: usize| {
        let draws = draws.about("client", number);
        let home = if draws.chance("at home", 70) {
            plan.place.regions[0]
        } else {
            draws.pick("home", &plan.place.all())
        };
        let principal = plan.principal(draws);
        ClientOptions { name: CLIENTS[number].into(), account: Account::DEFAULT, home, principal }
    };
    let mut set_up = SetUp { seed, clients: (0..plan.clients).map(client).collect(), ..SetUp::new() };
    if draws.chance("even latency", 25) {
        set_up.latency = Latency::Even(Span::millis(1, draws.pick("latency", &[5, 50, 500])));
    }
    if draws.chance("slow disk", 25) {
        set_up.disk = Duration::from_millis(draws.pick("disk", &[10, 100, 1000]));
    }
    set_up.assumptions.unpeer_active = plan.swarm.parts_the_pair;
    if plan.swarm.assumes {
        for number in 0..draws.between("assumptions", 1, 3) {
            let (name, value) = draws.about("assumption", number).pick("which", ASSUMPTIONS);
            set_up.assumptions.set(name, value).expect("the table has switches and values of theirs");
        }
    }
    set_up
}

/// What the clients of a scenario are called.
const CLIENTS: [&str; 4] = ["ops", "ci", "dev", "bot"];

/// Answers to open questions that make a difference to what can happen.
const ASSUMPTIONS: &[(&str, &str)] = &[
    ("token_window", "10s"),
    ("token_window", "1m"),
    ("multi_region_quota", "1"),
    ("multi_region_quota", "2"),
    ("single_region_quota", "1"),
    ("quota_counts_deleting", "false"),
    ("replay_frozen", "false"),
    ("token_per_operation", "false"),
    ("delete_while_updating", "false"),
    ("delete_again", "false"),
    ("deleted_visible", "5s"),
    ("witness_mismatch_refused", "false"),
    ("single_region_peer_refused", "false"),
    ("creation_fails", "true"),
    ("peering_fails", "true"),
    ("peering_time", "1s..2s"),
    ("remote_deadline", "1s"),
    ("remote_deadline", "1m"),
];
