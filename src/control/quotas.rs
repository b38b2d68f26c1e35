//! The cluster quotas of an account in a Region. They are adjustable: a raise is a fact of the environment, which
//! Service Quotas keeps, and no record of the control plane. (User Guide, "Quotas".)

/// A quota of clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClusterQuota {
    /// Single-Region clusters, L-B3A4E51E.
    SingleRegion,
    /// Multi-Region clusters, L-DCF93F11.
    MultiRegion,
}

impl ClusterQuota {
    /// Both quotas, with their names.
    pub const NAMED: [(&str, ClusterQuota); 2] =
        [("single-region", ClusterQuota::SingleRegion), ("multi-region", ClusterQuota::MultiRegion)];

    /// The name in scenario files.
    #[must_use]
    pub fn name(self) -> &'static str {
        ClusterQuota::NAMED.iter().find(|(_, quota)| *quota == self).map_or("", |(name, _)| name)
    }

    /// The quota with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<ClusterQuota> {
        ClusterQuota::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, quota)| quota)
    }
}

/// The quotas that were raised, for every account in a Region; 0 for one that was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RaisedQuotas {
    /// The quota of single-Region clusters.
    pub single: u32,
    /// The quota of multi-Region clusters.
    pub multi: u32,
}

impl RaisedQuotas {
    /// The quotas after a raise. A quota is never lowered: a smaller value changes nothing.
    #[must_use]
    pub fn with(self, quota: ClusterQuota, to: u32) -> RaisedQuotas {
        match quota {
            ClusterQuota::SingleRegion => RaisedQuotas { single: self.single.max(to), ..self },
            ClusterQuota::MultiRegion => RaisedQuotas { multi: self.multi.max(to), ..self },
        }
    }

    /// The raised quotas, with their values.
    pub fn iter(self) -> impl Iterator<Item = (ClusterQuota, u32)> {
        let quotas = [(ClusterQuota::SingleRegion, self.single), (ClusterQuota::MultiRegion, self.multi)];
        quotas.into_iter().filter(|(_, to)| *to > 0)
    }
}
