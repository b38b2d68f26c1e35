//! The witness node: the third acceptor of the link registers whose pairs name its Region, one node in each Region.
//!
//! It hosts no clusters and serves no clients. Besides the acceptor it only authorizes: whether a caller's cluster
//! may have its witness here.

use std::sync::Arc;

use crate::control::authorization::{
    AccountScope, Authorizer, Caller, Denial, Principals, ResourceAttributes, required_permissions,
};
use crate::control::message::{Delivery, Effect, Input, Message};
use crate::control::mutant::{Mutants, planted};
use crate::control::peering::acceptor::answer_proposer;
use crate::control::records::Storage;
use crate::control::turn::Turn;
use crate::region::Region;
use crate::types::{Instant, NodeId, Timestamp};

/// The witness node of a Region. Everything that it knows is on its disk: it has no calls, rounds or timers.
#[derive(Clone, Debug)]
pub struct WitnessNode {
    region: Region,
    mutants: Mutants,
    authorizer: Authorizer,
    storage: Storage,
}

impl WitnessNode {
    /// A witness node of `region` that resumes from `storage`.
    #[must_use]
    pub fn new(
        region: Region,
        principals: Arc<Principals>,
        mutants: Mutants,
        storage: Storage,
    ) -> WitnessNode {
        WitnessNode { region, mutants, authorizer: Authorizer::new(region, principals), storage }
    }

    /// The authorization of the node.
    pub fn authorizer_mut(&mut self) -> &mut Authorizer {
        &mut self.authorizer
    }

    /// The records in memory, which are ahead of the disk by the writes under way.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// The records, taken out of a witness node that is no longer run.
    #[must_use]
    pub fn into_storage(self) -> Storage {
        self.storage
    }

    /// Handles one input: appends the effects to `out`, in the order in which the driver must carry them out. `stamp`
    /// is the wall clock of the Region.
    pub fn handle(&mut self, now: Instant, stamp: Timestamp, input: Input, out: &mut Vec<Effect>) {
        let turn = &mut Turn::new(now, stamp, self.mutants, out);
        match input {
            Input::Message { from, message } => match *message {
                Message::CheckWitness { call, caller, attempt } => {
                    let mut denial = self.denial(turn, call, caller);
                    planted!(self.mutants, WitnessRegionNotAsked => denial = None);
                    turn.send(from, Message::WitnessChecked { call, denial, attempt });
                }
                message => {
                    answer_proposer(
                        turn,
                        &mut self.storage,
                        self.mutants,
                        NodeId::Witness(self.region),
                        from,
                        message,
                    );
                }
            },
            // A start restores nothing beyond storage, and the other inputs are for control planes.
            Input::Start(_)
            | Input::Timer(_)
            | Input::Request { .. }
            | Input::ExternalEvent(_)
            | Input::Restored { .. } => {}
        }
    }

    /// The reason why the caller's clusters may not have their witness here; `None` if they may.
    fn denial(&self, turn: &mut Turn<'_>, call: Delivery, caller: Caller) -> Option<Denial> {
        if self.authorizer.is_unrestricted(caller) {
            return None;
        }
        let home = AccountScope::of(self.region, caller.account);
        self.authorizer
            .check(turn, call, caller, required_permissions::witness(&home), ResourceAttributes::default())
            .err()
    }
}
