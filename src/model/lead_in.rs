//! The lead-in: runs a workload up to the race in which its search begins.
//!
//! A block of the workload's scenario describes it. Its calls are made one after the other; `hold` keeps those messages
//! in flight with which the search begins. Every other message arrives, and clusters advance. No retry and no deadline
//! fires, so that there is exactly one path.

use std::sync::Arc;

use crate::check::Violation;
use crate::control::message::Timer;
use crate::scenario::{Action, Scenario};
use crate::sim::fault::{Fault, MessageMatch, Rule, RuleAction};
use crate::types::ClusterArn;

use super::SmallWorld;
use super::state::{ModelState, Packet, PacketBody};
use super::step::{ModelEvent, Transition};

impl SmallWorld {
    /// Runs `block` of `scenario` from `state` on, and records each step.
    ///
    /// # Errors
    /// The invariant that is violated on the way.
    pub(super) fn run_lead_in(
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
                    state = self.run_until_held(state, &held)?;
                }
                other => unreachable!("a lead-in has calls and holds, not {other:?}"),
            }
        }
        Ok(state)
    }

    fn run_until_held(&mut self, mut state: ModelState, held: &[&Rule]) -> Result<ModelState, Violation> {
        while let Some(event) = next(&state, held) {
            let step = Transition::Take(event, None);
            match (self.after(&state, step), event) {
                (Some(after), _) => {
                    self.lead_in.extend(self.path_step(state, step));
                    state = after;
                }
                // The timer changes nothing: its cluster has advanced since it was set.
                (None, ModelEvent::Timer(index)) => drop(state.timers.remove(index)),
                (None, ModelEvent::Packet(_)) => unreachable!("a message can always arrive"),
            }
            if let Some(broken) = &state.broken {
                return Err(Violation::clone(broken));
            }
        }
        Ok(state)
    }
}

/// The next event that is not `held`: messages arrive before clusters advance.
fn next(state: &ModelState, held: &[&Rule]) -> Option<ModelEvent> {
    let arrives = state.packets.iter().position(|packet| !is_held(packet, held)).map(ModelEvent::Packet);
    let advances_a_cluster = |timer: &Timer| matches!(timer, Timer::Status { .. });
    arrives
        .or_else(|| state.timers.iter().position(|it| advances_a_cluster(&it.timer)).map(ModelEvent::Timer))
}

fn is_held(packet: &Packet, held: &[&Rule]) -> bool {
    let PacketBody::Message { from, message } = &packet.body else { return false };
    let what = MessageMatch::Message(message.kind());
    held.iter().any(|rule| rule.matches(*from, packet.to, what))
}
