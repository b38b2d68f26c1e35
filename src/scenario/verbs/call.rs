//! Calls: the operations of the API, by their AWS CLI names.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Chapter, VerbEntry, VerbReader, principal};
use crate::api::{Operation, Request};
use crate::region::Region;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::{Diagnostic, Parsed, ParsedWhole};
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Run, Together};
use crate::scenario::script::{Body, Command, Word};
use crate::scenario::write::Writer;
use crate::scenario::{Action, ReferenceError, Step, body};
use crate::sim::client::WaitFor;
use crate::types::{ClientId, PrincipalId, print_duration};

pub(super) const CALL: VerbEntry = VerbEntry {
    name: "create-cluster | get-cluster | tag-resource | put-cluster-policy | create-stream | …",
    chapter: Chapter::Calls,
    usage: "\
        [CLIENT:] OPERATION region=REGION [as=NAME] [attempts=N] [timeout=DURATION] [after=DURATION] \
         [principal=NAME] [if-missing=skip]\n\
        { INPUT }",
    meaning: "\
Calls an operation of the API, by its AWS CLI name, with the JSON that follows on the next line as its input. The call
behaves as an SDK's does: `attempts` (3) of `timeout` (10s) each, with exponential back-off and one client token,
filled in if the input has none. The block continues when the call has ended. `as` names the call, and the cluster
that it creates: `$NAME.MEMBER` inside a later string is a member of its answer. `after` delays the first attempt;
`principal` replaces the client's principal for this call. With `if-missing=skip` the call is left out if a reference
in it has no value, for instance because the call before was never answered; otherwise the scenario fails.",
    example: "\
        ops: create-cluster region=use1 as=blue\n\
        { \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }",
    reader: VerbReader::Call(read),
};

/// A call of a scenario, which may refer to the answers of earlier calls.
#[derive(Clone, Debug)]
pub struct CallStep {
    /// The client that calls.
    pub client: ClientId,
    /// The Region whose endpoint is called.
    pub region: Region,
    /// The name of the call, and of the cluster that it creates.
    pub alias: Option<Arc<str>>,
    /// The number of attempts, as an SDK makes them; at least 1.
    pub attempts: u16,
    /// The time that an attempt waits for its answer.
    pub time_out: Duration,
    /// The time from the step to the first attempt.
    pub after: Duration,
    /// The condition until which the call is repeated, if it is a waiter.
    pub waiter: Option<WaitFor>,
    /// The principal of this call, if it is not the client's.
    pub principal: Option<PrincipalId>,
    /// Whether the call is left out if a reference in it has no value (`if-missing=skip`); otherwise the run fails.
    pub may_be_skipped: bool,
    /// The request, with references in its texts that are filled in when the call begins.
    pub input: Request,
}

impl CallStep {
    /// The number of attempts without `attempts=`.
    pub const ATTEMPTS: u16 = 3;
    /// The time that an attempt waits without `timeout=`.
    pub const TIME_OUT: Duration = Duration::from_secs(10);

    /// The request of the call. `resolve` gives the value of each reference, from the name of a call and the path of a
    /// member of its answer.
    ///
    /// # Errors
    /// The first error of `resolve`.
    pub fn request(
        &self,
        resolve: &dyn Fn(&str, &str) -> Result<String, ReferenceError>,
    ) -> Result<Request, ReferenceError> {
        body::fill_request(&self.input, resolve)
    }

    /// The operation that is called.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.input.operation()
    }
}

/// Reads the call of the operation that the verb names.
fn read(reader: &mut ScenarioReader, command: &Command) -> ParsedWhole<Action> {
    let operation = Operation::parse_command(&command.verb.text).expect("the verb names an operation");
    let arguments = Arguments::new(command);
    read_call(reader, command, arguments, operation, None)
}

