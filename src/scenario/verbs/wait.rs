//! `wait`: a waiter of an SDK.

use strum::VariantArray;

use crate::scenario::Action;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::{Diagnostic, ParsedWhole};
use crate::scenario::read::ScenarioReader;
use crate::scenario::script::Command;
use crate::sim::client::WaitFor;

use super::call::read_call;
use super::{Chapter, VerbEntry, VerbReader};

pub(super) const WAIT: VerbEntry = VerbEntry {
    name: "wait",
    chapter: Chapter::Calls,
    usage: "\
        [CLIENT:] wait cluster-active | cluster-not-exists region=REGION\n\
        { \"identifier\": ... }\n\
        [CLIENT:] wait stream-active | stream-not-exists region=REGION\n\
        { \"clusterIdentifier\": ..., \"streamIdentifier\": ... }",
    meaning: "\
Waits as the SDKs' waiters do: a GetCluster or a GetStream every 2 seconds, 60 times at most. `cluster-active` and
`stream-active` succeed on ACTIVE only; `cluster-not-exists` and `stream-not-exists` on ResourceNotFoundException only.
The outcome is `ok`, `timed-out`, or `failed` with the error that ended it.",
    example: "\
        ops: wait cluster-active region=use1\n\
        { \"identifier\": \"$blue.identifier\" }",
    reader: VerbReader::Call(read),
};

fn read(reader: &mut ScenarioReader, command: &Command) -> ParsedWhole<Action> {
    let goals: Vec<_> = WaitFor::VARIANTS.iter().map(|goal| (goal.name(), *goal)).collect();
    let mut arguments = Arguments::new(command);
    let goal = one_of(arguments.required("a condition to wait for")?, "a waiter", &goals)?;
    if command.body.is_none() {
        let members = match goal {
            WaitFor::ClusterActive | WaitFor::ClusterNotExists => r#""identifier": "$blue.identifier""#,
            WaitFor::StreamActive | WaitFor::StreamNotExists => {
                r#""clusterIdentifier": "$blue.identifier", "streamIdentifier": "$changes.streamIdentifier""#
            }
        };
        let mistake =
            Diagnostic::new(format!("`wait` needs the input of {}", goal.operation()), command.span);
        return Err(vec![mistake.help(format!("as in {{ {members} }}"))]);
    }
    read_call(reader, command, arguments, goal.operation(), Some(goal))
}
