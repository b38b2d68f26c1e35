//! The command line of dsql-sim.

/// A search creates and drops worlds all the time, and takes a quarter longer with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    dsql_sim::internals::cli::main()
}
