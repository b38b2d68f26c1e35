//! The explanation of a failure: the events that it depends on, and those among them that tell the story.

use std::collections::BTreeSet;

use crate::check::Invariant;
use crate::control::message::Message;
use crate::scenario::Scenario;
use crate::scenario::run::{EXPECTATION, Failure, Report};
use crate::sim::history::{EventId, History, HistoryContent};
use crate::sim::trace::TraceEventKind as Kind;
use crate::types::Identifier;

use super::minimal;
use super::sentence::{self, Sentence, at};

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The event that shows the failure.
    pub event: Option<EventId>,
    /// The events that the failure depends on, in order.
    pub cone: Vec<EventId>,
    /// The failure, the event that shows it, the decisive events before it, then the whole story in order.
    pub sentences: Vec<Sentence>,
}

impl Explanation {
    /// Explains the failure of `report`, the run of `scenario`; `None` if the run did not fail, or kept no history.
    #[must_use]
    pub fn of(scenario: &Scenario, report: &Report) -> Option<Explanation> {
        let (history, failure) = (report.history.as_deref()?, report.failure.as_ref()?);
        let of = criteria(history, failure);
        let event = focus(history, &of);
        let mut cone: BTreeSet<EventId> =
            minimal::cone(scenario, report, history.cone(&of)).into_iter().collect();
        cone.extend(event);
        let cone: Vec<EventId> = cone.into_iter().collect();
        Some(Explanation { event, sentences: story(history, failure, event, &cone), cone })
    }

    /// The first sentences, and how many follow.
    #[must_use]
    pub fn short(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.sentences.iter().take(SHORT).map(|it| it.text.clone()).collect();
        let more = self.sentences.len().saturating_sub(SHORT);
        lines.extend((more > 0).then(|| format!("… {more} more: `dsql-sim explain` has all")));
        lines
    }
}

/// The events that show the failure: those of the world's last step, and the latest about what the failure names.
pub(super) fn criteria(history: &History, failure: &Failure) -> Vec<EventId> {
    let mut of: BTreeSet<EventId> = history.latest_step().collect();
    for cluster in named_clusters(history, failure) {
        of.extend(history.latest_about(cluster));
    }
    match Invariant::named(&failure.invariant) {
        Some(Invariant::QuotaRespected | Invariant::ListComplete) => of.extend(history.changes_of_number()),
        // What a world at rest still waits for, a crash may have made it forget.
        Some(Invariant::NothingStuck) => {
            of.extend(history.latest_about_open_calls());
            of.extend(history.latest_lives());
        }
        _ => {}
    }
    if failure.invariant == EXPECTATION {
        of.extend(history.calls().iter().rev().find_map(|call| call.end));
        // An expectation about the number of clusters depends on each.
        if failure.message.contains("clusters in") {
            of.extend(history.changes_of_number());
        }
    }
    of.extend(compared(history, failure));
    of.extend(unwritten_votes(history, failure));
    of.into_iter().collect()
}

/// The latest answer to another call of the same operation in the same Region, if the invariant compares answers.
fn compared(history: &History, failure: &Failure) -> Option<EventId> {
    let is_comparing = matches!(
        Invariant::named(&failure.invariant),
        Some(Invariant::AnswersSayWhatWasWritten | Invariant::RetrySameResult | Invariant::ListComplete)
    );
    let own = history.latest_step().find_map(|id| history.event(id).call).filter(|_| is_comparing)?;
    let (own, before) = (&history.calls()[own], &history.calls()[..own]);
    let alike = before.iter().rev().find(|call| (call.operation, call.region) == (own.operation, own.region));
    alike?.end
}

/// The sending of the answer that ended a call.
fn answer_to(history: &History, end: EventId) -> Option<EventId> {
    let arrived = history.event(sentence::input_of(history, end)?);
    arrived.message.map(|message| history.messages()[message].sent)
}

/// What other calls with the token of the call `own` wrote, and how they ended, before `event`.
fn with_same_token(history: &History, own: usize, event: EventId) -> Vec<EventId> {
    let token_of = |call: usize| match &history.event(history.calls()[call].begin).content {
        HistoryContent::Request(request) => request.client_token(),
        _ => None,
    };
    let Some(token) = token_of(own) else { return Vec::new() };
    let before = (0..event.0).map(EventId);
    let of_others = before.filter(|id| {
        let it = history.event(*id);
        matches!(it.kind, Kind::Wrote | Kind::Ended)
            && it.call.is_some_and(|call| call != own && token_of(call) == Some(token))
    });
    of_others.take(NAMED).collect()
}

