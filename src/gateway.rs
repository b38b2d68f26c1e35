//! What the adapters for real clients share: the server (`server`) and the official SDK in virtual time (`sdk`).
//!
//! Both turn an HTTP request into a call of the world with a single attempt, because the real client retries by itself.
//! Both turn the outcome of the call back into an answer, and read faults from lines of the scenario language.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Error, Response};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::verbs::{Chapter, Verb};
use crate::scenario::{Action, Scenario, SetUp, When};
use crate::sim::client::Outcome;
use crate::sim::fault::Fault;
use crate::types::{Account, Instant};

/// The answer of the service; `None` if the simulated network lost it or the world ended.
pub(crate) type CallAnswer = Option<Result<Arc<Response>, Arc<Error>>>;

/// The answer that a connection gets after `outcome`. The network lost the answers of the others, so their connections
/// get none.
pub(crate) fn answer_of(outcome: Option<Outcome>) -> CallAnswer {
    match outcome {
        Some(Outcome::Ok(response)) => Some(Ok(response)),
        Some(Outcome::Failed(error)) => Some(Err(error)),
        Some(Outcome::Gone | Outcome::Unknown | Outcome::TimedOut(_)) | None => None,
    }
}

/// The account of an access key id without a principal. By convention of local AWS emulators, an id of twelve digits is
/// an account id.
pub(crate) fn account_of_key(access_key: &str, default_account: Account) -> Account {
    Account::parse(access_key).unwrap_or(default_account)
}

/// Reads `text` as faults, each with the time from `now` until it is injected.
///
/// The text is read after `set_up`, so that it can refer to Regions, clients and principals.
///
/// # Errors
/// The text has an error, or a command that is not a fault. All of it is read before anything is injected, so that it
/// has no effect then.
pub(crate) fn read_faults(
    set_up: &SetUp,
    text: &str,
    now: Instant,
) -> Result<Vec<(Duration, Fault)>, String> {
    for verb in text.lines().filter_map(|line| line.split_whitespace().next()) {
        if Verb::parse(verb).is_some_and(|verb| verb.chapter() == Chapter::SetUp) {
            return Err(format!(
                "`{verb}` belongs to the set-up of a world, and only faults can be injected here. To proceed, put it \
                 into the set-up with which the world begins"
            ));
        }
    }
    let set_up = Scenario::of(set_up.clone(), Vec::new()).print("");
    let scenario =
        Scenario::parse(&format!("{set_up}\n{text}\n")).map_err(|mistakes| mistakes_text(&mistakes))?;
    planned_faults(&scenario, now)
}

/// The faults of `scenario`, each with the time from `now` until it is injected.
///
/// # Errors
/// The scenario has a command that is neither a fault nor part of the set-up.
pub(crate) fn planned_faults(scenario: &Scenario, now: Instant) -> Result<Vec<(Duration, Fault)>, String> {
    let actions = scenario.blocks.iter().flatten().map(|step| &step.action);
    let planned = actions.filter(|action| !matches!(action, Action::SetUp)).map(|action| match action {
        Action::Fault(fault) => Ok((Duration::ZERO, fault.clone())),
        Action::FaultAt(When::In(pause), fault) => Ok((*pause, fault.clone())),
        Action::FaultAt(When::At(at), fault) => Ok((Instant::START.after(*at).since(now), fault.clone())),
        _ => Err("only faults can be injected here".to_owned()),
    });
    planned.collect()
}

/// The mistakes of a text in one line.
pub(crate) fn mistakes_text(mistakes: &[Diagnostic]) -> String {
    let message = |mistake: &Diagnostic| match &mistake.help {
        Some(help) => format!("{}: {help}", mistake.message),
        None => mistake.message.clone(),
    };
    mistakes.iter().map(message).collect::<Vec<_>>().join("; ")
}
