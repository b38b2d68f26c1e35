//! What lasts: faults, nodes that are down, and the statuses of clusters.

use serde::Serialize;

use crate::map::FixedMap;
use crate::sim::fault::{Fault, Heal, NodeMatch};
use crate::sim::history::{EventId, History, HistoryContent, HistoryEvent};
use crate::sim::trace::TraceEventKind as Kind;
use crate::types::{ClusterStatus, Identifier, NodeId};

/// A fault that lasts.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Band {
    /// The kind of fault, as coverage names it.
    pub kind: &'static str,
    /// The command.
    pub text: String,
    /// The virtual time at its beginning.
    pub from: u64,
    /// The virtual time at its end; left out if it lasts to the end of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// The event that began it.
    pub event: EventId,
    /// The lanes that it touches; empty if it touches all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<usize>,
}

/// A time at which a node was down.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Down {
    /// The lane of the node.
    pub lane: usize,
    /// The virtual time of the crash.
    pub from: u64,
    /// The virtual time of the restart; left out if the node stays down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// The event of the crash.
    pub event: EventId,
}

/// A status of a cluster.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatusSpan {
    /// The lane of the control plane.
    pub lane: usize,
    /// The name of the cluster.
    pub cluster: String,
    /// The status.
    #[cfg_attr(test, schemars(with = "String"))]
    pub status: ClusterStatus,
    /// The virtual time of the write that set it.
    pub from: u64,
    /// The virtual time of the write that replaced it; left out if it lasts to the end of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// The event of the write that set it.
    pub event: EventId,
}

/// The faults that last, in the order of their beginning.
pub(super) fn bands(history: &History, positions: &FixedMap<NodeId, usize>) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    let mut ends: Vec<Option<Fault>> = Vec::new();
    for (event, id) in events(history) {
        if event.kind == Kind::Remark && event.text == REPAIRED {
            end_all(&mut bands, event.at.0, |_| true);
        }
        let HistoryContent::Fault(fault) = &event.content else { continue };
        for part in fault.parts() {
            if let Fault::Heal(Heal { between: None }) = part {
                end_all(&mut bands, event.at.0, |band| !LEFT_BY_HEAL.contains(&band.kind));
            }
            for (band, end) in bands.iter_mut().zip(&ends) {
                if band.to.is_none() && end.iter().flat_map(Fault::parts).any(|end| end == part) {
                    band.to = Some(event.at.0);
                }
            }
            let Some((kind, end)) = part.kind().zip(part.end()) else { continue };
            // The crash of one node shows as a break of its lane.
            if let Fault::Crash(_) = part {
                continue;
            }
            let (text, lanes) = (event.text.clone(), lanes(part, positions));
            bands.push(Band { kind: kind.name(), text, from: event.at.0, to: None, event: id, lanes });
            ends.push(Some(end));
        }
    }
    bands
}

fn end_all(bands: &mut [Band], at: u64, is_meant: impl Fn(&Band) -> bool) {
    let open = bands.iter_mut().filter(|band| band.to.is_none() && is_meant(band));
    open.for_each(|band| band.to = Some(at));
}

/// The lanes that a fault touches; empty for all.
fn lanes(fault: &Fault, positions: &FixedMap<NodeId, usize>) -> Vec<usize> {
    let ends: Vec<NodeMatch> = match fault {
        Fault::Rule(rule) => vec![rule.from, rule.to],
        Fault::Outage(outage) => vec![NodeMatch::Region(outage.region)],
        Fault::Skew(skew) => vec![NodeMatch::Region(skew.region)],
        Fault::Deny(deny) => vec![NodeMatch::Region(deny.region)],
        _ => Vec::new(),
    };
    let is_touched = |node: NodeId| ends.iter().any(|end| *end != NodeMatch::Any && end.includes(node));
    positions.iter().filter(|(node, _)| is_touched(**node)).map(|(_, position)| *position).collect()
}

/// The times at which nodes were down, in the order of the crashes.
pub(super) fn downs(history: &History, positions: &FixedMap<NodeId, usize>) -> Vec<Down> {
    let mut downs: Vec<Down> = Vec::new();
    for (event, id) in events(history) {
        let Some(lane) = event.actor.and_then(|node| positions.get(&node)).copied() else { continue };
        match (event.kind, event.actor) {
            // A client needs no restart: its next call belongs to its next process.
            (Kind::Crashed, Some(NodeId::Client(_))) => {
                downs.push(Down { lane, from: event.at.0, to: Some(event.at.0), event: id });
            }
            (Kind::Crashed, _) => downs.push(Down { lane, from: event.at.0, to: None, event: id }),
            (Kind::Restarted, _) => {
                let open = downs.iter_mut().rfind(|down| down.lane == lane && down.to.is_none());
                open.into_iter().for_each(|down| down.to = Some(event.at.0));
            }
            _ => {}
        }
    }
    downs
}

/// The statuses of clusters, in the order of the writes.
pub(super) fn statuses(history: &History, positions: &FixedMap<NodeId, usize>) -> Vec<StatusSpan> {
    let mut statuses: Vec<StatusSpan> = Vec::new();
    let mut latest: FixedMap<Identifier, usize> = FixedMap::default();
    for (event, id) in events(history) {
        let (HistoryContent::Commit(commit), Kind::Wrote) = (&event.content, event.kind) else { continue };
        let Some((_, _, after)) = &commit.batch.cluster else { continue };
        let Some(record) = after.as_ref().or(commit.before.cluster.as_ref()) else { continue };
        let identifier = record.arn.identifier;
        let before = latest.get(&identifier).copied();
        let status = after.as_ref().map(|record| record.status);
        if before.is_some_and(|position| {
            statuses[position].to.is_none() && Some(statuses[position].status) == status
        }) {
            continue;
        }
        before.into_iter().for_each(|position| statuses[position].to = Some(event.at.0));
        let lane = event.actor.and_then(|node| positions.get(&node)).copied();
        if let (Some(status), Some(lane)) = (status, lane) {
            latest.insert(identifier, statuses.len());
            let cluster = history.cluster_name(identifier);
            statuses.push(StatusSpan { lane, cluster, status, from: event.at.0, to: None, event: id });
        }
    }
    statuses
}

fn events(history: &History) -> impl Iterator<Item = (&HistoryEvent, EventId)> {
    history.events().iter().zip((0..).map(EventId))
}

/// The remark of a general repair.
const REPAIRED: &str = "all faults are repaired";

/// The kinds of fault that `heal` leaves: stopped nodes and skewed clocks.
const LEFT_BY_HEAL: [&str; 2] = ["outage", "skew"];
