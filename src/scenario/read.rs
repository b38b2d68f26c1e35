//! The reader: turns the syntax tree of a scenario file into a [`Scenario`].
//!
//! It validates everything that can be validated without a run, and reports every mistake, not just the first. A file
//! with a mistake runs nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Operation, Request};
use crate::control::assumptions::Assumptions;
use crate::control::mutant::Mutant;
use crate::region::Region;
use crate::sim::Latency;
use crate::sim::client::{ClientOptions, WaitFor};
use crate::sim::trace::TraceLevel;
use crate::types::{Account, ClientId, PrincipalId};

use super::arguments::{Arguments, duration, number, one_of, time_span};
use super::diagnostic::{Diagnostic, Parsed, did_you_mean};
use super::expect::Expectation;
use super::named_calls::NamedCalls;
use super::script::{Command, Line, Script, Word, is_trace_line};
use super::step_keys::StepKeys;
use super::verb::Verb;
use super::{
    Action, CallStep, Scenario, SetUp, Step, When, body, expect, possible, read_fault, read_principal,
};

/// Reads `script`.
///
/// # Errors
/// Every mistake in the file, in its order.
pub(super) fn read(script: Script) -> Result<Scenario, Vec<Diagnostic>> {
    let mut reader = ScenarioReader::new();
    let blocks: Vec<_> = script
        .blocks
        .iter()
        .map(|block| {
            let steps = block.commands.iter().filter_map(|command| reader.step(command)).collect();
            reader.before_together = None;
            reader.check_output(&block.output);
            steps
        })
        .collect();
    if reader.mistakes.is_empty() {
        let warnings = std::mem::take(&mut reader.warnings);
        Ok(Scenario { set_up: reader.set_up(), script, blocks, warnings })
    } else {
        Err(reader.mistakes)
    }
}

