//! The keys of steps, by which the random draws about them are keyed.

use std::hash::{Hash, Hasher};

use crate::map::FixedMap;
use crate::rng::{fingerprint, mix};

use super::{Action, CallStep};

/// The steps of a scenario so far, by their actions.
#[derive(Clone, Debug, Default)]
pub(super) struct StepKeys {
    /// The number of steps with the same action, by its fingerprint.
    equal: FixedMap<u64, u64>,
}

impl StepKeys {
    /// The key of the next step, which runs `action`; rules in it get the same key. It is computed from the data of the
    /// action and the number of equal actions before it. So neither the spelling of a file nor any other step changes
    /// it.
    pub(super) fn next(&mut self, action: &mut Action) -> u64 {
        let action_key = fingerprint(action);
        let equal = self.equal.entry(action_key).or_default();
        let key = mix(action_key, *equal);
        *equal += 1;
        if let Action::Fault(fault) | Action::FaultAt(_, fault) = action {
            fault.set_key(key);
        }
        key
    }
}

// A call under another principal has the same draws, so that runs which differ in policies alone can be compared.
impl Hash for CallStep {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let CallStep {
            client,
            region,
            alias,
            attempts,
            time_out,
            after,
            waiter,
            principal: _,
            may_be_skipped,
            input,
        } = self;
        (client, region, alias, attempts, time_out, after, waiter, may_be_skipped, input).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn keys(text: &str) -> Vec<u64> {
        let scenario = Scenario::parse(text).expect("a well-formed scenario");
        let steps = scenario.blocks.iter().flatten();
        steps.filter(|step| !matches!(step.action, Action::SetUp)).map(|step| step.key).collect()
    }

    #[test]
    fn equal_steps_have_different_keys_and_keep_them_when_another_step_goes() {
        let call = "get-cluster region=us-east-1\n{ \"identifier\": \"a\" }\n";
        let with = keys(&format!("{call}advance 1s\n{call}"));
        let without = keys(&format!("{call}{call}"));
        assert_ne!(with[0], with[2]);
        assert_eq!([with[0], with[2]], *without);
    }

    #[test]
    fn the_spelling_of_a_step_does_not_change_its_key() {
        let long = keys(
            "create-cluster region=us-east-1 as=a attempts=3\n{ \"tags\": { \"b\": \"1\", \"a\": \"2\" } }\n",
        );
        let short = keys(
            "regions use1=us-east-1\ncreate-cluster region=use1 as=a\n{ \"tags\": { \"a\": \"2\", \"b\": \"1\" } }\n",
        );
        assert_eq!(long, short);
    }
}
