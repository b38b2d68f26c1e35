//! Where a scenario plays.

use crate::region::{Region, RegionSet};

use super::draws::Draws;

/// Where a scenario plays: Regions for clusters and one for the witness.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    /// Where most clusters are.
    pub(super) regions: [Region; 2],
    /// Most clusters' witness.
    pub(super) witness: Region,
    /// Where there are clusters, too; seldom any.
    pub(super) others: Vec<Region>,
    /// All Regions of the set that the place is taken from.
    pub(super) set: Vec<Region>,
}

impl Topology {
    /// Regions of one set, with a third one for clusters if `is_wide`.
    pub(super) fn draw(draws: Draws, is_wide: bool) -> Topology {
        let sets = [
            (9, ("Americas", RegionSet::Americas)),
            (5, ("Europe", RegionSet::Europe)),
            (5, ("Asia Pacific", RegionSet::AsiaPacific)),
            (1, ("Canada", RegionSet::Canada)),
            (1, ("none", RegionSet::None)),
        ];
        let (_, drawn) = draws.weigh("set", &sets);
        // Canada has two Regions, and belongs to the Americas if it belongs anywhere.
        let belongs = |set| set == drawn || (drawn == RegionSet::Canada && set == RegionSet::Americas);
        let set: Vec<Region> = Region::all().filter(|region| belongs(region.set())).collect();
        let mut left = set.clone();
        let mut take = |what: &str, is_wished: &dyn Fn(Region) -> bool| {
            let wished = draws.among(what, left.iter().copied().filter(|region| is_wished(*region)));
            let taken = wished.or_else(|| draws.among(what, left.iter().copied()))?;
            left.retain(|region| *region != taken);
            Some(taken)
        };
        let is_own = |region: Region| region.set() == drawn;
        let mut three = |what: &str, is_wished: &dyn Fn(Region) -> bool| {
            take(what, is_wished).expect("every set has three Regions, with its neighbour's if need be")
        };
        let regions = [three("one", &is_own), three("other", &is_own)];
        let witness = three("witness", &|_| true);
        // Of three Regions the third is a witness's and has clusters.
        let third = take("third", &|_| true).unwrap_or(witness);
        let others = if is_wide { vec![third] } else { Vec::new() };
        Topology { regions, witness, others, set }
    }

    /// Regions of which as many as can be are called, and named as a witness.
    pub(super) fn among(draws: Draws, called: &[Region], witnesses: &[Region]) -> Topology {
        let is_near = |region: &Region| called.first().is_none_or(|it| it.set() == region.set());
        let set: Vec<Region> = Region::all().filter(is_near).collect();
        let mut taken: Vec<Region> = Vec::new();
        let mut take = |what: &str, wished: &[Region]| {
            let free = |among: &[Region]| {
                let left: Vec<Region> = among.iter().copied().filter(|it| !taken.contains(it)).collect();
                draws.among(what, left)
            };
            let next = free(wished).or_else(|| free(&set)).or_else(|| draws.among(what, Region::all()));
            let next = next.expect("there are Regions");
            taken.push(next);
            next
        };
        let regions = [take("one", called), take("other", called)];
        Topology { regions, witness: take("witness", witnesses), others: Vec::new(), set }
    }

    /// Where clusters are.
    pub(super) fn clusters(&self) -> impl Iterator<Item = Region> + '_ {
        self.regions.into_iter().chain(self.others.iter().copied())
    }

    /// Every Region, each once: those of clusters, and the witness's.
    pub(super) fn all(&self) -> Vec<Region> {
        let mut all: Vec<Region> = self.clusters().collect();
        if !all.contains(&self.witness) {
            all.push(self.witness);
        }
        all
    }

    /// A Region for a cluster that is to be the peer of one in `region`.
    pub(super) fn opposite(&self, draws: Draws, region: Region) -> Region {
        draws.among("opposite", self.clusters().filter(|it| *it != region)).unwrap_or(region)
    }

    /// A witness for a pair in these two Regions: the usual one, if it is in neither.
    pub(super) fn witness_of(&self, pair: [Region; 2]) -> Region {
        let mut candidates = [self.witness].into_iter().chain(self.all()).chain(self.set.iter().copied());
        candidates.find(|region| !pair.contains(region)).unwrap_or(self.witness)
    }
}
