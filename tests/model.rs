//! Small worlds explored exhaustively: the bound that is stated holds, and planted bugs give counterexamples that
//! scenario files bring back.

use dsql_sim::Scenario;
use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::internals::model::{Bounds, Workload, explore};
use dsql_sim::internals::scenario::run::run;
use dsql_sim::internals::sim::trace::TraceLevel;

const NOTHING_GOES_WRONG: Bounds = Bounds { crashes: 0, losses: 0, duplicates: 0, repeats: 0, deadlines: 0 };
const ONE_CRASH: Bounds = Bounds { crashes: 1, ..NOTHING_GOES_WRONG };
const ONE_DEADLINE: Bounds = Bounds { deadlines: 1, ..NOTHING_GOES_WRONG };

#[test]
fn every_order_of_two_declarations_holds_and_there_are_as_many_each_time() {
    let explored = explore(Workload::Declare, Mutants::NONE, NOTHING_GOES_WRONG);
    assert!(explored.counterexample.is_none(), "{:?}", explored.counterexample);
    assert_eq!((explored.states, explored.visits), (1431, 6173));
    let again = explore(Workload::Declare, Mutants::NONE, NOTHING_GOES_WRONG);
    assert_eq!((again.states, again.visits, again.depth), (explored.states, explored.visits, explored.depth));
    assert_eq!(again.exercised, explored.exercised);
}

#[test]
fn a_lost_message_is_a_state_of_its_own_and_every_order_still_holds() {
    let bounds = Bounds { losses: 1, ..NOTHING_GOES_WRONG };
    let explored = explore(Workload::Declare, Mutants::NONE, bounds);
    assert!(explored.counterexample.is_none(), "{:?}", explored.counterexample);
    assert!(explored.states > 1431, "{} states", explored.states);
}

#[test]
fn a_link_from_one_side_is_found() {
    is_found(Mutant::LinkFromOneSide, Workload::Declare, NOTHING_GOES_WRONG);
}

#[test]
fn a_value_that_is_not_adopted_is_found() {
    is_found(Mutant::ValueNotAdopted, Workload::Declare, NOTHING_GOES_WRONG);
}

#[test]
fn a_link_that_is_never_learned_is_found() {
    is_found(Mutant::LinkNeverLearned, Workload::Declare, NOTHING_GOES_WRONG);
}

#[test]
fn a_withdrawal_without_the_register_is_found() {
    is_found(Mutant::WithdrawWithoutRegister, Workload::Withdraw, NOTHING_GOES_WRONG);
}

#[test]
fn a_value_chosen_by_one_acceptor_is_found() {
    is_found(Mutant::ChosenByOne, Workload::Withdraw, NOTHING_GOES_WRONG);
}

#[test]
fn a_deletion_without_the_peer_is_found() {
    is_found(Mutant::DeleteWithoutPeer, Workload::Delete, NOTHING_GOES_WRONG);
}

#[test]
fn a_reply_before_its_write_is_durable_is_found() {
    is_found(Mutant::ReplyBeforePersist, Workload::Declare, ONE_CRASH);
}

#[test]
fn an_acceptance_that_is_no_promise_is_found() {
    is_found(Mutant::AcceptanceIsNoPromise, Workload::Overtaken, NOTHING_GOES_WRONG);
}

#[test]
fn a_call_that_is_carried_out_undecided_is_found() {
    is_found(Mutant::UndecidedIsWon, Workload::Overtaken, ONE_DEADLINE);
}

#[test]
fn an_update_that_is_given_up_and_stays_written_down_is_found() {
    is_found(Mutant::GivenUpKept, Workload::Withdraw, ONE_DEADLINE);
}

#[test]
fn a_side_that_leaves_alone_is_found_on_either_side() {
    is_found(Mutant::LeftAlone, Workload::LeaveDelete, NOTHING_GOES_WRONG);
    is_found(Mutant::LeftAlone, Workload::DeleteLeave, NOTHING_GOES_WRONG);
}

#[test]
fn a_pair_that_one_side_dissolves_is_found() {
    is_found(Mutant::DissolvedByOne, Workload::Delete, NOTHING_GOES_WRONG);
    is_found(Mutant::DissolvedByOne, Workload::DeleteLeave, NOTHING_GOES_WRONG);
}

#[test]
fn a_link_that_is_not_written_is_found() {
    is_found(Mutant::LinkNotWritten, Workload::Declare, NOTHING_GOES_WRONG);
}

#[test]
fn a_read_that_hides_a_declared_peer_is_found() {
    is_found(Mutant::PeerShownWhenLinked, Workload::Read, NOTHING_GOES_WRONG);
}

/// The mutant breaks the invariant that its table names, and does so again in the scenario that is written of it,
/// which holds without the mutant.
#[track_caller]
fn is_found(mutant: Mutant, workload: Workload, bounds: Bounds) {
    let explored = explore(workload, Mutants::NONE.with(mutant), bounds);
    let counterexample = explored.counterexample.expect("a counterexample");
    assert_eq!(counterexample.violation.invariant, mutant.caught_by(), "{}", counterexample.violation);

    let scenario = counterexample.scenario().expect("a scenario");
    let text = scenario.print(&counterexample.comment());
    let mut scenario = Scenario::parse(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{text}"));
    let failure = run(&scenario, None, TraceLevel::None).failure.unwrap_or_else(|| panic!("holds:\n{text}"));
    assert_eq!(failure.invariant, mutant.caught_by(), "{}\n{text}", failure.message);

    scenario.set_up.mutants = Mutants::NONE;
    let failure = run(&scenario, None, TraceLevel::None).failure;
    assert!(failure.is_none(), "without the mutant: {failure:?}\n{text}");
}
