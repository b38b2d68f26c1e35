//! The smallest causal cone of a failure: what, left out, would not change it, is left out.
//!
//! What happened before the failure is more than what it needs. So the run is repeated without steps of the scenario,
//! each of the others at its time in the whole run. Steps without which the run fails in the same way had no part in
//! the failure, and neither had the events that come of them. What is left is shown, not argued: the run fails with
//! nothing else in it.

use std::collections::BTreeSet;

use crate::map::FixedMap;
use crate::scenario::run::{Failure, Omission, Report, run_without};
use crate::scenario::{Action, Scenario};
use crate::sim::history::{EventId, History, HistoryContent, HistoryEvent};
use crate::sim::trace::TraceEventKind;
use crate::types::NodeId;

use super::explanation::criteria;

/// The part of `whole`, the causal cone of the failure of `report`, that the failure needs.
pub(super) fn cone(scenario: &Scenario, report: &Report, whole: Vec<EventId>) -> Vec<EventId> {
    let (Some(history), Some(failure)) = (report.history.as_deref(), &report.failure) else { return whole };
    let mut search = Search {
        scenario,
        report,
        history,
        failure,
        events: MOST_EVENTS,
        left_out: BTreeSet::new(),
        smallest: None,
    };
    search.reduce(&whole);
    let Search { left_out, smallest, .. } = search;
    let smaller = smallest.as_ref().and_then(|report| report.history.as_deref()).unwrap_or(history);
    let needed = needed(smaller, scenario, &left_out);
    let of: Vec<EventId> = needed.into_iter().chain(criteria(smaller, failure)).collect();
    let mut found = same_events(history, smaller, &smaller.cone(&of));
    found.extend(self::needed(history, scenario, &left_out));
    found.sort_unstable();
    found.dedup();
    found
}

/// The events of the steps without which the run does not fail: they belong to the cone, although no record and no
/// message may tell why. A call that did not succeed is needed for its end, which others may have waited for.
fn needed(history: &History, scenario: &Scenario, left_out: &BTreeSet<usize>) -> Vec<EventId> {
    let all = removable(scenario);
    let is_needed = |position: &usize| all.contains(position) && !left_out.contains(position);
    let events = history.events().iter().zip((0..).map(EventId));
    let needed = events.filter(|(event, _)| event.step.as_ref().is_some_and(is_needed));
    let end = |event: &HistoryEvent| {
        let end = history.calls()[event.call?].end?;
        (!matches!(history.event(end).content, HistoryContent::Reply(Ok(_)))).then_some(end)
    };
    needed.flat_map(|(event, id)| [Some(id), end(event)]).flatten().collect()
}

/// A search for steps that the failure does not need.
struct Search<'a> {
    scenario: &'a Scenario,
    report: &'a Report,
    history: &'a History,
    failure: &'a Failure,
    /// The number of events that the search may still spend.
    events: u64,
    /// The most steps that were left out so far.
    left_out: BTreeSet<usize>,
    /// The run without them; `None` if nothing is left out yet.
    smallest: Option<Report>,
}

impl Search<'_> {
    /// Leaves out everything outside the cone, then single steps inside it.
    fn reduce(&mut self, whole: &[EventId]) {
        let inside: BTreeSet<usize> = whole.iter().filter_map(|id| self.history.event(*id).step).collect();
        let all = removable(self.scenario);
        if !self.fails_without(all.difference(&inside).copied().collect()) {
            for position in all.difference(&inside) {
                self.fails_without(self.and(*position));
            }
        }
        for position in inside.intersection(&all) {
            self.fails_without(self.and(*position));
        }
    }

    /// The steps that are left out so far, and one more.
    fn and(&self, position: usize) -> BTreeSet<usize> {
        self.left_out.iter().copied().chain([position]).collect()
    }

    /// Whether the run without these steps fails in the same way. If so, it is the best so far.
    fn fails_without(&mut self, left_out: BTreeSet<usize>) -> bool {
        if self.events < self.report.events {
            return false;
        }
        let omission = Omission::new(&left_out, self.history, self.report.end);
        let run = run_without(self.scenario, Some(self.report.seed), &omission);
        self.events -= run.events.min(self.events);
        let is_same = run.failure.as_ref().is_some_and(|failure| {
            (&failure.invariant, &failure.message, failure.span)
                == (&self.failure.invariant, &self.failure.message, self.failure.span)
        });
        if is_same {
            (self.left_out, self.smallest) = (left_out, Some(run));
        }
        is_same
    }
}

/// The calls and faults of a scenario, by the positions of their commands in its text.
fn removable(scenario: &Scenario) -> BTreeSet<usize> {
    let steps = scenario.blocks.iter().flatten();
    let is_removable =
        |action: &Action| matches!(action, Action::Call(_) | Action::Fault(_) | Action::FaultAt(..));
    steps.filter(|step| is_removable(&step.action)).map(|step| step.span.start).collect()
}

/// The events of `history` that are `ids` of `smaller`: of the same kind, at the same node, with the same text. What is
/// left out may have moved the others in time, and both runs end in the failure: so the latest are the same.
fn same_events(history: &History, smaller: &History, ids: &[EventId]) -> Vec<EventId> {
    let mut positions: FixedMap<EventKey<'_>, Vec<EventId>> = FixedMap::default();
    for (event, position) in history.events().iter().zip(0..) {
        positions.entry(key(event)).or_default().push(EventId(position));
    }
    let events = ids.iter().rev().map(|id| smaller.event(*id));
    events.filter_map(|event| positions.get_mut(&key(event))?.pop()).collect()
}

/// What two events of two runs have in common if they are the same.
type EventKey<'a> = (TraceEventKind, Option<NodeId>, &'a str);

fn key(event: &HistoryEvent) -> EventKey<'_> {
    // The sending of a message also says when it will arrive.
    let text = event.text.split_once(", arriving at ").map_or(event.text.as_str(), |(text, _)| text);
    (event.kind, event.actor, text)
}

/// The number of events that a search runs through at most, so that the explanation of a long run does not take
/// minutes: some seconds of a processor.
const MOST_EVENTS: u64 = 5_000_000;
