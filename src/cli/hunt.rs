//! How many seeds searches take until they catch a planted bug, and which invariant it is that catches it.

use rayon::prelude::*;

use crate::control::mutant::{Mutant, Mutants};
use crate::generate::Size;
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
    /// How many seeds it took in the median until the named invariant caught it; `None` if it did not in most
    /// searches.
    pub(super) median: Option<u64>,
    /// What caught it first, and in how many searches. Searches that take longer than the median are not finished.
    pub(super) by: Vec<(String, u64)>,
}

/// How far a search has come.
#[derive(Clone, Debug, Default)]
struct MutantSearch {
    /// What was violated first.
    first: Option<String>,
    /// How many seeds it took until the named invariant was violated.
    named: Option<u64>,
}

impl Hunt {
    /// Searches for `mutant`; `None` if that is interrupted.
    ///
    /// The searches go in step, so that the result is the same however many threads there are, and none goes on after
    /// the median is known.
    pub(super) fn mutant(&self, mutant: Mutant, interrupt: &Interrupt) -> Option<Caught> {
        let campaign = |mutants: Mutants| Campaign::Generated(Size::USUAL, mutants);
        let campaigns = [campaign(Mutants::NONE.with(mutant)), campaign(Mutants::NONE)];
        let half = (self.searches / 2 + 1) as usize;
        let mut searches = vec![MutantSearch::default(); self.searches as usize];
        let mut done = 0;
        while done < self.most && searches.iter().filter(|it| it.named.is_some()).count() < half {
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
        let mut named: Vec<u64> = searches.iter().filter_map(|it| it.named).collect();
        named.sort_unstable();
        let mut by: Vec<(String, u64)> = Vec::new();
        for invariant in searches.into_iter().filter_map(|it| it.first) {
            match by.iter_mut().find(|(known, _)| *known == invariant) {
                Some((_, times)) => *times += 1,
                None => by.push((invariant, 1)),
            }
        }
        Some(Caught { median: named.get(half - 1).copied(), by })
    }
}

/// The first seed in `range`, of a search that begins at `start`, that fails: how many seeds the search has run by
/// then, and what is violated. What fails without the mutant, too, is another finding.
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

/// How far apart searches begin.
const APART: u64 = 10_000_000;
/// How many seeds a search takes at a time.
const CHUNK: u64 = 128;
