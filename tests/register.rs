//! The link register, seen from outside, is one register: whatever two control planes and a witness node do to it in
//! whatever order messages arrive, there is an order of what was asked for that explains what both sides came to know
//! (M. Herlihy, J. Wing, "Linearizability: a correctness condition for concurrent objects", TOPLAS 12, 1990).
//!
//! What was asked and what was learned is read off the records of clusters as they become durable, never off the
//! register itself. The order is looked for as J. Wing and C. Gong do ("Testing and verifying concurrent objects",
//! JPDC 17, 1993), with [`LinkValue::after`] as the specification.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use dsql_sim::Scenario;
use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::internals::control::peering::{LinkChange, LinkOutcome, LinkValue, RegisterKey, Side};
use dsql_sim::internals::control::records::{Cluster, DeferredRequest};
use dsql_sim::internals::generate::{Size, generate, strategy};
use dsql_sim::internals::rng::fingerprint;
use dsql_sim::internals::scenario::run::run_with;
use dsql_sim::internals::sim::trace::TraceLevel;
use dsql_sim::internals::sim::{self, World};
use dsql_sim::internals::types::{ClusterArn, ClusterStatus};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

/// Something that a side asked of a register.
#[derive(Clone, Copy, Debug)]
struct Ask {
    side: Side,
    change: LinkChange,
    /// When it was asked, in events of the run.
    from: u64,
    /// When an answer was acted on, and what it was. Without one it may have happened or not.
    answer: Option<(u64, Learned)>,
}

/// What a side shows to have learned.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Learned {
    /// There is no agreement.
    Open,
    /// There was an agreement; it may be dissolved by now.
    Linked,
    /// The agreement is dissolved.
    Dissolved,
}

impl Learned {
    fn agrees(self, outcome: LinkOutcome) -> bool {
        match self {
            Learned::Open => outcome == LinkOutcome::Open,
            Learned::Linked => outcome != LinkOutcome::Open,
            Learned::Dissolved => outcome == LinkOutcome::Dissolved,
        }
    }
}

/// What was asked of each register.
#[derive(Debug, Default)]
struct History {
    asked: BTreeMap<RegisterKey, Vec<Ask>>,
    /// What each cluster is asking.
    asking: BTreeMap<ClusterArn, (RegisterKey, usize)>,
    events: u64,
}

impl History {
    /// Takes in what became durable in an event.
    fn look(&mut self, world: &World) {
        self.events += 1;
        for change in world.changes() {
            if let sim::Change::Wrote { commit, .. } = change
                && let Some((.., after)) = &commit.batch.cluster
            {
                let before = commit.before.cluster.as_deref();
                if let Some(cluster) = after.as_deref().or(before) {
                    self.wrote(cluster.arn, before, after.as_deref());
                }
            }
        }
    }

    fn wrote(&mut self, arn: ClusterArn, before: Option<&Cluster>, after: Option<&Cluster>) {
        let (old, new) = (before.and_then(wish), after.and_then(wish));
        if let Some((register, change)) = old {
            let (side, answer) =
                (register.side(arn), before.and_then(|before| learned(change, before, after)));
            let is_another = new != old;
            // A side that goes on asking for the same after an answer asks anew.
            if let Some(outcome) = answer {
                self.answered(arn, register, side, change, outcome);
            }
            if is_another {
                self.asking.remove(&arn);
            }
        }
        if let Some((register, change)) = new
            && !self.asking.contains_key(&arn)
        {
            self.begin(arn, register, register.side(arn), change);
        }
    }

    fn begin(&mut self, arn: ClusterArn, register: RegisterKey, side: Side, change: LinkChange) {
        let asked = self.asked.entry(register).or_default();
        asked.push(Ask { side, change, from: self.events, answer: None });
        self.asking.insert(arn, (register, asked.len() - 1));
    }

    fn answered(
        &mut self,
        arn: ClusterArn,
        register: RegisterKey,
        side: Side,
        change: LinkChange,
        learned: Learned,
    ) {
        if !self.asking.contains_key(&arn) {
            self.begin(arn, register, side, change);
        }
        let (register, place) = self.asking[&arn];
        let events = self.events;
        let ask = &mut self.asked.get_mut(&register).expect("it is asked")[place];
        ask.answer = Some((events, learned));
        self.asking.remove(&arn);
    }

    /// The first register whose answers no order explains.
    fn unexplained(&self) -> Option<(&RegisterKey, &[Ask])> {
        let is_unexplained = |asked: &[Ask]| {
            assert!(asked.len() <= 64, "a bit each");
            !Search { asked, failed: BTreeSet::new() }.explains(LinkValue::default(), 0)
        };
        let found = self.asked.iter().find(|(_, asked)| is_unexplained(asked));
        found.map(|(register, asked)| (register, &asked[..]))
    }
}

