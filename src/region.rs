//! The table of Regions: where clusters can be, and which Regions may form a multi-Region cluster.
//!
//! A multi-Region cluster takes its two Regions *and* its witness from one Region set (User Guide, "Region
//! availability", and the release notes of July 2026). Only AWS Backup's page adds the two Canadian Regions to the
//! Americas; the table keeps them apart, and they join under the assumption `canada_in_americas`.

use std::fmt;

/// An AWS Region that offers Aurora DSQL, stored as an index into the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(u8);

/// A set of Regions that may be peers and witness of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionSet {
    /// The three Regions of the United States.
    Americas,
    /// The two Canadian Regions, which belong to the Americas according to AWS Backup's page only. Without the
    /// assumption they host single-Region clusters only.
    Canada,
    /// The European Regions.
    Europe,
    /// The Asia Pacific Regions with multi-Region clusters. Other Regions of that continent are in `None`.
    AsiaPacific,
    /// Not a set: Regions that host single-Region clusters only, and join no other Region.
    None,
}

impl Region {
    /// The number of Regions.
    pub const COUNT: usize = TABLE.len();

    /// The Region with a name such as `us-east-1`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Region> {
        TABLE.iter().position(|(known, _)| *known == name).map(|index| Region(index as u8))
    }

    /// The Region with this name, at compile time.
    const fn named(name: &str) -> Region {
        let mut index = 0;
        while !is_equal(TABLE[index].0, name) {
            index += 1;
        }
        Region(index as u8)
    }

    /// Every Region, in the table's order.
    pub fn all() -> impl Iterator<Item = Region> {
        (0..TABLE.len() as u8).map(Region)
    }

    /// The Region's name, such as `us-east-1`.
    #[must_use]
    pub fn name(self) -> &'static str {
        TABLE[self.index()].0
    }

    /// The Region set that it belongs to.
    #[must_use]
    pub fn set(self) -> RegionSet {
        TABLE[self.index()].1
    }

    /// The index in the table, below [`Region::COUNT`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Whether a cluster here may have its peer or its witness in `other`.
    #[must_use]
    pub fn may_join(self, other: Region, canada_in_americas: bool) -> bool {
        let set = |region: Region| match region.set() {
            RegionSet::Canada if canada_in_americas => RegionSet::Americas,
            RegionSet::Canada => RegionSet::None,
            set => set,
        };
        set(self) != RegionSet::None && set(self) == set(other)
    }
}

/// Whether two texts are equal; `==` is not available at compile time.
const fn is_equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

/// Defines a constant for each Region.
macro_rules! constants {
    ($($constant:ident = $name:literal;)+) => {
        impl Region {$(
            #[doc = concat!("`", $name, "`.")]
            pub const $constant: Region = Region::named($name);
        )+}
    };
}

constants! {
    US_EAST_1 = "us-east-1";
    US_EAST_2 = "us-east-2";
    US_WEST_2 = "us-west-2";
    CA_CENTRAL_1 = "ca-central-1";
    CA_WEST_1 = "ca-west-1";
    EU_CENTRAL_1 = "eu-central-1";
    EU_WEST_1 = "eu-west-1";
    EU_WEST_2 = "eu-west-2";
    EU_WEST_3 = "eu-west-3";
    EU_NORTH_1 = "eu-north-1";
    EU_SOUTH_2 = "eu-south-2";
    AP_NORTHEAST_1 = "ap-northeast-1";
    AP_NORTHEAST_2 = "ap-northeast-2";
    AP_NORTHEAST_3 = "ap-northeast-3";
    AP_SOUTH_1 = "ap-south-1";
    AP_SOUTHEAST_1 = "ap-southeast-1";
    AP_SOUTHEAST_2 = "ap-southeast-2";
    AP_SOUTHEAST_4 = "ap-southeast-4";
    AP_EAST_1 = "ap-east-1";
    SA_EAST_1 = "sa-east-1";
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Cluster Regions (User Guide, "Region availability"; release notes; the CloudFormation provider list).
const TABLE: [(&str, RegionSet); 20] = [
    ("us-east-1", RegionSet::Americas),
    ("us-east-2", RegionSet::Americas),
    ("us-west-2", RegionSet::Americas),
    ("ca-central-1", RegionSet::Canada),
    ("ca-west-1", RegionSet::Canada),
    ("eu-central-1", RegionSet::Europe),
    ("eu-west-1", RegionSet::Europe),
    ("eu-west-2", RegionSet::Europe),
    ("eu-west-3", RegionSet::Europe),
    ("eu-north-1", RegionSet::Europe),
    ("eu-south-2", RegionSet::Europe),
    ("ap-northeast-1", RegionSet::AsiaPacific),
    ("ap-northeast-2", RegionSet::AsiaPacific),
    ("ap-northeast-3", RegionSet::AsiaPacific),
    ("ap-south-1", RegionSet::AsiaPacific),
    ("ap-southeast-1", RegionSet::AsiaPacific),
    ("ap-southeast-2", RegionSet::None),
    ("ap-southeast-4", RegionSet::None),
    ("ap-east-1", RegionSet::None),
    ("sa-east-1", RegionSet::None),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::parse(name).expect("a Region of the table")
    }

    #[test]
    fn every_region_parses_back_from_its_name() {
        assert_eq!(Region::all().count(), Region::COUNT);
        for (index, known) in Region::all().enumerate() {
            assert_eq!(Region::parse(known.name()), Some(known));
            assert_eq!(known.index(), index);
        }
        assert_eq!(Region::parse("us-west-1"), None);
    }

    #[test]
    fn only_regions_of_one_set_join() {
        assert!(region("us-east-1").may_join(region("us-west-2"), false));
        assert!(!region("us-east-1").may_join(region("eu-west-1"), false));
        assert!(!region("sa-east-1").may_join(region("ap-east-1"), false));
    }

    #[test]
    fn canada_joins_the_americas_only_when_assumed() {
        assert!(!region("us-east-1").may_join(region("ca-central-1"), false));
        assert!(region("us-east-1").may_join(region("ca-central-1"), true));
    }
}
