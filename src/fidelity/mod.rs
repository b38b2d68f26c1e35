//! The evidence for what is simulated: each rule with its certainty, its public sources and scenarios that show it.
//!
//! A rule stands once, in the table of its subject: [`operations`], [`behaviour`], [`refusals`], [`constraints`] and
//! [`invariants`]. A switch needs no row: `scenarios/assumptions` has what is known about it. `docs/fidelity.md` is
//! generated from these, and `tests/goals.rs` demands a row for each rule, with a scenario that shows it.

pub mod behaviour;
pub mod constraints;
pub mod invariants;
pub mod operations;
pub mod page;
pub mod refusals;
pub mod source;

pub use page::markdown;
pub use source::Source;

/// How certain it is that the service behaves so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Certainty {
    /// Documentation or a published model of AWS has it.
    Documented,
    /// A client of the service met it and published the result.
    Observed,
    /// It follows from what is documented or observed.
    Inferred,
    /// The public record is silent: the behaviour is the one most consistent with the sources.
    Assumed,
}

/// The evidence for a rule.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// How certain the rule is.
    pub certainty: Certainty,
    /// Where it comes from; for an assumption, what it is consistent with.
    pub sources: &'static [Source],
    /// The scenarios that show it, as in `delete/a_pair_is_deleted_from_both_sides`.
    pub scenarios: &'static [&'static str],
}

/// A rule with its evidence.
#[derive(Clone, Copy, Debug)]
pub struct ServiceRule {
    /// The rule as a sentence.
    pub sentence: &'static str,
    /// The evidence for it.
    pub evidence: Evidence,
}

const fn documented(sources: &'static [Source], scenarios: &'static [&'static str]) -> Evidence {
    Evidence { certainty: Certainty::Documented, sources, scenarios }
}

const fn observed(sources: &'static [Source], scenarios: &'static [&'static str]) -> Evidence {
    Evidence { certainty: Certainty::Observed, sources, scenarios }
}

const fn inferred(sources: &'static [Source], scenarios: &'static [&'static str]) -> Evidence {
    Evidence { certainty: Certainty::Inferred, sources, scenarios }
}

const fn assumed(sources: &'static [Source], scenarios: &'static [&'static str]) -> Evidence {
    Evidence { certainty: Certainty::Assumed, sources, scenarios }
}

const fn rule(sentence: &'static str, evidence: Evidence) -> ServiceRule {
    ServiceRule { sentence, evidence }
}
