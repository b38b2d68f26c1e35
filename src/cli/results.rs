//! The files that `sweep --out` writes and `merge` reads: what was asked for, batch after batch, and that it is all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sweep::Tally;

/// One of several equal parts of the seeds: of each `of` seeds in a row, the one at `part`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Shard {
    pub(super) part: u64,
    pub(super) of: u64,
}

/// Writes a file of results.
pub(super) struct Results {
    file: File,
    path: PathBuf,
}

/// A line of a file of results.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResultLine {
    /// The first line. What it says is the same in all files of one campaign, but for the shard's part.
    Begins(CampaignHeader),
    /// What came of a batch.
    ResultsBatch(Box<ResultsBatch>),
    /// The last line of a search that did all that it was asked. Without it the search was interrupted, or the file
    /// is cut short.
    Ends,
}

/// What was run: results of different campaigns do not join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CampaignHeader {
    pub(super) version: String,
    /// The command, without its seeds.
    pub(super) command: String,
    pub(super) shard: Shard,
}

/// What came of a batch.
#[derive(Debug, Serialize, Deserialize)]
struct ResultsBatch {
    /// The batch's seeds, of which the shard's were run.
    seeds: Range<u64>,
    tally: Tally,
}

/// The results of several files, joined.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) tally: Tally,
    /// How many seeds there would be without gaps.
    pub(super) wanted: u64,
    /// Why this is not a whole campaign: gaps, overlaps, empty files and missing ends, each by name. Of what overlaps,
    /// the first is counted.
    pub(super) problems: Vec<String>,
}

/// By part, the batches that were counted, and where each stands.
type Counted = BTreeMap<u64, Vec<(Range<u64>, String)>>;

impl Shard {
    /// The shard's seeds among `seeds`.
    pub(super) fn of(self, seeds: Range<u64>) -> impl Iterator<Item = u64> {
        seeds.skip((self.part - 1) as usize).step_by(self.of as usize)
    }

    /// How many they are.
    pub(super) fn count(self, seeds: &Range<u64>) -> u64 {
        (seeds.end - seeds.start).saturating_sub(self.part - 1).div_ceil(self.of)
    }
}

impl Results {
    /// Begins the file at `path`.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn create(path: &Path, campaign: CampaignHeader) -> io::Result<Results> {
        let file = File::create(path).map_err(|error| named(path, &error))?;
        let mut results = Results { file, path: path.to_owned() };
        results.line(&ResultLine::Begins(campaign))?;
        Ok(results)
    }

    /// Writes what came of the shard's seeds among `seeds`.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn batch(&mut self, seeds: Range<u64>, tally: Tally) -> io::Result<()> {
        self.line(&ResultLine::ResultsBatch(Box::new(ResultsBatch { seeds, tally })))
    }

    /// Writes that this is all.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.line(&ResultLine::Ends)
    }

    /// A line is one write: a search that is killed leaves whole lines.
    fn line(&mut self, line: &ResultLine) -> io::Result<()> {
        let line = serde_json::to_string(line)? + "\n";
        self.file.write_all(line.as_bytes()).map_err(|error| named(&self.path, &error))
    }
}

impl Joined {
    /// Joins what the files at `paths` say.
    ///
    /// # Errors
    /// A file that cannot be read, is no file of results, or is of another campaign, in words.
    pub(super) fn of(paths: &[impl AsRef<Path>]) -> Result<Joined, String> {
        let mut joined = Joined::default();
        let mut campaign: Option<(CampaignHeader, String)> = None;
        let mut counted = Counted::new();
        for path in paths.iter().map(AsRef::as_ref) {
            let name = path.display().to_string();
            let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
            joined.file(&name, &text, &mut campaign, &mut counted)?;
        }
        let Some((campaign, _)) = campaign.filter(|_| !counted.is_empty()) else {
            return Err(joined
                .problems
                .into_iter()
                .chain(["there is nothing to join".to_owned()])
                .collect::<Vec<_>>()
                .join("; "));
        };
        joined.find_gaps(campaign.shard.of, &counted);
        Ok(joined)
    }

    fn file(
        &mut self,
        name: &str,
        text: &str,
        campaign: &mut Option<(CampaignHeader, String)>,
        counted: &mut Counted,
    ) -> Result<(), String> {
        let mut own: Option<CampaignHeader> = None;
        let mut has_ended = false;
        for (number, line) in text.lines().enumerate() {
            let place = format!("{name}:{}", number + 1);
            let is_last = number + 1 == text.lines().count();
            let line: ResultLine = match serde_json::from_str(line) {
                Ok(line) => line,
                // A search that was killed while it wrote, or a copy that was not finished.
                Err(_) if is_last && own.is_some() && !text.ends_with('\n') => {
                    self.problems.push(format!("{place}: this line is cut short"));
                    return Ok(());
                }
                Err(error) => return Err(format!("{place}: this is no result of `sweep --out`: {error}")),
            };
            match (line, &own) {
                (ResultLine::Begins(begins), None) => {
                    let (first, where_first) =
                        campaign.get_or_insert_with(|| (begins.clone(), place.clone()));
                    if !first.joins(&begins) {
                        return Err(format!(
                            "{place}: `{}` of version {} in {} parts does not join `{}` of version {} in {} parts \
                             ({where_first}): it is of another campaign or version",
                            begins.command,
                            begins.version,
                            begins.shard.of,
                            first.command,
                            first.version,
                            first.shard.of
                        ));
                    }
                    own = Some(begins);
                }
                (ResultLine::ResultsBatch(batch), Some(campaign)) if !has_ended => {
                    self.batch(campaign.shard, *batch, place, counted)?;
                }
                (ResultLine::Ends, Some(_)) if !has_ended => has_ended = true,
                _ => return Err(format!("{place}: this line of `sweep --out` does not belong here")),
            }
        }
        if own.is_none() {
            self.problems.push(format!("{name}: the file is empty"));
        } else if !has_ended {
            self.problems.push(format!("{name}: the search was interrupted, or the file is cut short"));
        }
        Ok(())
    }

    /// Counts a batch, unless one of its seeds is counted already.
    fn batch(
        &mut self,
        shard: Shard,
        batch: ResultsBatch,
        place: String,
        counted: &mut Counted,
    ) -> Result<(), String> {
        let ResultsBatch { seeds, tally } = batch;
        if seeds.is_empty() || tally.runs != shard.count(&seeds) {
            let (runs, Range { start, end }) = (tally.runs, seeds);
            return Err(format!("{place}: {runs} runs are not those of seeds {start}..{end}"));
        }
        let known = counted.entry(shard.part).or_default();
        match known.iter().find(|(other, _)| other.start < seeds.end && seeds.start < other.end) {
            Some((_, other)) => self.problems.push(format!(
                "{place}: seeds {}..{} of part {}/{} are counted already ({other})",
                seeds.start, seeds.end, shard.part, shard.of
            )),
            None => {
                self.tally.join(tally);
                known.push((seeds, place));
            }
        }
        Ok(())
    }

    /// Finds the seeds between the first and the last that no part has.
    fn find_gaps(&mut self, parts: u64, counted: &Counted) {
        let all = || counted.values().flatten().map(|(seeds, _)| seeds);
        let first = all().map(|seeds| seeds.start).min().unwrap_or_default();
        let last = all().map(|seeds| seeds.end).max().unwrap_or_default();
        self.wanted = last - first;
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
    /// Whether both are parts of one campaign.
    fn joins(&self, other: &CampaignHeader) -> bool {
        (&self.version, &self.command, self.shard.of) == (&other.version, &other.command, other.shard.of)
    }
}

pub(super) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
