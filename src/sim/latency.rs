//! The table of round-trip times between Regions, in the absence of faults.
//!
//! Jitter, faults and a scenario's own latencies are applied elsewhere, on top of this table.
//!
//! **Between Regions every pair is measured, none is estimated.** The source is CloudPing.co (M. Adorjan,
//! <https://www.cloudping.co>): the time that a TCP connection from a function in one Region to the public
//! DynamoDB endpoint of the other takes to open (port 443), which is one round trip, a name lookup included.
//! The figures are the medians that the public repository `commonwarexyz/monorepo` keeps in
//! `examples/estimator/src/p50.json` (commit 4622dfb1); the loader beside that file asks for the median of
//! one year. The file bears no date. It was taken in the middle of 2025 or later: it has a Region that opened
//! in June 2025, and the issue that asked for a simulator with real latencies (number 1271) is of July 2025.
//!
//! CloudPing measures each direction by itself. A row here is the mean of the two, rounded to a millisecond.
//! They differ by less than 8 ms for every pair but eu-west-1 and ap-east-1 (225 and 260 ms).
//!
//! **Within a Region the figure is assumed.** CloudPing's own, 1.5 to 5.5 ms, has the name lookup in it and
//! would drown the rest; 1 ms stands for a round trip between two Availability Zones.

use std::time::Duration;

use crate::region::Region;

/// The base round-trip time between `a` and `b`, the same in both directions. A message takes half of it.
#[must_use]
pub fn round_trip(a: Region, b: Region) -> Duration {
    if a == b {
        return WITHIN_A_REGION;
    }
    let (row, column) = (a.max(b).index(), a.min(b).index());
    Duration::from_millis(MILLISECONDS[row][column].into())
}

const WITHIN_A_REGION: Duration = Duration::from_millis(1);

/// The lower triangle of the matrix, in the order of the Region table: each row has a column per Region above it.
const MILLISECONDS: [&[u16]; Region::COUNT] = [
    // us-east-1
    &[],
    // us-east-2
    &[16],
    // us-west-2
    &[64, 51],
    // ca-central-1
    &[17, 27, 61],
    // ca-west-1
    &[52, 41, 22, 50],
    // eu-central-1
    &[93, 104, 143, 93, 162],
    // eu-west-1
    &[70, 80, 118, 69, 137, 27],
    // eu-west-2
    &[78, 88, 129, 79, 148, 18, 14],
    // eu-west-3
    &[84, 95, 135, 86, 154, 12, 20, 11],
    // eu-north-1
    &[112, 123, 155, 106, 174, 23, 40, 31, 32],
    // eu-south-2
    &[108, 119, 159, 111, 179, 35, 31, 36, 22, 55],
    // ap-northeast-1
    &[150, 136, 98, 147, 113, 227, 202, 213, 219, 247, 234],
    // ap-northeast-2
    &[180, 166, 124, 176, 140, 231, 233, 243, 250, 250, 239, 36],
    // ap-northeast-3
    &[155, 144, 100, 153, 118, 234, 209, 219, 225, 253, 241, 10, 25],
    // ap-south-1
    &[191, 202, 222, 192, 242, 129, 126, 117, 109, 149, 121, 134, 135, 138],
    // ap-southeast-1
    &[219, 204, 161, 215, 178, 161, 179, 170, 167, 181, 165, 71, 74, 77, 64],
    // ap-southeast-2
    &[200, 188, 141, 198, 159, 251, 256, 266, 280, 271, 271, 106, 146, 121, 155, 95],
    // ap-southeast-4
    &[210, 198, 152, 210, 171, 263, 267, 278, 291, 283, 283, 132, 156, 132, 166, 105, 14],
    // ap-east-1
    &[199, 187, 145, 200, 163, 194, 242, 204, 200, 213, 198, 52, 39, 47, 98, 37, 128, 140],
    // sa-east-1
    &[115, 126, 175, 126, 194, 205, 178, 187, 196, 223, 220, 259, 290, 265, 301, 328, 312, 324, 312],
];

/// Makes a Region without a row, or a row of the wrong length, fail to compile.
const _: () = {
    let mut row = 0;
    while row < Region::COUNT {
        assert!(MILLISECONDS[row].len() == row);
        row += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    fn between(a: &str, b: &str) -> Duration {
        let region = |name| Region::parse(name).expect("a Region of the table");
        round_trip(region(a), region(b))
    }

    fn pairs() -> impl Iterator<Item = (Region, Region)> {
        Region::all().flat_map(|a| Region::all().map(move |b| (a, b))).filter(|(a, b)| a != b)
    }

    #[test]
    fn both_directions_take_the_same_time() {
        assert!(pairs().all(|(a, b)| round_trip(a, b) == round_trip(b, a)));
    }

    #[test]
    fn every_round_trip_takes_time_and_the_shortest_stay_within_a_region() {
        for (a, b) in pairs() {
            assert!(!round_trip(a, a).is_zero());
            assert!(round_trip(a, a) < round_trip(a, b), "{a} {b}");
        }
    }

    #[test]
    fn neighbouring_regions_have_shorter_round_trips_than_distant_ones() {
        assert!(between("us-east-1", "us-east-2") < between("us-east-1", "us-west-2"));
        assert!(between("eu-west-1", "eu-west-2") < between("eu-west-1", "us-east-1"));
        assert!(between("us-east-1", "sa-east-1") < between("eu-central-1", "sa-east-1"));
    }

    /// Real routes are not straight, but a detour much shorter than the direct way would be a typing error in the
    /// table.
    #[test]
    fn no_detour_saves_more_than_a_fifth() {
        for (a, b) in pairs() {
            for via in Region::all().filter(|via| *via != a && *via != b) {
                let detour = round_trip(a, via) + round_trip(via, b);
                assert!(round_trip(a, b) * 4 <= detour * 5, "{a} {via} {b}");
            }
        }
    }

    /// The rows carry no names, so this test notices if the Region table changes its order.
    #[test]
    fn each_region_has_the_nearest_neighbour_that_the_source_gives_it() {
        let neighbours = [
            ("us-east-1", "us-east-2"),
            ("us-east-2", "us-east-1"),
            ("us-west-2", "ca-west-1"),
            ("ca-central-1", "us-east-1"),
            ("ca-west-1", "us-west-2"),
            ("eu-central-1", "eu-west-3"),
            ("eu-west-1", "eu-west-2"),
            ("eu-west-2", "eu-west-3"),
            ("eu-west-3", "eu-west-2"),
            ("eu-north-1", "eu-central-1"),
            ("eu-south-2", "eu-west-3"),
            ("ap-northeast-1", "ap-northeast-3"),
            ("ap-northeast-2", "ap-northeast-3"),
            ("ap-northeast-3", "ap-northeast-1"),
            ("ap-south-1", "ap-southeast-1"),
            ("ap-southeast-1", "ap-east-1"),
            ("ap-southeast-2", "ap-southeast-4"),
            ("ap-southeast-4", "ap-southeast-2"),
            ("ap-east-1", "ap-southeast-1"),
            ("sa-east-1", "us-east-1"),
        ];
        assert_eq!(neighbours.len(), Region::COUNT);
        for (name, nearest) in neighbours {
            let region = Region::parse(name).expect("a Region of the table");
            let found = Region::all().filter(|other| *other != region).min_by_key(|b| round_trip(region, *b));
            assert_eq!(found.map(Region::name), Some(nearest), "nearest to {name}");
        }
    }
}
