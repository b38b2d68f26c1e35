//! `crash`: a node or a client stops.

use strum::VariantArray;

use super::target::{message_match, node};
use super::{Chapter, FaultText, VerbEntry, VerbReader};
use crate::api::Operation;
use crate::control::message::MessageKind;
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::{Diagnostic, Parsed};
use crate::scenario::script::Word;
use crate::scenario::write::Writer;
use crate::sim::fault::{Crash, CrashPoint, Fault, MessageMatch, Point, Unfinished, Written};
use crate::types::NodeId;

pub(super) const CRASH: VerbEntry = VerbEntry {
    name: "crash",
    chapter: Chapter::Faults,
    usage: "\
        crash NODE [MOMENT] [nth=N] [unfinished=kept|lost]\n\
        crash CLIENT",
    meaning: "\
Stops a node: `REGION` (its control plane) or `REGION/witness`. Its memory is lost; an unfinished write is `kept` or
`lost`, drawn by default. The node stops at once, or when it reaches a `MOMENT` for the `nth` time from now on:

- `before=WHAT`: it is about to handle a request or a message (see `drop`), which is lost.
- `before=response:OPERATION`, `before=response`, `before=send:KIND`: it is about to send an answer, or a message to
  another node, which is not sent. With `after`, it has sent that and nothing behind it.
- `before=persist:WRITE`: it is about to make such a write, which is not begun. With `during`, it has begun the write;
  with `after`, the write is durable and nothing behind it has left. `WRITE` is the operation whose call the write is
  made for, or what it holds: `cluster`, `token`, `link` (a link register), `stream`, `policy` or `tags`; `persist`
  alone is any write.

A client stops, too: its calls in flight end unknown, without retries and without an answer, while their messages in
the network still arrive. The next command of the client starts it again. The fault acts when it stops a node that is
up, or a client with a call in flight.",
    example: "crash use1 after=persist:UpdateCluster nth=2",
    reader: VerbReader::Fault(read),
};

fn read(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let word = arguments.required("a node, as in use1 or use1/witness, or a client")?;
    if let Some(client) = set_up.client_called(&word.text) {
        if let Some((option, _)) = arguments.pairs().first() {
            // A client has neither a disk nor messages of its own to stop at.
            return Err(Diagnostic::new("a client crashes at once", option.span)
                .help(format!("as in `at +250ms crash {}`", word.text)));
        }
        return Ok(Fault::crash(client).into());
    }
    let node = node(set_up, word)?;
    let nth = arguments.number("nth", 1)?;
    let point = read_point(arguments)?;
    let fates = [("kept", Unfinished::Kept), ("lost", Unfinished::Lost)];
    let unfinished = arguments
        .option("unfinished")
        .map(|word| one_of(word, "a fate of an unfinished write", &fates))
        .transpose()?;
    if nth == 0 {
        return Err(Diagnostic::new("`nth` counts from 1", arguments.span()));
    }
    let moment = point.map_or(CrashPoint::Now, |point| CrashPoint::At(point, nth));
    Ok(Fault::Crash(Crash { node, moment, unfinished }))
}

/// The point at which a node stops; `None` is now.
fn read_point(arguments: &mut Arguments<'_>) -> Parsed<Option<Point>> {
    let before = arguments.option("before").map(before).transpose()?;
    let during = arguments.option("during").map(during).transpose()?;
    let after = arguments.option("after").map(after).transpose()?;
    match (before, during, after) {
        (None, None, None) => Ok(None),
        (Some(point), None, None) | (None, Some(point), None) | (None, None, Some(point)) => Ok(Some(point)),
        _ => Err(Diagnostic::new("a crash has one moment: before, during or after", arguments.span())),
    }
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

impl FaultText for Crash {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.add(format_args!("crash {}", writer.node(self.node)));
        if let CrashPoint::At(point, nth) = self.moment {
            write_point(point, writer);
            if nth != 1 {
                writer.add(format_args!(" nth={nth}"));
            }
        }
        match self.unfinished {
            None => {}
            Some(Unfinished::Kept) => writer.add(format_args!(" unfinished=kept")),
            Some(Unfinished::Lost) => writer.add(format_args!(" unfinished=lost")),
        }
    }

    fn idle(&self, set_up: &SetUp) -> String {
        let node = set_up.node_name(self.node);
        match (self.node, self.moment) {
            (NodeId::Client(_), _) => format!("no call of {node} was in flight"),
            (_, CrashPoint::Now) => format!("{node} was down"),
            (_, CrashPoint::At(..)) => "its moment never came".to_owned(),
        }
    }
}

fn write_point(point: Point, writer: &mut Writer<'_>) {
    let (moment, what) = match point {
        Point::BeforeHandling(message) => ("before", writer.message_match(message)),
        Point::BeforeSending(message) => ("before", sent_text(writer, message)),
        Point::AfterSending(message) => ("after", sent_text(writer, message)),
        Point::BeforePersisting(written) => ("before", written_text(written)),
        Point::Persisting(written) => ("during", written_text(written)),
        Point::AfterPersisting(written) => ("after", written_text(written)),
    };
    writer.add(format_args!(" {moment}={what}"));
}

fn sent_text(writer: &Writer<'_>, message: MessageMatch) -> String {
    match message {
        MessageMatch::Response(None) => "response".to_owned(),
        MessageMatch::Response(Some(operation)) => format!("response:{operation}"),
        message => format!("send:{}", writer.message_match(message)),
    }
}

fn written_text(written: Written) -> String {
    let holding = Written::HOLDINGS.iter().find(|(_, known)| *known == written);
    match (written, holding) {
        (Written::For(operation), _) => format!("persist:{operation}"),
        (_, Some((name, _))) => format!("persist:{name}"),
        (_, None) => "persist".to_owned(),
    }
}
