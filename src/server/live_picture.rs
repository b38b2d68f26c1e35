//! The picture of the world that the live page shows, in sections. Each list has a bound, and says how many more there
//! are: a world may have a million clusters.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::{Value, json};

use crate::control::records::Cluster;
use crate::region::Region;
use crate::scenario::fault_text;
use crate::sim::NodeState;
use crate::sim::fault::{Fault, NodeMatch, Rule};
use crate::types::NodeId;

use super::clock::Clock;
use super::driver::Driver;
use super::live_feed::Section;

/// The first items of a list, and the number of the others.
#[derive(Debug, Serialize)]
struct Bounded<T> {
    list: Vec<T>,
    more: usize,
}

impl<T> Bounded<T> {
    fn of(items: impl IntoIterator<Item = T>) -> Bounded<T> {
        let mut items = items.into_iter();
        let list = items.by_ref().take(MOST_ITEMS).collect();
        Bounded { list, more: items.count() }
    }
}

/// A Region with the states of its nodes, `up`, `down` (the process) or `dark` (the host); `None` before a message or a
/// fault reaches a node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveRegion {
    name: &'static str,
    control_plane: Option<&'static str>,
    witness: Option<&'static str>,
    clusters: usize,
    /// The number of clusters by status.
    statuses: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveCluster {
    identifier: String,
    /// The name in traces.
    name: String,
    region: &'static str,
    account: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'static str>,
    /// The peer that the cluster declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<LivePeer>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LivePeer {
    name: String,
    region: &'static str,
    is_linked: bool,
}

/// The pairs that clusters of two Regions form or declare. Both clusters of a linked pair count.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveLink {
    from: &'static str,
    to: &'static str,
    witness: &'static str,
    linked: usize,
    declared: usize,
}

/// A rule of the network between two ends. An end that is no node of a Region has no Region.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveRule {
    from: Option<&'static str>,
    to: Option<&'static str>,
    is_partition: bool,
    text: String,
}

