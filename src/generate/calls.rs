//! The calls of a generated scenario.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Operation;
use crate::region::Region;
use crate::scenario::{Action, CallStep};
use crate::sim::client::WaitFor;
use crate::types::ClientId;

use super::draws::Draws;
use super::{Plan, attached};

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// Creates a single-Region cluster.
    CreateAlone,
    /// Creates a cluster that may be peered.
    CreateForPair,
    /// Creates a cluster that declares an existing one.
    CreateWithPeer,
    /// Declares a peer.
    Declare,
    /// Takes a declaration back.
    Withdraw,
    /// Names another witness Region.
    ChangeWitness,
    /// Switches deletion protection on or off.
    Protect,
    /// Deletes a cluster.
    Delete,
    /// Looks at a cluster.
    Get,
    /// Lists clusters.
    List,
    /// Waits, as the SDKs' waiters do.
    Wait,
    /// Makes an earlier call again, with its token if it named one.
    Repeat,
    /// Calls nothing and lets time pass.
    Pause,
    /// Tags a cluster, removes its tags, or lists them.
    Tag,
    /// Puts, reads or removes a resource policy, or asks for the PrivateLink service.
    Policy,
    /// Creates a stream.
    Stream,
    /// Reads, lists or deletes streams.
    OldStream,
}

impl CallKind {
    /// Every kind.
    pub const ALL: &[CallKind] = &[
        CallKind::CreateAlone,
        CallKind::CreateForPair,
        CallKind::CreateWithPeer,
        CallKind::Declare,
        CallKind::Withdraw,
        CallKind::ChangeWitness,
        CallKind::Protect,
        CallKind::Delete,
        CallKind::Get,
        CallKind::List,
        CallKind::Wait,
        CallKind::Repeat,
        CallKind::Pause,
        CallKind::Tag,
        CallKind::Policy,
        CallKind::Stream,
        CallKind::OldStream,
    ];
}

/// About `count` calls: one after the other, or some together.
pub(super) fn draw(draws: Draws, plan: &Plan, count: usize) -> Vec<Vec<Action>> {
    let mut story = Story { plan, aim: None, pauses: 0, made: Vec::new(), answered: 0, clusters: Vec::new() };
    let mut groups = story.begin(draws, count);
    let kinds = &plan.swarm.calls;
    while story.made.len() + story.pauses < count && !kinds.is_empty() {
        let draws = draws.about("group", groups.len());
        let is_parallel = plan.swarm.parallel && draws.chance("parallel", 40);
        let size = if is_parallel { draws.between("size", 2, 3) } else { 1 };
        // Calls that begin together cannot refer to one another's answers.
        let known = story.clusters.len();
        story.answered = story.made.len();
        let mut group = Vec::new();
        for number in 0..size {
            let draws = draws.about("call", number);
            let hidden = story.clusters.split_off(known);
            let kind = draws.pick("kind", kinds);
            // A pause would end what is done together.
            let kind = if size > 1 && kind == CallKind::Pause { CallKind::Get } else { kind };
            group.push(story.call(draws, kind));
            let new = story.clusters.split_off(known);
            story.clusters.extend(hidden.into_iter().chain(new));
        }
        groups.push(if size > 1 { together(group) } else { group });
    }
    groups
}

/// Calls that begin at the same time.
fn together(calls: Vec<Action>) -> Vec<Action> {
    // Without something else behind them the next call would begin with these.
    let end = Action::Advance(Duration::from_millis(1));
    [Action::Parallel].into_iter().chain(calls).chain([end]).collect()
}

/// The documented way to a pair, in three calls.
const PAIR: [CallKind; 3] = [CallKind::CreateForPair, CallKind::CreateWithPeer, CallKind::Declare];

/// A cluster that a call was meant to create.
#[derive(Clone)]
pub(super) struct Cluster {
    name: Arc<str>,
    pub(super) region: Region,
    is_multi: bool,
}

