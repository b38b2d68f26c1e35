//! Coverage counts: in how many seeds each coverage mark was reached.

use serde::{Deserialize, Serialize};

use crate::sim::coverage::{Coverage, MARKS, Mark, unreachable};

/// The number of seeds that reached each coverage mark. Its size does not grow with the number of seeds. Serialized, it
/// is a list in the order of [`Mark::index`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct CoverageCounts(Box<[u64]>);

impl CoverageCounts {
    /// Counts the marks of one seed.
    pub fn count(&mut self, coverage: &Coverage) {
        coverage.indices().for_each(|index| self.0[index] += 1);
    }

    /// Adds the counts of other seeds.
    pub fn join(&mut self, other: &CoverageCounts) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// In how many seeds `mark` was reached.
    #[must_use]
    pub fn of(&self, mark: Mark) -> u64 {
        self.0[mark.index()]
    }

    /// The reachable marks that no seed reached.
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
            others => Err(format!("expected {MARKS} coverage counts, got {others}")),
        }
    }
}

impl From<CoverageCounts> for Vec<u64> {
    fn from(counts: CoverageCounts) -> Vec<u64> {
        counts.0.into()
    }
}
