//! The arguments of a command: its words and options, taken one by one. One that is left over is a mistake.

use std::str::FromStr;
use std::time::Duration;

use crate::control::message::DelayRange as TimeSpan;
use crate::types::parse_duration;

use super::diagnostic::{Diagnostic, Parsed, Span, did_you_mean};
use super::script::{Body, Command, Word};
use super::verbs::Verb;

/// The words and options of a command that are still to be read.
pub(super) struct Arguments<'a> {
    command: &'a Command,
    words: std::slice::Iter<'a, Word>,
    options: Vec<&'a (Word, Word)>,
    body: Option<&'a Body>,
    /// The options that the reader of the command has looked for: those that the command takes.
    known: Vec<&'static str>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(command: &'a Command) -> Arguments<'a> {
        Arguments {
            command,
            words: command.args.iter(),
            options: command.options.iter().collect(),
            body: command.body.as_ref(),
            known: Vec::new(),
        }
    }

    /// The command.
    pub(super) fn command(&self) -> &'a Command {
        self.command
    }

    /// The command's verb, where mistakes about the whole command are shown.
    pub(super) fn span(&self) -> Span {
        self.command.verb.span
    }

    /// The next word, if there is one.
    pub(super) fn word(&mut self) -> Option<&'a Word> {
        self.words.next()
    }

    /// The next word, which must be there; `what` describes it.
    pub(super) fn required(&mut self, what: &str) -> Parsed<&'a Word> {
        self.word()
            .ok_or_else(|| Diagnostic::new(format!("`{}` needs {what}", self.command.verb.text), self.span()))
    }

    /// Every remaining word; at least one.
    pub(super) fn words(&mut self, what: &str) -> Parsed<Vec<&'a Word>> {
        let first = self.required(what)?;
        Ok(std::iter::once(first).chain(self.words.by_ref()).collect())
    }

    /// The value of the option `name`, if it was given.
    pub(super) fn option(&mut self, name: &'static str) -> Option<&'a Word> {
        self.known.push(name);
        let index = self.options.iter().position(|(key, _)| key.text == name)?;
        Some(&self.options.remove(index).1)
    }

    /// The value of the option `name`, which the verb no longer takes, if it was given.
    pub(super) fn retired_option(&mut self, name: &str) -> Option<&'a Word> {
        self.options.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
    }

    /// The options whose names begin with `prefix`, each with the rest of its name.
    pub(super) fn options_after(&mut self, prefix: &'static str) -> Vec<(&'a str, &'a Word)> {
        self.known.push(prefix);
        let found = self.options.extract_if(.., |(key, _)| key.text.starts_with(prefix));
        found.map(|(key, value)| (&key.text[prefix.len()..], value)).collect()
    }

    /// Every remaining option, whatever its name.
    pub(super) fn pairs(&mut self) -> Vec<&'a (Word, Word)> {
        std::mem::take(&mut self.options)
    }

    /// The value of the option `name`, which must be there.
    pub(super) fn required_option(&mut self, name: &'static str, what: &str) -> Parsed<&'a Word> {
        self.option(name).ok_or_else(|| {
            Diagnostic::new(format!("`{}` needs `{name}=`, {what}", self.command.verb.text), self.span())
        })
    }

    /// The value of the option `name` as a number, or `otherwise`.
    pub(super) fn number<T: FromStr>(&mut self, name: &'static str, otherwise: T) -> Parsed<T> {
        self.option(name).map_or(Ok(otherwise), |word| number(word))
    }

    /// The value of the option `name` as a duration, or `otherwise`.
    pub(super) fn duration(&mut self, name: &'static str, otherwise: Duration) -> Parsed<Duration> {
        self.option(name).map_or(Ok(otherwise), duration)
    }

    /// The value of the option `rate`, as in `rate=30%`.
    pub(super) fn rate(&mut self) -> Parsed<Option<u8>> {
        self.option("rate").map(percent).transpose()
    }

    /// The JSON below the command, if there is some.
    pub(super) fn body(&mut self) -> Option<&'a Body> {
        self.body.take()
    }

    /// The remaining words and options as a command of their own, whose verb is `verb`.
    pub(super) fn remaining(&mut self, verb: &Word) -> Command {
        let args = self.words.by_ref().cloned().collect();
        let options = self.pairs().into_iter().cloned().collect();
        Command { verb: verb.clone(), args, options, body: None, ..self.command.clone() }
    }

    /// Ends the reading of the command: a remaining word, option or body is a mistake.
    pub(super) fn finish(mut self) -> Parsed<()> {
        let verb = &self.command.verb.text;
        if let Some(word) = self.words.next() {
            let form = Verb::ALL.iter().map(|known| known.entry()).find(|entry| entry.name == *verb);
            let help = form.map(|entry| format!("its form is `{}`", entry.usage.replace('\n', "` or `")));
            return Err(
                Diagnostic::new(format!("`{verb}` does not take `{}`", word.text), word.span).help(help)
            );
        }
        if let Some((key, _)) = self.options.first() {
            let message = format!("`{verb}` has no option `{}`", key.text);
            let help = match RENAMED_OPTIONS.iter().find(|(old, _)| *old == key.text) {
                Some((old, new)) => format!("`{old}=` is called `{new}=` now"),
                None => {
                    did_you_mean(&key.text, self.known.iter().copied()).unwrap_or_else(|| listed(&self.known))
                }
            };
            return Err(Diagnostic::new(message, key.span).help(help));
        }
        match self.body {
            None => Ok(()),
            Some(body) => Err(Diagnostic::new(format!("`{verb}` takes no input"), body.span)),
        }
    }
}

