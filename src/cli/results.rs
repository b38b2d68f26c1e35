//! The result files that `sweep --out` writes and `merge` reads: JSON lines with a header, one tally for each batch of
//! seeds, and an end mark.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sweep::Tally;

/// One of several equal parts of the seeds: of every `of` consecutive seeds, the one at position `part`, counted from
/// 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Shard {
    pub(super) part: u64,
    pub(super) of: u64,
}

/// A result file that is being written.
pub(super) struct Results {
    file: File,
    path: PathBuf,
}

/// A line of a result file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResultLine {
    /// The first line. It is equal in all files of one campaign, except for the shard's part.
    Begins(CampaignHeader),
    /// The result of a batch.
    ResultsBatch(Box<ResultsBatch>),
    /// The last line of a search that ran every requested seed. A file without it is of an interrupted search, or is
    /// truncated.
    Ends,
}

/// The campaign. Results of different campaigns cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CampaignHeader {
    pub(super) version: String,
    /// The command, without its seeds.
    pub(super) command: String,
    /// The arguments of the command, by which `merge` finds the scenario of a seed.
    #[serde(default)]
    pub(super) arguments: Vec<String>,
    pub(super) shard: Shard,
}

/// The result of a batch.
#[derive(Debug, Serialize, Deserialize)]
struct ResultsBatch {
    /// The range of the batch; the shard's seeds of it were run.
    seeds: Range<u64>,
    tally: Tally,
}

/// The merged results of several files.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) tally: Tally,
    /// The arguments of the command that the files are of.
    pub(super) arguments: Vec<String>,
    /// The range from the first seed to the last: without gaps, each was run.
    pub(super) seeds: Range<u64>,
    /// Why this is not a complete campaign: each gap, overlap, empty file and missing end. Of overlapping batches the
    /// first is counted.
    pub(super) problems: Vec<String>,
}

/// The batches that were counted and the line of each, by part.
type Counted = BTreeMap<u64, Vec<(Range<u64>, String)>>;

impl Shard {
    /// The seeds of the shard in `seeds`.
    pub(super) fn of(self, seeds: Range<u64>) -> impl Iterator<Item = u64> {
        seeds.skip((self.part - 1) as usize).step_by(self.of as usize)
    }

    /// The number of the shard's seeds in `seeds`.
    pub(super) fn count(self, seeds: &Range<u64>) -> u64 {
        (seeds.end - seeds.start).saturating_sub(self.part - 1).div_ceil(self.of)
    }
}

impl Results {
    /// Creates the file at `path` and writes its header.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn create(path: &Path, campaign: CampaignHeader) -> io::Result<Results> {
        let file = File::create(path).map_err(|error| named(path, &error))?;
        let mut results = Results { file, path: path.to_owned() };
        results.line(&ResultLine::Begins(campaign))?;
        Ok(results)
    }

    /// Writes the tally of the shard's seeds in `seeds`.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn batch(&mut self, seeds: Range<u64>, tally: Tally) -> io::Result<()> {
        self.line(&ResultLine::ResultsBatch(Box::new(ResultsBatch { seeds, tally })))
    }

    /// Writes the end mark.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.line(&ResultLine::Ends)
    }

    /// Writes a line with one system call, so that a search that is killed leaves whole lines.
    fn line(&mut self, line: &ResultLine) -> io::Result<()> {
        let line = serde_json::to_string(line)? + "\n";
        self.file.write_all(line.as_bytes()).map_err(|error| named(&self.path, &error))
    }
}

/// The reason why files cannot be merged at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum MergeError {
    #[error("{name}: {error}")]
    Unreadable { name: String, error: io::Error },
    #[error("{location}: this is not a result of `sweep --out`: {error}")]
    NoResult { location: String, error: serde_json::Error },
    #[error(
        "{location}: {begins} cannot be merged with {first} ({where_first}): it is of another campaign or version"
    )]
    OtherCampaign {
        location: String,
        begins: Box<CampaignHeader>,
        first: Box<CampaignHeader>,
        where_first: String,
    },
    #[error("{location}: unexpected line of `sweep --out`")]
    UnexpectedLine { location: String },
    #[error("{location}: {runs} cannot be all of seeds {seeds:?}")]
    WrongCount { location: String, runs: String, seeds: Range<u64> },
    /// The files have no result. `problems` has the reasons that are known, each with a semicolon behind it.
    #[error("{problems}there is nothing to merge")]
    Nothing { problems: String },
}

impl fmt::Display for CampaignHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of version {} in {} parts", self.command, self.version, self.shard.of)
    }
}

