//! How a story that begins in the midst of a race gets there.
//!
//! A block of its scenario says so: its calls are made one after the other, and `hold` keeps the messages under way
//! that the search is to begin with. Everything else takes its ordinary course: what is not held arrives, and clusters
//! move on. No question is asked again and no call waits too long, so that there is one way only.

use std::sync::Arc;

use crate::check::Violation;
use crate::control::message::Timer;
use crate::scenario::{Action, Scenario};
use crate::sim::fault::{Fault, MessageMatch, Rule, RuleAction};
use crate::types::ClusterArn;

use super::Small;
use super::state::{Load, ModelState, Packet};
use super::step::{ModelEvent, Transition};

impl Small {
    /// Goes through `block` of `scenario`, from `state` on, and remembers each step.
    ///
    /// # Errors
    /// The invariant that does not hold on the way.
    pub(super) fn led_in(
        &mut self,
        scenario: &Scenario,
        block: usize,
        names: &[(Arc<str>, ClusterArn)],
        mut state: ModelState,
    ) -> Result<ModelState, Violation> {
        let mut held: Vec<&Rule> = Vec::new();
        for step in &scenario.blocks[block] {
            match &step.action {
                Action::Fault(Fault::Rule(rule)) if rule.action == RuleAction::Hold => held.push(rule),
                Action::Call(call) => {
                    let caller = self.add(call, names, &state);
                    self.call(&mut state, caller);
                    state = self.run_up(state, &held)?;
                }
                other => unreachable!("a lead-in calls and holds, and {other:?} is neither"),
            }
        }
        Ok(state)
    }

    fn run_up(&mut self, mut state: ModelState, held: &[&Rule]) -> Result<ModelState, Violation> {
        while let Some(event) = next(&state, held) {
            let step = Transition::Take(event, None);
            match (self.after(&state, step), event) {
                (Some(after), _) => {
                    self.lead_in.extend(self.passage(state, step));
                    state = after;
                }
                // The timer of a cluster that has moved on since.
                (None, ModelEvent::Timer(place)) => drop(state.timers.remove(place)),
                (None, ModelEvent::Packet(_)) => unreachable!("a message can always arrive"),
            }
            if let Some(broken) = &state.broken {
                return Err(Violation::clone(broken));
            }
        }
        Ok(state)
    }
}

/// What happens next of what is not `held`: what is under way arrives before a cluster moves on.
fn next(state: &ModelState, held: &[&Rule]) -> Option<ModelEvent> {
    let arrives = state.packets.iter().position(|packet| !is_held(packet, held)).map(ModelEvent::Packet);
    let moves = |timer: &Timer| matches!(timer, Timer::Status { .. });
    arrives.or_else(|| state.timers.iter().position(|it| moves(&it.timer)).map(ModelEvent::Timer))
}

fn is_held(packet: &Packet, held: &[&Rule]) -> bool {
    let Load::Message { from, message } = &packet.load else { return false };
    let what = MessageMatch::Message(message.kind());
    held.iter().any(|rule| rule.matches(*from, packet.to, what))
}
