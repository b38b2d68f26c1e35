//! The faults of a generated scenario, each with the fault that ends it.

use std::time::Duration;

use crate::api::Operation;
use crate::control::authorization;
use crate::control::environment::ExternalEvent;
use crate::control::message::DelayRange;
use crate::region::Region;
use crate::scenario::{Action, When, injected_error};
use crate::sim::coverage::FaultKind;
use crate::sim::fault::{Fault, Rule, RuleAction, Unfinished};
use crate::types::NodeId;

use super::draws::Draws;
use super::{Plan, aim};

/// A fault, now or after a pause, and the fault that ends it a drawn time later. Empty if the swarm has no kind of
/// fault.
pub(super) fn draw(draws: Draws, plan: &Plan) -> Vec<Action> {
    let Some(kind) = draws.among("kind", plan.swarm.faults.iter().copied()) else { return Vec::new() };
    let region = draws.pick("region", &plan.topology.all());
    let (fault, remedy) = match kind {
        FaultKind::None => return Vec::new(),
        FaultKind::Drop => rule(draws, plan, RuleAction::Drop),
        FaultKind::Delay => {
            let max = draws.pause("delay", 13);
            rule(draws, plan, RuleAction::Delay(DelayRange { min: Duration::ZERO, max }))
        }
        FaultKind::Duplicate => {
            rule(draws, plan, RuleAction::Duplicate(draws.between("copies", 1, 2) as u16))
        }
        FaultKind::Hold => {
            // Healing the link would remove the rule, and the messages held so far would stay held.
            let (fault, _) = rule(draws, plan, RuleAction::Hold);
            (fault, Some(Fault::Release))
        }
        FaultKind::Slow => rule(draws, plan, RuleAction::Slow(draws.pick("factor", &[3, 20, 100]))),
        FaultKind::Partition => partition(draws, plan),
        FaultKind::Crash => crash(draws, plan),
        FaultKind::Outage => {
            let nodes = [NodeId::ControlPlane(region), NodeId::Witness(region)];
            (Fault::Outage(region), Some(Fault::All(nodes.map(Fault::Restart).to_vec())))
        }
        FaultKind::Skew => {
            let seconds = draws.pick("seconds", &[-86_400, -7_200, -60, 60, 7_200, 86_400_i64]);
            (Fault::Skew { region, seconds }, Some(Fault::Skew { region, seconds: 0 }))
        }
        FaultKind::Deny => deny(draws, plan, region),
        FaultKind::ExternalEvent => {
            let doze = ("doze", (ExternalEvent::Doze, ExternalEvent::Wake));
            let keys = ("keys", (ExternalEvent::DisableKeys, ExternalEvent::EnableKeys));
            let (_, (event, reverse)) = draws.pick("shift", &[doze, keys]);
            (Fault::ExternalEvent { region, event }, Some(Fault::ExternalEvent { region, event: reverse }))
        }
        // The error ends by itself after its number of requests.
        FaultKind::Refuse => (refuse(draws, region), None),
    };
    let begins = draws.chance("later", 60).then(|| draws.pause("begins", 14));
    let lasts = draws.pause("lasts", 15);
    let fault = match begins {
        None => Action::Fault(fault),
        Some(begins) => Action::FaultAt(When::In(begins), fault),
    };
    let ends = begins.unwrap_or_default() + lasts;
    let remedy = remedy.map(|remedy| Action::FaultAt(When::In(ends), remedy));
    [fault].into_iter().chain(remedy).collect()
}

/// A network rule with this action, and the healing of its link.
fn rule(draws: Draws, plan: &Plan, action: RuleAction) -> (Fault, Option<Fault>) {
    // Copies test idempotency most where the message is a request of a client.
    let client_percent = if matches!(action, RuleAction::Duplicate(_)) { 60 } else { 40 };
    let (from, to, is_call) = aim::link(draws, plan, client_percent);
    let rule = Rule {
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
    };
    (Fault::Rule(rule), Some(Fault::All(vec![Fault::Heal(Some((from, to)))])))
}

fn partition(draws: Draws, plan: &Plan) -> (Fault, Option<Fault>) {
    let (from, to, _) = aim::link(draws, plan, 40);
    let both_ways = draws.chance("both ways", 60);
    let cut = Rule::cut(from, to, both_ways);
    (Fault::All(vec![Fault::Rule(cut)]), Some(Fault::All(vec![Fault::Heal(Some((from, to)))])))
}

fn crash(draws: Draws, plan: &Plan) -> (Fault, Option<Fault>) {
    let node = aim::node(draws, plan);
    let moment = aim::crash_point(draws);
    let fates = [("drawn", None), ("kept", Some(Unfinished::Kept)), ("lost", Some(Unfinished::Lost))];
    let (_, unfinished) = draws.pick("unfinished", &fates);
    // A client crashes at once and needs no restart: its next call belongs to its next process.
    if let NodeId::Client(_) = node {
        return (Fault::crash(node), None);
    }
    (Fault::Crash { node, moment, unfinished }, Some(Fault::All(vec![Fault::Restart(node)])))
}

/// Denies an IAM action in a Region: often one that a multi-Region call needs, or, if the scenario has KMS keys, one
/// that the use of a key needs.
fn deny(draws: Draws, plan: &Plan, region: Region) -> (Fault, Option<Fault>) {
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
    let actions = IamAction::all().filter(fits).map(|action| (action.name(), action));
    let (_, action) = draws.among("action", actions).expect("there are actions of each class");
    let deny = |denied| Fault::Deny { region, action, denied };
    (deny(true), Some(deny(false)))
}

/// Lets the next requests in a Region fail with an error.
fn refuse(draws: Draws, region: Region) -> Fault {
    let name = draws.weigh("error", ERRORS);
    let error = injected_error(name).expect("an error that can be injected");
    let times = draws.between("times", 1, 4) as u32;
    let operation = draws.chance("one operation", 40).then(|| draws.pick("operation", Operation::ALL));
    Fault::Refuse { region, operation, error, times }
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
