//! The command line of dsql-sim.

/// A search makes worlds and drops them all the time; with the system's allocator it takes a quarter longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    dsql_sim::cli::main()
}
