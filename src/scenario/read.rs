//! The reader: turns the syntax tree of a scenario file into a [`Scenario`].
//!
//! It validates everything that can be validated without a run, and reports every mistake, not just the first. A file
//! with a mistake runs nothing. Each verb has its reader in its own file; here is what they share.

use std::time::Duration;

use crate::api::Operation;
use crate::sim::client::ClientOptions;

use super::arguments::Arguments;
use super::diagnostic::{Diagnostic, Parsed, ParsedWhole};
use super::named_calls::{NamedCalls, VisibleCalls};
use super::script::{Command, Line, Script, Word, is_trace_line};
use super::step_keys::StepKeys;
use super::verbs::{self, Verb, VerbReader, clients};
use super::{Action, Scenario, SetUp, Step};

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
            let steps = block.commands.iter().flat_map(|command| reader.steps(command)).collect();
            reader.together = None;
            reader.check_output(&block.output);
            steps
        })
        .collect();
    if reader.mistakes.is_empty() {
        let warnings = std::mem::take(&mut reader.warnings);
        reader.end_set_up();
        Ok(Scenario { set_up: reader.set_up, script, blocks, warnings })
    } else {
        Err(reader.mistakes)
    }
}

/// The state of reading after some commands of the file.
pub(super) struct ScenarioReader {
    pub(super) set_up: SetUp,
    /// The named calls so far.
    pub(super) calls: NamedCalls,
    /// The operation of the last call. `None` if there was no call, or if calls that began together call different
    /// operations: the last of them is the one that begins last, which need not be the last of the file.
    pub(super) last: Option<Operation>,
    pub(super) warnings: Vec<Diagnostic>,
    /// Behind `parallel`, the calls that begin together.
    together: Option<CallGroup>,
    /// Whether a command that is no part of the set-up has been read.
    set_up_has_ended: bool,
    keys: StepKeys,
    mistakes: Vec<Diagnostic>,
}

/// Calls that begin together.
struct CallGroup {
    /// The number of named calls before them: those have ended when the calls of the group begin.
    before: usize,
    /// Whether the group has no call yet.
    is_empty: bool,
}

impl ScenarioReader {
    fn new() -> ScenarioReader {
        ScenarioReader {
            set_up: SetUp::new(),
            calls: NamedCalls::default(),
            last: None,
            warnings: Vec::new(),
            together: None,
            set_up_has_ended: false,
            keys: StepKeys::default(),
            mistakes: Vec::new(),
        }
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
    fn steps(&mut self, command: &Command) -> Vec<Step> {
        let actions = self.actions(command).unwrap_or_else(|mistakes| {
            self.mistakes.extend(mistakes);
            Vec::new()
        });
        let is_part = actions.len() > 1;
        let step = |mut action: Action| {
            let key = self.keys.next(&mut action);
            Step { key, span: command.span, is_part, action }
        };
        actions.into_iter().map(step).collect()
    }

    fn actions(&mut self, command: &Command) -> ParsedWhole<Vec<Action>> {
        let verb = match Operation::parse_command(&command.verb.text) {
            Some(_) => Verb::Call,
            None => verbs::read(&command.verb)?,
        };
        let mut arguments = Arguments::new(command);
        let action = match verb.entry().reader {
            VerbReader::Call(read) => {
                self.end_set_up();
                return Ok(vec![read(self, command)?]);
            }
            VerbReader::Calls(read) => {
                self.end_set_up();
                return read(self, command);
            }
            VerbReader::SetUp { read, .. } => {
                check_no_client(verb, command)?;
                // A recording is written while clients come.
                match (self.set_up_has_ended, verb) {
                    (false, _) => read(&mut self.set_up, &mut arguments)?,
                    (true, Verb::Clients) => clients::declare_later(&mut self.set_up, &mut arguments)?,
                    (true, _) => {
                        let message = format!("`{}` belongs before the first call or fault", verb.name());
                        return Err(vec![Diagnostic::new(message, command.verb.span)]);
                    }
                }
                Action::SetUp
            }
            VerbReader::Fault(read) => {
                self.begin_step(verb, command)?;
                Action::Fault(read(&self.set_up, &mut arguments)?)
            }
            VerbReader::Step(read) => {
                self.begin_step(verb, command)?;
                read(self, &mut arguments)?
            }
        };
        arguments.finish()?;
        Ok(vec![action])
    }

    /// Begins a step that is no call. It ends the calls that began together, unless it is a fault among them.
    fn begin_step(&mut self, verb: Verb, command: &Command) -> Parsed<()> {
        check_no_client(verb, command)?;
        self.end_set_up();
        if verb != Verb::Meanwhile {
            self.together = None;
        }
        Ok(())
    }

    /// Ends the set-up. Without `clients` there is one client.
    fn end_set_up(&mut self) {
        self.set_up_has_ended = true;
        if self.set_up.clients.is_empty() {
            self.set_up.clients.push(ClientOptions::default());
        }
    }

    /// Notes that the calls that follow begin together.
    pub(super) fn begin_together(&mut self) {
        self.together = Some(CallGroup { before: self.calls.len(), is_empty: true });
    }

    /// Whether the call that is read begins together with others.
    pub(super) fn is_together(&self) -> bool {
        self.together.is_some()
    }

    /// The calls to which a call may refer that begins `after` its turn. Behind `parallel` it may refer to calls that
    /// begin earlier: they may have ended by then.
    pub(super) fn visible_calls(&self, after: Duration) -> VisibleCalls<'_> {
        match &self.together {
            None => self.calls.all(),
            Some(group) => self.calls.visible(group.before, after),
        }
    }

    /// Notes the name of a call.
    pub(super) fn name_call(&mut self, word: &Word, operation: Operation, after: Duration) {
        if self.calls.add(&word.text, operation, after) {
            return;
        }
        let message = format!("`{}` names an earlier call already", word.text);
        let warning = Diagnostic::new(message, word.span).warning();
        self.warnings.push(warning.help("from here on the name stands for this call".to_owned()));
    }

    /// Notes that a call of `operation` is the last call so far.
    pub(super) fn note_call(&mut self, operation: Operation) {
        let is_first = self.together.as_mut().is_none_or(|group| std::mem::take(&mut group.is_empty));
        self.last = Some(operation).filter(|_| is_first || self.last == Some(operation));
    }
}

/// Checks that no client is named: `verb` is no call.
fn check_no_client(verb: Verb, command: &Command) -> Parsed<()> {
    let Some(actor) = &command.actor else { return Ok(()) };
    Err(Diagnostic::new(format!("`{}` is no call: no client makes it", verb.name()), actor.span)
        .help("leave the client out".to_owned()))
}

impl From<Diagnostic> for Vec<Diagnostic> {
    fn from(diagnostic: Diagnostic) -> Vec<Diagnostic> {
        vec![diagnostic]
    }
}
