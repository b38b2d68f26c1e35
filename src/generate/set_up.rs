//! The set-up of a generated scenario: clients, principals, latencies and assumptions.

use std::sync::Arc;
use std::time::Duration;

use strum::VariantArray;

use crate::api::StreamFailureErrorCode;
use crate::control::assumptions::{Assumptions, SwitchKind};
use crate::control::message::DelayRange;
use crate::iam::{NetworkOrigin, VpcEndpoint};
use crate::scenario::{PrincipalOptions, SetUp};
use crate::sim::Latency;
use crate::sim::client::ClientOptions;
use crate::types::{Account, PrincipalId, print_duration};

use super::calls::Opening;
use super::conditions::{ADDRESSES, ENDPOINT};
use super::draws::Draws;
use super::{Plan, Topology, keys};

/// The set-up of a scenario, with clients for `plan` and these principals.
pub(super) fn draw(seed: u64, draws: Draws, plan: &Plan, principals: Vec<PrincipalOptions>) -> SetUp {
    let mut set_up = SetUp { seed, principals, ..SetUp::new() };
    if plan.swarm.keys {
        set_up.keys = keys::declared(draws, &plan.topology);
    }
    let accounts = draws.weigh("accounts", &[(17, 1), (2, 2), (1, 3_usize)]);
    for number in 0..plan.clients {
        let client = client(draws.about("client", number), number, accounts, &plan.topology, &set_up);
        set_up.clients.push(client);
    }
    if draws.chance("even latency", 25) {
        set_up.latency = Latency::Even(DelayRange::millis(1, draws.pick("latency", &[5_u64, 50, 500])));
    }
    if draws.chance("slow disk", 25) {
        set_up.disk = Duration::from_millis(draws.pick("disk", &[10_u64, 100, 1000]));
    }
    if plan.swarm.changes_assumptions {
        for number in 0..draws.between("assumptions", 1, 3) {
            change_assumption(draws.about("assumption", number), &mut set_up.assumptions);
        }
    }
    set_up
}

/// Sets the clients and the assumptions without which `opening` could not reach its state.
pub(super) fn adapt(draws: Draws, set_up: &mut SetUp, opening: Opening) {
    let assumptions = &mut set_up.assumptions;
    match opening {
        // The clients put the policies, and the principals call under them. Only one account has principals.
        Opening::Delegated | Opening::Conditional => {
            for client in &mut set_up.clients {
                (client.account, client.principal) = (Account::DEFAULT, None);
            }
        }
        // A short list of calls reaches a small quota.
        Opening::Limits => {
            let quota = draws.weigh("quota", &[(1, 1), (3, 2), (2, 3_u32)]);
            (assumptions.single_region_quota, assumptions.multi_region_quota) = (quota, quota);
        }
        Opening::Again => {
            assumptions.unpeer_active = true;
            if draws.chance("short updates", 40) {
                assumptions.update_time = DelayRange::millis(20, 200);
            }
        }
        // A side may name another witness than the other side declares.
        Opening::Pair if draws.chance("witnesses may differ", 20) => {
            assumptions.witness_mismatch_refused = false
        }
        // Streams have the status DELETED too.
        Opening::Streams if draws.chance("deleted streams", 25) => assumptions.deleted_visible = MINUTES,
        // A disabled key that a call selects is otherwise refused, and never found out later.
        Opening::Keys if draws.chance("disabled keys", 40) => assumptions.disabled_key_refused = false,
        Opening::Failed => assumptions.creation_fails = true,
        Opening::Deleted => assumptions.deleted_visible = assumptions.deleted_visible.max(MINUTES),
        Opening::PairParts => assumptions.unpeer_active = true,
        // A short update lets the declaring side propose while the other side's proposal is still under way.
        Opening::Race => {
            assumptions.unpeer_active = true;
            assumptions.update_time = DelayRange::millis(20, 200);
        }
        // Short updates fit two withdrawals and a declaration into the deadline of the first withdrawal.
        Opening::Wavering => assumptions.update_time = DelayRange::millis(20, 200),
        _ => {}
    }
}