/// The clusters that the message of a failure names.
fn named_clusters(history: &History, failure: &Failure) -> Vec<Identifier> {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    let words = failure.message.split(|letter| !is_part(letter)).map(|word| word.trim_end_matches('.'));
    let words: BTreeSet<&str> = words.collect();
    let clusters = history.clusters();
    let named = clusters.filter(|(id, name)| words.contains(name) || words.contains(id.to_string().as_str()));
    named.map(|(identifier, _)| identifier).collect()
}

/// The event that shows the failure best: the latest that is more than the arrival of an input.
fn focus(history: &History, of: &[EventId]) -> Option<EventId> {
    let is_output = |id: &&EventId| {
        !matches!(history.event(**id).kind, Kind::Arrived | Kind::Fired | Kind::Sent | Kind::Remark)
    };
    of.iter().rev().find(is_output).or(of.last()).copied()
}

fn story(history: &History, failure: &Failure, event: Option<EventId>, cone: &[EventId]) -> Vec<Sentence> {
    let Some(event) = event else {
        let text = format!("At {} {}: {}.", at(failure.at), verdict(failure), first_line(&failure.message));
        return vec![Sentence { text, events: Vec::new() }];
    };
    let shown = sentence::of(history, event);
    let text = format!("{}: {}.", shown.text.trim_end_matches('.'), verdict(failure));
    let mut sentences = vec![Sentence { text, ..shown }];
    sentences.extend(about_votes(history, unwritten_votes(history, failure)));
    sentences.extend(course_of_call(history, event, cone));
    sentences.extend(calls_that_changed(history, failure, event, cone));
    if sentences.len() < 3 {
        let input = history.event(event).input;
        let named: Vec<EventId> = sentences.iter().flat_map(|sentence| sentence.events.clone()).collect();
        let mut before = cone.iter().rev().filter(|id| **id < input && !named.contains(id));
        let decisive = before.find(|id| is_decisive(history.event(**id).kind));
        sentences.extend(decisive.map(|id| sentence::of(history, *id)));
    }
    let shown: Vec<EventId> = sentences.iter().flat_map(|sentence| sentence.events.clone()).collect();
    let rest = cone.iter().filter(|id| is_in_story(history, **id) && !shown.contains(id));
    sentences.extend(rest.map(|id| sentence::of(history, *id)));
    sentences
}

/// The first votes that left without a write of their own, if what a node has in storage is not what it wrote.
fn unwritten_votes(history: &History, failure: &Failure) -> Vec<EventId> {
    if Invariant::named(&failure.invariant) != Some(Invariant::StorageIsWhatWasWritten) {
        return Vec::new();
    }
    let ids = (0..history.events().len() as u32).map(EventId);
    let unwritten = ids.filter(|id| {
        let event = history.event(*id);
        let is_vote = matches!(&event.content, HistoryContent::Message(message) if is_vote(message));
        let mut causes = event.causes.iter().map(|cause| history.event(*cause));
        is_vote && event.kind == Kind::Sent && !causes.any(|cause| cause.kind == Kind::Wrote)
    });
    unwritten.take(NAMED).collect()
}

fn about_votes(history: &History, votes: Vec<EventId>) -> Option<Sentence> {
    let clauses: Vec<String> = votes
        .iter()
        .map(|id| {
            let event = history.event(*id);
            let kind = event.message.map_or("", |message| &history.messages()[message].kind);
            format!("{kind} of {} at {}", history.node_name(event.actor), at(event.at))
        })
        .collect();
    let text = format!("These votes left without a write: {}.", clauses.join(", "));
    (!votes.is_empty()).then_some(Sentence { text, events: votes })
}

/// Whether a message commits its sender to something that a crash must not take back.
fn is_vote(message: &Message) -> bool {
    matches!(
        message,
        Message::Prepare { .. } | Message::Promise { .. } | Message::Accept { .. } | Message::Accepted { .. }
    )
}

