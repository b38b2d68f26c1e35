//! The faults of a generated scenario, each with what puts it right.

use std::time::Duration;

use crate::api::Operation;
use crate::control::authorization;
use crate::control::message::{MessageKind, Span};
use crate::control::outside::Shift;
use crate::scenario::{Action, When, injected_error};
use crate::sim::coverage::FaultKind;
use crate::sim::fault::{Fault, Moment, Party, Rule, Unfinished, Verdict, What};
use crate::types::{ClientId, NodeId};

use super::Plan;
use super::draws::Draws;

/// A fault, and what puts it right some time later; nothing, if none of the scenario's kinds is on.
pub(super) fn draw(draws: Draws, plan: &Plan) -> Vec<Action> {
    if plan.swarm.faults.is_empty() {
        return Vec::new();
    }
    let region = draws.pick("region", &plan.place.all());
    let (fault, remedy) = match draws.pick("kind", &plan.swarm.faults) {
        FaultKind::None => return Vec::new(),
        FaultKind::Drop => rule(draws, plan, Verdict::Drop),
        FaultKind::Delay => {
            let most = draws.pause("delay", 13);
            rule(draws, plan, Verdict::Delay(Span { min: Duration::ZERO, max: most }))
        }
        FaultKind::Duplicate => rule(draws, plan, Verdict::Duplicate(draws.between("copies", 1, 2) as u16)),
        FaultKind::Hold => {
            let (fault, _) = rule(draws, plan, Verdict::Hold);
            (fault, Some(Fault::Release))
        }
        FaultKind::Slow => rule(draws, plan, Verdict::Slow(draws.pick("factor", &[3, 20, 100]))),
        FaultKind::Partition => partition(draws, plan),
        FaultKind::Crash => crash(draws, plan),
        FaultKind::Outage => {
            let nodes = [NodeId::ControlPlane(region), NodeId::Witness(region)];
            (Fault::Outage(region), Some(Fault::All(nodes.map(Fault::Restart).to_vec())))
        }
        FaultKind::Skew => {
            let seconds = draws.pick("seconds", &[-86_400, -7_200, -60, 60, 7_200, 86_400]);
            (Fault::Skew { region, seconds }, Some(Fault::Skew { region, seconds: 0 }))
        }
        FaultKind::Deny => {
            use authorization::Action::{AddPeerCluster, Call, PutWitnessRegion};
            let actions = [
                PutWitnessRegion,
                AddPeerCluster,
                Call(Operation::CreateCluster),
                Call(Operation::UpdateCluster),
            ];
            let action = draws.pick("action", &actions);
            let deny = |denied| Fault::Deny { region, action, denied };
            (deny(true), Some(deny(false)))
        }
        FaultKind::Shift => {
            let kinds = [(Shift::Doze, Shift::Wake), (Shift::DisableKeys, Shift::EnableKeys)];
            let (there, back) = draws.pick("shift", &kinds);
            (Fault::Shift { region, shift: there }, Some(Fault::Shift { region, shift: back }))
        }
        FaultKind::Refuse => {
            let name =
                draws.pick("error", &["ThrottlingException", "InternalServerException", "ConflictException"]);
            let error = injected_error(name).expect("an error that can be injected");
            let times = draws.between("times", 1, 4) as u32;
            (Fault::Refuse { region, operation: None, error, times }, None)
        }
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

fn rule(draws: Draws, plan: &Plan, verdict: Verdict) -> (Fault, Option<Fault>) {
    let (from, to, is_call) = link(draws, plan);
    let what = match (draws.chance("anything", 60), is_call) {
        (true, _) => What::Anything,
        (false, true) => draws.pick("call", &[What::Request(None), What::Response(None)]),
        (false, false) => What::Message(draws.pick("message", &MessageKind::ALL)),
    };
    let rule = Rule {
        key: 0,
        from,
        to,
        what,
        both_ways: draws.chance("both ways", 50),
        skip: if draws.chance("skips", 25) { draws.between("skip", 1, 4) as u32 } else { 0 },
        times: draws.chance("some", 50).then(|| draws.between("times", 1, 4) as u32),
        percent: draws.chance("rate", 40).then(|| draws.between("percent", 10, 90) as u8),
        verdict,
    };
    (Fault::Rule(rule), Some(Fault::All(vec![Fault::Heal(Some((from, to)))])))
}

fn partition(draws: Draws, plan: &Plan) -> (Fault, Option<Fault>) {
    let (from, to, _) = link(draws, plan);
    let both_ways = draws.chance("both ways", 60);
    let cut = Rule::cut(from, to, both_ways);
    (Fault::All(vec![Fault::Rule(cut)]), Some(Fault::All(vec![Fault::Heal(Some((from, to)))])))
}

fn crash(draws: Draws, plan: &Plan) -> (Fault, Option<Fault>) {
    let [one, other] = plan.place.regions.map(NodeId::ControlPlane);
    let node = draws.pick("node", &[one, other, NodeId::Witness(plan.place.witness)]);
    let nth = draws.between("nth", 1, 4) as u32;
    let moment = match draws.below("moment", 4) {
        0 => Moment::Now,
        1 => Moment::DuringPersist(nth),
        2 => Moment::AfterPersist(nth),
        _ => {
            let kinds = MessageKind::ALL.map(What::Message);
            let what =
                if draws.chance("request", 40) { What::Request(None) } else { draws.pick("message", &kinds) };
            Moment::Before(what, nth)
        }
    };
    let unfinished = draws.pick("unfinished", &[None, Some(Unfinished::Kept), Some(Unfinished::Lost)]);
    (Fault::Crash { node, moment, unfinished }, Some(Fault::All(vec![Fault::Restart(node)])))
}

/// The ends of a link, and whether it is one between a client and a Region.
fn link(draws: Draws, plan: &Plan) -> (Party, Party, bool) {
    let region = Party::Region(draws.pick("from", &plan.place.regions));
    if draws.chance("client", 40) {
        let client = Party::Client(ClientId(draws.below("which client", plan.clients) as u32));
        return if draws.chance("to client", 50) { (region, client, true) } else { (client, region, true) };
    }
    let [one, other, witness] = plan.place.all().map(Party::Region);
    let (one, other) = draws.pick("link", &[(one, other), (one, witness), (other, witness)]);
    let (from, to) = if draws.chance("reverse", 50) { (other, one) } else { (one, other) };
    (from, to, false)
}
