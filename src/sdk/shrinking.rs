//! Smaller failures: fewer and weaker faults, and tasks in their plain order, with the program as the workload.

use std::cell::Cell;

use crate::scenario::Scenario;
use crate::scenario::run::Failure;
use crate::shrink::{Likeness, Shrinker};

use super::check::SdkCheck;
use super::run::{RunPlan, SeedRun};
use super::schedule::completed;

/// A schedule that fails.
#[derive(Clone, Debug)]
pub(super) struct KeptSchedule {
    pub(super) schedule: Scenario,
    /// Whether it fails with tasks in the order in which they wake.
    pub(super) is_in_order: bool,
}

/// The smallest schedule that fails as `record` did, within the number of runs that the check allows.
pub(super) fn shrink(
    check: &SdkCheck,
    record: &SeedRun,
    schedule: &Scenario,
    run: &dyn Fn(RunPlan<'_>) -> SeedRun,
) -> KeptSchedule {
    let (runs, seed) = (Cell::new(0), schedule.set_up.seed);
    let fails = |schedule: &Scenario, is_in_order: bool| -> Option<Failure> {
        // The seed brings the failure back, with the faults that were drawn for it.
        if schedule.set_up.seed != seed {
            return None;
        }
        if runs.replace(runs.get() + 1) >= check.shrink_runs {
            return None;
        }
        // A fault without its end is another fault: a program need not survive it.
        let schedule = &if check.has_random_faults() { completed(schedule) } else { schedule.clone() };
        let mut plan = check.plan(schedule.set_up.seed, schedule);
        plan.limits.is_in_order |= is_in_order;
        run(plan).scenario_failure()
    };
    let as_drawn = KeptSchedule { schedule: schedule.clone(), is_in_order: check.limits.is_in_order };
    let Some(original) = record.scenario_failure().map(|failure| Likeness::of(&failure, schedule)) else {
        return as_drawn;
    };
    let same = |failure: Failure| Likeness::of(&failure, schedule).is_same_as(&original);
    let is_in_order = check.limits.is_in_order || fails(schedule, true).is_some_and(same);
    let Some(mut shrinker) = Shrinker::new(schedule, |schedule| fails(schedule, is_in_order)) else {
        return as_drawn;
    };
    while shrinker.step().is_some() {}
    let small = shrinker.scenario();
    let schedule = if check.has_random_faults() { completed(&small) } else { small };
    KeptSchedule { schedule, is_in_order }
}
