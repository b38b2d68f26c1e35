//! One test for each file below `scenarios`.

dsql_sim::scenario_suite!("scenarios");
