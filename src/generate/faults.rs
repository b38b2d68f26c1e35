//! The faults of a generated scenario, each with what puts it right.

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

/// A fault, and what puts it right some time later; nothing, if none of the scenario's kinds is on.
pub(super) fn draw(draws: Draws, plan: &Plan) -> Vec<Action> {
    let Some(kind) = draws.among("kind", plan.swarm.faults.iter().copied()) else { return Vec::new() };
    let region = draws.pick("region", &plan.place.all());
    let (fault, remedy) = match kind {
        FaultKind::None => return Vec::new(),
        FaultKind::Drop => rule(draws, plan, RuleAction::Drop),
        FaultKind::Delay => {
            let most = draws.pause("delay", 13);
            rule(draws, plan, RuleAction::Delay(DelayRange { min: Duration::ZERO, max: most }))
        }
        FaultKind::Duplicate => {
            rule(draws, plan, RuleAction::Duplicate(draws.between("copies", 1, 2) as u16))
        }
        FaultKind::Hold => {
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
            let (_, (there, back)) = draws.pick("shift", &[doze, keys]);
            (
                Fault::ExternalEvent { region, event: there },
                Some(Fault::ExternalEvent { region, event: back }),
            )
        }
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

fn rule(draws: Draws, plan: &Plan, action: RuleAction) -> (Fault, Option<Fault>) {
    // A second copy of a request is worth more than one of an answer.
    let of_client = if matches!(action, RuleAction::Duplicate(_)) { 60 } else { 40 };
    let (from, to, is_call) = aim::link(draws, plan, of_client);
    let rule = Rule {
        key: 0,
        from,
        to,
        what: aim::what(draws, is_call),
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
    let moment = aim::moment(draws);
    let fates = [("drawn", None), ("kept", Some(Unfinished::Kept)), ("lost", Some(Unfinished::Lost))];
    let (_, unfinished) = draws.pick("unfinished", &fates);
    // The next call of a client that stopped is its next life.
    if let NodeId::Client(_) = node {
        return (Fault::crash(node), None);
    }
    (Fault::Crash { node, moment, unfinished }, Some(Fault::All(vec![Fault::Restart(node)])))
}

/// An action is denied: mostly one of those that other Regions are asked about, or of those that keys need where there
/// are keys.
fn deny(draws: Draws, plan: &Plan, region: Region) -> (Fault, Option<Fault>) {
    use authorization::IamAction::{self, AddPeerCluster, Call, Kms, PutWitnessRegion, RemovePeerCluster};
    let often = [
        PutWitnessRegion,
        AddPeerCluster,
        RemovePeerCluster,
        Call(Operation::CreateCluster),
        Call(Operation::UpdateCluster),
    ];
    let of_key = if plan.swarm.keys { 4 } else { 0 };
    let class = draws.weigh("class", &[(3, "often"), (3, "any"), (of_key, "of a key")]);
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

fn refuse(draws: Draws, region: Region) -> Fault {
    let name = draws.weigh("error", ERRORS);
    let error = injected_error(name).expect("an error that can be injected");
    let times = draws.between("times", 1, 4) as u32;
    let operation = draws.chance("one operation", 40).then(|| draws.pick("operation", Operation::ALL));
    Fault::Refuse { region, operation, error, times }
}

/// With what requests are refused, and how often.
const ERRORS: &[(u64, &str)] = &[
    (3, "ThrottlingException"),
    (3, "InternalServerException"),
    (2, "ConflictException"),
    (1, "AccessDeniedException"),
    (1, "ResourceNotFoundException"),
    (1, "ValidationException"),
    (1, "ServiceQuotaExceededException"),
];