/// Options by the names that they had before.
const RENAMED_OPTIONS: [(&str, &str); 1] = [("missing", "if-missing")];

/// The options that a command takes, for help.
fn listed(known: &[&str]) -> String {
    match known {
        [] => "it takes no options".to_owned(),
        known => format!(
            "its options are {}",
            known.iter().map(|name| format!("`{name}=`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// A whole number.
pub(super) fn number<T: FromStr>(word: &Word) -> Parsed<T> {
    word.text
        .parse()
        .map_err(|_| Diagnostic::new(format!("`{}` is not a whole number", word.text), word.span))
}

/// A percentage, as in `30%`.
fn percent(word: &Word) -> Parsed<u8> {
    let percent =
        word.text.strip_suffix('%').and_then(|percent| percent.parse().ok()).filter(|it| *it <= 100);
    percent.ok_or_else(|| {
        Diagnostic::new(format!("`{}` is not a percentage", word.text), word.span)
            .help("write it as in 30%".to_owned())
    })
}

/// A duration, as in `30s`.
pub(super) fn duration(word: &Word) -> Parsed<Duration> {
    parse_duration(&word.text).ok_or_else(|| {
        Diagnostic::new(format!("`{}` is not a duration", word.text), word.span)
            .help("write it as in 250ms, 30s or 1h".to_owned())
    })
}

/// A duration, or a range as in `1ms..50ms`.
pub(super) fn time_span(word: &Word) -> Parsed<TimeSpan> {
    let mistake = || {
        Diagnostic::new(format!("`{}` is not a duration or a range of them", word.text), word.span)
            .help("write it as in 30s or 1ms..50ms".to_owned())
    };
    let (min, max) = word.text.split_once("..").unwrap_or((&word.text, &word.text));
    let span = TimeSpan {
        min: parse_duration(min).ok_or_else(mistake)?,
        max: parse_duration(max).ok_or_else(mistake)?,
    };
    if span.min <= span.max { Ok(span) } else { Err(mistake()) }
}

/// The value of the name in `all` that `word` is; `what` describes them.
pub(super) fn one_of<T>(word: &Word, what: &str, all: &[(&str, T)]) -> Parsed<T>
where
    T: Clone,
{
    all.iter().find(|(name, _)| *name == word.text).map(|(_, value)| value.clone()).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let closest = did_you_mean(&word.text, names.iter().copied());
        Diagnostic::new(format!("`{}` is not {what}", word.text), word.span)
            .help(closest.or_else(|| Some(format!("it is one of {}", names.join(", ")))))
    })
}