/// The calls so far.
struct Story<'a> {
    plan: &'a Plan,
    /// The cluster that the next call is about, if it is not drawn.
    aim: Option<usize>,
    pauses: usize,
    made: Vec<CallStep>,
    /// How many of them have ended when the next begins.
    answered: usize,
    clusters: Vec<Cluster>,
}

impl Story<'_> {
    /// What the scenario begins with: things that are worth doing and that no draws would put together.
    fn begin(&mut self, draws: Draws, count: usize) -> Vec<Vec<Action>> {
        let swarm = &self.plan.swarm;
        let mut groups = Vec::new();
        if swarm.makes_a_pair && count >= PAIR.len() {
            for (number, kind) in PAIR.into_iter().enumerate() {
                groups.push(vec![self.call(draws.about("pair", number), kind)]);
            }
            if swarm.parallel && draws.chance("changes the witness", 20) {
                let declaration = groups.pop().into_iter().flatten();
                let change = self.call_about(1, draws.about("change", 0), CallKind::ChangeWitness);
                groups.push(together(declaration.chain([change]).collect()));
            } else if draws.chance("takes it back", 15) {
                // Whoever declared first has second thoughts, just when the other answers.
                let declaration = groups.pop().into_iter().flatten();
                let withdrawal = self.call_about(1, draws.about("withdrawal", 0), CallKind::Withdraw);
                let both = declaration.chain([withdrawal]).collect();
                groups.extend(if swarm.parallel {
                    vec![together(both)]
                } else {
                    both.into_iter().map(|it| vec![it]).collect()
                });
            }
        }
        if swarm.makes_a_pair && swarm.ends_the_pair && count >= PAIR.len() + 2 {
            // Long enough to be linked, most of the time.
            groups.push(vec![Action::Advance(draws.seconds("until linked", 1, 60))]);
            let kind = if swarm.parts_the_pair { CallKind::Withdraw } else { CallKind::Delete };
            for cluster in 0..self.clusters.len() {
                groups.push(vec![self.call_about(cluster, draws.about("end", cluster), kind)]);
            }
        } else if swarm.fills_streams && count >= 3 {
            groups.push(vec![self.call(draws.about("streamed", 0), CallKind::CreateAlone)]);
            groups.push(vec![Action::Advance(draws.seconds("until active", 8, 20))]);
            for number in 0..draws.between("streams", 1, count - 1) {
                groups.push(vec![self.call_about(0, draws.about("stream", number), CallKind::Stream)]);
            }
        } else if swarm.turns_pages && count >= 5 {
            for number in 0..2 {
                groups.push(vec![self.call(draws.about("listed", number), CallKind::CreateAlone)]);
            }
            groups.push(vec![Action::Advance(draws.seconds("until active", 5, 20))]);
            groups.push(vec![self.call(draws.about("page", 0), CallKind::List)]);
            groups.push(vec![self.call_about(0, draws.about("gone", 0), CallKind::Delete)]);
            groups.push(vec![Action::Advance(draws.seconds("until gone", 30, 150))]);
            self.answered = self.made.len();
            groups.push(vec![self.call(draws.about("page", 1), CallKind::List)]);
        }
        groups
    }

    /// A call about the `cluster`-th cluster.
    fn call_about(&mut self, cluster: usize, draws: Draws, kind: CallKind) -> Action {
        self.aim = Some(cluster);
        let call = self.call(draws, kind);
        self.aim = None;
        call
    }

    fn call(&mut self, draws: Draws, kind: CallKind) -> Action {
        if kind == CallKind::Pause {
            self.pauses += 1;
            return Action::Advance(draws.pause("pause", 18));
        }
        let again = (kind == CallKind::Repeat && !self.made.is_empty())
            .then(|| self.made[draws.below("again", self.made.len())].clone());
        let mut step = again.unwrap_or_else(|| self.new_call(draws, kind));
        step.alias = Some(format!("c{}", self.made.len() + 1).into());
        step.client = ClientId(draws.below("client", self.plan.clients) as u32);
        step.after = if draws.chance("later", 20) { draws.pause("after", 9) } else { Duration::ZERO };
        self.made.push(step.clone());
        Action::Call(step)
    }

    fn new_call(&mut self, draws: Draws, kind: CallKind) -> CallStep {
        let witness = self.plan.place.witness;
        let region = draws.pick("region", &self.plan.place.regions);
        let one = self.cluster(draws.about("one", 0), |_| true);
        let multi = self.cluster(draws.about("multi", 0), |cluster| cluster.is_multi);
        let (operation, region, mut input, waiter) = match (kind, one, multi) {
            (CallKind::CreateWithPeer, _, Some(peer)) => {
                let region = if draws.chance("opposite", 90) { self.opposite(peer.region) } else { region };
                let properties = json!({ "witnessRegion": witness, "clusters": [arn(&peer)] });
                (Operation::CreateCluster, region, json!({ "multiRegionProperties": properties }), None)
            }
            (CallKind::Declare, _, Some(cluster)) => {
                let is_partner = |other: &Cluster| other.is_multi && other.region != cluster.region;
                let peer =
                    self.cluster(draws.about("peer", 0), is_partner).unwrap_or_else(|| cluster.clone());
                let mut clusters = vec![arn(&peer)];
                if draws.chance("own", 40) {
                    clusters.insert(0, arn(&cluster));
                }
                update(
                    &cluster,
                    json!({ "multiRegionProperties": { "witnessRegion": witness, "clusters": clusters } }),
                )
            }
            (CallKind::Withdraw, _, Some(cluster)) => {
                let clusters = if draws.chance("own", 50) { vec![arn(&cluster)] } else { Vec::new() };
                update(
                    &cluster,
                    json!({ "multiRegionProperties": { "witnessRegion": witness, "clusters": clusters } }),
                )
            }
            (CallKind::ChangeWitness, _, Some(cluster)) => {
                let witness = draws.pick("witness", &self.plan.place.set);
                update(&cluster, json!({ "multiRegionProperties": { "witnessRegion": witness } }))
            }
            (CallKind::Protect, Some(cluster), _) => {
                update(&cluster, json!({ "deletionProtectionEnabled": draws.chance("on", 50) }))
            }
            (CallKind::Delete, Some(cluster), _) => (
                Operation::DeleteCluster,
                cluster.region,
                json!({ "identifier": identifier(&cluster) }),
                None,
            ),
            (CallKind::Get, Some(cluster), _) => {
                (Operation::GetCluster, cluster.region, json!({ "identifier": identifier(&cluster) }), None)
            }
            (CallKind::Wait, Some(cluster), _) => {
                let goal = draws.pick("goal", &[WaitFor::ClusterActive, WaitFor::ClusterNotExists]);
                let input = json!({ "identifier": identifier(&cluster) });
                (Operation::GetCluster, cluster.region, input, Some(goal))
            }
            (CallKind::List, ..) => self.list(draws, region),
            (CallKind::Tag, Some(cluster), _) => attached::tag(draws, &cluster),
            (CallKind::Policy, Some(cluster), _) => attached::policy(draws, &cluster),
            (CallKind::Stream, Some(cluster), _) => attached::stream(&cluster),
            (CallKind::OldStream, Some(cluster), _) => {
                let made = self.made[..self.answered].iter();
                let streams: Vec<_> = made.filter(|step| step.operation == Operation::CreateStream).collect();
                attached::old_stream(draws, &cluster, &streams)
            }
            (CallKind::CreateAlone, ..) => (Operation::CreateCluster, region, json!({}), None),
            // Nothing is there to do it to: something has to be created first.
            _ => {
                let properties = json!({ "witnessRegion": witness });
                (Operation::CreateCluster, region, json!({ "multiRegionProperties": properties }), None)
            }
        };
        if operation == Operation::CreateCluster {
            if draws.chance("unprotected", 70) {
                input["deletionProtectionEnabled"] = false.into();
            }
            let name = format!("c{}", self.made.len() + 1).into();
            let is_multi = input.get("multiRegionProperties").is_some();
            self.clusters.push(Cluster { name, region, is_multi });
        }
        if self.plan.swarm.shares_tokens && operation.takes_client_token() && draws.chance("token", 40) {
            input["clientToken"] = draws.pick("which token", &["t1", "t2"]).into();
        }
        if self.plan.swarm.mistakes && draws.chance("mistake", 20) {
            mistake(draws, operation, region, &mut input);
        }
        CallStep {
            client: ClientId(0),
            operation,
            region,
            alias: None,
            attempts: if draws.chance("usual attempts", 80) {
                CallStep::ATTEMPTS
            } else {
                draws.between("attempts", 1, 5) as u16
            },
            time_out: if draws.chance("usual time-out", 80) {
                CallStep::TIME_OUT
            } else {
                draws.pause("time-out", 15)
            },
            after: Duration::ZERO,
            waiter,
            principal: if draws.chance("as another", 15) { self.plan.principal(draws) } else { None },
            may_be_skipped: true,
            input,
        }
    }

    fn cluster(&self, draws: Draws, is_fit: impl Fn(&Cluster) -> bool) -> Option<Cluster> {
        if let Some(aim) = self.aim {
            return self.clusters.get(aim).cloned();
        }
        let fit: Vec<&Cluster> = self.clusters.iter().filter(|cluster| is_fit(cluster)).collect();
        (!fit.is_empty()).then(|| fit[draws.below("which", fit.len())].clone())
    }

    fn opposite(&self, region: Region) -> Region {
        let [one, other] = self.plan.place.regions;
        if region == one { other } else { one }
    }

    /// A listing, or the next page of one.
    fn list(&self, draws: Draws, region: Region) -> Call {
        let before =
            self.made[..self.answered].iter().rev().find(|step| step.operation == Operation::ListClusters);
        let mut input = json!({ "maxResults": draws.between("page", 1, 3) });
        let mut region = region;
        if let Some(CallStep { alias: Some(name), region: listed, .. }) = before
            && draws.chance("next", 70)
        {
            input["nextToken"] = format!("${name}.nextToken").into();
            region = *listed;
        }
        (Operation::ListClusters, region, input, None)
    }
}

