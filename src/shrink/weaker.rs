//! Reductions of faults: from an outage over a crash, a partition and a one-way partition to a delay, and fewer
//! repetitions of each.

use std::time::Duration;

use crate::control::message::DelayRange;
use crate::scenario::Action;
use crate::sim::fault::{CrashPoint, Fault, MessageMatch, NodeMatch, Point, Rule, RuleAction, Written};
use crate::types::NodeId;

use super::{Draft, Reduction};

/// Drafts with one fault weaker.
pub(super) fn faults(draft: &Draft) -> Vec<Reduction> {
    let mut reductions = Vec::new();
    for (index, action) in draft.actions.iter().enumerate() {
        let fault = match action {
            Action::Fault(fault) | Action::FaultAt(_, fault) => fault,
            _ => continue,
        };
        let old = draft.set_up.words(action);
        let mut add = |weaker: Action| {
            let text = format!("`{old}` became `{}`", draft.set_up.words(&weaker));
            reductions.push((draft.with(index, weaker), text));
        };
        if let Action::FaultAt(..) = action {
            add(Action::Fault(fault.clone()));
        }
        for weaker in weaker(fault) {
            add(match action {
                Action::FaultAt(when, _) => Action::FaultAt(*when, weaker),
                _ => Action::Fault(weaker),
            });
        }
    }
    reductions
}

/// Faults that are weaker than `fault`, the weakest first.
fn weaker(fault: &Fault) -> Vec<Fault> {
    match fault {
        Fault::Outage(region) => {
            vec![Fault::crash(NodeId::Witness(*region)), Fault::crash(NodeId::ControlPlane(*region))]
        }
        Fault::Crash { node, moment, unfinished } => {
            let mut all = Vec::new();
            let end = match node {
                NodeId::Witness(region) => NodeMatch::Witness(*region),
                NodeId::ControlPlane(region) => NodeMatch::ControlPlane(*region),
                NodeId::Client(client) => NodeMatch::Client(*client),
            };
            if *moment == CrashPoint::Now {
                all.push(Fault::All(vec![Fault::Rule(Rule::cut(end, NodeMatch::Any, true))]));
            } else {
                all.push(Fault::crash(*node));
            }
            if unfinished.is_some() {
                all.push(Fault::Crash { node: *node, moment: *moment, unfinished: None });
            }
            let simpler = match *moment {
                CrashPoint::At(point, nth) if nth > 1 => Some(CrashPoint::At(point, 1)),
                CrashPoint::At(point, 1) => plainer(point).map(|point| CrashPoint::At(point, 1)),
                CrashPoint::At(..) | CrashPoint::Now => None,
            };
            all.extend(simpler.map(|moment| Fault::Crash { node: *node, moment, unfinished: *unfinished }));
            all
        }
        Fault::All(faults) => match &faults[..] {
            [Fault::Rule(rule)] => weaker_rule(rule).into_iter().map(Fault::Rule).collect(),
            _ => Vec::new(),
        },
        Fault::Rule(rule) => weaker_rule(rule).into_iter().map(Fault::Rule).collect(),
        Fault::Refuse { region, operation, error, times } if *times > 1 => {
            vec![Fault::Refuse { region: *region, operation: *operation, error: error.clone(), times: 1 }]
        }
        Fault::Skew { region, seconds } if ![0, 3600].contains(seconds) => {
            vec![Fault::Skew { region: *region, seconds: 3600 }]
        }
        _ => Vec::new(),
    }
}

/// The point for any message or write, if `point` is for a certain one.
fn plainer(point: Point) -> Option<Point> {
    let plain = match point {
        Point::BeforeHandling(MessageMatch::Request(Some(_))) => {
            Point::BeforeHandling(MessageMatch::Request(None))
        }
        Point::BeforeSending(MessageMatch::Response(Some(_))) => {
            Point::BeforeSending(MessageMatch::Response(None))
        }
        Point::AfterSending(MessageMatch::Response(Some(_))) => {
            Point::AfterSending(MessageMatch::Response(None))
        }
        Point::BeforePersisting(_) => Point::BeforePersisting(Written::Anything),
        Point::Persisting(_) => Point::Persisting(Written::Anything),
        Point::AfterPersisting(_) => Point::AfterPersisting(Written::Anything),
        point => point,
    };
    (plain != point).then_some(plain)
}

fn weaker_rule(rule: &Rule) -> Vec<Rule> {
    let rule_with = |change: &dyn Fn(&mut Rule)| {
        let mut weaker = rule.clone();
        change(&mut weaker);
        weaker
    };
    let mut all = Vec::new();
    if rule.action == RuleAction::Drop {
        let second = Duration::from_secs(1);
        all.push(rule_with(&|rule| rule.action = RuleAction::Delay(DelayRange { min: second, max: second })));
    }
    if rule.times != Some(1) {
        all.push(rule_with(&|rule| rule.times = Some(1)));
    }
    if rule.both_ways {
        all.push(rule_with(&|rule| rule.both_ways = false));
    }
    if rule.skip > 0 {
        all.push(rule_with(&|rule| rule.skip = 0));
    }
    if rule.percent.is_some() {
        all.push(rule_with(&|rule| rule.percent = None));
    }
    match rule.action {
        RuleAction::Duplicate(copies) if copies > 1 => {
            all.push(rule_with(&|rule| rule.action = RuleAction::Duplicate(1)))
        }
        RuleAction::Slow(factor) if factor > 3 => {
            all.push(rule_with(&|rule| rule.action = RuleAction::Slow(3)))
        }
        RuleAction::Delay(span) if span.min != span.max => {
            all.push(rule_with(&|rule| {
                rule.action = RuleAction::Delay(DelayRange { min: span.max, max: span.max })
            }));
        }
        _ => {}
    }
    all
}
