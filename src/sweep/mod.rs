//! Searching: many seeds, one result.
//!
//! A [`Campaign`] says what is run for a seed; a [`Tally`] is what came of some seeds. Tallies join in any order to
//! the same whole, so that threads, processes and machines share a campaign without talking to one another, and its
//! size does not grow with the number of seeds.

mod counts;
mod tally;

use crate::control::mutant::Mutants;
use crate::generate::{Size, generate, vary};
use crate::scenario::run::{Report, run};
use crate::scenario::{Scenario, panic};
use crate::sim::trace::TraceLevel;

pub use counts::CoverageCounts;
pub use tally::{GoalTally, Tally, ViolationTally};

/// What is run for each seed.
#[derive(Clone, Debug)]
pub enum Campaign {
    /// The scenario that is made up from the seed, with bugs planted in it.
    Generated(Size, Mutants),
    /// One scenario, with the seed's draws and the seed's faults.
    Varied(Size, Box<Scenario>),
}

impl Campaign {
    /// The scenario that `seed` stands for.
    #[must_use]
    pub fn scenario(&self, seed: u64) -> Scenario {
        match self {
            Campaign::Generated(shape, mutants) => {
                let mut scenario = generate(seed, shape);
                scenario.set_up.mutants = *mutants;
                scenario
            }
            Campaign::Varied(shape, scenario) => vary(scenario, seed, shape),
        }
    }

    /// What comes of `seed`. A panic is a failure of its own kind.
    #[must_use]
    pub fn run(&self, seed: u64) -> Report {
        match panic::catch(|| self.scenario(seed)) {
            Ok(scenario) => run(&scenario, None, TraceLevel::None),
            Err(words) => Report::of_panic(seed, words),
        }
    }
}
