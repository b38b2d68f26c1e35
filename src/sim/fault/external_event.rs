//! `idle`, `connect`, `disable-keys`, `disable-key`, `break-target` and their ends, `fail-creation`, `restore-cluster`
//! and `raise-quota`: events in the environment of a Region's clusters.

use std::sync::Arc;

use rand::Rng as _;

use crate::api::{Request, StreamFailureErrorCode};
use crate::control::environment::{ExternalEvent, KeyScope};
use crate::control::message::Input;
use crate::control::records::Cluster;
use crate::region::Region;
use crate::rng::{self, Purpose};
use crate::sim::node::NodeState;
use crate::sim::{Change, World};
use crate::types::{Account, Identifier, NodeId};

use super::{Fault, FaultBehaviour, FaultId, FaultKind};

/// An event in the environment of a Region's clusters: their connections, encryption keys, creation or quotas, or the
/// targets of their streams.
///
/// A control plane that is down misses an event that has no lasting state (idle, connect, a failed creation, a
/// restore). It finds a lasting state (disabled keys, broken targets, raised quotas) when it starts again.
///
/// It acts when a cluster or a stream changes because of it, now or, for disabled keys and broken targets, later. A
/// call that is refused for one of these counts as well. Enabling keys also acts when the keys were disabled and no
/// cluster used one, and a quota when it was lower.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InjectedEvent {
    /// The Region of the clusters.
    pub region: Region,
    /// The event.
    pub event: ExternalEvent,
}

impl InjectedEvent {
    /// The keys of `region` that `fault` disables.
    fn disabled_keys(fault: &Fault, region: Region) -> Option<&KeyScope> {
        match fault {
            Fault::ExternalEvent(InjectedEvent { region: of, event: ExternalEvent::DisableKeys(scope) }) => {
                Some(scope).filter(|_| *of == region)
            }
            _ => None,
        }
    }

    /// The target in `region` that `fault` breaks, with its error code.
    fn broken(fault: &Fault, region: Region) -> Option<(&Arc<str>, StreamFailureErrorCode)> {
        match fault {
            Fault::ExternalEvent(InjectedEvent {
                region: of,
                event: ExternalEvent::BreakTarget { target, error },
            }) => Some((target, *error)).filter(|_| *of == region),
            _ => None,
        }
    }
}

impl Fault {
    /// An event in the environment of the clusters of `region`.
    #[must_use]
    pub fn external_event(region: Region, event: ExternalEvent) -> Fault {
        Fault::ExternalEvent(InjectedEvent { region, event })
    }
}

impl FaultBehaviour for InjectedEvent {
    fn inject(&self, world: &mut World, id: FaultId) -> bool {
        let InjectedEvent { region, event } = self;
        let environment = &mut world.environment[region.index()];
        let ends_another = match event {
            ExternalEvent::EnableKeys(scope) => environment.disables_any(scope),
            ExternalEvent::RepairTarget { target } => environment.targets.get(target).is_some(),
            _ => false,
        };
        let before = environment.raised;
        *environment = std::mem::take(environment).after(event);
        let is_raised = environment.raised != before;
        if let ExternalEvent::DisableKeys(scope) | ExternalEvent::EnableKeys(scope) = event {
            let is_over = |old: &KeyScope| *scope == KeyScope::All || old == scope;
            world.fault_log.end(|fault| InjectedEvent::disabled_keys(fault, *region).is_some_and(is_over));
        }
        if let ExternalEvent::BreakTarget { target, .. } | ExternalEvent::RepairTarget { target } = event {
            let is_over = |old: &Arc<str>| old == target;
            world
                .fault_log
                .end(|fault| InjectedEvent::broken(fault, *region).is_some_and(|it| is_over(it.0)));
        }
        // Of these events, disabled keys and broken targets last.
        if matches!(event, ExternalEvent::DisableKeys(_) | ExternalEvent::BreakTarget { .. }) {
            world.fault_log.begin(id, Fault::ExternalEvent(self.clone()));
        }
        let index = world.node_index(NodeId::ControlPlane(*region));
        // A control plane that is down finds the new environment when it starts.
        let is_up = world.nodes[index].state == NodeState::Up;
        if is_up {
            world.changes.push(Change::Outside { region: *region, event: event.clone() });
        }
        let input = match event {
            ExternalEvent::RestoreCluster { account } => world.restored(*region, *account),
            event => Input::ExternalEvent(event.clone()),
        };
        let has_moved = is_up && world.feed(index, input);
        has_moved || is_raised || ends_another
    }