/// What is called, where, with what, and what is waited for.
pub(super) type Call = (Operation, Region, Value, Option<WaitFor>);

fn update(cluster: &Cluster, mut input: Value) -> Call {
    input["identifier"] = identifier(cluster).into();
    (Operation::UpdateCluster, cluster.region, input, None)
}

pub(super) fn identifier(cluster: &Cluster) -> String {
    format!("${}.identifier", cluster.name)
}

pub(super) fn arn(cluster: &Cluster) -> String {
    format!("${}.arn", cluster.name)
}

/// Puts a mistake into the arguments of a call.
fn mistake(draws: Draws, operation: Operation, region: Region, input: &mut Value) {
    let strange =
        draws.pick("Region", &[region.name(), "eu-west-1", "ap-south-1", "sa-east-1", "mars-1", ""]);
    let unknown = draws.pick("identifier", &["aaaaaaaaaaaaaaaaaaaaaaaaaa", "nope", ""]);
    let foreign = format!("arn:aws:dsql:{strange}:444455556666:cluster/aaaaaaaaaaaaaaaaaaaaaaaaaa");
    match draws.below("mistake", 5) {
        0 if input.get("multiRegionProperties").is_some() => {
            input["multiRegionProperties"]["witnessRegion"] = strange.into();
        }
        1 if input.get("multiRegionProperties").is_some() => {
            let clusters = match draws.below("clusters", 3) {
                0 => json!([foreign]),
                1 => json!(["not an ARN", foreign]),
                _ => json!([foreign, foreign]),
            };
            input["multiRegionProperties"]["clusters"] = clusters;
        }
        2 if input.get("identifier").is_some() => input["identifier"] = unknown.into(),
        2 if input.get("clusterIdentifier").is_some() => input["clusterIdentifier"] = unknown.into(),
        3 if input.get("maxResults").is_some() => {
            input["maxResults"] = draws.pick("page", &[0, 101]).into();
        }
        _ if operation.takes_client_token() => {
            input["clientToken"] = draws.pick("token", &["", "two words", "ü"]).into();
        }
        _ => {}
    }
}
