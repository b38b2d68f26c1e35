//! The witness node: one per Region that serves as a witness.
//!
//! It hosts no cluster and answers no client. It says whether a caller's cluster may have its witness here, and it is
//! the third acceptor of every link register whose pair names its Region.

use std::sync::Arc;

use crate::region::Region;
use crate::types::{Instant, NodeId};

use super::authorization::{Caller, Denials, Principals};
use super::authorizer::{Authorizer, Denial, ResourceAttributes};
use super::message::{Delivery, Effect, Input, Message};
use super::mutant::{Mutant, Mutants};
use super::peering::accept;
use super::required_permissions::{self, AccountScope};
use super::storage::Storage;

/// The witness node of a Region.
#[derive(Clone, Debug)]
pub struct WitnessNode {
    region: Region,
    mutants: Mutants,
    guard: Authorizer,
    durable: Storage,
}

impl WitnessNode {
    /// The witness node of `region`, with what its storage holds.
    #[must_use]
    pub fn new(
        region: Region,
        principals: Arc<Principals>,
        mutants: Mutants,
        durable: Storage,
    ) -> WitnessNode {
        WitnessNode { region, mutants, guard: Authorizer::new(region, principals), durable }
    }

    /// What is denied here.
    pub fn denials_mut(&mut self) -> &mut Denials {
        self.guard.denials_mut()
    }

    /// What it has in storage, as far as it knows.
    #[must_use]
    pub fn durable(&self) -> &Storage {
        &self.durable
    }

    /// The same, when it is no more.
    #[must_use]
    pub fn into_durable(self) -> Storage {
        self.durable
    }

    /// Takes in `input` and appends what is to be done to `out`.
    pub fn handle(&mut self, _now: Instant, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Message { from, message } => match *message {
                Message::CheckWitness { call, asker, attempt } => {
                    let denial = self.denial(call, asker, out);
                    let denial = denial.filter(|_| !self.mutants.has(Mutant::WitnessRegionNotAsked));
                    out.push(Effect::send(from, Message::WitnessChecked { call, denial, attempt }));
                }
                message => {
                    accept(&mut self.durable, self.mutants, NodeId::Witness(self.region), from, message, out);
                }
            },
            Input::Start(_) | Input::Timer(_) | Input::Request { .. } | Input::ExternalEvent(_) => {}
        }
    }

    /// Why the clusters of `asker` may not have their witness here, if they may not.
    fn denial(&self, call: Delivery, asker: Caller, out: &mut Vec<Effect>) -> Option<Denial> {
        if self.guard.is_unrestricted(asker) {
            return None;
        }
        let home = AccountScope::of(self.region, asker.account);
        self.guard
            .check(call, asker, required_permissions::witness(&home), ResourceAttributes::default(), out)
            .err()
    }
}
