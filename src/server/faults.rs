//! Faults that clients of the control interface inject: those of a seed as text, and the names of the clients in them.

use std::sync::Arc;

use crate::region::Region;
use crate::scenario::{Action, Scenario, SetUp};
use crate::sim::client::ClientOptions;
use crate::types::{Account, ClientId};

/// Random faults as text, as [`read_faults`](crate::gateway::read_faults) takes it: for each, a line with the time from
/// now on, and a second one with its end. They concern the first client that calls.
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
