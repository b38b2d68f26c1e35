//! The faults of a generated scenario, each with the fault that ends it.

use std::time::Duration;

use crate::api::Operation;
use crate::control::authorization;
use crate::control::environment::{ExternalEvent, KeyScope};
use crate::control::message::DelayRange;
use crate::region::Region;
use crate::scenario::{Action, When, injected_error};
use crate::sim::fault::{Crash, Deny, Fault, FaultKind, Refuse, Rule, RuleAction, Skew, Unfinished};
use crate::types::{Account, NodeId};

use super::draws::Draws;
use super::{Plan, aim, calls, keys};

/// A fault, now or after a pause, and the fault that ends it a drawn time later. Empty if the swarm has no kind of
/// fault.
pub(super) fn draw(draws: Draws, plan: &Plan) -> Vec<Action> {
    let Some(fault) = fault(draws, plan) else { return Vec::new() };
    let begins = draws.chance("later", 60).then(|| draws.pause("begins", 14));
    let ends = begins.unwrap_or_default() + draws.pause("lasts", 15);
    let end = fault.end().map(|end| Action::FaultAt(When::In(ends), end));
    let fault = match begins {
        None => Action::Fault(fault),
        Some(begins) => Action::FaultAt(When::In(begins), fault),
    };
    [fault].into_iter().chain(end).collect()
}

/// A fault of a kind that the swarm has.
pub(super) fn fault(draws: Draws, plan: &Plan) -> Option<Fault> {
    let kind = draws.among("kind", plan.swarm.faults.iter().copied())?;
    let region = draws.pick("region", &plan.topology.all());
    Some(match kind {
        FaultKind::None => return None,
        FaultKind::Drop => rule(draws, plan, RuleAction::Drop),
        FaultKind::Delay => {
            let max = draws.pause("delay", 13);
            rule(draws, plan, RuleAction::Delay(DelayRange { min: Duration::ZERO, max }))
        }
        FaultKind::Duplicate => {
            rule(draws, plan, RuleAction::Duplicate(draws.between("copies", 1, 2) as u16))
        }
        FaultKind::Hold => rule(draws, plan, RuleAction::Hold),
        FaultKind::Slow => rule(draws, plan, RuleAction::Slow(draws.pick("factor", &[3, 20, 100]))),
        FaultKind::Partition => partition(draws, plan),
        FaultKind::Crash => crash(draws, plan),
        FaultKind::Outage => Fault::outage(region),
        FaultKind::Skew => {
            let seconds = draws.pick("seconds", &[-86_400, -7_200, -60, 60, 7_200, 86_400_i64]);
            Fault::Skew(Skew { region, seconds })
        }
        FaultKind::Deny => deny(draws, plan, region),
        FaultKind::ExternalEvent => {
            let key_weight = if plan.swarm.keys { 2 } else { 0 };
            let kinds = [(2, "idle"), (2, "keys"), (key_weight, "key"), (1, "target"), (1, "creation")];
            let event = match draws.weigh("event", &kinds) {
                "idle" => ExternalEvent::Idle,
                "keys" => ExternalEvent::DisableKeys(KeyScope::All),
                "target" => calls::broken_target(draws, region, Account::DEFAULT),
                "creation" => ExternalEvent::FailCreation,
                _ => ExternalEvent::DisableKeys(KeyScope::One(keys::usual(region, Account::DEFAULT))),
            };
            Fault::external_event(region, event)
        }
        FaultKind::Refuse => refuse(draws, region),
    })
}

/// A network rule with this action.
fn rule(draws: Draws, plan: &Plan, action: RuleAction) -> Fault {
    // Copies test idempotency most where the message is a request of a client.
    let client_percent = if matches!(action, RuleAction::Duplicate(_)) { 60 } else { 40 };
    let (from, to, is_call) = aim::link(draws, plan, client_percent);
    Fault::Rule(Rule {
        // The scenario gives each rule the key of its step.
        key: 0,
        from,
        to,
        what: aim::message_match(draws, is_call),
        both_ways: draws.chance("both ways", 50),
        skip: if draws.chance("skips", 25) { draws.between("skip", 1, 4) as u32 } else { 0 },
        times: draws.chance("some", 50).then(|| draws.between("times", 1, 4) as u32),
        percent: draws.chance("rate", 40).then(|| draws.between("percent", 10, 90) as u8),
        action,
    })
}

fn partition(draws: Draws, plan: &Plan) -> Fault {
    let (from, to, _) = aim::link(draws, plan, 40);
    let both_ways = draws.chance("both ways", 60);
    Fault::All(vec![Fault::Rule(Rule::cut(from, to, both_ways))])
}

fn crash(draws: Draws, plan: &Plan) -> Fault {
    let node = aim::node(draws, plan);
    let moment = aim::crash_point(draws);
    let unfinished = draws.pick("unfinished", &[None, Some(Unfinished::Kept), Some(Unfinished::Lost)]);
    match node {
        // A client crashes at once.
        NodeId::Client(_) => Fault::crash(node).into(),
        _ => Fault::Crash(Crash { node, moment, unfinished }),
    }
}

/// Denies an IAM action in a Region: often one that a multi-Region call needs, or, if the scenario has KMS keys, one
/// that the use of a key needs.
fn deny(draws: Draws, plan: &Plan, region: Region) -> Fault {
    use authorization::IamAction::{self, AddPeerCluster, Call, Kms, PutWitnessRegion, RemovePeerCluster};
    let often = [
        PutWitnessRegion,
        AddPeerCluster,
        RemovePeerCluster,
        Call(Operation::CreateCluster),
        Call(Operation::UpdateCluster),
    ];
    let key_weight = if plan.swarm.keys { 4 } else { 0 };
    let class = draws.weigh("class", &[(3, "often"), (3, "any"), (key_weight, "of a key")]);
    let fits = |action: &IamAction| match class {
        "often" => often.contains(action),
        "of a key" => matches!(action, Kms(_)),
        _ => true,
    };
    let actions = IamAction::all().filter(fits);
    let action = draws.among("action", actions).expect("there are actions of each class");
    Fault::Deny(Deny { region, action, denied: true })
}

/// Lets the next requests in a Region fail with an error.
fn refuse(draws: Draws, region: Region) -> Fault {
    let name = draws.weigh("error", ERRORS);
    let error = injected_error(name).expect("an error that can be injected");
    let times = draws.between("times", 1, 4) as u32;
    let operation = draws.chance("one operation", 40).then(|| draws.pick("operation", Operation::ALL));
    let percent = draws.chance("rate", 40).then(|| draws.between("percent", 10, 90) as u8);
    Fault::Refuse(Refuse { percent, ..Fault::refuse(region, operation, error, times) })
}

/// The injected errors, each with its weight. The two that SDKs retry are the most frequent.
const ERRORS: &[(u64, &str)] = &[
    (3, "ThrottlingException"),
    (3, "InternalServerException"),
    (2, "ConflictException"),
    (1, "AccessDeniedException"),
    (1, "ResourceNotFoundException"),
    (1, "ValidationException"),
    (1, "ServiceQuotaExceededException"),
];