/// What a cluster asks of which register, from its record alone.
fn wish(cluster: &Cluster) -> Option<(RegisterKey, LinkChange)> {
    use ClusterStatus::{PendingDelete, PendingSetup};
    let register = cluster.register()?;
    let multi_region = cluster.multi_region.as_deref()?;
    let intent = cluster.intent.as_ref().map(|intent| &intent.request);
    let change = match (intent, cluster.status) {
        (Some(DeferredRequest::DeleteCluster(_)), _) | (None, PendingDelete) => LinkChange::Delete,
        (Some(_), _) => LinkChange::Withdraw,
        (None, _) if multi_region.leaving => LinkChange::Leave,
        (None, PendingSetup) => LinkChange::Declare,
        (None, _) => return None,
    };
    Some((register, change))
}

/// What the cluster has learned from the register, if its record shows it.
fn learned(change: LinkChange, before: &Cluster, after: Option<&Cluster>) -> Option<Learned> {
    use ClusterStatus::{Creating, Deleting, PendingDelete};
    let after = after?;
    let is_linked = after.linked_peer().is_some();
    match change {
        LinkChange::Declare => (after.status == Creating && is_linked).then_some(Learned::Linked),
        // An update that is given up says nothing of what came of its withdrawal.
        LinkChange::Withdraw if after.intent.is_some() || (after.status == before.status && !is_linked) => {
            None
        }
        LinkChange::Withdraw => Some(if is_linked { Learned::Linked } else { Learned::Open }),
        LinkChange::Leave => after.register().is_none().then_some(Learned::Open),
        LinkChange::Delete => match (is_linked, after.status) {
            (true, Deleting) => Some(Learned::Dissolved),
            (false, Deleting) => Some(Learned::Open),
            (true, PendingDelete) if before.linked_peer().is_none() => Some(Learned::Linked),
            _ => None,
        },
    }
}

/// A search for an order of what was asked.
struct Search<'a> {
    asked: &'a [Ask],
    /// Where it led to nothing: what was over (a bit each), and the value.
    failed: BTreeSet<(u64, u64)>,
}

impl Search<'_> {
    /// Whether what is not `over` can have happened in some order after `value`.
    fn explains(&mut self, value: LinkValue, over: u64) -> bool {
        let asked = self.asked;
        let left = || asked.iter().enumerate().filter(|(place, _)| over & 1 << place == 0);
        // What has no answer need not happen.
        if left().all(|(_, ask)| ask.answer.is_none()) {
            return true;
        }
        if !self.failed.insert((over, fingerprint(&value))) {
            return false;
        }
        // Nothing can happen that was asked only after something that is left was answered, and nothing of a side that
        // has gone on to something else.
        let first = left().filter_map(|(_, ask)| ask.answer).map(|(at, _)| at).min().unwrap_or(u64::MAX);
        let has_gone_on = |place: usize, ask: &Ask| {
            let later = asked.iter().enumerate().skip(place + 1);
            later.filter(|(_, later)| later.side == ask.side).any(|(later, _)| over & 1 << later != 0)
        };
        let next: Vec<_> =
            left().filter(|(place, ask)| ask.from <= first && !has_gone_on(*place, ask)).collect();
        next.into_iter().any(|(place, ask)| {
            let after = value.after(ask.side, ask.change);
            let is_answer = ask.answer.is_some_and(|(_, learned)| learned.agrees(after.outcome));
            // What is asked is asked again and again; the answer acted on is that of the last time.
            (is_answer && self.explains(after, over | 1 << place))
                || (after != value && self.explains(after, over))
        })
    }
}

/// What was asked of the registers while `scenario` ran. No invariant ends the run sooner than it would end by itself.
fn history(scenario: &Scenario) -> Rc<RefCell<History>> {
    let history = Rc::new(RefCell::new(History::default()));
    let seen = history.clone();
    let _ = run_with(scenario, None, TraceLevel::None, |simulation| {
        simulation.only_own_invariants();
        simulation.watch(move |world| seen.borrow_mut().look(world));
    });
    history
}

proptest! {
    #![proptest_config(Config {
        cases: 1000, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Config::default()
    })]

    #[test]
    fn some_order_explains_what_both_sides_learned(scenario in strategy::scenarios(Size::USUAL)) {
        let history = history(&scenario);
        let history = history.borrow();
        prop_assert!(history.unexplained().is_none(), "{:#?}", history.unexplained());
    }
}

#[test]
fn no_order_explains_what_planted_bugs_make_of_it() {
    let bugs = [
        Mutant::LinkFromOneSide,
        Mutant::ChosenByOne,
        Mutant::LowerBallotAccepted,
        Mutant::PromiseForgetsValue,
    ];
    for bug in bugs {
        let is_unexplained = |seed: &u64| {
            let mut scenario = generate(*seed, &Size::USUAL);
            scenario.set_up.mutants = Mutants::NONE.with(bug);
            history(&scenario).borrow().unexplained().is_some()
        };
        assert!((0..20_000).any(|seed| is_unexplained(&seed)), "{bug}");
    }
}
