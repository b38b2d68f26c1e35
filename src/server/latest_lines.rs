//! The latest lines of the trace, bounded in number and in bytes.

use std::collections::VecDeque;

/// A queue of lines that drops its oldest.
#[derive(Debug)]
pub(super) struct LatestLines {
    lines: VecDeque<String>,
    bytes: usize,
    most: usize,
    /// The number of lines so far, with those that were dropped.
    count: u64,
}

impl LatestLines {
    /// No lines yet; at most `most` later.
    pub(super) fn new(most: usize) -> LatestLines {
        LatestLines { lines: VecDeque::new(), bytes: 0, most, count: 0 }
    }

    /// Adds `lines`, and drops the oldest beyond the limits.
    pub(super) fn extend(&mut self, lines: Vec<String>) {
        for line in lines {
            self.count += 1;
            self.bytes += line.len();
            self.lines.push_back(line);
            while self.lines.len() > self.most || self.bytes > MOST_BYTES {
                self.bytes -= self.lines.pop_front().map_or(0, |dropped| dropped.len());
            }
        }
    }

    /// The number of lines so far, with those that were dropped.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The last `count` lines, oldest first.
    pub(super) fn last(&self, count: usize) -> impl Iterator<Item = &str> {
        self.iter().skip(self.lines.len().saturating_sub(count))
    }

    /// The lines, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

/// The bytes that are kept. A line holds what a client sends, up to the length of a request's path.
const MOST_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_when_there_are_too_many_or_too_long_ones() {
        let mut latest = LatestLines::new(3);
        latest.extend((0..5).map(|number| number.to_string()).collect());
        assert_eq!(latest.iter().collect::<Vec<_>>(), ["2", "3", "4"]);
        let long = "x".repeat(MOST_BYTES / 2);
        latest.extend(vec![long.clone(), long.clone(), long.clone()]);
        assert_eq!(latest.iter().collect::<Vec<_>>(), [&*long, &*long]);
    }
}