/// A principal of `account` for a client or a call. `None` keeps the default: a client's is the root of its account, a
/// call's is that of its client.
pub(super) fn principal(draws: Draws, set_up: &SetUp, account: Account) -> Option<PrincipalId> {
    let all = (0..set_up.principals.len()).filter_map(|index| {
        let principal = PrincipalId::new(index)?;
        (set_up.account_of(principal) == account).then_some(Some(principal))
    });
    draws.among("principal", all.chain([None])).flatten()
}

/// The client with this index, in one of the first `accounts` accounts.
fn client(draws: Draws, index: usize, accounts: usize, topology: &Topology, set_up: &SetUp) -> ClientOptions {
    let home =
        if draws.chance("at home", 70) { topology.regions[0] } else { draws.pick("home", &topology.all()) };
    // One client for each account first: an account without a client would have no effect.
    let account = ACCOUNTS[if index < accounts { index } else { draws.below("account", accounts) }];
    let account = Account::parse(account).expect("twelve digits");
    let principal = principal(draws, set_up, account);
    ClientOptions { name: CLIENTS[index].into(), account, home, principal, origin: origin(draws) }
}

/// The network from which a client calls: mostly the default one, otherwise another address or a VPC endpoint.
fn origin(draws: Draws) -> Arc<NetworkOrigin> {
    let mut origin = NetworkOrigin::default();
    match draws.weigh("network", &[(6, "default"), (2, "address"), (3, "endpoint")]) {
        "address" => origin.address = draws.pick("address", &ADDRESSES[1..]),
        "endpoint" => {
            origin.address = draws.pick("address", &ADDRESSES[..2]);
            origin.endpoint = Some(VpcEndpoint { id: ENDPOINT.0.into(), vpc: ENDPOINT.1.into() });
        }
        _ => {}
    }
    Arc::new(origin)
}

/// Gives one assumption another value that is valid for it.
fn change_assumption(draws: Draws, assumptions: &mut Assumptions) {
    let (name, kind) = draws.pick("which", Assumptions::SWITCHES);
    let value = match kind {
        SwitchKind::Boolean => (assumptions.value(name) == "false").to_string(),
        SwitchKind::Refusal => {
            let values = ["validation", "conflict", "access-denied", "not-found"];
            let usual = assumptions.value(name);
            let others = values.into_iter().filter(|value| *value != usual);
            draws.among("refusal", others).expect("there are four").to_owned()
        }
        SwitchKind::StreamFailure => draws.pick("error", StreamFailureErrorCode::VARIANTS).to_string(),
        SwitchKind::Number => draws.between("number", 1, 3).to_string(),
        // The window of client tokens is the only duration that is hours long.
        SwitchKind::Duration if name == "token_window" => print_duration(window(draws)),
        SwitchKind::Duration => print_duration(Duration::from_millis(200) + draws.pause("duration", 16)),
        SwitchKind::DelayRange => {
            let (min, more) = (draws.pause("least", 14), draws.pause("more", 16));
            format!("{}..{}", print_duration(min), print_duration(min + more))
        }
    };
    assumptions.set(name, &value).expect("a value of the switch's kind");
}

/// A duration of 1 s to 2^16 s (18 hours). Every order of magnitude is about as frequent.
fn window(draws: Draws) -> Duration {
    let longest = 1 << draws.between("window", 0, 16);
    draws.about("window", 0).seconds("of", 1, longest)
}

/// The names of the clients, in order.
const CLIENTS: [&str; 4] = ["ops", "ci", "dev", "bot"];

/// The accounts of the clients, in order.
const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];

/// A time in DELETED that is long enough for later calls to find the cluster in it.
const MINUTES: Duration = Duration::from_secs(240);
