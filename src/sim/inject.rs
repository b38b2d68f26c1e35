//! Faults carried out, and put right; and whether they had anything to do.

use std::sync::Arc;

use crate::control::environment::ExternalEvent;
use crate::control::message::Input;
use crate::region::Region;
use crate::types::{ClientId, NodeId};

use super::client::Next;
use super::coverage::FaultKinds;
use super::crash_point::CrashPoint;
use super::disk::Fall;
use super::fault::{Fault, NodeMatch};
use super::fault_log::{FaultId, Lasting};
use super::node::{CrashTrigger, NodeState};
use super::trace::TraceEvent;
use super::{Change, InjectedError, World};

impl World {
    /// Injects a fault, or puts it right. Each of its parts takes the next name from `id`.
    pub(super) fn act(&mut self, next: &mut FaultId, fault: Fault) {
        self.last_news = self.now;
        self.faults.count(&fault);
        if let Fault::All(faults) = fault {
            return faults.into_iter().for_each(|fault| self.act(next, fault));
        }
        let id = *next;
        *next = id.plus(1);
        if self.begin(id, fault) {
            self.deeds.did(id);
        }
    }

    /// Whether the fault `id` has acted at once.
    fn begin(&mut self, id: FaultId, fault: Fault) -> bool {
        match fault {
            Fault::All(_) => unreachable!("each of several has a name of its own"),
            Fault::Rule(rule) => {
                self.network.add(id, rule);
                false
            }
            Fault::Heal(between) => self.heal(between),
            Fault::Release => self.release(),
            Fault::Crash { node: NodeId::Client(client), .. } => self.crash_client(client),
            Fault::Crash { node, moment: CrashPoint::Now, unfinished } => {
                let place = self.place(node);
                self.crash(place, Fall::to(NodeState::Down, unfinished))
            }
            Fault::Crash { node, moment, unfinished } => {
                let place = self.place(node);
                self.nodes[place].traps.push(CrashTrigger { fault: id, moment, unfinished });
                false
            }
            Fault::Restart(NodeId::Client(_)) => false,
            Fault::Restart(node) => {
                let place = self.place(node);
                self.restart(place)
            }
            Fault::Outage(region) => {
                let nodes =
                    [NodeId::ControlPlane(region), NodeId::Witness(region)].map(|node| self.place(node));
                let stopped = nodes.map(|place| self.crash(place, Fall::to(NodeState::Dark, None)));
                stopped.contains(&true)
            }
            Fault::Skew { region, seconds } => {
                let place = self.place(NodeId::ControlPlane(region));
                self.nodes[place].skew = seconds;
                if seconds == 0 {
                    return self.deeds.ends(Lasting::Skew(region));
                }
                self.deeds.lasts(Lasting::Skew(region), id);
                false
            }
            Fault::Deny { region, action, denied } => {
                self.changes.push(Change::Denied { region, action, denied });
                for node in [NodeId::ControlPlane(region), NodeId::Witness(region)] {
                    let place = self.place(node);
                    self.nodes[place].denials_mut().set(action, denied);
                }
                if !denied {
                    return self.deeds.ends(Lasting::Denial(region, action));
                }
                self.deeds.lasts(Lasting::Denial(region, action), id);
                false
            }
            Fault::ExternalEvent { region, event } => self.external_event(id, region, event),
            Fault::Refuse { region, operation, error, times } => {
                let error = Arc::new(error);
                self.refusals.push(InjectedError { fault: id, region, operation, error, times });
                false
            }
        }
    }

    /// Whether something has come over a cluster, or a fact is another.
    fn external_event(&mut self, id: FaultId, region: Region, event: ExternalEvent) -> bool {
        let outside = &mut self.outside[region.index()];
        let were_disabled = std::mem::replace(outside, outside.after(event)).keys_disabled;
        match event {
            ExternalEvent::DisableKeys => self.deeds.lasts(Lasting::Keys(region), id),
            ExternalEvent::EnableKeys => drop(self.deeds.ends(Lasting::Keys(region))),
            ExternalEvent::Doze | ExternalEvent::Wake => {}
        }
        let place = self.place(NodeId::ControlPlane(region));
        let has_moved =
            self.nodes[place].state == NodeState::Up && self.feed(place, Input::ExternalEvent(event));
        has_moved || event == ExternalEvent::EnableKeys && were_disabled
    }

    /// Puts everything right: every rule, denial and injected error ends, what was held back goes on its way, every
    /// node that is down starts again (but those of `except`), and clocks are right.
    pub fn heal_all(&mut self, except: Option<Region>) {
        self.changes.clear();
        self.last_news = self.now;
        self.note(&TraceEvent::Told("everything is put right"));
        self.heal(None);
        self.deeds.settle();
        self.faults = FaultKinds::NONE;
        for place in 0..self.nodes.len() {
            self.nodes[place].skew = 0;
            self.nodes[place].traps.clear();
            let is_excepted = except.is_some() && self.nodes[place].id.region() == except;
            if self.nodes[place].state != NodeState::Up && !is_excepted {
                self.restart(place);
            }
        }
    }

    /// Whether there was something to put right.
    fn heal(&mut self, between: Option<(NodeMatch, NodeMatch)>) -> bool {
        let mut was_wrong = self.network.heal(between);
        if between.is_none() {
            was_wrong |= self.release() | self.deeds.allow_all() | !self.refusals.is_empty();
            self.refusals.clear();
            self.changes.push(Change::Allowed);
            for node in &mut self.nodes {
                node.denials_mut().clear();
            }
        }
        was_wrong
    }

    /// Whether something was held back.
    fn release(&mut self) -> bool {
        let held = self.network.release();
        let were_held = !held.is_empty();
        held.into_iter().for_each(|envelope| self.send(envelope));
        were_held
    }

    /// Stops a client; `false` if none of its calls was in flight. They end here, and what the network has of them goes
    /// on its way.
    fn crash_client(&mut self, client: ClientId) -> bool {
        self.note(&TraceEvent::Crashed(NodeId::Client(client), None));
        let open = self.calls.open_of(client);
        for id in &open {
            self.calls.get_mut(*id).expect("a call in flight").abandon();
            self.go_on(*id, Next::End);
        }
        !open.is_empty()
    }
}
