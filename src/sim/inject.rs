//! Fault injection: carries out faults and repairs, and reports whether each one acted.

use std::sync::Arc;

use crate::control::environment::ExternalEvent;
use crate::control::message::Input;
use crate::region::Region;
use crate::types::{ClientId, NodeId};

use super::client::Next;
use super::coverage::FaultKinds;
use super::crash_point::CrashPoint;
use super::disk::NodeCrash;
use super::fault::{Fault, NodeMatch};
use super::fault_log::{FaultId, LastingFault};
use super::node::{CrashTrigger, NodeState};
use super::trace::TraceEvent;
use super::{Change, InjectedError, World};

impl World {
    /// Carries out a fault. Each of its parts takes the next identifier from `next`.
    pub(super) fn apply_fault(&mut self, next: &mut FaultId, fault: Fault) {
        self.last_progress = self.now;
        self.faults.count(&fault);
        if let Fault::All(faults) = fault {
            return faults.into_iter().for_each(|fault| self.apply_fault(next, fault));
        }
        let id = *next;
        *next = id.plus(1);
        if self.apply_part(id, fault) {
            self.fault_log.record_acted(id);
        }
    }

    /// Carries out an elementary fault; `true` if it acted at once. Faults that last return `false` and are recorded
    /// when they meet something.
    fn apply_part(&mut self, id: FaultId, fault: Fault) -> bool {
        match fault {
            Fault::All(_) => unreachable!("parts are injected one by one"),
            Fault::Rule(rule) => {
                self.network.add(id, rule);
                false
            }
            Fault::Heal(between) => self.heal(between),
            Fault::Release => self.release(),
            Fault::Crash { node: NodeId::Client(client), .. } => self.crash_client(client),
            Fault::Crash { node, moment: CrashPoint::Now, unfinished } => {
                let index = self.node_index(node);
                self.crash(index, NodeCrash::new(NodeState::Down, unfinished))
            }
            Fault::Crash { node, moment, unfinished } => {
                let index = self.node_index(node);
                self.nodes[index].triggers.push(CrashTrigger { fault: id, moment, unfinished });
                false
            }
            // A crashed client is ready for its next call at once.
            Fault::Restart(NodeId::Client(_)) => false,
            Fault::Restart(node) => {
                let index = self.node_index(node);
                self.restart(index)
            }
            Fault::Outage(region) => {
                let nodes =
                    [NodeId::ControlPlane(region), NodeId::Witness(region)].map(|node| self.node_index(node));
                let stopped = nodes.map(|index| self.crash(index, NodeCrash::new(NodeState::Dark, None)));
                stopped.contains(&true)
            }
            Fault::Skew { region, seconds } => {
                let index = self.node_index(NodeId::ControlPlane(region));
                self.nodes[index].skew = seconds;
                if seconds == 0 {
                    return self.fault_log.end(LastingFault::Skew(region));
                }
                self.fault_log.begin(LastingFault::Skew(region), id);
                false
            }
            Fault::Deny { region, action, denied } => {
                self.changes.push(Change::Denied { region, action, denied });
                // Both nodes check permissions: the control plane those of its callers and of peers' callers, the
                // witness node those of callers who name it.
                for node in [NodeId::ControlPlane(region), NodeId::Witness(region)] {
                    let index = self.node_index(node);
                    self.nodes[index].denials_mut().set(action, denied);
                }
                if !denied {
                    return self.fault_log.end(LastingFault::Denial(region, action));
                }
                self.fault_log.begin(LastingFault::Denial(region, action), id);
                false
            }
            Fault::ExternalEvent { region, event } => self.external_event(id, region, event),
            Fault::Refuse { region, operation, error, times } => {
                let error = Arc::new(error);
                self.injected_errors.push(InjectedError { fault: id, region, operation, error, times });
                false
            }
        }
    }

    /// Changes the environment of a Region and informs its control plane; `true` if a cluster changed, or disabled keys
    /// were enabled.
    fn external_event(&mut self, id: FaultId, region: Region, event: ExternalEvent) -> bool {
        let environment = &mut self.environment[region.index()];
        let were_disabled = std::mem::replace(environment, environment.after(event)).keys_disabled;
        match event {
            ExternalEvent::DisableKeys => self.fault_log.begin(LastingFault::Keys(region), id),
            ExternalEvent::EnableKeys => drop(self.fault_log.end(LastingFault::Keys(region))),
            ExternalEvent::Doze | ExternalEvent::Wake => {}
        }
        let index = self.node_index(NodeId::ControlPlane(region));
        // A control plane that is down finds the new environment when it starts.
        let is_up = self.nodes[index].state == NodeState::Up;
        if is_up {
            self.changes.push(Change::Outside { region, event });
        }
        let has_moved = is_up && self.feed(index, Input::ExternalEvent(event));
        has_moved || event == ExternalEvent::EnableKeys && were_disabled
    }

    /// Repairs everything: ends every rule, denial, injected error and waiting crash, sends held messages on, sets the
    /// clocks right, and restarts every stopped node, except the nodes of `except`. Disabled keys and idle clusters
    /// remain.
    pub fn heal_all(&mut self, except: Option<Region>) {
        self.changes.clear();
        self.last_progress = self.now;
        self.note(&TraceEvent::Announced("all faults are repaired"));
        self.heal(None);
        self.fault_log.end_all();
        self.faults = FaultKinds::NONE;
        for index in 0..self.nodes.len() {
            self.nodes[index].skew = 0;
            self.nodes[index].triggers.clear();
            let is_excepted = except.is_some() && self.nodes[index].id.region() == except;
            if self.nodes[index].state != NodeState::Up && !is_excepted {
                self.restart(index);
            }
        }
    }

    /// Ends rules, or without ends also denials and injected errors; `true` if there was anything to end.
    fn heal(&mut self, between: Option<(NodeMatch, NodeMatch)>) -> bool {
        let mut was_wrong = self.network.heal(between);
        if between.is_none() {
            was_wrong |= self.release() | self.fault_log.end_denials() | !self.injected_errors.is_empty();
            self.injected_errors.clear();
            self.changes.push(Change::Allowed);
            for node in &mut self.nodes {
                node.denials_mut().clear();
            }
        }
        was_wrong
    }

    /// Sends held messages on; `true` if there was one. They pass the remaining rules.
    fn release(&mut self) -> bool {
        let held = self.network.release();
        let were_held = !held.is_empty();
        held.into_iter().for_each(|envelope| self.send(envelope));
        were_held
    }

    /// Stops a client and ends its calls unknown; `false` if none was in flight. Their messages stay on the network:
    /// the control plane may still carry the requests out.
    fn crash_client(&mut self, client: ClientId) -> bool {
        self.note(&TraceEvent::Crashed(NodeId::Client(client), None));
        let open = self.calls.open_of(client);
        for id in &open {
            self.calls.get_mut(*id).expect("a call in flight").abandon();
            self.apply_next(*id, Next::End);
        }
        !open.is_empty()
    }
}
