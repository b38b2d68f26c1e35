//! Quiescence: checks that a small world converges.
//!
//! From a state without a message in flight, faults end and events happen in their ordinary order: every message
//! arrives before the next timer fires, and every timer fires. Then the invariants at quiescence must hold.

use crate::check::Violation;

use super::SmallWorld;
use super::state::ModelState;
use super::step::{ModelEvent, Transition};

/// How often every timer fires. A pair needs half as many to be linked or to be dissolved.
const SWEEPS: usize = 12;

impl SmallWorld {
    /// Runs `state` in the ordinary order through [`SWEEPS`] rounds of all timers, and returns the last state.
    ///
    /// # Errors
    /// The invariant that is violated, on the way or at the end.
    pub(super) fn run_to_quiescence(&self, state: &ModelState) -> Result<ModelState, Violation> {
        let mut state = self.settled(state.clone())?;
        for _ in 0..SWEEPS {
            for label in state.timers.iter().map(|pending| pending.label).collect::<Vec<u32>>() {
                // An earlier timer of this round may have replaced it.
                let index = state.timers.iter().position(|pending| pending.label == label);
                let fired = index
                    .and_then(|index| self.after(&state, Transition::Take(ModelEvent::Timer(index), None)));
                state = match fired {
                    Some(fired) => self.settled(fired)?,
                    None => state,
                };
            }
        }
        let mut checker = state.checker.as_ref().clone();
        let before = checker.exercised();
        let verdict = checker.check_quiet(&state, None);
        self.tally.add(&before, &checker.exercised());
        verdict?;
        Ok(state)
    }

    /// Delivers every message in flight, and every message sent in response.
    fn settled(&self, mut state: ModelState) -> Result<ModelState, Violation> {
        loop {
            if let Some(broken) = &state.broken {
                return Err(Violation::clone(broken));
            }
            if state.packets.is_empty() {
                return Ok(state);
            }
            state = self
                .after(&state, Transition::Take(ModelEvent::Packet(0), None))
                .expect("a message can always arrive");
        }
    }
}
