//! `dsql-sim mutants`.

use std::io::{self, Write};

use crate::check::INVARIANTS;
use crate::control::mutant::Mutant;

use super::exit;

/// Lists the mutants under the invariants that must catch them.
pub(super) fn list() -> io::Result<u8> {
    let mut out = anstream::stdout();
    let width = Mutant::ALL.iter().map(|mutant| mutant.name().len()).max().unwrap_or_default();
    for (invariant, sentence) in INVARIANTS {
        writeln!(out, "{invariant}: {sentence}")?;
        for mutant in Mutant::ALL.iter().filter(|mutant| mutant.caught_by() == invariant) {
            writeln!(out, "  {mutant:width$}  {}", mutant.breaks())?;
        }
    }
    Ok(exit::PASS)
}
