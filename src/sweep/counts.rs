//! In how many seeds each mark of coverage was left.

use serde::{Deserialize, Serialize};

use crate::sim::coverage::{Coverage, MARKS, Mark, unreachable};

/// In how many seeds each mark was left. Its size is fixed. As data it is a list, in the order of [`Mark::index`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct CoverageCounts(Box<[u64]>);

impl CoverageCounts {
    /// Counts what one seed met.
    pub fn count(&mut self, coverage: &Coverage) {
        coverage.indices().for_each(|place| self.0[place] += 1);
    }

    /// Joins what other seeds met.
    pub fn join(&mut self, other: &CoverageCounts) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// In how many seeds `mark` was left.
    #[must_use]
    pub fn of(&self, mark: Mark) -> u64 {
        self.0[mark.index()]
    }

    /// The marks that can be met and that no seed met.
    pub fn unmet(&self) -> impl Iterator<Item = Mark> + '_ {
        Mark::all().filter(|mark| self.of(*mark) == 0 && unreachable(*mark).is_none())
    }
}

impl Default for CoverageCounts {
    fn default() -> CoverageCounts {
        CoverageCounts(vec![0; MARKS].into())
    }
}

impl TryFrom<Vec<u64>> for CoverageCounts {
    type Error = String;

    fn try_from(counts: Vec<u64>) -> Result<CoverageCounts, String> {
        match counts.len() {
            MARKS => Ok(CoverageCounts(counts.into())),
            others => Err(format!("{others} counts of coverage, and not {MARKS}")),
        }
    }
}

impl From<CoverageCounts> for Vec<u64> {
    fn from(counts: CoverageCounts) -> Vec<u64> {
        counts.0.into()
    }
}
