//! The search for mutants: counts the seeds until a planted bug is caught, and names the invariant that catches it.

use rayon::prelude::*;

use crate::control::mutant::{Mutant, Mutants};
use crate::generate::Size;
use crate::sweep::Campaign;

use super::interrupt::Interrupt;

/// The parameters of a search for mutants.
pub(super) struct Hunt {
    /// How many searches each mutant gets. They begin at seeds that are far apart.
    pub(super) searches: u64,
    /// The most seeds that a search runs.
    pub(super) most: u64,
}

/// The result of the searches for a mutant.
#[derive(Debug)]
pub(super) struct Caught {
    /// The median number of seeds until the named invariant caught the mutant; `None` if most searches did not catch
    /// it.
    pub(super) median: Option<u64>,
    /// The invariants that caught it first, each with its number of searches. Searches that would take longer than the
    /// median are not finished, and count here only if they caught it by then.
    pub(super) by: Vec<(String, u64)>,
}

/// The progress of one search.
#[derive(Clone, Debug, Default)]
struct MutantSearch {
    /// The invariant that was violated first.
    first: Option<String>,
    /// The number of seeds until the named invariant was violated.
    named: Option<u64>,
}

impl Hunt {
    /// Searches for `mutant`; `None` if a signal interrupts it.
    ///
    /// All searches advance by the same number of seeds at a time. So the result is the same on any number of threads,
    /// and no search goes on after the median is known.
    pub(super) fn mutant(&self, mutant: Mutant, interrupt: &Interrupt) -> Option<Caught> {
        let campaign = |mutants: Mutants| Campaign::Generated(Size::USUAL, mutants);
        let campaigns = [campaign(Mutants::NONE.with(mutant)), campaign(Mutants::NONE)];
        let half = (self.searches / 2 + 1) as usize;
        let mut searches = vec![MutantSearch::default(); self.searches as usize];
        let mut done = 0;
        while done < self.most && searches.iter().filter(|search| search.named.is_some()).count() < half {
            let end = self.most.min(done + CHUNK);
            for (number, search) in searches.iter_mut().enumerate() {
                let mut from = done;
                while search.named.is_none()
                    && let Some((seeds, by)) = first(&campaigns, number as u64 * APART, from..end, interrupt)
                {
                    search.named = (by == mutant.caught_by()).then_some(seeds);
                    search.first.get_or_insert(by);
                    from = seeds;
                }
            }
            if interrupt.is_asked() {
                return None;
            }
            done = end;
        }
        let mut named: Vec<u64> = searches.iter().filter_map(|search| search.named).collect();
        named.sort_unstable();
        let mut by: Vec<(String, u64)> = Vec::new();
        for invariant in searches.into_iter().filter_map(|search| search.first) {
            match by.iter_mut().find(|(known, _)| *known == invariant) {
                Some((_, times)) => *times += 1,
                None => by.push((invariant, 1)),
            }
        }
        Some(Caught { median: named.get(half - 1).copied(), by })
    }
}

/// The first seed in `range`, counted from `start`, that fails with the mutant and passes without it: the number of
/// seeds by then, and the invariant. A seed that fails without the mutant too shows another bug, not this one.
fn first(
    [planted, bare]: &[Campaign; 2],
    start: u64,
    range: std::ops::Range<u64>,
    interrupt: &Interrupt,
) -> Option<(u64, String)> {
    range.into_par_iter().find_map_first(|number| {
        if interrupt.is_asked() {
            return None;
        }
        let by = planted.run(start + number).failure?.invariant;
        bare.run(start + number).failure.is_none().then(|| (number + 1, by))
    })
}

/// The distance between the first seeds of two searches.
const APART: u64 = 10_000_000;
/// How many seeds each search advances at a time.
const CHUNK: u64 = 128;
