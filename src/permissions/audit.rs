//! The audit: records the authorization checks of a world, call by call.

use std::collections::BTreeMap;

use crate::control::authorization::Checked;
use crate::control::message::Delivery;
use crate::map::FixedMap;
use crate::sim::{Change, World};

use super::Needs;

/// The authorization checks of a world, and what its calls needed.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// The checks of calls that have no answer yet.
    open: FixedMap<Delivery, Vec<Made>>,
    /// The checks of answered calls, call by call.
    made: Vec<Made>,
    /// What the answered calls needed, by the ARN of the caller.
    needs: BTreeMap<String, Needs>,
}

/// A check with its call and its caller.
#[derive(Clone, Debug)]
pub struct Made {
    /// The call as text: client, operation, and alias if it has one.
    pub call: String,
    /// The ARN of the caller.
    pub principal: String,
    /// The check.
    pub checked: Checked,
}

impl Audit {
    /// Records the checks of the last event of `world`.
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
                    // A call that has ended has no more answers to come. Checks may be left of duplicated requests and
                    // of attempts that timed out.
                    let left: Vec<_> = self.open.keys().copied().filter(|it| call.is_of(*it)).collect();
                    left.into_iter().for_each(|delivery| self.settle(delivery));
                }
                _ => {}
            }
        }
    }

    /// Every check: those of answered calls first, then those of the others.
    pub fn made(&self) -> impl Iterator<Item = &Made> {
        self.made.iter().chain(self.open.values().flatten())
    }

    /// What the calls of each principal needed, by ARN.
    #[must_use]
    pub fn needs(&self) -> BTreeMap<String, Needs> {
        let mut needs = self.needs.clone();
        for made in self.open.values() {
            note(&mut needs, made);
        }
        needs
    }

    /// Forgets the checks, and all but the first `most` needs of each principal, to bound the memory of a server. A
    /// policy for the rest is too small. Returns whether a need was forgotten.
    pub fn forget(&mut self, most: usize) -> bool {
        self.made.clear();
        let mut has_forgotten = self.open.len() > most;
        self.open.truncate(most);
        for needs in self.needs.values_mut() {
            has_forgotten |= needs.forget(most);
        }
        has_forgotten
    }

    fn settle(&mut self, delivery: Delivery) {
        if let Some(made) = self.open.swap_remove(&delivery) {
            note(&mut self.needs, &made);
            self.made.extend(made);
        }
    }
}

/// Adds the checks of one call, which has one caller.
fn note(needs: &mut BTreeMap<String, Needs>, made: &[Made]) {
    if let Some(Made { principal, .. }) = made.first() {
        needs.entry(principal.clone()).or_default().add(made);
    }
}

fn words(world: &World, checked: &Checked) -> String {
    let client = &world.options().clients[checked.call.client.0 as usize].name;
    let operation = world.request_of(checked.call).map_or("", |request| request.operation().name());
    let alias = world.alias_of(checked.call).map_or_else(String::new, |alias| format!(" as {alias}"));
    format!("{client}: {operation}{alias}")
}