    fn kind(&self) -> Option<FaultKind> {
        match self.event {
            ExternalEvent::Idle
            | ExternalEvent::DisableKeys(_)
            | ExternalEvent::BreakTarget { .. }
            | ExternalEvent::FailCreation => Some(FaultKind::ExternalEvent),
            ExternalEvent::Connect
            | ExternalEvent::EnableKeys(_)
            | ExternalEvent::RepairTarget { .. }
            | ExternalEvent::RestoreCluster { .. }
            | ExternalEvent::RaiseQuota { .. } => None,
        }
    }

    fn end(&self) -> Option<Fault> {
        let end = match &self.event {
            ExternalEvent::Idle => ExternalEvent::Connect,
            ExternalEvent::DisableKeys(scope) => ExternalEvent::EnableKeys(scope.clone()),
            ExternalEvent::BreakTarget { target, .. } => {
                ExternalEvent::RepairTarget { target: target.clone() }
            }
            ExternalEvent::Connect
            | ExternalEvent::EnableKeys(_)
            | ExternalEvent::RepairTarget { .. }
            | ExternalEvent::FailCreation
            | ExternalEvent::RestoreCluster { .. }
            | ExternalEvent::RaiseQuota { .. } => return None,
        };
        Some(Fault::external_event(self.region, end))
    }
}

impl World {
    /// The input for a restored cluster of `account`. Its identifier is drawn by the number that the cluster will have,
    /// which no other cluster of the account gets.
    fn restored(&mut self, region: Region, account: Account) -> Input {
        let serial = self.storage(region).map(|storage| storage.next_serial(account));
        let key = rng::fingerprint(&(region, account, serial));
        let mut drawn = rng::stream(self.options.seed, Purpose::Identifier, key);
        let fresh = Identifier::new([drawn.next_u64(), drawn.next_u64()]);
        self.meet_skew(region);
        Input::Restored { account, fresh, stamp: self.wall_clock(region) }
    }

    /// Records that a cluster of `region` has the key with the ARN `key`, which cannot be used, or that a call for such
    /// a cluster was refused.
    pub(in crate::sim) fn meet_disabled_key(&mut self, region: Region, key: &str) {
        self.fault_log.record_met(|fault| {
            InjectedEvent::disabled_keys(fault, region).is_some_and(|scope| scope.covers(key))
        });
    }

    /// Records the broken targets that the streams of `cluster` show the errors of.
    pub(in crate::sim) fn meet_broken_targets(&mut self, cluster: &Cluster) {
        for stream in cluster.streams().iter().filter(|stream| stream.error().is_some()) {
            let kinesis = stream.target.kinesis.as_ref();
            let arns = kinesis.map(|kinesis| [&kinesis.stream_arn, &kinesis.role_arn]);
            let names = |target: &str| arns.is_some_and(|arns| arns.contains(&&Some(target.to_owned())));
            self.fault_log.record_met(|fault| {
                let broken = InjectedEvent::broken(fault, cluster.arn.region);
                broken.is_some_and(|(target, error)| stream.error() == Some(error) && names(target))
            });
        }
    }

    /// Records that a call in `region` names a role which cannot be assumed, if that is so.
    pub(in crate::sim) fn meet_broken_role(&mut self, region: Region, request: &Request) {
        let Request::CreateStream(input) = request else { return };
        let kinesis = input.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
        let Some(role) = kinesis.and_then(|kinesis| kinesis.role_arn.as_deref()) else { return };
        self.fault_log.record_met(|fault| {
            let broken = InjectedEvent::broken(fault, region);
            broken.is_some_and(|(target, error)| {
                error == StreamFailureErrorCode::RoleAccessDenied && **target == *role
            })
        });
    }
}
