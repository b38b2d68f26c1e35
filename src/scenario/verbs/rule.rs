//! `drop`, `delay`, `duplicate`, `hold` and `slow`: network rules.

use super::target::{link, message_match};
use super::{Chapter, FaultText, Verb, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, number, time_span};
use crate::scenario::diagnostic::{Diagnostic, Parsed};
use crate::scenario::write::{Writer, range_text};
use crate::sim::fault::{Fault, MessageMatch, Rule, RuleAction};

pub(super) const DROP: VerbEntry = VerbEntry {
    name: "drop",
    chapter: Chapter::Faults,
    usage: "drop LINK [WHAT] [times=N] [skip=N] [rate=PERCENT%]",
    meaning: "\
Loses messages. `LINK` is `FROM->TO`, or `ONE<->OTHER` for both directions; an end is a client, a Region (both of its
nodes), `REGION/control-plane`, `REGION/witness`, or `*`. `WHAT` is an operation's name for its requests, with
`.response` for its answers; `request` or `response` for all of them; or the kind of a message between nodes:
CheckWitness, WitnessChecked, CheckPeer, PeerChecked, Prepare, Promise, Accept, Accepted, Nack. The rule applies to
`times` messages (all by default) after the first `skip`, and to each with a chance of `rate` percent. The first rule
that applies to a message decides. The rule acts when it decides about a message.",
    example: "drop use1->ops CreateCluster.response times=1",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, |_| Ok(RuleAction::Drop))),
};

pub(super) const DELAY: VerbEntry = VerbEntry {
    name: "delay",
    chapter: Chapter::Faults,
    usage: "delay LINK [WHAT] by=DURATION|MIN..MAX [times=N] [skip=N] [rate=PERCENT%]",
    meaning: "\
Delays messages, by a fixed time or by one drawn for each message, which also reorders them. The rule acts when it
decides about a message.",
    example: "delay use1<->use2 by=0ms..2s rate=30%",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, delay)),
};

pub(super) const DUPLICATE: VerbEntry = VerbEntry {
    name: "duplicate",
    chapter: Chapter::Faults,
    usage: "duplicate LINK [WHAT] [copies=N] [times=N] [skip=N] [rate=PERCENT%]",
    meaning: "\
Delivers messages more than once, each copy up to two seconds after the original. The rule acts when it decides about
a message.",
    example: "duplicate ops->use1 CreateCluster",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, duplicate)),
};

pub(super) const HOLD: VerbEntry = VerbEntry {
    name: "hold",
    chapter: Chapter::Faults,
    usage: "hold LINK [WHAT] [times=N] [skip=N]",
    meaning: "Holds messages back until `release`. The rule acts when it decides about a message.",
    example: "hold use2->usw2",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, |_| Ok(RuleAction::Hold))),
};

pub(super) const SLOW: VerbEntry = VerbEntry {
    name: "slow",
    chapter: Chapter::Faults,
    usage: "slow LINK by=FACTORx",
    meaning: "Multiplies the delay of messages on a link. The rule acts when it decides about a message.",
    example: "slow use1<->use2 by=20x",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, slow)),
};

/// Reads a rule; `action` reads what only its verb takes.
fn read(
    set_up: &SetUp,
    arguments: &mut Arguments<'_>,
    action: fn(&mut Arguments<'_>) -> Parsed<RuleAction>,
) -> Parsed<Fault> {
    let (from, to, both_ways) = link(set_up, arguments.required("a link, as in use1->use2")?)?;
    let what = arguments.word().map_or(Ok(MessageMatch::Anything), message_match)?;
    let action = action(arguments)?;
    let times = arguments.option("times").map(number).transpose()?;
    let skip = arguments.number("skip", 0)?;
    let percent = arguments.rate()?;
    Ok(Fault::Rule(Rule { key: 0, from, to, what, both_ways, skip, times, percent, action }))
}

fn delay(arguments: &mut Arguments<'_>) -> Parsed<RuleAction> {
    Ok(RuleAction::Delay(time_span(arguments.required_option("by", "as in by=200ms")?)?))
}

fn duplicate(arguments: &mut Arguments<'_>) -> Parsed<RuleAction> {
    Ok(RuleAction::Duplicate(arguments.number("copies", 1)?))
}

fn slow(arguments: &mut Arguments<'_>) -> Parsed<RuleAction> {
    let word = arguments.required_option("by", "as in by=20x")?;
    let factor = word.text.strip_suffix('x').and_then(|factor| factor.parse().ok());
    factor.map(RuleAction::Slow).ok_or_else(|| {
        Diagnostic::new(format!("`{}` is not a factor", word.text), word.span)
            .help("write it as in 20x".to_owned())
    })
}

impl FaultText for Rule {
    fn write(&self, writer: &mut Writer<'_>) {
        let verb = match self.action {
            RuleAction::Drop => Verb::Drop,
            RuleAction::Delay(_) => Verb::Delay,
            RuleAction::Duplicate(_) => Verb::Duplicate,
            RuleAction::Hold => Verb::Hold,
            RuleAction::Slow(_) => Verb::Slow,
        };
        writer.add(format_args!("{} {}", verb.name(), writer.link(self.from, self.to, self.both_ways)));
        if self.what != MessageMatch::Anything {
            writer.add(format_args!(" {}", writer.message_match(self.what)));
        }
        match self.action {
            RuleAction::Delay(range) => writer.add(format_args!(" by={}", range_text(range))),
            RuleAction::Slow(factor) => writer.add(format_args!(" by={factor}x")),
            RuleAction::Duplicate(copies) if copies != 1 => writer.add(format_args!(" copies={copies}")),
            RuleAction::Drop | RuleAction::Hold | RuleAction::Duplicate(_) => {}
        }
        if let Some(times) = self.times {
            writer.add(format_args!(" times={times}"));
        }
        if self.skip != 0 {
            writer.add(format_args!(" skip={}", self.skip));
        }
        if let Some(percent) = self.percent {
            writer.add(format_args!(" rate={percent}%"));
        }
    }

    fn idle(&self, _set_up: &SetUp) -> String {
        "it matched no message".to_owned()
    }
}
