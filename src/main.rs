//! The command line of dsql-sim.

/// Many small records come and go; this allocator is about a third faster at it than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    dsql_sim::cli::main()
}
