//! A run as a sequence diagram of Mermaid, for a page of Markdown.

use std::fmt::Write as _;

use crate::sim::history::{EventId, History, HistoryEvent, HistoryMessage, MessageFate};
use crate::sim::trace::{TraceEventKind as Kind, time};

/// The diagram of the events `ids`: the messages that arrived or were lost among them, and what changed.
#[must_use]
pub fn sequence_diagram(history: &History, ids: &[EventId]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut lines = String::new();
    for id in ids {
        let event = history.event(*id);
        let message = event.message.map(|position| &history.messages()[position]);
        if let (Some(message), Kind::Arrived | Kind::Lost) = (message, event.kind) {
            let [from, to] = [message.from, message.to].map(|node| history.node_name(Some(node)));
            names.extend([from, to]);
            let arrow = if message.fate == MessageFate::Lost { "-x" } else { "->>" };
            let label = label(history, event, message);
            let _ = writeln!(lines, "  {}{arrow}{}: {label}", word(from), word(to));
        } else if is_noted(history, event) {
            let actor = history.node_name(event.actor);
            names.push(actor);
            let at = time(event.at);
            let _ = writeln!(lines, "  Note over {}: {} s {}", word(actor), at.trim(), safe(&event.text));
        }
    }
    let mut text = "sequenceDiagram\n".to_owned();
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
            // A name that Mermaid takes as it is needs no declaration: the order of appearance is that of the columns.
            if word(name) != name {
                let _ = writeln!(text, "  participant {} as {name}", word(name));
            }
        }
    }
    text + &lines
}

/// The content of a message; of a request also the name that the scenario gave to the call.
fn label(history: &History, event: &HistoryEvent, message: &HistoryMessage) -> String {
    let call = event.call.map(|call| &history.calls()[call]);
    let alias =
        call.filter(|call| call.operation.name() == message.kind).and_then(|call| call.alias.as_deref());
    match alias {
        Some(alias) => safe(&format!("{} as {alias}", message.kind)),
        None => safe(&message.kind),
    }
}

/// Whether an event is worth a note: what a message does not show.
fn is_noted(history: &History, event: &HistoryEvent) -> bool {
    match event.kind {
        Kind::Crashed | Kind::Restarted | Kind::Forgot => true,
        // A write shows in the trace of milestones if it creates, moves or removes something.
        Kind::Wrote => !event.text.starts_with("writes") && !event.text.contains(" written, still "),
        // The arrow of its answer shows how a call ended, if there was one.
        Kind::Ended => !event.causes.iter().any(|cause| history.event(*cause).kind == Kind::Arrived),
        _ => false,
    }
}

/// A name as Mermaid takes it: letters, digits and underlines.
fn word(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

/// A text without the signs that end a statement of Mermaid.
fn safe(text: &str) -> String {
    text.replace(['#', ';', '\n'], " ")
}
