//! Coverage counts: in how many seeds each coverage bin was reached.

use serde::{Deserialize, Serialize};

use crate::sim::coverage::{BINS, Coverage, CoverageBin, unreachable};

/// The number of seeds that reached each coverage bin. Its size does not grow with the number of seeds. Serialized, it
/// is a list in the order of [`CoverageBin::index`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct CoverageCounts(Box<[u64]>);

/// A list is not of one count for each bin, but of this length: it is of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} coverage counts, got {0}", expected = BINS)]
pub struct CoverageCountsError(usize);

impl CoverageCounts {
    /// Counts the bins of one seed.
    pub fn count(&mut self, coverage: &Coverage) {
        coverage.indices().for_each(|index| self.0[index] += 1);
    }

    /// Adds the counts of other seeds.
    pub fn join(&mut self, other: &CoverageCounts) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// In how many seeds `bin` was reached.
    #[must_use]
    pub fn of(&self, bin: CoverageBin) -> u64 {
        self.0[bin.index()]
    }

    /// The reachable bins that no seed reached.
    pub fn unmet(&self) -> impl Iterator<Item = CoverageBin> + '_ {
        CoverageBin::all().filter(|bin| self.of(*bin) == 0 && unreachable(*bin).is_none())
    }
}

impl Default for CoverageCounts {
    fn default() -> CoverageCounts {
        CoverageCounts(vec![0; BINS].into())
    }
}

impl TryFrom<Vec<u64>> for CoverageCounts {
    type Error = CoverageCountsError;

    fn try_from(counts: Vec<u64>) -> Result<CoverageCounts, CoverageCountsError> {
        match counts.len() {
            BINS => Ok(CoverageCounts(counts.into())),
            others => Err(CoverageCountsError(others)),
        }
    }
}

impl From<CoverageCounts> for Vec<u64> {
    fn from(counts: CoverageCounts) -> Vec<u64> {
        counts.0.into()
    }
}
