//! Whether a small world comes to rest as it should.
//!
//! From a state in which nothing is under way, faults end and everything takes its ordinary course: every message
//! arrives before the next timer fires, and every timer fires. What is to converge then has to.

use crate::check::Violation;

use super::Small;
use super::state::ModelState;
use super::step::{ModelEvent, Transition};

/// How often every timer fires. A pair that is linked, or comes apart, takes half as many.
const SWEEPS: usize = 12;

impl Small {
    /// Lets `state` take its ordinary course to the end, and gives what it has become.
    ///
    /// # Errors
    /// The invariant that does not hold, on the way or in the end.
    pub(super) fn at_rest(&self, state: &ModelState) -> Result<ModelState, Violation> {
        let mut state = self.settled(state.clone())?;
        for _ in 0..SWEEPS {
            for label in state.timers.iter().map(|pending| pending.label).collect::<Vec<u32>>() {
                let place = state.timers.iter().position(|pending| pending.label == label);
                let fired = place
                    .and_then(|place| self.after(&state, Transition::Take(ModelEvent::Timer(place), None)));
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

    /// Lets everything arrive that is under way, and all that comes of it.
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