/// How the call of an event went before it: when the control plane took it up, and what other Regions said.
fn course_of_call(history: &History, event: EventId, cone: &[EventId]) -> Option<Sentence> {
    let call = history.event(event).call?;
    let operation = history.calls()[call].operation;
    let before = history.event(event).input;
    let mut events = Vec::new();
    let mut clauses = Vec::new();
    for id in cone.iter().copied().filter(|id| *id < before) {
        let it = history.event(id);
        let name = || history.node_name(it.actor);
        match (&it.content, it.kind) {
            (HistoryContent::Commit(_), _) if it.call == Some(call) => {
                clauses.push(format!("{} at {}", sentence::clause(history, id), at(it.at)));
            }
            (HistoryContent::Request(_), Kind::Arrived) if it.call == Some(call) => {
                clauses.push(format!("{} took up {operation} at {}", name(), at(it.at)));
            }
            (HistoryContent::Message(message), Kind::Arrived) if is_of_call(history, call, message) => {
                clauses.push(format!("{} was asked by {} at {}", name(), message.kind().name(), at(it.at)));
            }
            _ => continue,
        }
        events.push(id);
    }
    // A waiter asks dozens of times: the latest count.
    let first = events.len().saturating_sub(COURSE);
    let (events, clauses) = (events.split_off(first), clauses.split_off(first));
    (!events.is_empty()).then(|| Sentence { text: format!("Before, {}.", clauses.join(", ")), events })
}

/// Whether a message asks another Region about a call.
fn is_of_call(history: &History, call: usize, message: &Message) -> bool {
    match message {
        Message::CheckWitness { call: delivery, .. } | Message::CheckPeer { call: delivery, .. } => {
            history.call_of(*delivery) == Some(call)
        }
        _ => false,
    }
}

/// The latest call that changed each of the other clusters that the failure names.
fn calls_that_changed(
    history: &History,
    failure: &Failure,
    event: EventId,
    cone: &[EventId],
) -> Option<Sentence> {
    let own = history.event(event).call;
    let mut events = Vec::new();
    for cluster in named_clusters(history, failure) {
        let mut before = cone.iter().rev().copied().filter(|id| *id < event);
        events.extend(before.find(|id| {
            let it = history.event(*id);
            it.kind == Kind::Wrote && it.call.is_some() && it.call != own && it.clusters.contains(&cluster)
        }));
    }
    events.extend(compared(history, failure).and_then(|end| answer_to(history, end)));
    events.extend(own.into_iter().flat_map(|own| with_same_token(history, own, event)));
    events.sort_unstable();
    events.dedup();
    let clauses: Vec<String> = events
        .iter()
        .map(|id| {
            let it = history.event(*id);
            let operation = it.operation.map_or("a call", |operation| operation.name());
            match it.kind {
                Kind::Wrote => format!("{operation} led to `{}` at {}", it.text, at(it.at)),
                Kind::Ended => format!("{} at {}", it.text.replacen(' ', " ended ", 1), at(it.at)),
                _ => format!("an answer to {operation} left at {}", at(it.at)),
            }
        })
        .collect();
    (!events.is_empty())
        .then(|| Sentence { text: format!("Of the calls before, {}.", clauses.join(", ")), events })
}

fn verdict(failure: &Failure) -> String {
    match failure.invariant.as_str() {
        EXPECTATION => "an expectation fails".to_owned(),
        invariant => format!("{invariant} is violated"),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end_matches('.')
}

/// Whether an event changes the course of a run: a fault, or the work of one.
fn is_decisive(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Lost
            | Kind::Copied
            | Kind::Held
            | Kind::Forgot
            | Kind::Crashed
            | Kind::Restarted
            | Kind::FaultInjected
            | Kind::Injected
            | Kind::Wrote
            | Kind::Replied
    )
}

/// Whether an event is shown: messages and timers show in what they lead to.
fn is_in_story(history: &History, id: EventId) -> bool {
    let event = history.event(id);
    match event.kind {
        Kind::Sent | Kind::Arrived | Kind::Fired | Kind::Replied => false,
        Kind::Wrote => !event.clusters.is_empty() && !event.text.starts_with("writes"),
        _ => true,
    }
}

/// The number of events that a sentence names at most.
const NAMED: usize = 3;

/// The number of events of a call that a sentence names at most.
const COURSE: usize = 6;

/// The number of sentences that are shown with a failure.
const SHORT: usize = 10;
