//! One test for each scenario file: it passes with its own seed, tests what it says, and its recorded trace is what
//! happens.
//!
//! `REWRITE=1 cargo test --test scenarios` records the traces anew. Look at what changed, and commit it only if you
//! understand why.

dsql_sim::scenario_suite!("scenarios", strict);
