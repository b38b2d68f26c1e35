//! What a scenario may do: drawn first, for a scenario that does everything hides what only shows when something is
//! left out.

use crate::sim::coverage::FaultKind;

use super::calls::CallKind;
use super::draws::Draws;

/// What a scenario may do.
#[derive(Clone, Debug)]
pub(super) struct Swarm {
    pub(super) calls: Vec<CallKind>,
    pub(super) faults: Vec<FaultKind>,
    /// Whether calls are made at the same time.
    pub(super) parallel: bool,
    /// Whether calls share client tokens.
    pub(super) shares_tokens: bool,
    /// Whether there are mistakes in the arguments.
    pub(super) mistakes: bool,
    /// Whether open questions are answered in another way than usual.
    pub(super) assumes: bool,
    /// Whether the pauses can be hours.
    pub(super) is_slow: bool,
    /// Whether the end is one without a Region that stays dead.
    pub(super) loses_a_region: bool,
    /// Which settings calls name.
    pub(super) keys: bool,
    pub(super) metrics: bool,
    pub(super) labels: bool,
    pub(super) policies: bool,
}

impl Swarm {
    pub(super) fn draw(draws: Draws) -> Swarm {
        let calls = CallKind::ALL.iter().copied();
        let faults = FaultKind::ALL.iter().copied();
        Swarm {
            calls: calls.filter(|it| draws.about("call", 0).chance(it.name(), 60)).collect(),
            faults: faults.filter(|it| draws.about("fault", 0).chance(it.name(), 50)).collect(),
            parallel: draws.chance("parallel", 50),
            shares_tokens: draws.chance("shares tokens", 40),
            mistakes: draws.chance("mistakes", 40),
            assumes: draws.chance("assumes", 35),
            is_slow: draws.chance("is slow", 5),
            loses_a_region: draws.chance("loses a region", 8),
            keys: draws.chance("keys", 35),
            metrics: draws.chance("metrics", 20),
            labels: draws.chance("labels", 35),
            policies: draws.chance("policies", 30),
        }
    }
}
