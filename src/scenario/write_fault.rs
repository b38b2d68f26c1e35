//! Prints the commands of the chapter "Faults".

use std::fmt::Write as _;

use crate::api::Error;
use crate::control::environment::ExternalEvent;
use crate::control::message::DelayRange;
use crate::region::Region;
use crate::sim::fault::{
    Crash, CrashPoint, Deny, Fault, Heal, InjectedEvent, MessageMatch, NodeMatch, Outage, Point, Refuse,
    Restart, Rule, RuleAction, Skew, Unfinished, Written,
};
use crate::types::{NodeId, print_duration};

use super::SetUp;

/// Writes `fault` as the command that reads back as it.
pub(super) fn write(set_up: &SetUp, fault: &Fault, page: &mut String) {
    let _ = match fault {
        Fault::All(faults) => return several(set_up, faults, page),
        Fault::Rule(rule) => return self::rule(set_up, rule, page),
        Fault::Heal(Heal { between: None }) => write!(page, "heal"),
        Fault::Heal(Heal { between: Some((one, other)) }) => {
            write!(page, "heal {}", link(set_up, *one, *other, true))
        }
        Fault::Release(_) => write!(page, "release"),
        Fault::Crash(crash) => return self::crash(set_up, crash, page),
        Fault::Restart(Restart { node }) => write!(page, "restart {}", self::node(set_up, *node)),
        Fault::Outage(Outage { region }) => write!(page, "outage {}", self::region(set_up, *region)),
        Fault::Skew(Skew { region, seconds }) => {
            let sign = if *seconds < 0 { '-' } else { '+' };
            let by = print_duration(std::time::Duration::from_secs(seconds.unsigned_abs()));
            write!(page, "skew {} by={sign}{by}", self::region(set_up, *region))
        }
        Fault::Deny(Deny { region, action, denied }) => {
            let verb = if *denied { "deny" } else { "allow" };
            write!(page, "{verb} {} {}", self::region(set_up, *region), action.name())
        }
        Fault::ExternalEvent(InjectedEvent { region, event }) => {
            let verb = match event {
                ExternalEvent::Idle => "idle",
                ExternalEvent::Connect => "connect",
                ExternalEvent::DisableKeys => "disable-keys",
                ExternalEvent::EnableKeys => "enable-keys",
            };
            write!(page, "{verb} {}", self::region(set_up, *region))
        }
        Fault::Refuse(Refuse { region, operation, error, times }) => {
            let is_throttled = matches!(error, Error::Throttling { .. });
            let verb = if is_throttled { "throttle" } else { "fail" };
            let _ = write!(page, "{verb} {}", self::region(set_up, *region));
            if let Some(operation) = operation {
                let _ = write!(page, " {operation}");
            }
            if *times != 1 {
                let _ = write!(page, " times={times}");
            }
            if is_throttled { Ok(()) } else { write!(page, " error={}", error.name()) }
        }
    };
}

fn crash(set_up: &SetUp, crash: &Crash, page: &mut String) {
    let _ = write!(page, "crash {}", node(set_up, crash.node));
    if let CrashPoint::At(at, nth) = crash.moment {
        point(at, page);
        if nth != 1 {
            let _ = write!(page, " nth={nth}");
        }
    }
    match crash.unfinished {
        None => {}
        Some(Unfinished::Kept) => page.push_str(" unfinished=kept"),
        Some(Unfinished::Lost) => page.push_str(" unfinished=lost"),
    }
}

/// The name of a Region in the file: its short name, if it has one.
pub(super) fn region(set_up: &SetUp, region: Region) -> &str {
    let named = set_up.regions.iter().find(|(_, known)| *known == region);
    named.map_or(region.name(), |(name, _)| name)
}

/// A duration, or a range as in `1ms..50ms`.
pub(super) fn time_span(span: DelayRange) -> String {
    let (min, max) = (print_duration(span.min), print_duration(span.max));
    if min == max { min } else { format!("{min}..{max}") }
}

/// The faults of one command: links that are cut or healed, or nodes that are restarted.
fn several(set_up: &SetUp, faults: &[Fault], page: &mut String) {
    for (index, fault) in faults.iter().enumerate() {
        let (verb, subject) = match fault {
            Fault::Rule(rule) => ("partition", link(set_up, rule.from, rule.to, rule.both_ways)),
            Fault::Heal(Heal { between: Some((one, other)) }) => ("heal", link(set_up, *one, *other, true)),
            Fault::Restart(Restart { node }) => ("restart", self::node(set_up, *node)),
            other => unreachable!("no command injects several of {other:?}"),
        };
        if index == 0 {
            page.push_str(verb);
        }
        let _ = write!(page, " {subject}");
    }
}

