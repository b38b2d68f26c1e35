//! Reductions of faults: from an outage over a crash, a partition and a one-way partition to a delay, and fewer
//! repetitions of each. Each kind of fault lists its weaker forms.

use crate::scenario::Action;

use super::{Draft, Reduction};

/// Drafts with one fault weaker.
pub(super) fn faults(draft: &Draft) -> Vec<Reduction> {
    let mut reductions = Vec::new();
    for (index, action) in draft.actions.iter().enumerate() {
        let fault = match action {
            Action::Fault(fault) | Action::FaultAt(_, fault) => fault,
            _ => continue,
        };
        let old = draft.set_up.words(action);
        let mut add = |weaker: Action| {
            let text = format!("`{old}` became `{}`", draft.set_up.words(&weaker));
            reductions.push((draft.with(index, weaker), text));
        };
        if let Action::FaultAt(..) = action {
            add(Action::Fault(fault.clone()));
        }
        for weaker in fault.weaker() {
            add(match action {
                Action::FaultAt(when, _) => Action::FaultAt(*when, weaker),
                _ => Action::Fault(weaker),
            });
        }
    }
    reductions
}