impl Joined {
    /// Merges the files at `paths`.
    ///
    /// # Errors
    /// A file cannot be read, is not a result file, or is of another campaign.
    pub(super) fn of(paths: &[impl AsRef<Path>]) -> Result<Joined, MergeError> {
        let mut joined = Joined::default();
        let mut campaign: Option<(CampaignHeader, String)> = None;
        let mut counted = Counted::new();
        for path in paths.iter().map(AsRef::as_ref) {
            let name = path.display().to_string();
            let text = fs::read_to_string(path)
                .map_err(|error| MergeError::Unreadable { name: name.clone(), error })?;
            joined.file(&name, &text, &mut campaign, &mut counted)?;
        }
        let Some((campaign, _)) = campaign.filter(|_| !counted.is_empty()) else {
            let problems = joined.problems.iter().map(|it| format!("{it}; ")).collect();
            return Err(MergeError::Nothing { problems });
        };
        joined.find_gaps(campaign.shard.of, &counted);
        joined.arguments = campaign.arguments;
        Ok(joined)
    }

    fn file(
        &mut self,
        name: &str,
        text: &str,
        campaign: &mut Option<(CampaignHeader, String)>,
        counted: &mut Counted,
    ) -> Result<(), MergeError> {
        let mut own: Option<CampaignHeader> = None;
        let mut has_ended = false;
        for (number, line) in text.lines().enumerate() {
            let location = format!("{name}:{}", number + 1);
            let is_last = number + 1 == text.lines().count();
            let line: ResultLine = match serde_json::from_str(line) {
                Ok(line) => line,
                // The search was killed while it wrote, or the copy was not finished: what stands before is good.
                Err(_) if is_last && own.is_some() && !text.ends_with('\n') => {
                    self.problems.push(format!("{location}: this line is truncated"));
                    return Ok(());
                }
                Err(error) => return Err(MergeError::NoResult { location, error }),
            };
            match (line, &own) {
                (ResultLine::Begins(begins), None) => {
                    let (first, where_first) =
                        campaign.get_or_insert_with(|| (begins.clone(), location.clone()));
                    if !first.joins(&begins) {
                        let (begins, first) = (Box::new(begins), Box::new(first.clone()));
                        let where_first = where_first.clone();
                        return Err(MergeError::OtherCampaign { location, begins, first, where_first });
                    }
                    own = Some(begins);
                }
                (ResultLine::ResultsBatch(batch), Some(campaign)) if !has_ended => {
                    self.batch(campaign.shard, *batch, location, counted)?;
                }
                (ResultLine::Ends, Some(_)) if !has_ended => has_ended = true,
                _ => return Err(MergeError::UnexpectedLine { location }),
            }
        }
        if own.is_none() {
            self.problems.push(format!("{name}: the file is empty"));
        } else if !has_ended {
            self.problems.push(format!("{name}: the search was interrupted, or the file is truncated"));
        }
        Ok(())
    }

    /// Counts a batch, unless it overlaps one that is counted already: a seed that counted twice would change the hash.
    fn batch(
        &mut self,
        shard: Shard,
        batch: ResultsBatch,
        location: String,
        counted: &mut Counted,
    ) -> Result<(), MergeError> {
        let ResultsBatch { seeds, tally } = batch;
        if seeds.is_empty() || tally.runs != shard.count(&seeds) {
            let runs = super::counted(tally.runs, "run");
            return Err(MergeError::WrongCount { location, runs, seeds });
        }
        let known = counted.entry(shard.part).or_default();
        match known.iter().find(|(other, _)| other.start < seeds.end && seeds.start < other.end) {
            Some((_, other)) => self.problems.push(format!(
                "{location}: seeds {}..{} of part {}/{} are counted already ({other})",
                seeds.start, seeds.end, shard.part, shard.of
            )),
            None => {
                self.tally.join(tally);
                known.push((seeds, location));
            }
        }
        Ok(())
    }

    /// Finds the seeds between the first and the last that are in no part.
    fn find_gaps(&mut self, parts: u64, counted: &Counted) {
        let all = || counted.values().flatten().map(|(seeds, _)| seeds);
        let first = all().map(|seeds| seeds.start).min().unwrap_or_default();
        let last = all().map(|seeds| seeds.end).max().unwrap_or_default();
        self.seeds = first..last;
        for part in 1..=parts {
            let mut own: Vec<_> = counted.get(&part).into_iter().flatten().map(|(seeds, _)| seeds).collect();
            own.sort_by_key(|seeds| seeds.start);
            let mut from = first;
            for seeds in own.into_iter().chain([&(last..last)]) {
                if from < seeds.start {
                    let end = seeds.start;
                    self.problems.push(format!("seeds {from}..{end} of part {part}/{parts} are in no file"));
                }
                from = seeds.end;
            }
        }
    }
}

impl CampaignHeader {
    /// Whether both are of one campaign.
    fn joins(&self, other: &CampaignHeader) -> bool {
        (&self.version, &self.command, self.shard.of) == (&other.version, &other.command, other.shard.of)
    }
}

/// The error with the path of its file.
pub(super) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
