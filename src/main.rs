//! The command line of dsql-sim.

fn main() -> std::process::ExitCode {
    dsql_sim::cli::main()
}
