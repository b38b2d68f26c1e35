//! Reads the commands of the chapter "Faults".

use strum::VariantArray;

use crate::api::{Error, Operation};
use crate::control::authorization::IamAction;
use crate::control::environment::ExternalEvent;
use crate::control::message::MessageKind;
use crate::sim::fault::{
    Crash, CrashPoint, Deny, Fault, Heal, MessageMatch, NodeMatch, Point, Refuse, Release, Rule, RuleAction,
    Skew, Unfinished, Written,
};
use crate::types::NodeId;

use super::arguments::{Arguments, number, one_of, time_span};
use super::diagnostic::{Diagnostic, Parsed, did_you_mean};
use super::read::ScenarioReader;
use super::script::Word;
use super::verb::Verb;

/// The fault that a command of the chapter "Faults" stands for. The rules in it have no key yet: it depends on the
/// whole step, and [`StepKeys`](super::step_keys::StepKeys) sets it.
pub(super) fn read(reader: &ScenarioReader, verb: Verb, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    match verb {
        Verb::Drop => rule(reader, arguments, |_| Ok(RuleAction::Drop)),
        Verb::Hold => rule(reader, arguments, |_| Ok(RuleAction::Hold)),
        Verb::Delay => rule(reader, arguments, |arguments| {
            Ok(RuleAction::Delay(time_span(arguments.required_option("by", "as in by=200ms")?)?))
        }),
        Verb::Duplicate => {
            rule(reader, arguments, |arguments| Ok(RuleAction::Duplicate(arguments.number("copies", 1)?)))
        }
        Verb::Slow => rule(reader, arguments, |arguments| {
            let word = arguments.required_option("by", "as in by=20x")?;
            let factor = word.text.strip_suffix('x').and_then(|factor| factor.parse().ok());
            factor.map(RuleAction::Slow).ok_or_else(|| {
                Diagnostic::new(format!("`{}` is not a factor", word.text), word.span)
                    .help("write it as in 20x".to_owned())
            })
        }),
        Verb::Partition => partition(reader, arguments),
        Verb::Heal => heal(reader, arguments),
        Verb::Release => Ok(Fault::Release(Release)),
        Verb::Crash => crash(reader, arguments),
        Verb::Restart => Ok(joined(nodes(reader, arguments)?.into_iter().map(Fault::restart).collect())),
        Verb::Outage => Ok(Fault::outage(reader.region(arguments.required("a Region")?)?)),
        Verb::Skew => skew(reader, arguments),
        Verb::Deny | Verb::Allow => {
            let region = reader.region(arguments.required("a Region")?)?;
            let actions: Vec<_> = IamAction::all().map(|action| (action.name(), action)).collect();
            let action = one_of(arguments.required("an action")?, "an action", &actions)?;
            Ok(Fault::Deny(Deny { region, action, denied: verb == Verb::Deny }))
        }
        Verb::Idle => external_event(reader, arguments, ExternalEvent::Idle),
        Verb::Connect => external_event(reader, arguments, ExternalEvent::Connect),
        Verb::DisableKeys => external_event(reader, arguments, ExternalEvent::DisableKeys),
        Verb::EnableKeys => external_event(reader, arguments, ExternalEvent::EnableKeys),
        Verb::Throttle | Verb::Fail => refuse(reader, verb, arguments),
        _ => unreachable!("the verbs of the chapter are above: `{}`", verb.name()),
    }
}

fn external_event(
    reader: &ScenarioReader,
    arguments: &mut Arguments<'_>,
    event: ExternalEvent,
) -> Parsed<Fault> {
    Ok(Fault::external_event(reader.region(arguments.required("a Region")?)?, event))
}

