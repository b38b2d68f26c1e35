//! Scenario files: whatever comes in is read or refused, and what is read can be printed and means the same again.

#![no_main]

use dsql_sim::Scenario;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(scenario) = Scenario::parse(text) {
        let printed = scenario.print("");
        if printed.is_empty() {
            return; // A scenario that says only what holds anyway prints as nothing, and nothing is no scenario.
        }
        let again = Scenario::parse(&printed).expect("what is printed can be read");
        assert_eq!(again.print(""), printed);
    }
});
