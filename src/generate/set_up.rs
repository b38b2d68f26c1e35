//! What a generated scenario begins with: who calls, how long things take, how open questions are answered.

use std::time::Duration;

use crate::control::assumptions::{Assumptions, SwitchKind};
use crate::control::message::DelayRange;
use crate::scenario::{PrincipalOptions, SetUp};
use crate::sim::Latency;
use crate::sim::client::ClientOptions;
use crate::types::{Account, PrincipalId, print_duration};

use super::calls::Opening;
use super::draws::Draws;
use super::{Plan, Topology};

/// The set-up of `seed`.
pub(super) fn draw(seed: u64, draws: Draws, plan: &Plan, principals: Vec<PrincipalOptions>) -> SetUp {
    let mut set_up = SetUp { seed, principals, ..SetUp::new() };
    let accounts = draws.weigh("accounts", &[(17, 1), (2, 2), (1, 3_usize)]);
    for number in 0..plan.clients {
        let client = client(draws.about("client", number), number, accounts, &plan.place, &set_up);
        set_up.clients.push(client);
    }
    if draws.chance("even latency", 25) {
        set_up.latency = Latency::Even(DelayRange::millis(1, draws.pick("latency", &[5_u64, 50, 500])));
    }
    if draws.chance("slow disk", 25) {
        set_up.disk = Duration::from_millis(draws.pick("disk", &[10_u64, 100, 1000]));
    }
    if plan.swarm.assumes {
        for number in 0..draws.between("assumptions", 1, 3) {
            assume(draws.about("assumption", number), &mut set_up.assumptions);
        }
    }
    set_up
}

/// Answers open questions so that `opening` can come to what it is about.
pub(super) fn suit(draws: Draws, assumptions: &mut Assumptions, opening: Opening) {
    match opening {
        // A stream shows DELETED too.
        Opening::Streams if draws.chance("deleted streams", 25) => assumptions.deleted_visible = MINUTES,
        Opening::Failed => assumptions.creation_fails = true,
        Opening::Deleted => assumptions.deleted_visible = assumptions.deleted_visible.max(MINUTES),
        Opening::PairParts => assumptions.unpeer_active = true,
        // The side that declares has to come to its proposal while the other's is still under way.
        Opening::Race => {
            assumptions.unpeer_active = true;
            assumptions.update_time = DelayRange::millis(20, 200);
        }
        // A declaration is taken back, made again and taken back before the deadline of the first wait.
        Opening::Wavering => assumptions.update_time = DelayRange::millis(20, 200),
        _ => {}
    }
}

/// Who the principal of a client or of a call is: nobody in particular, or one of the account's.
pub(super) fn principal(draws: Draws, set_up: &SetUp, account: Account) -> Option<PrincipalId> {
    let all = set_up.principals.iter().enumerate().filter_map(|(place, known)| {
        let principal = PrincipalId::new(place)?;
        (set_up.account_of(principal) == account).then_some((&*known.name, Some(principal)))
    });
    draws.among("principal", all.chain([("nobody", None)])).and_then(|(_, principal)| principal)
}

fn client(draws: Draws, number: usize, accounts: usize, place: &Topology, set_up: &SetUp) -> ClientOptions {
    let home = if draws.chance("at home", 70) { place.regions[0] } else { draws.pick("home", &place.all()) };
    // The first accounts have a client each, if there are clients enough.
    let account = ACCOUNTS[if number < accounts { number } else { draws.below("account", accounts) }];
    let account = Account::parse(account).expect("twelve digits");
    let principal = principal(draws, set_up, account);
    ClientOptions { name: CLIENTS[number].into(), account, home, principal }
}

/// Flips a switch, whichever, to a value that it takes.
fn assume(draws: Draws, assumptions: &mut Assumptions) {
    let (name, kind) = draws.pick("which", Assumptions::SWITCHES);
    let value = match kind {
        SwitchKind::Boolean => (assumptions.value(name) == "false").to_string(),
        SwitchKind::Refusal => {
            let values = ["validation", "conflict", "access-denied", "not-found"];
            let usual = assumptions.value(name);
            let others = values.into_iter().filter(|value| *value != usual);
            draws.among("refusal", others).expect("there are four").to_owned()
        }
        SwitchKind::Number => draws.between("number", 1, 3).to_string(),
        // A token is remembered for hours, and nothing else takes as long.
        SwitchKind::Duration if name == "token_window" => print_duration(window(draws)),
        SwitchKind::Duration => print_duration(Duration::from_millis(200) + draws.pause("duration", 16)),
        SwitchKind::DelayRange => {
            let (min, more) = (draws.pause("least", 14), draws.pause("more", 16));
            format!("{}..{}", print_duration(min), print_duration(min + more))
        }
    };
    assumptions.set(name, &value).expect("a value of the switch's kind");
}

/// A time from a second to a day, short ones as often as long ones.
fn window(draws: Draws) -> Duration {
    let longest = 1 << draws.between("window", 0, 16);
    draws.about("window", 0).seconds("of", 1, longest)
}

/// What the clients of a scenario are called.
const CLIENTS: [&str; 4] = ["ops", "ci", "dev", "bot"];

/// Whose they are.
const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];

/// Long enough to be met.
const MINUTES: Duration = Duration::from_secs(240);