/// Reads a call of `operation`, a waiter or not, whose condition has been read.
pub(super) fn read_call(
    reader: &mut ScenarioReader,
    command: &Command,
    mut arguments: Arguments<'_>,
    operation: Operation,
    waiter: Option<WaitFor>,
) -> ParsedWhole<Action> {
    let client = reader.set_up.caller(command)?;
    let region =
        arguments.required_option("region", "where to call").and_then(|word| reader.set_up.region(word))?;
    let name = arguments.option("as");
    let alias = name.map(|word| Arc::from(word.text.as_str()));
    let attempts = arguments.number("attempts", CallStep::ATTEMPTS)?;
    let time_out = arguments.duration("timeout", CallStep::TIME_OUT)?;
    let after = arguments.duration("after", Duration::ZERO)?;
    let principal = principal_of_call(reader, client, arguments.option("principal"))?;
    let may_be_skipped = arguments.option("if-missing").map(skip).transpose()?.is_some();
    if attempts == 0 {
        return Err(vec![Diagnostic::new("a call takes at least one attempt", command.verb.span)]);
    }
    let body = arguments.body();
    arguments.finish()?;
    let input =
        body.map_or_else(|| Ok(Request::empty(operation)), |body| input(reader, operation, body, after))?;
    if let Some(word) = name {
        reader.name_call(word, operation, after);
    }
    reader.note_call(operation);
    Ok(Action::Call(CallStep {
        client,
        region,
        alias,
        attempts,
        time_out,
        after,
        waiter,
        principal,
        may_be_skipped,
        input,
    }))
}

/// The input of a call that begins `after` its turn.
fn input(
    reader: &ScenarioReader,
    operation: Operation,
    body: &Body,
    after: Duration,
) -> ParsedWhole<Request> {
    let mistakes = body::check(operation, &body.value, reader.visible_calls(after));
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let request = Request::from_json(operation, body.value.to_value());
    Ok(request.expect("every member was found to be of its kind"))
}

/// A call can use another principal of the client's account only: the account of a client decides what it owns.
fn principal_of_call(
    reader: &ScenarioReader,
    client: ClientId,
    word: Option<&Word>,
) -> Parsed<Option<PrincipalId>> {
    let Some(word) = word else { return Ok(None) };
    let principal = principal::called(&reader.set_up, word)?;
    let own = reader.set_up.clients[client.0 as usize].account;
    if reader.set_up.account_of(principal) != own {
        let message = format!("principal `{}` does not belong to the client's account {own}", word.text);
        return Err(Diagnostic::new(message, word.span)
            .help("let another client call: `clients NAME principal=…`".to_owned()));
    }
    Ok(Some(principal))
}

fn skip(word: &Word) -> Parsed<()> {
    one_of(word, "a way to deal with a missing value", &[("skip", ())])
}

/// Writes the line of the call, without its client and its input.
pub(in crate::scenario) fn write(call: &CallStep, writer: &mut Writer<'_>) {
    match call.waiter {
        None => writer.add(format_args!("{}", call.operation().command())),
        Some(goal) => writer.add(format_args!("wait {}", goal.name())),
    }
    writer.add(format_args!(" region={}", writer.region(call.region)));
    if let Some(alias) = &call.alias {
        writer.add(format_args!(" as={alias}"));
    }
    if call.attempts != CallStep::ATTEMPTS {
        writer.add(format_args!(" attempts={}", call.attempts));
    }
    if call.time_out != CallStep::TIME_OUT {
        writer.add(format_args!(" timeout={}", print_duration(call.time_out)));
    }
    if !call.after.is_zero() {
        writer.add(format_args!(" after={}", print_duration(call.after)));
    }
    if let Some(principal) = call.principal.and_then(|it| writer.set_up.principals.get(it.index())) {
        writer.add(format_args!(" principal={}", principal.name));
    }
    if call.may_be_skipped {
        writer.add(format_args!(" if-missing=skip"));
    }
}

/// The input of a call as it stands below its line; `None` if it need not be written.
pub(in crate::scenario) fn input_text(call: &CallStep) -> Option<Value> {
    let input = call.input.to_json();
    let is_empty = input.as_object().is_some_and(|members| members.is_empty());
    (!is_empty || call.waiter.is_some()).then_some(input)
}

/// Makes the call and waits for its end. Behind `parallel`, a call waits until every call of its group is known: they
/// begin in the order of their times.
pub(in crate::scenario) fn run<'a>(call: &'a CallStep, run: &mut Run<'a>, step: &Step) -> Done {
    let at = run.now().after(call.after);
    if let Some(together) = &mut run.together {
        together.push((at, Together::Call(call, step.key, step.span)));
        return Ok(());
    }
    match run.begin_call(at, call, step.key, step.span)? {
        Some(id) => run.finish_call(id, call, step.span),
        None => Ok(()),
    }
}
