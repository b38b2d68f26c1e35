//! The same pair once more: peered, parted and peered again, or declared, withdrawn and declared again.
//!
//! A register, a token or a record that keeps something of the first time shows only the second time.

use std::time::Duration;

use crate::scenario::{Action, When};
use crate::sim::fault::{CrashPoint, Fault};
use crate::types::NodeId;

use super::super::draws::Draws;
use super::{CallKind, CallPlan};

impl CallPlan<'_> {
    /// Two clusters that declare each other and part, again and again: both sides or one of them, in any order, with
    /// crashes in between.
    pub(super) fn again(&mut self, draws: Draws, count: usize) {
        self.call(draws.about("first", 0), None, CallKind::CreateForPair);
        self.call(draws.about("second", 0), Some(0), CallKind::CreateWithPeer);
        let is_pair = draws.chance("pair", 65);
        if is_pair {
            self.declare_both(draws.about("links", 0), "first");
            self.advance(draws.seconds("until linked", 20, 50));
            let part = |side| (draws.about("parts", side), Some(side), CallKind::Withdraw);
            let sides = if draws.chance("second first", 30) { [1, 0] } else { [0, 1] };
            self.in_some_order(draws.about("parting", 0), sides.map(part).to_vec());
            self.advance(draws.seconds("until parted", 10, 60));
        } else {
            self.advance(draws.seconds("until declared", 1, 6));
        }
        let mut turn = 0;
        while self.made.len() < count {
            let draws = draws.about("turn", turn);
            turn += 1;
            if draws.chance("restarts", 30) {
                self.restart_one(draws);
            }
            let changes =
                [(5, "first"), (5, "second"), (5, "both"), (4, "second withdraws"), (2, "first withdraws")];
            match draws.weigh("change", &changes) {
                "first withdraws" => self.call(draws, Some(0), CallKind::Withdraw),
                "second withdraws" => self.call(draws, Some(1), CallKind::Withdraw),
                sides => self.declare_both(draws, sides),
            }
            // Short pauses let the next change meet the update of this one, or its proposal.
            self.advance(match draws.chance("soon", 35) {
                true => draws.pause("until next", 11),
                false => draws.seconds("until settled", 5, 30),
            });
        }
    }

    /// Lets the first cluster declare the second, the second declare the first, or both.
    fn declare_both(&mut self, draws: Draws, sides: &str) {
        for (side, peer) in [(0, 1), (1, 0)] {
            if sides == ["first", "second"][side] || sides == "both" {
                self.peer = Some(peer);
                self.call(draws.about("declares", side), Some(side), CallKind::Declare);
            }
        }
        self.peer = None;
    }

    /// Crashes one of the nodes that keep the pair's register, and restarts it.
    fn restart_one(&mut self, draws: Draws) {
        let witness = self.clusters[0].witness.unwrap_or(self.plan.topology.witness);
        let nodes = [
            NodeId::ControlPlane(self.clusters[0].region),
            NodeId::ControlPlane(self.clusters[1].region),
            NodeId::Witness(witness),
        ];
        let node = draws.pick("node", &nodes);
        let restarts = Duration::from_millis(100) + draws.pause("restarts", 13);
        self.groups.push(vec![
            Action::Fault(Fault::crash_at(node, CrashPoint::Now)),
            Action::FaultAt(When::In(restarts), Fault::restart(node)),
        ]);
    }
}
