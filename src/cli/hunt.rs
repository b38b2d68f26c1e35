//! How many seeds searches take until they catch a planted bug, and which invariant it is that catches it.

use rayon::prelude::*;

use crate::control::mutant::{Mutant, Mutants};
use crate::generate::Shape;
use crate::sweep::Campaign;

use super::interrupt::Interrupt;

/// Searches for one mutant after the other.
pub(super) struct Hunt {
    /// How many searches there are for each, which begin far apart.
    pub(super) searches: u64,
    /// How many seeds each takes at most.
    pub(super) most: u64,
}

/// What came of the searches for a mutant.
#[derive(Debug)]
pub(super) struct Caught {
    /// How many seeds it took, in the median; `None` if most searches found nothing.
    pub(super) median: Option<u64>,
    /// The invariants that caught it, and in how many searches. Searches that take longer than the median are not
    /// finished.
    pub(super) by: Vec<(String, u64)>,
    /// How many seeds it took the first search until the named invariant caught it.
    pub(super) named: Option<u64>,
}

/// The first seed of a search that failed: how many seeds that took, and of what.
type End = (u64, String);

impl Hunt {
    /// Searches for `mutant`; `None` if that is interrupted.
    ///
    /// The searches go in step, so that the result is the same however many threads there are, and none goes on after
    /// the median is known.
    pub(super) fn mutant(&self, mutant: Mutant, interrupt: &Interrupt) -> Option<Caught> {
        let campaign = |mutants: Mutants| Campaign::Generated(Shape::USUAL, mutants);
        let campaigns = [campaign(Mutants::NONE.with(mutant)), campaign(Mutants::NONE)];
        let half = (self.searches / 2 + 1) as usize;
        let mut ends: Vec<Option<End>> = vec![None; self.searches as usize];
        let mut done = 0;
        while done < self.most && ends.iter().flatten().count() < half {
            let chunk = CHUNK.min(self.most - done);
            for (number, end) in ends.iter_mut().enumerate().filter(|(_, end)| end.is_none()) {
                *end = first(&campaigns, number as u64 * APART, done, chunk, |_| true, interrupt);
            }
            if interrupt.is_asked() {
                return None;
            }
            done += chunk;
        }
        let mut seeds: Vec<u64> = ends.iter().flatten().map(|(seeds, _)| *seeds).collect();
        seeds.sort_unstable();
        let mut by: Vec<(String, u64)> = Vec::new();
        for (_, invariant) in ends.iter().flatten() {
            match by.iter_mut().find(|(known, _)| known == invariant) {
                Some((_, times)) => *times += 1,
                None => by.push((invariant.clone(), 1)),
            }
        }
        let is_named = |invariant: &str| invariant == mutant.caught_by();
        let ended = ends.iter().flatten().filter(|(_, by)| is_named(by)).map(|(seeds, _)| *seeds).min();
        let named = match ended {
            Some(seeds) => Some(seeds),
            None => {
                let mut chunks = (0..self.most).step_by(CHUNK as usize);
                chunks.find_map(|from| {
                    let chunk = CHUNK.min(self.most - from);
                    let end = (!interrupt.is_asked())
                        .then(|| first(&campaigns, 0, from, chunk, is_named, interrupt))
                        .flatten()?;
                    Some(end.0)
                })
            }
        };
        if interrupt.is_asked() {
            return None;
        }
        Some(Caught { median: seeds.get(half - 1).copied(), by, named })
    }
}

/// The first of `chunk` seeds that fails by what is `wanted`, of a search that begins at `start` and has done `done`.
/// What fails without the mutant, too, is another finding.
fn first(
    [planted, bare]: &[Campaign; 2],
    start: u64,
    done: u64,
    chunk: u64,
    wanted: impl Fn(&str) -> bool + Sync,
    interrupt: &Interrupt,
) -> Option<End> {
    (done..done + chunk).into_par_iter().find_map_first(|number| {
        if interrupt.is_asked() {
            return None;
        }
        let by = planted.run(start + number).failure?.invariant;
        (wanted(&by) && bare.run(start + number).failure.is_none()).then(|| (number + 1, by))
    })
}

/// How far apart searches begin.
const APART: u64 = 10_000_000;
/// How many seeds a search takes at a time.
const CHUNK: u64 = 128;
