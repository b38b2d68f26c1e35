//! Faults that clients of the control interface inject: those of a seed as text, and the names of the clients in them.

use std::sync::Arc;
use std::time::Duration;

use crate::generate::{ProgramTargets, Size, recoverable_faults};
use crate::region::Region;
use crate::scenario::{Action, Scenario, SetUp, When};
use crate::sim::client::ClientOptions;
use crate::sim::fault::{Crash, CrashPoint, Fault};
use crate::types::{Account, ClientId};

/// Recoverable faults about `regions`, drawn by the seed of `set_up`, as text that
/// [`read_faults`](crate::gateway::read_faults) takes: for each, a line with the time from now on, and further lines
/// with its ends. They concern the first client that calls.
pub(super) fn swarm(set_up: &SetUp, account: Account, regions: &[Region]) -> Vec<String> {
    let (called, witnesses) = (regions.to_vec(), regions.to_vec());
    let targets = ProgramTargets { called, witnesses, clients: 1, span: SPAN };
    let drawn = recoverable_faults(set_up.seed, &targets, &Size::USUAL.faults);
    let mut set_up = Scenario::of(set_up.clone(), Vec::new()).set_up;
    let client = ClientId(set_up.clients.len() as u32);
    set_up.clients.push(unknown_client(1, account));
    let line = |action: Action| match action {
        Action::Fault(fault) => set_up.words(&Action::Fault(fault.with_client(client))),
        Action::FaultAt(when, fault) => set_up.words(&Action::FaultAt(when, fault.with_client(client))),
        other => set_up.words(&other),
    };
    let text = |actions: Vec<Action>| restarted(actions).into_iter().map(line).collect::<Vec<_>>().join("\n");
    drawn.into_iter().map(text).collect()
}

/// `actions`, with further restarts of a node that crashes at a point in its work, which it may reach after the first
/// restart.
fn restarted(mut actions: Vec<Action>) -> Vec<Action> {
    let is_armed = |action: &Action| {
        matches!(action, Action::FaultAt(_, Fault::Crash(Crash { moment: CrashPoint::At(..), .. })))
    };
    if actions.iter().any(is_armed)
        && let Some(Action::FaultAt(When::In(at), restart)) = actions.last().cloned()
    {
        actions.extend(AGAIN.map(|pause| Action::FaultAt(When::In(at + pause), restart.clone())));
    }
    actions
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

/// The time within which faults begin. No program outside says how long it takes.
const SPAN: Duration = Duration::from_secs(2 * 60);

/// The pauses after which a node starts again that may have crashed after its first restart. A program that waits for a
/// quarter of an hour then finds it.
const AGAIN: [Duration; 3] =
    [Duration::from_secs(30), Duration::from_secs(2 * 60), Duration::from_secs(10 * 60)];
