//! The printer: turns a [`Scenario`] into the text of a file, the inverse of the reader. Each verb has its text in its
//! own file.
//!
//! A printed scenario means the same when it is read again, to the last draw: the key of a step is computed from its
//! data. A generated or shrunk scenario consists of a set-up and actions, without a syntax tree.

use std::fmt::{self, Write as _};

use crate::control::message::DelayRange;
use crate::region::Region;
use crate::sim::client::ClientOptions;
use crate::sim::fault::Fault;
use crate::types::print_duration;

use super::diagnostic::Span;
use super::script::{SEPARATOR, Script};
use super::step_keys::StepKeys;
use super::verbs::{Verb, VerbReader, call, write_fault};
use super::{Action, Scenario, SetUp, Step};

impl Scenario {
    /// The scenario that begins with `set_up` and runs `blocks`, which hold no [`Action::SetUp`].
    #[must_use]
    pub fn of(mut set_up: SetUp, blocks: Vec<Vec<Action>>) -> Scenario {
        if set_up.clients.is_empty() {
            set_up.clients.push(ClientOptions::default());
        }
        let mut keys = StepKeys::default();
        let mut step = |mut action: Action| {
            let key = keys.next(&mut action);
            Step { key, span: Span::default(), is_part: false, action }
        };
        let blocks = blocks.into_iter().map(|block| block.into_iter().map(&mut step).collect()).collect();
        Scenario { script: Script::default(), set_up, blocks, warnings: Vec::new() }
    }

    /// The scenario as the text of a file, with `comment` above it. Recorded traces and comments of the file from which
    /// it was read are left out.
    #[must_use]
    pub fn print(&self, comment: &str) -> String {
        let mut writer = Writer::new(&self.set_up);
        for line in comment.lines() {
            writer.add(format_args!("{}\n", format!("# {line}").trim_end()));
        }
        if !comment.is_empty() {
            writer.page.push('\n');
        }
        let begin = writer.page.len();
        writer.set_up();
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                writer.add(format_args!("{SEPARATOR}\n\n"));
            }
            for step in block {
                writer.command(&step.action);
            }
        }
        // An empty file is a mistake; a scenario without actions is not, and a seed makes it readable.
        if writer.page[begin..].trim_ascii().is_empty() {
            writer.add(format_args!("seed 0\n"));
        }
        writer.page
    }
}

/// A fault as a command, as it stands behind `at TIME`.
pub(crate) fn fault_text(set_up: &SetUp, fault: &Fault) -> String {
    let mut writer = Writer::new(set_up);
    write_fault(fault, &mut writer);
    writer.page
}

/// The text of a file under construction.
pub(super) struct Writer<'a> {
    /// The set-up, with the names of Regions, clients and principals.
    pub(super) set_up: &'a SetUp,
    page: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(set_up: &'a SetUp) -> Writer<'a> {
        Writer { set_up, page: String::new() }
    }

    /// The text.
    pub(super) fn into_page(self) -> String {
        self.page
    }

    /// Appends `text`.
    pub(super) fn add(&mut self, text: fmt::Arguments<'_>) {
        self.page.write_fmt(text).expect("a string takes any text");
    }

    /// The name of a Region in the file: its short name, if it has one.
    pub(super) fn region(&self, region: Region) -> &'a str {
        self.set_up.region_name(region)
    }

    fn set_up(&mut self) {
        for verb in Verb::ALL {
            if let VerbReader::SetUp { write, .. } = verb.entry().reader {
                write(self);
            }
        }
        if !self.page.is_empty() && !self.page.ends_with("\n\n") {
            self.page.push('\n');
        }
    }

    /// Appends `action` as a command, with its client and its input.
    pub(super) fn command(&mut self, action: &Action) {
        if matches!(action, Action::SetUp) {
            return;
        }
        self.actor(action);
        action.write(self);
        self.page.push('\n');
        if let Action::Call(call) = action
            && let Some(input) = call::input_text(call)
        {
            let text = input.to_string();
            let text = if text.len() > WIDEST_BODY { format!("{input:#}") } else { text };
            self.add(format_args!("{text}\n"));
        }
    }

    /// The client of a call, where there are several.
    fn actor(&mut self, action: &Action) {
        if let Action::Call(call) = action
            && self.set_up.clients.len() > 1
        {
            self.add(format_args!("{}: ", self.set_up.clients[call.client.0 as usize].name));
        }
    }
}

impl SetUp {
    /// An action as a line of a file.
    #[must_use]
    pub fn words(&self, action: &Action) -> String {
        let mut writer = Writer::new(self);
        writer.actor(action);
        action.write(&mut writer);
        writer.page
    }
}

/// A duration, or a range as in `1ms..50ms`.
pub(super) fn range_text(range: DelayRange) -> String {
    let (min, max) = (print_duration(range.min), print_duration(range.max));
    if min == max { min } else { format!("{min}..{max}") }
}

/// A body that is longer is printed over several lines.
const WIDEST_BODY: usize = 110;
