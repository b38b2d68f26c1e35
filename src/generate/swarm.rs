//! The swarm of a generated scenario: the features that it may use.
//!
//! They are drawn before all else, because some bugs show only in the absence of a feature.

use strum::VariantArray;

use crate::sim::fault::FaultKind;

use super::calls::CallKind;
use super::draws::Draws;

/// The features that a scenario may use.
#[derive(Clone, Debug)]
pub(super) struct SwarmFeatures {
    pub(super) calls: Vec<CallKind>,
    pub(super) faults: Vec<FaultKind>,
    /// Whether some calls begin at the same time.
    pub(super) parallel: bool,
    /// Whether calls share client tokens.
    pub(super) shares_tokens: bool,
    /// Whether some calls have an invalid argument.
    pub(super) mistakes: bool,
    /// Whether some assumptions differ from their defaults.
    pub(super) changes_assumptions: bool,
    /// Whether pauses may last for hours, so that tokens expire.
    pub(super) is_slow: bool,
    /// Whether the scenario ends with a Region that stays down.
    pub(super) loses_a_region: bool,
    /// Whether calls name KMS keys.
    pub(super) keys: bool,
    /// Whether calls name metric groups.
    pub(super) metrics: bool,
    /// Whether clusters are created with tags.
    pub(super) tags: bool,
    /// Whether clusters are created with a resource policy.
    pub(super) policies: bool,
}

impl SwarmFeatures {
    pub(super) fn draw(draws: Draws) -> SwarmFeatures {
        let calls = CallKind::VARIANTS.iter().copied();
        let faults = FaultKind::VARIANTS.iter().copied();
        SwarmFeatures {
            calls: calls.filter(|it| draws.about("call", 0).chance(it.name(), 60)).collect(),
            faults: faults.filter(|it| draws.about("fault", 0).chance(it.name(), 50)).collect(),
            parallel: draws.chance("parallel", 50),
            shares_tokens: draws.chance("shares tokens", 40),
            mistakes: draws.chance("mistakes", 40),
            changes_assumptions: draws.chance("assumes", 35),
            is_slow: draws.chance("is slow", 5),
            loses_a_region: draws.chance("loses a region", 8),
            keys: draws.chance("keys", 35),
            metrics: draws.chance("metrics", 20),
            tags: draws.chance("labels", 35),
            policies: draws.chance("policies", 30),
        }
    }
}
