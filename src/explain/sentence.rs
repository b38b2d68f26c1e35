//! Events as sentences.

use crate::sim::history::{EventId, History};
use crate::sim::trace::{TraceEventKind as Kind, time};
use crate::types::Instant;

/// A sentence of an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The sentence.
    pub text: String,
    /// The events that it names, the one that it is about first.
    pub events: Vec<EventId>,
}

/// The event as a sentence, with the input that led to it.
pub(super) fn of(history: &History, id: EventId) -> Sentence {
    let event = history.event(id);
    let mut text = format!("At {} {}", at(event.at), clause(history, id));
    let mut events = vec![id];
    if let Some(input) = input_of(history, id) {
        let (cause, same) = (history.event(input), history.event(input).actor == event.actor);
        let when = if cause.at == event.at { String::new() } else { format!(" at {}", at(cause.at)) };
        let actor = if same { "it".to_owned() } else { history.node_name(cause.actor).to_owned() };
        text += &match cause.kind {
            Kind::Fired => format!(", for a timer that fired{when}"),
            Kind::Remark | Kind::FaultInjected => format!(", by `{}`{when}", cause.text),
            Kind::Arrived => {
                format!(", for {actor} received {}{when}", cause.text.trim_start_matches("receives "))
            }
            _ => format!(", for {actor} {}{when}", cause.text),
        };
        events.push(input);
    }
    Sentence { text: text + ".", events }
}

/// The event as a clause: who, and what.
pub(super) fn clause(history: &History, id: EventId) -> String {
    let event = history.event(id);
    let actor = history.node_name(event.actor);
    match (event.actor, event.kind) {
        (None, _) => format!("`{}`", event.text),
        (_, Kind::Wrote) if !event.text.starts_with("writes") => format!("{actor} writes `{}`", event.text),
        _ => format!("{actor} {}", event.text),
    }
}

/// The input that the node handled when it decided on the event; `None` if the event is an input.
pub(super) fn input_of(history: &History, id: EventId) -> Option<EventId> {
    let event = history.event(id);
    if matches!(event.kind, Kind::Arrived | Kind::Fired | Kind::FaultInjected | Kind::Remark | Kind::Invoked)
    {
        return None;
    }
    event.causes.iter().rev().copied().find(|cause| {
        let cause = history.event(*cause);
        matches!(
            cause.kind,
            Kind::Arrived
                | Kind::Fired
                | Kind::FaultInjected
                | Kind::Remark
                | Kind::Crashed
                | Kind::Restarted
        )
    })
}

/// A time in a sentence: `0.109 s`.
pub(super) fn at(moment: Instant) -> String {
    format!("{} s", time(moment).trim())
}