/// The state of reading after some commands of the file.
pub(super) struct ScenarioReader {
    set_up: SetUp,
    /// The named calls so far.
    calls: NamedCalls,
    /// The operation of the last call. `None` if there was no call, or if calls that began together call different
    /// operations: the last of them is the one that begins last, which need not be the last of the file.
    last: Option<Operation>,
    /// Behind `parallel`, the number of named calls before it: those have ended when the calls behind it begin.
    before_together: Option<usize>,
    /// Whether the next call is the first behind `parallel`.
    is_first_together: bool,
    /// Whether a command that is no part of the set-up has been read.
    set_up_has_ended: bool,
    keys: StepKeys,
    mistakes: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl ScenarioReader {
    fn new() -> ScenarioReader {
        ScenarioReader {
            set_up: SetUp::new(),
            calls: NamedCalls::default(),
            last: None,
            before_together: None,
            is_first_together: false,
            set_up_has_ended: false,
            keys: StepKeys::default(),
            mistakes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn set_up(mut self) -> SetUp {
        self.default_client();
        self.set_up
    }

    /// A line that does not read as a line of a trace was not recorded: most likely it is a command, and the blank line
    /// that ends the trace is missing.
    fn check_output(&mut self, output: &[Line]) {
        if let Some(line) = output.iter().find(|line| !is_trace_line(&line.text)) {
            let mistake = Diagnostic::new("not a line of a trace", line.span);
            self.mistakes.push(mistake.help("a blank line ends a recorded trace".to_owned()));
        }
    }

    /// Reads `command`. Its mistakes are kept, so that those of later commands are found, too.
    fn step(&mut self, command: &Command) -> Option<Step> {
        match self.action(command) {
            Ok(mut action) => {
                let key = self.keys.next(&mut action);
                Some(Step { key, span: command.span, action })
            }
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                None
            }
        }
    }

    fn action(&mut self, command: &Command) -> Result<Action, Vec<Diagnostic>> {
        if let Some(operation) = Operation::parse_command(&command.verb.text) {
            self.set_up_has_ended = true;
            return self.call(command, operation, None);
        }
        let verb = verb(&command.verb)?;
        if verb == Verb::Wait {
            self.set_up_has_ended = true;
            return self.wait(command);
        }
        if let Some(actor) = &command.actor {
            let mistake =
                Diagnostic::new(format!("`{}` is no call: no client makes it", verb.name()), actor.span);
            return Err(vec![mistake.help("leave the client out".to_owned())]);
        }
        Ok(self.other(command, verb)?)
    }

    fn other(&mut self, command: &Command, verb: Verb) -> Parsed<Action> {
        let mut arguments = Arguments::new(command);
        if verb != Verb::Principal {
            arguments.no_body()?;
        }
        if verb.chapter() == super::verb::Chapter::SetUp {
            if self.set_up_has_ended {
                let message = format!("`{}` belongs before the first call or fault", verb.name());
                return Err(Diagnostic::new(message, command.verb.span));
            }
            self.read_set_up(verb, command, &mut arguments)?;
            arguments.finish()?;
            return Ok(Action::SetUp);
        }
        self.set_up_has_ended = true;
        self.default_client();
        // Any command but a call ends the calls that began together.
        self.before_together = (verb == Verb::Parallel).then_some(self.calls.len());
        self.is_first_together = verb == Verb::Parallel;
        let action = match verb {
            Verb::Parallel => Action::Parallel,
            Verb::Advance => Action::Advance(duration(arguments.required("a duration, as in 30s")?)?),
            Verb::Run => {
                one_of(
                    arguments.required_option("until", "as in until=quiet")?,
                    "something to run until",
                    &[("quiet", ())],
                )?;
                Action::RunUntilQuiet(arguments.duration("limit", Duration::from_secs(3600))?)
            }
            Verb::Converge => {
                let except = arguments.option("except").map(|word| self.region(word)).transpose()?;
                Action::Converge(except)
            }
            Verb::Expect => return self.expect(command),
            Verb::Show => Action::Show(self.shown(&mut arguments)?),
            Verb::At => return self.at(command),
            _ => Action::Fault(read_fault::read(self, verb, &mut arguments)?),
        };
        arguments.finish()?;
        Ok(action)
    }

    fn read_set_up(&mut self, verb: Verb, command: &Command, arguments: &mut Arguments<'_>) -> Parsed<()> {
        match verb {
            Verb::Principal => read_principal::read(&mut self.set_up, command.body.as_ref(), arguments)?,
            Verb::Seed => self.set_up.seed = number(arguments.required("a number")?)?,
            Verb::Disk => self.set_up.disk = duration(arguments.required("a duration")?)?,
            Verb::Latency => self.read_latency(arguments)?,
            Verb::Regions => self.read_regions(arguments)?,
            Verb::Clients => self.read_clients(arguments)?,
            Verb::Assume => self.read_assumptions(arguments)?,
            Verb::Mutant => {
                for word in arguments.words("the name of a mutant")? {
                    let names: Vec<_> = Mutant::ALL.iter().map(|mutant| (mutant.name(), *mutant)).collect();
                    self.set_up.mutants = self.set_up.mutants.with(one_of(word, "a mutant", &names)?);
                }
            }
            _ => {
                let levels = [("milestones", TraceLevel::Milestones), ("messages", TraceLevel::Messages)];
                self.set_up.trace = one_of(arguments.required("how much")?, "a level of trace", &levels)?;
            }
        }
        Ok(())
    }

    fn read_latency(&mut self, arguments: &mut Arguments<'_>) -> Parsed<()> {
        let word = arguments.required("`measured` or a range, as in 1ms..50ms")?;
        self.set_up.latency = match word.text.as_str() {
            "measured" => Latency::Measured,
            _ => Latency::Even(time_span(word)?),
        };
        Ok(())
    }

    fn read_regions(&mut self, arguments: &mut Arguments<'_>) -> Parsed<()> {
        let pairs = arguments.pairs();
        if pairs.is_empty() {
            return Err(Diagnostic::new("`regions` needs names, as in use1=us-east-1", arguments.span()));
        }
        for (name, region) in pairs {
            let region = region_called(region)?;
            self.set_up.regions.push((name.text.as_str().into(), region));
        }
        Ok(())
    }

    fn read_clients(&mut self, arguments: &mut Arguments<'_>) -> Parsed<()> {
        let home = match arguments.option("home") {
            Some(word) => self.region(word)?,
            None => ClientOptions::default().home,
        };
        let account = match arguments.option("account") {
            Some(word) => Some(
                Account::parse(&word.text)
                    .ok_or_else(|| Diagnostic::new("an account is twelve digits", word.span))?,
            ),
            None => None,
        };
        let principal = arguments.option("principal");
        let (principal, account) = match principal {
            None => (None, account.unwrap_or(Account::DEFAULT)),
            Some(word) => {
                let principal = read_principal::called(&self.set_up, word)?;
                let own = self.set_up.account_of(principal);
                if account.is_some_and(|account| account != own) {
                    let message = format!("principal `{}` belongs to account {own}", word.text);
                    return Err(Diagnostic::new(message, word.span).help("leave `account=` out".to_owned()));
                }
                (Some(principal), own)
            }
        };
        for word in arguments.words("the name of a client")? {
            if self.set_up.clients.iter().any(|client| *client.name == *word.text) {
                return Err(Diagnostic::new(
                    format!("client `{}` is declared already", word.text),
                    word.span,
                ));
            }
            let name = word.text.as_str().into();
            self.set_up.clients.push(ClientOptions { name, account, home, principal });
        }
        Ok(())
    }

    fn read_assumptions(&mut self, arguments: &mut Arguments<'_>) -> Parsed<()> {
        for (name, value) in arguments.pairs() {
            if !Assumptions::NAMES.contains(&name.text.as_str()) {
                let message = format!("unknown assumption `{}`", name.text);
                let closest = did_you_mean(&name.text, Assumptions::NAMES.iter().copied());
                return Err(Diagnostic::new(message, name.span).help(closest));
            }
            self.set_up.assumptions.set(&name.text, &value.text).map_err(|values| {
                let message = format!("`{}` is not a value of `{}`", value.text, name.text);
                Diagnostic::new(message, value.span).help(format!("it takes {values}"))
            })?;
        }
        Ok(())
    }

    fn call(
        &mut self,
        command: &Command,
        operation: Operation,
        waiter: Option<WaitFor>,
    ) -> Result<Action, Vec<Diagnostic>> {
        self.default_client();
        let mut arguments = Arguments::new(command);
        if waiter.is_some() {
            arguments.word();
        }
        let client = self.client(command)?;
        let region =
            arguments.required_option("region", "where to call").and_then(|word| self.region(word))?;
        let name = arguments.option("as");
        let alias = name.map(|word| Arc::from(word.text.as_str()));
        let attempts = arguments.number("attempts", CallStep::ATTEMPTS)?;
        let time_out = arguments.duration("timeout", CallStep::TIME_OUT)?;
        let after = arguments.duration("after", Duration::ZERO)?;
        let principal = self.principal_of_call(client, arguments.option("principal"))?;
        let may_be_skipped = arguments.option("if-missing").map(skip).transpose()?.is_some();
        if attempts == 0 {
            return Err(vec![Diagnostic::new("a call takes at least one attempt", command.verb.span)]);
        }
        arguments.finish()?;
        let input = self.input(operation, command, after)?;
        let step = CallStep {
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
        };
        if let Some(word) = name {
            self.name_call(word, operation, step.after);
        }
        let is_alone = self.before_together.is_none() || self.is_first_together;
        self.last = Some(operation).filter(|_| is_alone || self.last == Some(operation));
        self.is_first_together = false;
        Ok(Action::Call(step))
    }

    /// The input of a call that begins `after` its turn. Behind `parallel` it may refer to calls that begin earlier:
    /// they may have ended by then.
    fn input(
        &self,
        operation: Operation,
        command: &Command,
        after: Duration,
    ) -> Result<Request, Vec<Diagnostic>> {
        let Some(body) = &command.body else { return Ok(Request::empty(operation)) };
        let calls = match self.before_together {
            None => self.calls.all(),
            Some(before) => self.calls.visible(before, after),
        };
        let mistakes = body::check(operation, &body.value, calls);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let request = Request::from_json(operation, body.value.to_value());
        Ok(request.expect("every member was found to be of its kind"))
    }

    fn name_call(&mut self, word: &Word, operation: Operation, after: Duration) {
        if self.calls.add(&word.text, operation, after) {
            return;
        }
        let message = format!("`{}` names an earlier call already", word.text);
        let warning = Diagnostic::new(message, word.span).warning();
        self.warnings.push(warning.help("from here on the name stands for this call".to_owned()));
    }

    /// A call can use another principal of the client's account only: the account of a client decides what it owns.
    fn principal_of_call(&self, client: ClientId, word: Option<&Word>) -> Parsed<Option<PrincipalId>> {
        let Some(word) = word else { return Ok(None) };
        let principal = read_principal::called(&self.set_up, word)?;
        let own = self.set_up.clients[client.0 as usize].account;
        if self.set_up.account_of(principal) != own {
            let message = format!("principal `{}` does not belong to the client's account {own}", word.text);
            return Err(Diagnostic::new(message, word.span)
                .help("let another client call: `clients NAME principal=…`".to_owned()));
        }
        Ok(Some(principal))
    }

    fn wait(&mut self, command: &Command) -> Result<Action, Vec<Diagnostic>> {
        let goals =
            [("cluster-active", WaitFor::ClusterActive), ("cluster-not-exists", WaitFor::ClusterNotExists)];
        let goal = one_of(Arguments::new(command).required("a condition to wait for")?, "a waiter", &goals)?;
        if command.body.is_none() {
            let mistake = Diagnostic::new("`wait` needs the input of GetCluster", command.span);
            return Err(vec![mistake.help("as in { \"identifier\": \"$blue.identifier\" }".to_owned())]);
        }
        self.call(command, Operation::GetCluster, Some(goal))
    }

    fn expect(&mut self, command: &Command) -> Parsed<Action> {
        let calls = self.calls.all();
        let expectation = expect::read(&command.rest, calls, &|word| self.region(word))?;
        if let Expectation::Answer { call, subject, test } = &expectation {
            let operation = match call {
                Some(name) => calls.operation_of(name),
                None => self.last,
            };
            self.warnings.extend(possible::impossible(operation, subject, test, command.rest.span));
        }
        Ok(Action::Expect(expectation))
    }

    fn at(&mut self, command: &Command) -> Parsed<Action> {
        let mut words = command.args.iter();
        let (Some(time), Some(name)) = (words.next(), words.next()) else {
            return Err(Diagnostic::new("`at` needs a time and a fault", command.verb.span)
                .help("as in `at +250ms crash use1`".to_owned()));
        };
        let text = time.text.strip_prefix('+');
        let word = Word { text: text.unwrap_or(&time.text).to_owned(), span: time.span };
        let moment = duration(&word)?;
        let when = if text.is_some() { When::In(moment) } else { When::At(moment) };
        let verb = verb(name)?;
        if verb.chapter() != super::verb::Chapter::Faults {
            return Err(Diagnostic::new(format!("`{}` is not a fault", name.text), name.span));
        }
        // The words behind the time are a command of their own.
        let inner = Command { verb: name.clone(), args: words.cloned().collect(), ..command.clone() };
        let mut arguments = Arguments::new(&inner);
        let fault = read_fault::read(self, verb, &mut arguments)?;
        arguments.finish()?;
        Ok(Action::FaultAt(when, fault))
    }

    fn shown(&self, arguments: &mut Arguments<'_>) -> Parsed<Vec<Arc<str>>> {
        let words = arguments.words("the name of a call")?;
        words.into_iter().map(|word| self.calls.all().named(&word.text, word.span)).collect()
    }

    fn client(&self, command: &Command) -> Parsed<ClientId> {
        let clients = &self.set_up.clients;
        let Some(actor) = &command.actor else {
            return match clients.len() {
                1 => Ok(ClientId(0)),
                _ => Err(Diagnostic::new(
                    "there are several clients: name the one that calls",
                    command.verb.span,
                )
                .help(format!("as in `{}: {}`", clients[0].name, command.verb.text))),
            };
        };
        let index = clients.iter().position(|client| *client.name == *actor.text);
        index.map(|index| ClientId(index as u32)).ok_or_else(|| {
            let closest = did_you_mean(&actor.text, clients.iter().map(|client| &*client.name));
            let advice = || Some(format!("declare it first with `clients {}`", actor.text));
            Diagnostic::new(format!("unknown client `{}`", actor.text), actor.span)
                .help(closest.or_else(advice))
        })
    }

    /// The Region that `word` names, by its short name or its own.
    pub(super) fn region(&self, word: &Word) -> Parsed<Region> {
        let named = self.set_up.regions.iter().find(|(name, _)| **name == *word.text);
        named.map(|(_, region)| *region).map_or_else(
            || {
                region_called(word).map_err(|mistake| {
                    let names = self.set_up.regions.iter().map(|(name, _)| &**name);
                    let closest = did_you_mean(&word.text, names);
                    if closest.is_some() { mistake.help(closest) } else { mistake }
                })
            },
            Ok,
        )
    }

    /// The client called `word`.
    pub(super) fn client_called(&self, word: &str) -> Option<ClientId> {
        let index = self.set_up.clients.iter().position(|client| *client.name == *word)?;
        Some(ClientId(index as u32))
    }

    /// A better `mistake` than that `name` is no Region: an end of a link may be meant for a client.
    pub(super) fn no_end_of_link(&self, name: &str, mistake: Diagnostic) -> Diagnostic {
        let clients: Vec<&str> = self.set_up.clients.iter().map(|client| &*client.name).collect();
        let regions = self.set_up.regions.iter().map(|(name, _)| &**name);
        if clients.contains(&name) {
            return Diagnostic::new(format!("`{name}` is a client and has no nodes"), mistake.span)
                .help(format!("write `{name}` alone"));
        }
        let mut known: Vec<&str> = clients.iter().copied().chain(regions).collect();
        Region::all().for_each(|region| known.push(region.name()));
        let closest = did_you_mean(name, known);
        let all = format!(
            "it is a client ({}), a Region, REGION/control-plane, REGION/witness or `*`",
            clients.join(", ")
        );
        Diagnostic::new(format!("`{name}` is neither a Region nor a client"), mistake.span)
            .help(closest.unwrap_or(all))
    }

    /// Without `clients` there is one client.
    fn default_client(&mut self) {
        if self.set_up.clients.is_empty() {
            self.set_up.clients.push(ClientOptions::default());
        }
    }
}

impl From<Diagnostic> for Vec<Diagnostic> {
    fn from(diagnostic: Diagnostic) -> Vec<Diagnostic> {
        vec![diagnostic]
    }
}

fn skip(word: &Word) -> Parsed<()> {
    one_of(word, "a way to deal with a missing value", &[("skip", ())])
}

fn verb(word: &Word) -> Parsed<Verb> {
    Verb::parse(&word.text).ok_or_else(|| {
        let verbs = Verb::ALL.iter().filter(|verb| **verb != Verb::Call).map(|verb| verb.name());
        let commands = Operation::ALL.iter().map(|operation| operation.command());
        let closest = did_you_mean(&word.text, verbs.chain(commands));
        let closest = match Verb::renamed(&word.text) {
            Some(verb) => Some(format!("`{}` is called `{}` now", word.text, verb.name())),
            None => closest,
        };
        let advice = || Some("`dsql-sim help scenario` lists the verbs".to_owned());
        Diagnostic::new(format!("unknown verb `{}`", word.text), word.span).help(closest.or_else(advice))
    })
}

fn region_called(word: &Word) -> Parsed<Region> {
    Region::parse(&word.text).ok_or_else(|| {
        let closest = did_you_mean(&word.text, Region::all().map(Region::name));
        Diagnostic::new(format!("unknown Region `{}`", word.text), word.span).help(closest)
    })
}