fn rule(
    reader: &ScenarioReader,
    arguments: &mut Arguments<'_>,
    read_action: impl FnOnce(&mut Arguments<'_>) -> Parsed<RuleAction>,
) -> Parsed<Fault> {
    let (from, to, both_ways) = link(reader, arguments.required("a link, as in use1->use2")?)?;
    let what = arguments.word().map_or(Ok(MessageMatch::Anything), message_match)?;
    let action = read_action(arguments)?;
    let times = arguments.option("times").map(number).transpose()?;
    let skip = arguments.number("skip", 0)?;
    let percent = arguments.option("rate").map(percent).transpose()?;
    Ok(Fault::Rule(Rule { key: 0, from, to, what, both_ways, skip, times, percent, action }))
}

fn partition(reader: &ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let links = arguments.words("a link, as in use1<->use2")?;
    let cut = |word: &Word| {
        let (from, to, both_ways) = link(reader, word)?;
        Ok(Fault::Rule(Rule::cut(from, to, both_ways)))
    };
    Ok(Fault::All(links.into_iter().map(cut).collect::<Parsed<_>>()?))
}

fn heal(reader: &ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let mut healed = Vec::new();
    while let Some(word) = arguments.word() {
        let (one, other, _) = link(reader, word)?;
        healed.push(Fault::heal(one, other));
    }
    Ok(if healed.is_empty() { Fault::Heal(Heal { between: None }) } else { joined(healed) })
}

/// The fault of a command that may name several links or nodes. With one it is that fault alone, as it is where it ends
/// another fault: the same data has the same key.
fn joined(mut faults: Vec<Fault>) -> Fault {
    if faults.len() == 1 { faults.remove(0) } else { Fault::All(faults) }
}

fn crash(reader: &ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let node = arguments.required("a node, as in use1 or use1/witness, or a client")?;
    if let Some(client) = reader.client_called(&node.text) {
        if let Some((option, _)) = arguments.pairs().first() {
            // A client has neither a disk nor messages of its own to stop at.
            return Err(Diagnostic::new("a client crashes at once", option.span)
                .help(format!("as in `at +250ms crash {}`", node.text)));
        }
        return Ok(Fault::crash(client).into());
    }
    let node = self::node(reader, node)?;
    let nth = arguments.number("nth", 1)?;
    let before = arguments.option("before").map(before).transpose()?;
    let during = arguments.option("during").map(during).transpose()?;
    let after = arguments.option("after").map(after).transpose()?;
    let fates = [("kept", Unfinished::Kept), ("lost", Unfinished::Lost)];
    let unfinished = arguments
        .option("unfinished")
        .map(|word| one_of(word, "a fate of an unfinished write", &fates))
        .transpose()?;
    let moment = match (before, during, after) {
        (None, None, None) => CrashPoint::Now,
        (Some(point), None, None) | (None, Some(point), None) | (None, None, Some(point)) => {
            CrashPoint::At(point, nth)
        }
        _ => {
            return Err(Diagnostic::new("a crash has one moment: before, during or after", arguments.span()));
        }
    };
    if nth == 0 {
        return Err(Diagnostic::new("`nth` counts from 1", arguments.span()));
    }
    Ok(Fault::Crash(Crash { node, moment, unfinished }))
}

fn before(word: &Word) -> Parsed<Point> {
    if let Some(written) = persisted(word)? {
        return Ok(Point::BeforePersisting(written));
    }
    if let Some(what) = sent(word)? {
        return Ok(Point::BeforeSending(what));
    }
    match message_match(word)? {
        MessageMatch::Response(operation) => {
            let operation = operation.map_or(String::new(), |operation| format!(":{operation}"));
            Err(Diagnostic::new("a node handles no answers of calls", word.span)
                .help(format!("did you mean `before=response{operation}`, which it is about to send?")))
        }
        what => Ok(Point::BeforeHandling(what)),
    }
}

fn during(word: &Word) -> Parsed<Point> {
    let mistake = || {
        Diagnostic::new(format!("a node cannot stop during `{}`", word.text), word.span)
            .help("as in during=persist or during=persist:CreateCluster".to_owned())
    };
    persisted(word)?.map(Point::Persisting).ok_or_else(mistake)
}

fn after(word: &Word) -> Parsed<Point> {
    if let Some(written) = persisted(word)? {
        return Ok(Point::AfterPersisting(written));
    }
    let mistake = || {
        Diagnostic::new(format!("a node cannot stop after `{}`", word.text), word.span).help(
            "as in after=persist:UpdateCluster, after=response:CreateCluster or after=send:Prepare"
                .to_owned(),
        )
    };
    sent(word)?.map(Point::AfterSending).ok_or_else(mistake)
}

/// The write, as in `persist:UpdateCluster`; `None` if `word` stands for something else.
fn persisted(word: &Word) -> Parsed<Option<Written>> {
    match word.text.split_once(':') {
        None if word.text == "persist" => Ok(Some(Written::Anything)),
        Some(("persist", what)) => {
            let operations =
                Operation::ALL.iter().map(|operation| (operation.name(), Written::For(*operation)));
            let all: Vec<_> = Written::HOLDINGS.into_iter().chain(operations).collect();
            let what = Word { text: what.to_owned(), span: word.span };
            one_of(&what, "a write", &all).map(Some)
        }
        _ => Ok(None),
    }
}

/// The message that a node sends, as in `send:Prepare` or `response:CreateCluster`; `None` if `word` stands for
/// something else.
fn sent(word: &Word) -> Parsed<Option<MessageMatch>> {
    let named = |name: &str| Word { text: name.to_owned(), span: word.span };
    match word.text.split_once(':') {
        None if word.text == "response" => Ok(Some(MessageMatch::Response(None))),
        Some(("response", name)) => {
            let all: Vec<_> = Operation::ALL.iter().map(|operation| (operation.name(), *operation)).collect();
            let operation = one_of(&named(name), "an operation", &all)?;
            Ok(Some(MessageMatch::Response(Some(operation))))
        }
        Some(("send", name)) => {
            let all: Vec<_> = MessageKind::VARIANTS.iter().map(|kind| (kind.name(), *kind)).collect();
            Ok(Some(MessageMatch::Message(one_of(&named(name), "a message between nodes", &all)?)))
        }
        _ => Ok(None),
    }
}

fn skew(reader: &ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let region = reader.region(arguments.required("a Region")?)?;
    let word = arguments.required_option("by", "as in by=+3h")?;
    let (sign, text) = match word.text.split_at_checked(1) {
        Some(("-", rest)) => (-1, rest),
        Some(("+", rest)) => (1, rest),
        _ => (1, word.text.as_str()),
    };
    let by = crate::types::parse_duration(text).and_then(|by| i64::try_from(by.as_secs()).ok());
    let seconds = by.ok_or_else(|| {
        Diagnostic::new(format!("`{}` is not a duration", word.text), word.span)
            .help("as in +3h or -90s".to_owned())
    })?;
    Ok(Fault::Skew(Skew { region, seconds: sign * seconds }))
}

/// `throttle` and `fail`: requests that are answered with an error before the control plane sees them.
fn refuse(reader: &ScenarioReader, verb: Verb, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let region_word = arguments.required("a Region")?;
    let region = reader.region(region_word)?;
    let operations: Vec<_> = Operation::ALL.iter().map(|operation| (operation.name(), *operation)).collect();
    let operation = arguments.word().map(|word| one_of(word, "an operation", &operations)).transpose()?;
    let times = arguments.number("times", 1)?;
    if times == 0 {
        return Err(Diagnostic::new("`times` counts from 1", arguments.span()));
    }
    let error = if verb == Verb::Fail {
        let word = arguments.required_option("error", "as in error=ConflictException")?;
        one_of(word, "an error that can be injected", &injected_errors())?
    } else if let Some(word) = arguments.retired_option("error") {
        // `throttle` once answered with any error.
        let operation = operation.map_or(String::new(), |operation| format!(" {operation}"));
        let message = "`throttle` has no option `error`: it answers with ThrottlingException";
        let instead = format!("write `fail {}{operation} error={}`", region_word.text, word.text);
        return Err(Diagnostic::new(message, word.span).help(instead));
    } else {
        throttling()
    };
    Ok(Fault::Refuse(Refuse { region, operation, error, times }))
}

/// A link: its two ends, and whether it has both directions.
fn link(reader: &ScenarioReader, word: &Word) -> Parsed<(NodeMatch, NodeMatch, bool)> {
    let (ends, both_ways) = match (word.text.split_once("<->"), word.text.split_once("->")) {
        (Some(ends), _) => (ends, true),
        (None, Some(ends)) => (ends, false),
        (None, None) => {
            return Err(Diagnostic::new(format!("`{}` is not a link", word.text), word.span)
                .help("write it as in use1->use2 or use1<->use2".to_owned()));
        }
    };
    Ok((end_of_link(reader, word, ends.0)?, end_of_link(reader, word, ends.1)?, both_ways))
}

fn end_of_link(reader: &ScenarioReader, link: &Word, end: &str) -> Parsed<NodeMatch> {
    if end == "*" {
        return Ok(NodeMatch::Any);
    }
    // A client's name hides a Region's short name, as in a crash.
    if let Some(client) = reader.client_called(end) {
        return Ok(NodeMatch::Client(client));
    }
    let (name, part) = end.split_once('/').map_or((end, None), |(name, part)| (name, Some(part)));
    let region = reader.region(&Word { text: name.to_owned(), span: link.span });
    let region = region.map_err(|mistake| reader.no_end_of_link(name, mistake))?;
    match part {
        None => Ok(NodeMatch::Region(region)),
        Some("witness") => Ok(NodeMatch::Witness(region)),
        Some("control-plane") => Ok(NodeMatch::ControlPlane(region)),
        Some(part) => Err(Diagnostic::new(format!("a Region has no node `{part}`"), link.span)
            .help("it has `witness` and `control-plane`".to_owned())),
    }
}

fn node(reader: &ScenarioReader, word: &Word) -> Parsed<NodeId> {
    match end_of_link(reader, word, &word.text)? {
        NodeMatch::Region(region) | NodeMatch::ControlPlane(region) => Ok(NodeId::ControlPlane(region)),
        NodeMatch::Witness(region) => Ok(NodeId::Witness(region)),
        NodeMatch::Client(_) => {
            Err(Diagnostic::new(format!("`{}` is a client and needs no restart", word.text), word.span)
                .help("the next command of a crashed client starts it again".to_owned()))
        }
        NodeMatch::Any => Err(Diagnostic::new(format!("`{}` is not a node", word.text), word.span)
            .help("a node is REGION or REGION/witness".to_owned())),
    }
}

fn nodes(reader: &ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Vec<NodeId>> {
    arguments
        .words("a node, as in use1 or use1/witness")?
        .into_iter()
        .map(|word| node(reader, word))
        .collect()
}

/// The messages that `word` matches, as in `CreateCluster`, `CreateCluster.response`, `request` or `Prepare`.
fn message_match(word: &Word) -> Parsed<MessageMatch> {
    let (name, is_response) = match word.text.strip_suffix(".response") {
        Some(name) => (name, true),
        None => (word.text.as_str(), false),
    };
    match (name, name.parse::<Operation>().ok(), is_response) {
        ("request", ..) => return Ok(MessageMatch::Request(None)),
        ("response", ..) => return Ok(MessageMatch::Response(None)),
        (_, Some(operation), true) => return Ok(MessageMatch::Response(Some(operation))),
        (_, Some(operation), false) => return Ok(MessageMatch::Request(Some(operation))),
        _ => {}
    }
    MessageKind::VARIANTS
        .iter()
        .copied()
        .find(|kind| kind.name() == name)
        .map(MessageMatch::Message)
        .ok_or_else(|| {
            let operations = Operation::ALL.iter().map(|operation| operation.name());
            let kinds = MessageKind::VARIANTS.iter().map(|kind| kind.name());
            let closest = did_you_mean(name, operations.chain(kinds).chain(["request", "response"]));
            Diagnostic::new(format!("unknown message kind `{}`", word.text), word.span).help(closest)
        })
}

fn percent(word: &Word) -> Parsed<u8> {
    let percent =
        word.text.strip_suffix('%').and_then(|percent| percent.parse().ok()).filter(|it| *it <= 100);
    percent.ok_or_else(|| {
        Diagnostic::new(format!("`{}` is not a percentage", word.text), word.span)
            .help("write it as in 30%".to_owned())
    })
}

/// The error called `name`, if requests can be answered with it before a control plane sees them. Its texts are those
/// of an injected error.
#[must_use]
pub fn injected_error(name: &str) -> Option<Error> {
    injected_errors().into_iter().find(|(known, _)| *known == name).map(|(_, error)| error)
}

fn injected_errors() -> [(&'static str, Error); 7] {
    let denied = Error::AccessDenied { message: "User is not authorized to perform this action".to_owned() };
    let missing = Error::ResourceNotFound {
        message: "The resource doesn't exist. Verify the ARN and try again.".to_owned(),
        resource_id: String::new(),
        resource_type: "cluster".to_owned(),
    };
    let invalid = Error::other("The request is not valid".to_owned());
    let quota = Error::ServiceQuotaExceeded {
        message: "You have reached the cluster limit.".to_owned(),
        resource_id: String::new(),
        resource_type: "cluster".to_owned(),
        service_code: "dsql".to_owned(),
        quota_code: String::new(),
    };
    [throttling(), internal(), conflict(), denied, missing, invalid, quota].map(|error| (error.name(), error))
}

fn throttling() -> Error {
    Error::Throttling {
        message: "Rate exceeded".to_owned(),
        service_code: Some("dsql".to_owned()),
        quota_code: None,
        retry_after_seconds: Some(1),
    }
}

fn internal() -> Error {
    Error::InternalServer { message: "Internal server error".to_owned(), retry_after_seconds: None }
}

fn conflict() -> Error {
    let message = "Another operation is in progress".to_owned();
    Error::Conflict { message, resource_id: None, resource_type: None }
}
