//! `wait`: a waiter of an SDK.

use super::call::read_call;
use super::{Chapter, VerbEntry, VerbReader};
use crate::api::Operation;
use crate::scenario::Action;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::{Diagnostic, ParsedWhole};
use crate::scenario::read::ScenarioReader;
use crate::scenario::script::Command;
use crate::sim::client::WaitFor;

pub(super) const WAIT: VerbEntry = VerbEntry {
    name: "wait",
    chapter: Chapter::Calls,
    usage: "\
        [CLIENT:] wait cluster-active | cluster-not-exists region=REGION\n\
        { \"identifier\": ... }",
    meaning: "\
Waits as the SDKs' waiters do: a GetCluster every 2 seconds, 60 times at most. `cluster-active` succeeds on ACTIVE
only; `cluster-not-exists` on ResourceNotFoundException only. The outcome is `ok`, `timed-out`, or `failed` with the
error that ended it.",
    example: "\
        ops: wait cluster-active region=use1\n\
        { \"identifier\": \"$blue.identifier\" }",
    reader: VerbReader::Call(read),
};

fn read(reader: &mut ScenarioReader, command: &Command) -> ParsedWhole<Action> {
    let goals =
        [("cluster-active", WaitFor::ClusterActive), ("cluster-not-exists", WaitFor::ClusterNotExists)];
    let mut arguments = Arguments::new(command);
    let goal = one_of(arguments.required("a condition to wait for")?, "a waiter", &goals)?;
    if command.body.is_none() {
        let mistake = Diagnostic::new("`wait` needs the input of GetCluster", command.span);
        return Err(vec![mistake.help("as in { \"identifier\": \"$blue.identifier\" }".to_owned())]);
    }
    read_call(reader, command, arguments, Operation::GetCluster, Some(goal))
}
