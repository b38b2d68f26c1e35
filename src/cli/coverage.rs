//! What a search has met of what it should meet, printed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::api::Operation;
use crate::control::assumptions::Assumptions;
use crate::control::authorization::IamAction;
use crate::sim::coverage::{Cell, FaultKind, Mark, unreachable};
use crate::sweep::CoverageCounts;

/// A line for every search, and what it has not met where that is little.
pub(super) fn line(counts: &CoverageCounts, out: &mut impl Write) -> io::Result<()> {
    let can = Mark::all().filter(|mark| unreachable(*mark).is_none()).count();
    let unmet: Vec<_> = counts.unmet().collect();
    writeln!(out, "coverage: {} of {can} marks met", can - unmet.len())?;
    if unmet.len() <= FEW {
        for mark in unmet {
            writeln!(out, "  never met: {mark}")?;
        }
    }
    Ok(())
}

/// How often everything was met: cells, members, actions and switches.
pub(super) fn tables(counts: &CoverageCounts, out: &mut impl Write) -> io::Result<()> {
    cells(counts, out)?;
    members(counts, out)?;
    writeln!(out, "actions, in how many seeds each was denied to a call:")?;
    for action in IamAction::all() {
        writeln!(out, "  {:34}{:>10}", action.iam_name(), counts.of(Mark::Denied(action)))?;
    }
    writeln!(out, "switches, in how many seeds each was flipped:")?;
    for (place, name) in Assumptions::NAMES.iter().enumerate() {
        writeln!(out, "  {name:34}{:>10}", counts.of(Mark::Flipped(place)))?;
    }
    reasons(out)
}

/// One line for each operation and status, one column for each kind of fault.
fn cells(counts: &CoverageCounts, out: &mut impl Write) -> io::Result<()> {
    let mut rows: BTreeMap<_, Vec<Cell>> = BTreeMap::new();
    for cell in Cell::all() {
        rows.entry((cell.operation, cell.status)).or_default().push(cell);
    }
    writeln!(out, "cells, in how many seeds an operation met a cluster in a status after a kind of fault:")?;
    let kinds: String = FaultKind::ALL.iter().map(|kind| format!(" {:>WIDTH$}", kind.name())).collect();
    writeln!(out, "  {:43}{kinds}", "")?;
    for ((operation, status), cells) in rows {
        if cells.iter().all(|cell| unreachable(Mark::Cell(*cell)).is_some()) {
            continue;
        }
        let status = status.map_or("no cluster", |status| status.name());
        write!(out, "  {:26} {status:16}", operation.name())?;
        for cell in cells {
            write!(out, " {:>WIDTH$}", times(counts, Mark::Cell(cell)))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn members(counts: &CoverageCounts, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "members, in how many seeds each was in a call that was carried out, and one was refused for it:"
    )?;
    for operation in Operation::ALL.iter().copied() {
        for (place, (name, _)) in operation.members().into_iter().enumerate() {
            let accepted = times(counts, Mark::Accepted(operation, place));
            let refused = times(counts, Mark::Refused(operation, place));
            writeln!(out, "  {:26}{name:40}{accepted:>10}{refused:>10}", operation.name())?;
        }
    }
    Ok(())
}

/// Why what cannot be met cannot, each reason once.
fn reasons(out: &mut impl Write) -> io::Result<()> {
    let mut reasons: BTreeMap<&str, Vec<Mark>> = BTreeMap::new();
    for mark in Mark::all() {
        if let Some(reason) = unreachable(mark) {
            reasons.entry(reason).or_default().push(mark);
        }
    }
    writeln!(out, "not to be met (-), and why:")?;
    for (reason, marks) in reasons {
        writeln!(out, "  {reason}: {} marks, as {}", marks.len(), marks[0])?;
    }
    Ok(())
}

fn times(counts: &CoverageCounts, mark: Mark) -> String {
    if unreachable(mark).is_some() { "-".to_owned() } else { counts.of(mark).to_string() }
}

/// How many marks are named one by one.
const FEW: usize = 20;

/// How wide a column of cells is.
const WIDTH: usize = 9;
