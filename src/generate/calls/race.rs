//! Races for a link register: both sides request changes that exclude each other, at about the same time, while single
//! messages between the acceptors are late or lost.

use std::time::Duration;

use crate::control::message::{DelayRange, MessageKind};
use crate::scenario::{Action, When};
use crate::sim::fault::{Fault, MessageMatch, NodeMatch, Rule, RuleAction};

use super::super::draws::Draws;
use super::{CallKind, CallPlan};

impl CallPlan<'_> {
    /// A withdrawal, a change of witness or a deletion races with the declaration that would complete the link; or one
    /// side of a pair leaves while the other is deleted.
    pub(super) fn race(&mut self, draws: Draws) {
        let races = [(8, "withdrawal"), (2, "deletion"), (1, "first leaves"), (1, "second leaves")];
        let race = draws.weigh("race", &races);
        let is_linked = matches!(race, "first leaves" | "second leaves");
        self.unprotected = race != "withdrawal";
        self.call(draws.about("first", 0), None, CallKind::CreateForPair);
        self.call(draws.about("second", 0), Some(0), CallKind::CreateWithPeer);
        self.unprotected = false;
        self.peer = Some(1);
        if is_linked {
            self.call(draws.about("links", 0), Some(0), CallKind::Declare);
            self.advance(draws.seconds("until linked", 20, 50));
        } else {
            self.advance(draws.seconds("until declared", 2, 6));
        }
        self.race_faults(draws);
        let (first, second) = match race {
            // A change of witness is a withdrawal too: another witness means another register.
            "withdrawal" if draws.chance("moves", 20) => (CallKind::Declare, CallKind::ChangeWitness),
            "withdrawal" => (CallKind::Declare, CallKind::Withdraw),
            "deletion" => (CallKind::Declare, CallKind::Delete),
            "first leaves" => (CallKind::Withdraw, CallKind::Delete),
            _ => (CallKind::Delete, CallKind::Withdraw),
        };
        self.together([(draws.about("asks", 0), Some(0), first), (draws.about("asks", 1), Some(1), second)]);
        self.peer = None;
        for (number, action) in self.groups.last_mut().into_iter().flatten().enumerate() {
            if let Action::Call(step) = action {
                step.after = draws.about("offset", number).pause("of", 8);
            }
        }
        self.advance(draws.pause("until decided", 13));
    }

    /// Adds faults that keep one side from learning of the other's proposal in time. The first side wins if the witness
    /// receives its proposal first; the other wins if its own proposal is chosen without the witness.
    fn race_faults(&mut self, draws: Draws) {
        let plane = |cluster: usize| NodeMatch::ControlPlane(self.clusters[cluster].region);
        let witness = self.clusters[0].witness.unwrap_or(self.plan.topology.witness);
        let (one, other, witness) = (plane(0), plane(1), NodeMatch::Witness(witness));
        let (one, other) = if draws.chance("mirrored", 15) { (other, one) } else { (one, other) };
        let links = [
            ("late promise", witness, other, MessageKind::Promise, 10),
            ("unheard promise", one, other, MessageKind::Promise, 65),
            ("unheard proposal", one, other, MessageKind::Prepare, 65),
            ("unheard acceptance", one, other, MessageKind::Accepted, 30),
            ("value not at witness", one, witness, MessageKind::Accept, 80),
        ];
        let lasts = Duration::from_secs(1) + draws.pause("lasts", 12);
        for (name, from, to, kind, lost) in links {
            let draws = draws.about(name, 0);
            if !draws.chance("is there", 92) {
                continue;
            }
            // Most delays are shorter than the proposer's retry time, so that the messages still belong to its round.
            let late = match draws.chance("within its round", 75) {
                true => Duration::from_millis(draws.between("late", 120, 450) as u64),
                false => Duration::from_millis(60) + draws.pause("later", 12),
            };
            let late = RuleAction::Delay(DelayRange { min: late, max: late });
            let action = if draws.chance("lost", lost) { RuleAction::Drop } else { late };
            let rule = Rule { what: MessageMatch::Message(kind), action, ..Rule::cut(from, to, false) };
            let heal = Fault::heal(from, to);
            self.groups.push(vec![Action::Fault(Fault::Rule(rule)), Action::FaultAt(When::In(lasts), heal)]);
        }
    }
}
