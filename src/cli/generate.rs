//! `dsql-sim generate`.

use std::io::{self, Write};

use crate::control::mutant::{Mutant, Mutants};
use crate::generate::Shape;
use crate::sweep::Campaign;

use super::exit;

/// The arguments of `generate`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct GenerateArguments {
    /// The seed.
    seed: u64,
    /// Plants a bug in it.
    #[arg(long, value_name = "NAME", value_parser = super::sweep::parse_mutant)]
    mutant: Vec<Mutant>,
    /// Makes up a small scenario: three calls, two Regions, a witness, two faults at most.
    #[arg(long)]
    small: bool,
}

/// Prints the scenario of a seed.
pub(super) fn print(arguments: &GenerateArguments) -> io::Result<u8> {
    let shape = if arguments.small { Shape::SMALL } else { Shape::USUAL };
    let mutants = arguments.mutant.iter().fold(Mutants::NONE, |all, mutant| all.with(*mutant));
    let scenario = Campaign::Generated(shape, mutants).scenario(arguments.seed);
    let comment = format!("Made up from seed {}.", arguments.seed);
    write!(anstream::stdout(), "{}", scenario.print(&comment))?;
    Ok(exit::PASS)
}
