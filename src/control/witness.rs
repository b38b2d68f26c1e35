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
use super::peering::answer_proposer;
use super::required_permissions::{self, AccountScope};
use super::storage::Storage;

/// The witness node of a Region.
#[derive(Clone, Debug)]
pub struct WitnessNode {
    region: Region,
    mutants: Mutants,
    authorizer: Authorizer,
    storage: Storage,
}

impl WitnessNode {
    /// The witness node of `region`, with what its storage holds.
    #[must_use]
    pub fn new(
        region: Region,
        principals: Arc<Principals>,
        mutants: Mutants,
        storage: Storage,
    ) -> WitnessNode {
        WitnessNode { region, mutants, authorizer: Authorizer::new(region, principals), storage }
    }

    /// What is denied here.
    pub fn denials_mut(&mut self) -> &mut Denials {
        self.authorizer.denials_mut()
    }

    /// What it has in storage, as far as it knows.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The same, when it is no more.
    #[must_use]
    pub fn into_storage(self) -> Storage {
        self.storage
    }

    /// Takes in `input` and appends what is to be done to `out`.
    pub fn handle(&mut self, _now: Instant, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Message { from, message } => match *message {
                Message::CheckWitness { call, caller, attempt } => {
                    let denial = self.denial(call, caller, out);
                    let denial = denial.filter(|_| !self.mutants.has(Mutant::WitnessRegionNotAsked));
                    out.push(Effect::send(from, Message::WitnessChecked { call, denial, attempt }));
                }
                message => {
                    answer_proposer(
                        &mut self.storage,
                        self.mutants,
                        NodeId::Witness(self.region),
                        from,
                        message,
                        out,
                    );
                }
            },
            Input::Start(_) | Input::Timer(_) | Input::Request { .. } | Input::ExternalEvent(_) => {}
        }
    }

    /// Why the clusters of `asker` may not have their witness here, if they may not.
    fn denial(&self, call: Delivery, caller: Caller, out: &mut Vec<Effect>) -> Option<Denial> {
        if self.authorizer.is_unrestricted(caller) {
            return None;
        }
        let home = AccountScope::of(self.region, caller.account);
        self.authorizer
            .check(call, caller, required_permissions::witness(&home), ResourceAttributes::default(), out)
            .err()
    }
}
