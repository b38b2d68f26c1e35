//! The checks that were made for calls.

use std::collections::BTreeMap;

use indexmap::IndexSet;

use crate::control::authorizer::Checked;
use crate::control::message::Delivery;
use crate::iam::PolicyEffect;
use crate::map::FixedMap;
use crate::sim::{Change, World};

use super::least::Use;

/// Takes note of the checks that are made in a world.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Calls that have not been answered: what was checked for them.
    open: FixedMap<Delivery, Vec<Made>>,
    /// What was checked, call by call.
    made: Vec<Made>,
    /// What calls needed that were not denied, by the ARN of who called.
    uses: BTreeMap<String, IndexSet<Use>>,
}

/// A check that was made, for whom.
#[derive(Clone, Debug)]
pub struct Made {
    /// The call, in words.
    pub call: String,
    /// The ARN of who called.
    pub principal: String,
    /// The check.
    pub checked: Checked,
}

impl Audit {
    /// Takes note of what the last event of `world` did.
    pub fn look(&mut self, world: &World) {
        for change in world.changes() {
            match change {
                Change::Checked(checked) => {
                    let principal = world.options().principals.arn(checked.caller).into_owned();
                    let made = Made { call: words(world, checked), principal, checked: (**checked).clone() };
                    self.open.entry(checked.call).or_default().push(made);
                }
                Change::Replied { delivery, .. } => self.settle(*delivery),
                Change::Ended(call) => {
                    // Copies of its requests, and attempts that it gave up.
                    let left: Vec<_> = self.open.keys().copied().filter(|it| call.is_of(*it)).collect();
                    left.into_iter().for_each(|delivery| self.settle(delivery));
                }
                _ => {}
            }
        }
    }

    /// Every check of the calls that were answered, and then those of the others.
    pub fn made(&self) -> impl Iterator<Item = &Made> {
        self.made.iter().chain(self.open.values().flatten())
    }

    /// What each principal's calls needed, but those that were denied, by ARN.
    #[must_use]
    pub fn uses(&self) -> BTreeMap<String, IndexSet<Use>> {
        let mut uses = self.uses.clone();
        for made in self.open.values() {
            note(&mut uses, made);
        }
        uses
    }

    /// Forgets the checks themselves, and what calls needed beyond the first `most` things. What was forgotten is lost:
    /// a policy made of the rest is too small.
    ///
    /// Says whether anything that a call needed was forgotten.
    pub fn forget(&mut self, most: usize) -> bool {
        self.made.clear();
        let mut is_lost = self.open.len() > most;
        self.open.truncate(most);
        for uses in self.uses.values_mut() {
            is_lost |= uses.len() > most;
            uses.truncate(most);
        }
        is_lost
    }

    fn settle(&mut self, delivery: Delivery) {
        if let Some(made) = self.open.swap_remove(&delivery) {
            note(&mut self.uses, &made);
            self.made.extend(made);
        }
    }
}

fn note(uses: &mut BTreeMap<String, IndexSet<Use>>, made: &[Made]) {
    let is_denied = made.iter().any(|made| made.checked.decision.effect != PolicyEffect::Allow);
    if !is_denied {
        for made in made {
            uses.entry(made.principal.clone()).or_default().extend(Use::of(&made.checked));
        }
    }
}

fn words(world: &World, checked: &Checked) -> String {
    let client = &world.options().clients[checked.call.client.0 as usize].name;
    let operation = world.request_of(checked.call).map_or("", |request| request.operation().name());
    let alias = world.alias_of(checked.call).map_or_else(String::new, |alias| format!(" as {alias}"));
    format!("{client}: {operation}{alias}")
}
