//! The printed coverage of a search: a summary line, and the tables of `--coverage`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use strum::VariantArray;

use crate::api::Operation;
use crate::control::assumptions::Assumptions;
use crate::control::authorization::IamAction;
use crate::sim::coverage::{Cell, CoverageBin, unreachable};
use crate::sim::fault::FaultKind;
use crate::sweep::CoverageCounts;

use super::counted;

/// Prints the summary line, and the missing bins if they are few.
pub(super) fn line(counts: &CoverageCounts, out: &mut impl Write) -> io::Result<()> {
    let reachable = CoverageBin::all().filter(|bin| unreachable(*bin).is_none()).count();
    let missing: Vec<_> = counts.unmet().collect();
    writeln!(out, "coverage bins: {} of {reachable} covered", reachable - missing.len())?;
    if missing.len() <= FEW {
        for bin in missing {
            writeln!(out, "  never covered: {bin}")?;
        }
    }
    Ok(())
}

/// Prints the tables: cells, members, actions and switches.
pub(super) fn tables(counts: &CoverageCounts, out: &mut impl Write) -> io::Result<()> {
    cells(counts, out)?;
    members(counts, out)?;
    writeln!(out, "actions: in how many seeds each was denied to a call:")?;
    for action in IamAction::all() {
        writeln!(out, "  {:34}{:>10}", action.iam_name(), counts.of(CoverageBin::Denied(action)))?;
    }
    writeln!(out, "switches: in how many seeds each was flipped:")?;
    for (index, name) in Assumptions::NAMES.iter().enumerate() {
        writeln!(out, "  {name:34}{:>10}", counts.of(CoverageBin::Flipped(index)))?;
    }
    reasons(out)
}

/// Prints a row for each operation and cluster status, with a column for each kind of fault.
fn cells(counts: &CoverageCounts, out: &mut impl Write) -> io::Result<()> {
    let mut rows: BTreeMap<_, Vec<Cell>> = BTreeMap::new();
    for cell in Cell::all() {
        rows.entry((cell.operation, cell.status)).or_default().push(cell);
    }
    writeln!(out, "cells: in how many seeds an operation met a cluster in a status after a kind of fault:")?;
    let kinds: String = FaultKind::VARIANTS.iter().map(|kind| format!(" {:>WIDTH$}", kind.name())).collect();
    writeln!(out, "  {:43}{kinds}", "")?;
    for ((operation, status), cells) in rows {
        if cells.iter().all(|cell| unreachable(CoverageBin::Cell(*cell)).is_some()) {
            continue;
        }
        let status = status.map_or("no cluster", |status| status.name());
        write!(out, "  {:26} {status:16}", operation.name())?;
        for cell in cells {
            write!(out, " {:>WIDTH$}", times(counts, CoverageBin::Cell(cell)))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn members(counts: &CoverageCounts, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "members: in how many seeds a call with each succeeded, and in how many one was refused because of it:"
    )?;
    for operation in Operation::ALL.iter().copied() {
        for (index, (name, _)) in operation.members().into_iter().enumerate() {
            let accepted = times(counts, CoverageBin::Accepted(operation, index));
            let refused = times(counts, CoverageBin::Refused(operation, index));
            writeln!(out, "  {:26}{name:40}{accepted:>10}{refused:>10}", operation.name())?;
        }
    }
    Ok(())
}

/// Prints why some bins cannot be reached, each reason once.
fn reasons(out: &mut impl Write) -> io::Result<()> {
    let mut reasons: BTreeMap<&str, Vec<CoverageBin>> = BTreeMap::new();
    for bin in CoverageBin::all() {
        if let Some(reason) = unreachable(bin) {
            reasons.entry(reason).or_default().push(bin);
        }
    }
    writeln!(out, "unreachable (-), and why:")?;
    for (reason, bins) in reasons {
        writeln!(out, "  {reason}: {}, such as {}", counted(bins.len() as u64, "bin"), bins[0])?;
    }
    Ok(())
}

fn times(counts: &CoverageCounts, bin: CoverageBin) -> String {
    if unreachable(bin).is_some() { "-".to_owned() } else { counts.of(bin).to_string() }
}

/// The most missing bins that are listed one by one.
const FEW: usize = 20;

/// The width of a column of cells.
const WIDTH: usize = 9;
