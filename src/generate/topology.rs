//! The topology of a generated scenario: its Regions and their roles.

use crate::region::{Region, RegionSet};

use super::draws::Draws;

/// The Regions of a scenario: those of its clusters, and the usual witness Region.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    /// The Regions of most clusters.
    pub(super) regions: [Region; 2],
    /// The witness Region of most clusters.
    pub(super) witness: Region,
    /// Further Regions with clusters: one in a wide topology, otherwise none.
    pub(super) others: Vec<Region>,
    /// All Regions of the set from which the topology is drawn.
    pub(super) set: Vec<Region>,
}

impl Topology {
    /// A topology within one Region set, with a third Region for clusters if `is_wide`.
    pub(super) fn draw(draws: Draws, is_wide: bool) -> Topology {
        let sets = [
            (9, RegionSet::Americas),
            (5, RegionSet::Europe),
            (5, RegionSet::AsiaPacific),
            (1, RegionSet::Canada),
            (1, RegionSet::None),
        ];
        let drawn = draws.weigh("set", &sets);
        // Canada has two Regions only, which do not suffice for a pair and a witness. The Americas complete them.
        let belongs = |set| set == drawn || (drawn == RegionSet::Canada && set == RegionSet::Americas);
        let set: Vec<Region> = Region::all().filter(|region| belongs(region.set())).collect();
        let mut left = set.clone();
        let mut take = |draw: &str, is_preferred: &dyn Fn(Region) -> bool| {
            let preferred = draws.among(draw, left.iter().copied().filter(|region| is_preferred(*region)));
            let taken = preferred.or_else(|| draws.among(draw, left.iter().copied()))?;
            left.retain(|region| *region != taken);
            Some(taken)
        };
        let is_own = |region: Region| region.set() == drawn;
        let mut must_take = |draw: &str, is_preferred: &dyn Fn(Region) -> bool| {
            take(draw, is_preferred).expect("every set has three Regions, with its neighbour's if need be")
        };
        let regions = [must_take("one", &is_own), must_take("other", &is_own)];
        let witness = must_take("witness", &|_| true);
        // In a set of three Regions, the witness Region is also the third Region for clusters.
        let third = take("third", &|_| true).unwrap_or(witness);
        let others = if is_wide { vec![third] } else { Vec::new() };
        Topology { regions, witness, others, set }
    }

    /// A topology that prefers the `called` Regions for its clusters and one of `witnesses` for its witness. The set of
    /// the first called Region fills up what is missing, then every other Region.
    pub(super) fn among(draws: Draws, called: &[Region], witnesses: &[Region]) -> Topology {
        let is_near = |region: &Region| called.first().is_none_or(|it| it.set() == region.set());
        let set: Vec<Region> = Region::all().filter(is_near).collect();
        let mut taken: Vec<Region> = Vec::new();
        let mut take = |draw: &str, preferred: &[Region]| {
            let free = |among: &[Region]| {
                let left: Vec<Region> = among.iter().copied().filter(|it| !taken.contains(it)).collect();
                draws.among(draw, left)
            };
            let next = free(preferred).or_else(|| free(&set)).or_else(|| draws.among(draw, Region::all()));
            let next = next.expect("there are Regions");
            taken.push(next);
            next
        };
        let regions = [take("one", called), take("other", called)];
        Topology { regions, witness: take("witness", witnesses), others: Vec::new(), set }
    }

    /// The Regions with clusters.
    pub(super) fn clusters(&self) -> impl Iterator<Item = Region> + '_ {
        self.regions.into_iter().chain(self.others.iter().copied())
    }

    /// The Regions with clusters and the witness Region, each once.
    pub(super) fn all(&self) -> Vec<Region> {
        let mut all: Vec<Region> = self.clusters().collect();
        if !all.contains(&self.witness) {
            all.push(self.witness);
        }
        all
    }

    /// A Region for the peer of a cluster in `region`.
    pub(super) fn opposite(&self, draws: Draws, region: Region) -> Region {
        draws.among("opposite", self.clusters().filter(|it| *it != region)).unwrap_or(region)
    }

    /// A witness Region for a pair in these two Regions: the usual one, unless one of them is that Region.
    pub(super) fn witness_of(&self, pair: [Region; 2]) -> Region {
        let mut candidates = [self.witness].into_iter().chain(self.all()).chain(self.set.iter().copied());
        candidates.find(|region| !pair.contains(region)).unwrap_or(self.witness)
    }
}
