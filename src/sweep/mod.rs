//! Sweeps: the result of running many seeds.
//!
//! A [`Campaign`] maps a seed to a scenario; a [`Tally`] is the result of some seeds. Tallies join to the same whole in
//! any order. So threads, processes and machines share a campaign without talking to each other. The size of a tally
//! does not grow with the number of seeds.

mod counts;
mod tally;

use crate::control::mutant::Mutants;
use crate::generate::{Size, generate, vary};
use crate::scenario::run::{Report, run};
use crate::scenario::{Scenario, panic};
use crate::sim::trace::TraceLevel;

pub use counts::CoverageCounts;
pub use tally::{MarkTally, Tally, ViolationTally};

/// The scenarios of a search, one for each seed.
#[derive(Clone, Debug)]
pub enum Campaign {
    /// A scenario that is generated from the seed, with mutants planted in it.
    Generated(Size, Mutants),
    /// One scenario of the user, with the draws and the faults of the seed.
    Varied(Size, Box<Scenario>),
}

impl Campaign {
    /// The scenario of `seed`.
    #[must_use]
    pub fn scenario(&self, seed: u64) -> Scenario {
        match self {
            Campaign::Generated(size, mutants) => {
                let mut scenario = generate(seed, size);
                scenario.set_up.mutants = *mutants;
                scenario
            }
            Campaign::Varied(size, scenario) => vary(scenario, seed, size),
        }
    }

    /// Runs the scenario of `seed`. A panic becomes the failure of this seed, so that the search goes on.
    #[must_use]
    pub fn run(&self, seed: u64) -> Report {
        // The generator may panic too: then there is no scenario that could be run.
        match panic::catch(|| self.scenario(seed)) {
            Ok(scenario) => run(&scenario, None, TraceLevel::None),
            Err(message) => Report::of_panic(seed, message),
        }
    }
}
