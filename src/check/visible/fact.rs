//! Facts: the value of one member of a cluster or a stream, as a call sets it or a read shows it.

use std::fmt;
use std::sync::Arc;

use crate::api::{
    CreateStreamInput, CreateStreamOutput, MultiRegionOutput, MultiRegionProperties, Response, TagMap, Tags,
    TargetDefinition,
};
use crate::check::keys;
use crate::check::operations::ResponseSpecification;
use crate::control::assumptions::Assumptions;
use crate::control::records::Cluster;
use crate::region::Region;
use crate::types::{ClusterArn, Timestamp};

/// The value of one member of a cluster or a stream. Each tag is a member of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) enum Fact {
    Protection(bool),
    /// The ARN of the customer managed key; `None` for a key that AWS owns.
    Key(Option<Arc<str>>),
    MetricGroups(bool),
    Witness(Option<Region>),
    /// The peer that the cluster declares.
    Peer(Option<ClusterArn>),
    Tag(String, Option<String>),
    Policy(Option<PolicyFact>),
    Created(Timestamp),
    Target(Box<TargetDefinition>),
    /// Whether deletion was requested.
    Deleted(bool),
}

/// The text of a policy, and its version if an answer has named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::check) struct PolicyFact {
    pub(in crate::check) text: Arc<str>,
    pub(in crate::check) version: Option<String>,
}

impl Fact {
    /// Whether both are values of the same member.
    pub(super) fn is_same_member(&self, other: &Fact) -> bool {
        match (self, other) {
            (Fact::Tag(one, _), Fact::Tag(other, _)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether a register with this value may be shown as `shown`. With `may_show_declarer`, a cluster that declares
    /// no peer may show the peer that declares it.
    pub(super) fn agrees(&self, shown: &Fact, may_show_declarer: bool) -> bool {
        match (self, shown) {
            (Fact::Peer(None), Fact::Peer(_)) if may_show_declarer => true,
            (Fact::Policy(Some(known)), Fact::Policy(Some(shown))) => {
                known.text == shown.text && (known.version.is_none() || known.version == shown.version)
            }
            _ => self == shown,
        }
    }

    /// The members of a new cluster: from the answer to its creation and, where that is silent, from the request.
    pub(super) fn of_created_cluster(
        response: &Response,
        tags: Option<&Tags>,
        policy: Option<&Arc<str>>,
    ) -> Vec<Fact> {
        let Response::CreateCluster(made) = response else { return Vec::new() };
        let policy = policy.map(|text| PolicyFact { text: text.clone(), version: None });
        let mut facts = vec![
            Fact::Created(made.creation_time),
            Fact::Protection(made.deletion_protection_enabled),
            Fact::Key(keys::customer_key(made.encryption_details.as_ref())),
            Fact::MetricGroups(made.metric_groups.is_some()),
            Fact::Policy(policy),
            Fact::Deleted(false),
        ];
        facts.extend(shown_properties(made.multi_region_properties.as_deref(), made.arn));
        facts.extend(tags.into_iter().flat_map(|tags| of_tags(tags)));
        facts
    }

    /// The members of a cluster in its record, for one that existed before the world began.
    pub(super) fn of_recorded_cluster(cluster: &Cluster) -> Vec<Fact> {
        let attached = cluster.attached.as_deref();
        let policy = attached.and_then(|attached| {
            let text = attached.policy.as_ref()?.text.clone();
            Some(PolicyFact { text, version: Some(attached.policy_version.to_string()) })
        });
        // What assumptions add to an answer is no fact.
        let mut facts = shown_by(&cluster.describe(&Assumptions::DEFAULT));
        facts.push(Fact::Policy(policy));
        facts.extend(cluster.tags.iter().flat_map(|tags| of_tags(tags)));
        facts
    }

    /// The members of a new stream: from the request and the answer of CreateStream.
    pub(super) fn of_created_stream(input: &CreateStreamInput, made: &CreateStreamOutput) -> Vec<Fact> {
        let mut facts = vec![Fact::Created(made.creation_time), Fact::Deleted(false)];
        facts.extend(input.target_definition.clone().map(Fact::Target));
        facts.extend(input.tags.iter().flat_map(|tags| of_tags(tags)));
        facts
    }
}

/// The members in the answer to a read, except the tags.
pub(super) fn shown_by(answer: &dyn ResponseSpecification) -> Vec<Fact> {
    answer.shows().map(|shown| shown.facts).unwrap_or_default()
}

/// The peer that a request lists besides the cluster `own`, if it lists one.
pub(in crate::check) fn listed_peer(listed: &[String], own: Option<ClusterArn>) -> Option<ClusterArn> {
    listed.iter().filter_map(|arn| ClusterArn::parse(arn)).find(|arn| Some(*arn) != own)
}

/// The members that the tags are.
pub(in crate::check) fn of_tags(tags: &TagMap) -> Vec<Fact> {
    tags.iter().map(|(key, value)| Fact::Tag(key.clone(), Some(value.clone()))).collect()
}

/// The multi-Region properties that a request sets. Without a list the peer stays as it is.
pub(in crate::check) fn requested_properties(
    properties: &MultiRegionProperties,
    own: Option<ClusterArn>,
) -> impl Iterator<Item = Fact> {
    let witness = properties.witness_region.as_deref().and_then(Region::parse);
    let witness = witness.map(|witness| Fact::Witness(Some(witness)));
    let peer = properties.clusters.as_deref().map(|listed| Fact::Peer(listed_peer(listed, own)));
    [witness, peer].into_iter().flatten()
}

/// The multi-Region properties that an answer shows.
pub(in crate::check) fn shown_properties(
    properties: Option<&MultiRegionOutput>,
    own: ClusterArn,
) -> [Fact; 2] {
    let witness = properties.map(|it| it.witness_region);
    let peer = properties.and_then(|it| it.clusters.iter().copied().find(|arn| *arn != own));
    [Fact::Witness(witness), Fact::Peer(peer)]
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn or_none<T: fmt::Display>(value: Option<&T>) -> String {
            value.map_or_else(|| "none".to_owned(), ToString::to_string)
        }
        match self {
            Fact::Protection(on) => write!(f, "deletionProtectionEnabled {on}"),
            Fact::Key(key) => write!(f, "KMS key {}", or_none(key.as_ref())),
            Fact::MetricGroups(on) => write!(f, "metric groups {}", if *on { "on" } else { "off" }),
            Fact::Witness(witness) => write!(f, "witness Region {}", or_none(witness.as_ref())),
            Fact::Peer(peer) => write!(f, "peer {}", or_none(peer.as_ref())),
            Fact::Tag(key, value) => write!(f, "tag {key} {}", or_none(value.as_ref())),
            Fact::Policy(None) => write!(f, "policy none"),
            Fact::Policy(Some(PolicyFact { text, version })) => {
                write!(f, "policy {text} in version {}", version.as_deref().unwrap_or("unknown"))
            }
            Fact::Created(time) => write!(f, "creationTime {}.{:03}", time.seconds(), time.0 % 1000),
            Fact::Target(target) => write!(f, "target {target:?}"),
            Fact::Deleted(deleted) => {
                write!(f, "deletion {}", if *deleted { "asked for" } else { "not asked for" })
            }
        }
    }
}