/// A fault as a line of the scenario language, with the line that ends it.
#[derive(Debug, Serialize)]
struct LiveFault {
    text: String,
    end: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveWait {
    waiter: String,
    /// The nodes whose answers are missing, each with its state; empty if only time has to pass.
    missing: Vec<(String, &'static str)>,
    action: String,
}

/// The clusters of every Region: the latest of each, and counts of all.
#[derive(Debug, Default)]
struct Census {
    shown: Vec<VecDeque<LiveCluster>>,
    regions: Vec<(Region, BTreeMap<&'static str, usize>)>,
    links: BTreeMap<(Region, Region, Region), (usize, usize)>,
}

impl Driver {
    /// The sections of the picture, without those of the latest calls and lines.
    pub(super) fn sections(&self) -> Vec<Section> {
        let world = self.simulation.world();
        let mut census = self.census();
        let regions = self.live_regions(&census);
        let total: usize = regions.iter().map(|region| region.clusters).sum();
        let list: Vec<_> = census.shown.drain(..).flatten().collect();
        let clusters = Bounded { more: total - list.len(), list };
        let links: Vec<_> = census.links.iter().map(live_link).collect();
        let faults = world.active_faults();
        let rules = faults.iter().filter_map(|fault| match fault {
            Fault::Rule(rule) => Some(self.live_rule(rule, fault)),
            _ => None,
        });
        let open = self.live_calls.open(world, MOST_ITEMS);
        let violations = self.violations.iter().map(|violation| {
            let at = violation.at.0 / 1_000_000;
            json!({ "invariant": violation.invariant, "message": violation.message, "atMilliseconds": at })
        });
        vec![
            ("clock", self.clock_state().to_string()),
            ("regions", json_of(&regions)),
            ("clusters", json_of(&clusters)),
            ("links", json_of(&links)),
            ("rules", json_of(&Bounded::of(rules))),
            ("faults", json_of(&Bounded::of(faults.iter().map(|fault| self.live_fault(fault))))),
            ("open", json_of(&Bounded { more: self.live_calls.open_count() - open.len(), list: open })),
            ("waits", json_of(&self.live_waits())),
            ("violations", json_of(&violations.collect::<Vec<_>>())),
        ]
    }

    /// The latest of the last `count` calls that have ended.
    pub(super) fn calls_section(&self, count: u64) -> Section {
        let list = self.live_calls.latest(self.simulation.world(), count);
        let more = count.min(self.live_calls.count()) as usize - list.len();
        ("calls", json_of(&Bounded { list, more }))
    }

    /// The latest of the last `count` lines of the trace.
    pub(super) fn lines_section(&self, count: u64) -> Section {
        let count = count.min(self.lines.count()) as usize;
        let cut = |line: &str| line.chars().take(LONGEST_LINE).collect::<String>();
        let list: Vec<_> = self.lines.last(count.min(MOST_LINES)).map(cut).collect();
        let more = count - list.len();
        ("lines", json_of(&Bounded { list, more }))
    }

    /// The clock: its kind, the virtual time, and what makes time pass.
    pub(super) fn clock_state(&self) -> Value {
        let now = self.clock.now(self.simulation.world().now()).0;
        let mut state = json!({
            "virtualMilliseconds": now / 1_000_000,
            "virtualNanoseconds": now,
            "hasEnded": self.has_run_ended || self.has_time_ended(),
            "seed": self.options.scenario.set_up.seed,
            "isRecorded": self.is_recorded() && self.store.is_none(),
        });
        match &self.clock {
            Clock::Wall(pacer) => {
                state["clock"] = "wall".into();
                state["speed"] = pacer.speed().into();
                state["paused"] = pacer.is_paused().into();
            }
            Clock::Stepped { .. } => state["clock"] = "stepped".into(),
        }
        state
    }

    fn census(&self) -> Census {
        let world = self.simulation.world();
        let mut census = Census::default();
        let used = Region::all().filter(|region| world.clusters(*region).next().is_some()).count();
        let share = MOST_CLUSTERS / used.max(1);
        for region in Region::all() {
            let (mut latest, mut statuses) = (VecDeque::new(), BTreeMap::new());
            for cluster in world.clusters(region) {
                *statuses.entry(cluster.status.into()).or_default() += 1;
                if latest.len() == share {
                    latest.pop_front();
                }
                latest.push_back(cluster);
                if let Some((witness, peer, is_linked)) = multi_region(cluster) {
                    let (one, other) = (region.min(peer), region.max(peer));
                    let (linked, declared) = census.links.entry((one, other, witness)).or_default();
                    *if is_linked { linked } else { declared } += 1;
                }
            }
            census.shown.push(latest.into_iter().map(|cluster| self.live_cluster(cluster)).collect());
            census.regions.push((region, statuses));
        }
        census
    }

    fn live_cluster(&self, cluster: &Cluster) -> LiveCluster {
        let names = self.simulation.world().names();
        let multi_region = cluster.multi_region.as_deref();
        let peer = multi_region.and_then(|properties| Some((properties.peer?, properties.linked)));
        LiveCluster {
            identifier: cluster.arn.identifier.to_string(),
            name: names.cluster(cluster.arn.identifier),
            region: cluster.arn.region.name(),
            account: cluster.arn.account.to_string(),
            status: cluster.status.into(),
            witness: multi_region.map(|properties| properties.witness.name()),
            peer: peer.map(|(peer, is_linked)| LivePeer {
                name: names.cluster(peer.identifier),
                region: peer.region.name(),
                is_linked,
            }),
        }
    }

    fn live_regions(&self, census: &Census) -> Vec<LiveRegion> {
        let state = |node: NodeId| {
            let found = self.simulation.world().node_states().find(|(known, _)| *known == node);
            found.map(|(_, state)| state_name(state))
        };
        let region = |(region, statuses): &(Region, BTreeMap<&'static str, usize>)| LiveRegion {
            name: region.name(),
            control_plane: state(NodeId::ControlPlane(*region)),
            witness: state(NodeId::Witness(*region)),
            clusters: statuses.values().sum(),
            statuses: statuses.clone(),
        };
        census.regions.iter().map(region).collect()
    }

    fn live_rule(&self, rule: &Rule, fault: &Fault) -> LiveRule {
        let region = |end: NodeMatch| match end {
            NodeMatch::Region(region) | NodeMatch::ControlPlane(region) | NodeMatch::Witness(region) => {
                Some(region.name())
            }
            NodeMatch::Any | NodeMatch::Client(_) => None,
        };
        LiveRule {
            from: region(rule.from),
            to: region(rule.to),
            is_partition: rule.is_partition(),
            text: fault_text(self.recording.set_up(), fault),
        }
    }

    fn live_fault(&self, fault: &Fault) -> LiveFault {
        let text = |fault: &Fault| fault_text(self.recording.set_up(), fault);
        LiveFault { text: text(fault), end: fault.end().map(|end| text(&end)) }
    }

    fn live_waits(&self) -> Bounded<LiveWait> {
        let world = self.simulation.world();
        let states: BTreeMap<NodeId, NodeState> = world.node_states().collect();
        let missing = |node: NodeId| {
            let state = states.get(&node).map_or("up", |state| state_name(*state));
            (world.node_name(node), state)
        };
        Bounded::of(world.open_waits().map(|wait| LiveWait {
            waiter: match wait.region {
                Some(region) => format!("{} {}", world.names().region(region), wait.waiter),
                None => wait.waiter,
            },
            missing: wait.missing.into_iter().map(missing).collect(),
            action: wait.action,
        }))
    }
}

/// The witness Region of a cluster, the Region of its peer, and whether the two are linked.
fn multi_region(cluster: &Cluster) -> Option<(Region, Region, bool)> {
    let properties = cluster.multi_region.as_deref()?;
    Some((properties.witness, properties.peer?.region, properties.linked))
}

fn live_link(
    (&(from, to, witness), &(linked, declared)): (&(Region, Region, Region), &(usize, usize)),
) -> LiveLink {
    LiveLink { from: from.name(), to: to.name(), witness: witness.name(), linked, declared }
}

fn state_name(state: NodeState) -> &'static str {
    match state {
        NodeState::Up => "up",
        NodeState::Down => "down",
        NodeState::Dark => "dark",
    }
}

fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the picture is JSON")
}

/// The most items of a list.
const MOST_ITEMS: usize = 50;

/// The most clusters that are listed, over all Regions.
const MOST_CLUSTERS: usize = 120;

/// The most lines of the trace at once.
const MOST_LINES: usize = 60;

/// The characters of a line that are shown.
const LONGEST_LINE: usize = 300;
