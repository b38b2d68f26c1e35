//! A run as a log with vector clocks, for ShiViz (I. Beschastnikh et al., "Visualizing Distributed System Executions",
//! TOSEM 29(2), 2020).
//!
//! The first two lines are the parser expression and an empty delimiter, as ShiViz asks for them; an event is a line
//! with its clock, and a line with its text.

use std::fmt::Write as _;

use crate::map::FixedMap;
use crate::sim::history::{EventId, History};
use crate::sim::trace::time;
use crate::types::NodeId;

/// The regular expression that ShiViz reads the log with.
const PARSER: &str = r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)";

/// The log of the events `ids`. The clock of an event counts, for each node, the events before it that reached it by
/// messages and by the order of its own node: ShiViz draws those orders.
#[must_use]
pub fn log(history: &History, ids: &[EventId]) -> String {
    let mut text = format!("{PARSER}\n\n");
    let mut clocks: FixedMap<NodeId, FixedMap<NodeId, u32>> = FixedMap::default();
    let mut of_events: FixedMap<EventId, FixedMap<NodeId, u32>> = FixedMap::default();
    for id in ids {
        let event = history.event(*id);
        let Some(actor) = event.actor else { continue };
        let mut clock = clocks.get(&actor).cloned().unwrap_or_default();
        let sent = event.message.map(|position| history.messages()[position].sent).filter(|sent| sent < id);
        if let Some(other) = sent.and_then(|sent| of_events.get(&sent)) {
            for (node, count) in other {
                let known = clock.entry(*node).or_default();
                *known = (*known).max(*count);
            }
        }
        *clock.entry(actor).or_default() += 1;
        let name = |node: NodeId| history.node_name(Some(node)).replace(char::is_whitespace, "_");
        let counts: Vec<String> =
            clock.iter().map(|(node, count)| format!("\"{}\":{count}", name(*node))).collect();
        let line = event.text.replace('\n', " ");
        let _ = writeln!(text, "{} {{{}}}\n{} {line}", name(actor), counts.join(", "), time(event.at).trim());
        clocks.insert(actor, clock.clone());
        of_events.insert(*id, clock);
    }
    text
}