fn rule(set_up: &SetUp, rule: &Rule, page: &mut String) {
    let verb = match rule.action {
        RuleAction::Drop => "drop",
        RuleAction::Delay(_) => "delay",
        RuleAction::Duplicate(_) => "duplicate",
        RuleAction::Hold => "hold",
        RuleAction::Slow(_) => "slow",
    };
    let _ = write!(page, "{verb} {}", link(set_up, rule.from, rule.to, rule.both_ways));
    if rule.what != MessageMatch::Anything {
        let _ = write!(page, " {}", message_match(rule.what));
    }
    let _ = match rule.action {
        RuleAction::Delay(span) => write!(page, " by={}", time_span(span)),
        RuleAction::Slow(factor) => write!(page, " by={factor}x"),
        RuleAction::Duplicate(copies) if copies != 1 => write!(page, " copies={copies}"),
        _ => Ok(()),
    };
    if let Some(times) = rule.times {
        let _ = write!(page, " times={times}");
    }
    if rule.skip != 0 {
        let _ = write!(page, " skip={}", rule.skip);
    }
    if let Some(percent) = rule.percent {
        let _ = write!(page, " rate={percent}%");
    }
}

fn link(set_up: &SetUp, from: NodeMatch, to: NodeMatch, both_ways: bool) -> String {
    let arrow = if both_ways { "<->" } else { "->" };
    end_of_link(set_up, from) + arrow + &end_of_link(set_up, to)
}

fn end_of_link(set_up: &SetUp, end: NodeMatch) -> String {
    match end {
        NodeMatch::Any => "*".to_owned(),
        NodeMatch::Client(client) => set_up.clients[client.0 as usize].name.to_string(),
        NodeMatch::Region(region) => self::region(set_up, region).to_owned(),
        NodeMatch::ControlPlane(region) => format!("{}/control-plane", self::region(set_up, region)),
        NodeMatch::Witness(region) => format!("{}/witness", self::region(set_up, region)),
    }
}

/// The name of a node or a client in the file.
pub(super) fn node(set_up: &SetUp, node: NodeId) -> String {
    match node {
        NodeId::ControlPlane(region) => self::region(set_up, region).to_owned(),
        NodeId::Witness(region) => format!("{}/witness", self::region(set_up, region)),
        NodeId::Client(client) => set_up.clients[client.0 as usize].name.to_string(),
    }
}

fn point(point: Point, page: &mut String) {
    let _ = match point {
        Point::BeforeHandling(message) => write!(page, " before={}", message_match(message)),
        Point::BeforeSending(message) => write!(page, " before={}", sent(message)),
        Point::AfterSending(message) => write!(page, " after={}", sent(message)),
        Point::BeforePersisting(written) => write!(page, " before={}", persisted(written)),
        Point::Persisting(written) => write!(page, " during={}", persisted(written)),
        Point::AfterPersisting(written) => write!(page, " after={}", persisted(written)),
    };
}

fn sent(message: MessageMatch) -> String {
    match message {
        MessageMatch::Response(None) => "response".to_owned(),
        MessageMatch::Response(Some(operation)) => format!("response:{operation}"),
        message => format!("send:{}", message_match(message)),
    }
}

fn persisted(written: Written) -> String {
    let holding = Written::HOLDINGS.iter().find(|(_, known)| *known == written);
    match (written, holding) {
        (Written::For(operation), _) => format!("persist:{operation}"),
        (_, Some((name, _))) => format!("persist:{name}"),
        (_, None) => "persist".to_owned(),
    }
}

fn message_match(message: MessageMatch) -> String {
    match message {
        MessageMatch::Anything => unreachable!("a rule for every message has no word for it"),
        MessageMatch::Request(None) => "request".to_owned(),
        MessageMatch::Response(None) => "response".to_owned(),
        MessageMatch::Request(Some(operation)) => operation.name().to_owned(),
        MessageMatch::Response(Some(operation)) => format!("{operation}.response"),
        MessageMatch::Message(kind) => kind.name().to_owned(),
    }
}
