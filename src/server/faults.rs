//! Faults that clients of the control interface inject: lines of the scenario language, read into faults.

use std::sync::Arc;
use std::time::Duration;

use crate::region::Region;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::verbs::{Chapter, Verb};
use crate::scenario::{Action, Scenario, SetUp, When};
use crate::sim::client::ClientOptions;
use crate::sim::fault::Fault;
use crate::types::{Account, ClientId, Instant};

/// Reads `text` as faults, each with the time from `now` until it is injected.
///
/// The text is read after `set_up`, so that it can refer to Regions, clients and principals.
///
/// # Errors
/// The text has an error, or a command that is not a fault. All of it is read before anything is injected, so that it
/// has no effect then.
pub(super) fn read(set_up: &SetUp, text: &str, now: Instant) -> Result<Vec<(Duration, Fault)>, String> {
    for verb in text.lines().filter_map(|line| line.split_whitespace().next()) {
        if Verb::parse(verb).is_some_and(|verb| verb.chapter() == Chapter::SetUp) {
            return Err(format!(
                "`{verb}` belongs to the set-up of a world, and only faults can be injected here. To proceed, serve \
                 with `--scenario FILE`"
            ));
        }
    }
    let set_up = Scenario::of(set_up.clone(), Vec::new()).print("");
    let scenario = Scenario::parse(&format!("{set_up}\n{text}\n")).map_err(|diagnostics| {
        let message = |diagnostic: &Diagnostic| match &diagnostic.help {
            Some(help) => format!("{}: {help}", diagnostic.message),
            None => diagnostic.message.clone(),
        };
        diagnostics.iter().map(message).collect::<Vec<_>>().join("; ")
    })?;
    let actions = scenario.blocks.into_iter().flatten().map(|step| step.action);
    let planned = actions.filter(|action| !matches!(action, Action::SetUp)).map(|action| match action {
        Action::Fault(fault) => Ok((Duration::ZERO, fault)),
        Action::FaultAt(When::In(pause), fault) => Ok((pause, fault)),
        Action::FaultAt(When::At(at), fault) => Ok((Instant::START.after(at).since(now), fault)),
        _ => Err("only faults can be injected here".to_owned()),
    });
    planned.collect()
}

/// Random faults as text, in the form that [`read`] takes: for each, a line with the time from now on, and a second one
/// with its end. They concern the first client that calls.
pub(super) fn schedule(set_up: &SetUp, account: Account, drawn: Vec<Vec<Action>>) -> Vec<String> {
    let mut set_up = Scenario::of(set_up.clone(), Vec::new()).set_up;
    let client = ClientId(set_up.clients.len() as u32);
    set_up.clients.push(unknown_client(1, account));
    let line = |action: Action| match action {
        Action::Fault(fault) => set_up.words(&Action::Fault(fault.with_client(client))),
        Action::FaultAt(when, fault) => set_up.words(&Action::FaultAt(when, fault.with_client(client))),
        other => set_up.words(&other),
    };
    let text = |actions: Vec<Action>| actions.into_iter().map(line).collect::<Vec<_>>().join("\n");
    drawn.into_iter().map(text).collect()
}

/// The client that is the `number`th, from 1, before its first call.
pub(super) fn unknown_client(number: usize, account: Account) -> ClientOptions {
    ClientOptions { name: client_name(number), account, home: Region::US_EAST_1, ..ClientOptions::default() }
}

/// The name of the client that is the `number`th, from 1, by its first call.
pub(super) fn client_name(number: usize) -> Arc<str> {
    format!("{CLIENT}{number}").into()
}

/// The highest number of a client that `text` names; 0 if it names none.
pub(super) fn highest_client(text: &str) -> usize {
    let words = text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '-'));
    // The ends of a link are joined by an arrow, as in `client-1->use1`.
    let numbers = words.filter_map(|word| word.strip_prefix(CLIENT)?.trim_end_matches('-').parse().ok());
    numbers.max().unwrap_or_default()
}

const CLIENT: &str = "client-";
