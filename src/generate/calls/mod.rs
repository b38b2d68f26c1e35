//! The calls of a generated scenario.

mod again;
mod attached;
mod input;
mod limits;
mod mistakes;
mod openings;
mod peers;
mod policies;
mod race;

use std::sync::Arc;
use std::time::Duration;

use crate::api::{CreateClusterInput, MultiRegionProperties, Operation, Request, UpdateClusterInput};
use crate::region::Region;
use crate::scenario::{Action, CallStep, SetUp};
use crate::sim::client::WaitFor;
use crate::types::{Account, ClientId, PrincipalId};

use super::draws::Draws;
use super::{Plan, keys, set_up};

pub(super) use attached::broken_target;
pub use openings::Opening;

/// The purpose of a generated call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum CallKind {
    /// Creates a single-Region cluster.
    #[strum(serialize = "create alone")]
    CreateAlone,
    /// Creates a multi-Region cluster without a peer.
    #[strum(serialize = "create for pair")]
    CreateForPair,
    /// Creates a cluster that declares an existing one.
    #[strum(serialize = "create with peer")]
    CreateWithPeer,
    /// Declares a peer.
    Declare,
    /// Withdraws a declaration.
    Withdraw,
    /// Names another witness Region.
    #[strum(serialize = "change witness")]
    ChangeWitness,
    /// Switches deletion protection on or off.
    Protect,
    /// Changes other settings: the KMS key, the metric groups.
    Change,
    /// Deletes a cluster.
    Delete,
    /// Reads a cluster.
    Get,
    /// Lists clusters.
    List,
    /// Polls a cluster or a stream until it is ACTIVE or gone, like the waiters of the SDKs.
    Wait,
    /// Repeats an earlier call, with its client token if it has one.
    Repeat,
    /// Makes no call and lets time pass.
    Pause,
    /// Tags a cluster or a stream, removes its tags, or lists them.
    Tag,
    /// Puts, reads or removes a resource policy.
    Policy,
    /// Reads the name of the cluster's PrivateLink service.
    Endpoint,
    /// Creates a stream.
    Stream,
    /// Reads, lists or deletes streams.
    #[strum(serialize = "old stream")]
    OldStream,
}

impl CallKind {
    /// The name that identifies the kind in draws.
    pub(super) fn name(self) -> &'static str {
        self.into()
    }
}

/// About `count` calls in groups: the calls of a group begin together, and the groups follow one another.
pub(super) fn draw(
    draws: Draws,
    plan: &Plan,
    set_up: &SetUp,
    opening: Opening,
    count: usize,
) -> Vec<Vec<Action>> {
    let mut calls = CallPlan {
        plan,
        set_up,
        groups: Vec::new(),
        pauses: 0,
        made: Vec::new(),
        answered: 0,
        clusters: Vec::new(),
        token: None,
        unprotected: false,
        encrypted: false,
        tagged: false,
        peer: None,
        caller: None,
        region: None,
        turns_pages: false,
    };
    calls.open(draws.about("opening", 1), opening, count);
    let kinds = &plan.swarm.calls;
    while calls.made.len() + calls.pauses < count && !kinds.is_empty() {
        let draws = draws.about("group", calls.groups.len());
        let is_parallel = plan.swarm.parallel && draws.chance("parallel", 40);
        let size = if is_parallel { draws.between("size", 2, 3) } else { 1 };
        let kind = |number: usize| {
            let draws = draws.about("call", number);
            let kind = draws.pick("kind", kinds);
            // A pause would separate the calls of the group.
            (draws, None, if size > 1 && kind == CallKind::Pause { CallKind::Get } else { kind })
        };
        calls.together((0..size).map(kind));
    }
    calls.groups
}

/// A cluster that an earlier call should have created. The run decides whether it exists.
#[derive(Clone)]
struct PlannedCluster {
    /// The alias of the call that creates it, by which later calls refer to its answer.
    name: Arc<str>,
    region: Region,
    owner: Account,
    /// The witness that it was created with, if it is a multi-Region cluster.
    witness: Option<Region>,
    /// The index of the cluster that it declared at its creation.
    partner: Option<usize>,
}

/// A call that still lacks its client, its options and its retries.
struct CallDraft {
    region: Region,
    input: Request,
    waiter: Option<WaitFor>,
    /// The account that the call should come from; `None` is any.
    owner: Option<Account>,
    /// The cluster that the call creates, if it creates one.
    creates: Option<NewCluster>,
}

/// The part of a planned cluster that its call's input does not show directly.
struct NewCluster {
    witness: Option<Region>,
    partner: Option<usize>,
}

/// The calls planned so far, and the settings of the opening for the calls to come.
struct CallPlan<'a> {
    plan: &'a Plan,
    set_up: &'a SetUp,
    groups: Vec<Vec<Action>>,
    pauses: usize,
    made: Vec<CallStep>,
    /// The number of calls in `made` that have ended when the next one begins. Only these can be referred to.
    answered: usize,
    clusters: Vec<PlannedCluster>,
    /// The client token of every call that takes one.
    token: Option<&'static str>,
    /// Whether new clusters have deletion protection switched off.
    unprotected: bool,
    /// Whether new clusters have a customer's KMS key.
    encrypted: bool,
    /// Whether most new clusters have tags.
    tagged: bool,
    /// The index of the peer that every declaration names.
    peer: Option<usize>,
    /// The principal of every call.
    caller: Option<PrincipalId>,
    /// The Region in which clusters are created and listed.
    region: Option<Region>,
    /// Whether every page of a listing holds one result and follows the page before it.
    turns_pages: bool,
}

impl CallPlan<'_> {
    /// Adds a call by itself, about the cluster with the index `aim` or a drawn one.
    fn call(&mut self, draws: Draws, aim: Option<usize>, kind: CallKind) {
        self.together([(draws, aim, kind)]);
    }

    /// Adds calls that begin at the same time.
    fn together(&mut self, calls: impl IntoIterator<Item = (Draws, Option<usize>, CallKind)>) {
        let known = self.clusters.len();
        self.answered = self.made.len();
        let mut group: Vec<Action> = Vec::new();
        for (draws, aim, kind) in calls {
            // A call must not refer to a cluster that another call of its group creates: its answer is not there yet.
            let hidden = self.clusters.split_off(known);
            group.push(self.action(draws, aim, kind));
            let new = self.clusters.split_off(known);
            self.clusters.extend(hidden.into_iter().chain(new));
        }
        if group.len() > 1 {
            group.insert(0, Action::Parallel);
            // Any other action ends the group; without one, the next call would join it.
            group.push(Action::Advance(Duration::from_millis(1)));
        }
        self.groups.push(group);
    }

    /// Adds a pause.
    fn advance(&mut self, pause: Duration) {
        self.groups.push(vec![Action::Advance(pause)]);
    }

    fn action(&mut self, draws: Draws, aim: Option<usize>, kind: CallKind) -> Action {
        if kind == CallKind::Pause {
            self.pauses += 1;
            return Action::Advance(self.pause(draws));
        }
        let earlier = if kind == CallKind::Repeat { self.repeated(draws) } else { None };
        let step = match earlier {
            Some(made) => {
                let mut step = made.clone();
                if draws.chance("otherwise", 20) {
                    input::alter(draws, self.set_up, &mut step);
                }
                if draws.chance("another client", 30) {
                    step.client = self.client(draws, None);
                    // The principal belongs to the account of the earlier client.
                    step.principal = None;
                }
                step
            }
            None => self.new_call(draws, aim, kind),
        };
        self.make(draws, step)
    }

    /// An earlier call to repeat, if there is one.
    fn repeated(&self, draws: Draws) -> Option<&CallStep> {
        draws.among("again", &self.made)
    }

    /// Adds a call of `operation` about the cluster with the index `aim`.
    fn call_operation(&mut self, draws: Draws, aim: usize, operation: Operation) {
        // The draft may refer to every call so far.
        self.answered = self.made.len();
        let cluster = &self.clusters[aim];
        let draft = match operation {
            Operation::CreateCluster => self.draft(draws, Some(aim), CallKind::CreateWithPeer),
            Operation::UpdateCluster => {
                let kinds = [CallKind::Protect, CallKind::Change, CallKind::Declare, CallKind::ChangeWitness];
                self.draft(draws, Some(aim), draws.pick("update", &kinds))
            }
            Operation::DeleteCluster => self.draft(draws, Some(aim), CallKind::Delete),
            Operation::GetCluster => self.draft(draws, Some(aim), CallKind::Get),
            Operation::ListClusters => self.draft(draws, Some(aim), CallKind::List),
            attached => attached::draft(draws, self, attached, cluster),
        };
        self.push(draws, draft);
    }

    /// Adds a call by itself.
    fn push(&mut self, draws: Draws, draft: CallDraft) {
        self.answered = self.made.len();
        let step = self.finish(draws, draft);
        let action = self.make(draws, step);
        self.groups.push(vec![action]);
    }

    /// Names the call, draws its pause, and records it.
    fn make(&mut self, draws: Draws, mut step: CallStep) -> Action {
        step.alias = Some(format!("c{}", self.made.len() + 1).into());
        step.after = if draws.chance("later", 20) { draws.pause("after", 9) } else { Duration::ZERO };
        self.made.push(step.clone());
        Action::Call(step)
    }

    fn new_call(&mut self, draws: Draws, aim: Option<usize>, kind: CallKind) -> CallStep {
        let draft = self.draft(draws, aim, kind);
        self.finish(draws, draft)
    }

    /// A draft of a call of this kind, about the cluster with the index `aim` or a drawn one that suits the kind.
    fn draft(&self, draws: Draws, aim: Option<usize>, kind: CallKind) -> CallDraft {
        let one = aim.or_else(|| self.draw_cluster(draws.about("one", 0), |_| true));
        let multi =
            aim.or_else(|| self.draw_cluster(draws.about("multi", 0), |cluster| cluster.witness.is_some()));
        let drawn = draws.among("region", self.plan.topology.clusters()).expect("there are two");
        let region = self.region.unwrap_or(drawn);
        let about = |index: usize| (&self.clusters[index], index);
        match (kind, one.map(about), multi.map(about)) {
            (CallKind::CreateWithPeer, _, Some((_, peer))) => peers::create_with(draws, self, peer),
            (CallKind::Declare, _, Some((_, index))) => peers::declare(draws, self, index),
            (CallKind::Withdraw, _, Some((_, index))) => peers::withdraw(draws, self, index),
            (CallKind::ChangeWitness, _, Some((cluster, _))) => peers::change_witness(draws, self, cluster),
            (CallKind::Protect, Some((cluster, _)), _) => {
                // An update may name nothing to change.
                let deletion_protection_enabled =
                    (!draws.chance("nothing", 5)).then(|| draws.chance("on", 50));
                let settings = UpdateClusterInput { deletion_protection_enabled, ..Default::default() };
                CallDraft::about(cluster, Request::UpdateCluster(settings))
            }
            (CallKind::Change, Some((cluster, _)), _) => {
                let mut draft = CallDraft::about(cluster, Request::empty(Operation::UpdateCluster));
                let (region, owner) = (cluster.region, cluster.owner);
                input::change_settings(draws, region, owner, &self.plan.topology, &mut draft.input);
                draft
            }
            (CallKind::Delete, Some((cluster, _)), _) => {
                CallDraft::about(cluster, Request::empty(Operation::DeleteCluster))
            }
            (CallKind::Get, Some((cluster, _)), _) => {
                CallDraft::about(cluster, Request::empty(Operation::GetCluster))
            }
            (CallKind::Wait, Some((cluster, _)), _) => {
                let of_stream = draws.chance("of a stream", 30);
                let of_stream = of_stream.then(|| attached::wait_for_stream(draws, self, cluster)).flatten();
                of_stream.unwrap_or_else(|| {
                    let goals = [WaitFor::ClusterActive, WaitFor::ClusterNotExists];
                    CallDraft {
                        waiter: Some(draws.pick("goal", &goals)),
                        ..CallDraft::about(cluster, Request::empty(Operation::GetCluster))
                    }
                })
            }
            (CallKind::List, ..) => self.list(draws, region),
            (CallKind::Tag, Some((cluster, _)), _) => attached::tag(draws, self, cluster),
            (CallKind::Policy, Some((cluster, _)), _) => attached::policy(draws, self, cluster),
            (CallKind::Endpoint, Some((cluster, _)), _) => {
                CallDraft::about(cluster, Request::empty(Operation::GetVpcEndpointServiceName))
            }
            (CallKind::Stream, Some((cluster, _)), _) => attached::stream(draws, self, cluster),
            (CallKind::OldStream, Some((cluster, _)), _) => attached::old_stream(draws, self, cluster),
            (CallKind::CreateAlone, ..) => {
                CallDraft::create(region, None, NewCluster { witness: None, partner: None })
            }
            // No cluster suits the kind yet, so the call creates one that suits every kind.
            _ => peers::create(draws, self, region),
        }
    }

    /// Completes a draft with a client, options, retries and, in some scenarios, a mistake. Records the cluster that
    /// the call creates.
    fn finish(&mut self, draws: Draws, mut draft: CallDraft) -> CallStep {
        let client = self.client(draws, draft.owner);
        let account = self.set_up.clients[client.0 as usize].account;
        input::add_options(draws, self.plan, self.set_up, account, &mut draft);
        if let Some(token) = self.token {
            draft.input.set_client_token(token.into());
        }
        if let Request::CreateCluster(input) = &mut draft.input {
            if self.encrypted {
                input.kms_encryption_key = Some(keys::usual(draft.region, account));
            }
            if self.tagged && input.tags.is_none() && draws.chance("has tags", 75) {
                input.tags = Some(input::tags(draws));
            }
            if self.unprotected {
                input.deletion_protection_enabled = Some(false);
            }
        }
        if let Some(NewCluster { witness, partner }) = draft.creates {
            let name = format!("c{}", self.made.len() + 1).into();
            self.clusters.push(PlannedCluster {
                name,
                region: draft.region,
                owner: account,
                witness,
                partner,
            });
        }
        if self.plan.swarm.mistakes && draws.chance("mistake", 20) {
            mistakes::make(draws.about("mistake", 0), &self.plan.topology, &mut draft);
        }
        CallStep {
            client,
            region: draft.region,
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
            waiter: draft.waiter,
            principal: match draws.chance("as another", 15) {
                true => set_up::principal(draws, self.set_up, account),
                false => self.caller,
            },
            may_be_skipped: true,
            input: draft.input,
        }
    }

    /// A client, mostly one of the account `owner`.
    fn client(&self, draws: Draws, owner: Option<Account>) -> ClientId {
        let clients = self.set_up.clients.iter().enumerate();
        let all = clients.map(|(index, client)| (index, client.account));
        let owner = owner.filter(|_| !draws.chance("a stranger", 6));
        let own = all.clone().filter(|(_, account)| owner.is_none_or(|owner| owner == *account));
        let drawn = draws.among("client", own).or_else(|| draws.among("client", all));
        drawn.map_or(ClientId(0), |(index, _)| ClientId(index as u32))
    }

    /// The index of one of the clusters for which `is_fit` holds.
    fn draw_cluster(&self, draws: Draws, is_fit: impl Fn(&PlannedCluster) -> bool) -> Option<usize> {
        let fit = self.clusters.iter().enumerate().filter(|(_, cluster)| is_fit(cluster));
        draws.among("which", fit.map(|(index, _)| index))
    }

    /// A pause; in slow scenarios often hours long, or close to the window of client tokens.
    fn pause(&self, draws: Draws) -> Duration {
        if !self.plan.swarm.is_slow {
            return draws.pause("pause", 18);
        }
        match draws.pick("how long", &["a while", "hours", "a token's window"]) {
            "a while" => draws.pause("pause", 18),
            "hours" => draws.seconds("hours", 1800, 12 * 3600),
            _ => self.window(draws),
        }
    }

    /// A pause close to the window of client tokens, where an error of one instant shows.
    fn window(&self, draws: Draws) -> Duration {
        let window = self.set_up.assumptions.token_window;
        match draws.pick("window", &["half", "a moment less", "just", "a moment more", "a third more"]) {
            "half" => window / 2,
            "a moment less" => window.saturating_sub(draws.pause("moment", 11)),
            "just" => window,
            "a moment more" => window + draws.pause("moment", 11),
            _ => window + window / 3,
        }
    }

    /// A listing of clusters, or the next page of an earlier one.
    fn list(&self, draws: Draws, region: Region) -> CallDraft {
        let mut draft = CallDraft {
            region,
            input: Request::empty(Operation::ListClusters),
            waiter: None,
            owner: None,
            creates: None,
        };
        self.limit_page(draws, &mut draft);
        if let Some(step) = self.earlier_page(draws, Operation::ListClusters)
            && (self.turns_pages || draws.chance("next", 70))
        {
            self.follow_page(draws, step, &mut draft);
        }
        draft
    }

    /// The last listing by `operation`, which another page may follow; seldom one by the other operation, whose page
    /// tokens are not good for it.
    fn earlier_page(&self, draws: Draws, operation: Operation) -> Option<&CallStep> {
        use Operation::{ListClusters, ListStreams};
        let is_other = draws.chance("of the other operation", 4);
        let other = if operation == ListStreams { ListClusters } else { ListStreams };
        let listed = if is_other { other } else { operation };
        self.answered().rev().find(|step| step.operation() == listed)
    }

    /// Limits the page size of most listings.
    fn limit_page(&self, draws: Draws, draft: &mut CallDraft) {
        let Some(max_results) = draft.input.max_results_mut() else { return };
        if self.turns_pages {
            *max_results = Some(1);
        } else if draws.chance("paged", 85) {
            *max_results = Some(draws.between("page", 1, 3) as i64);
        }
    }

    /// Turns a listing into the next page of `step`.
    fn follow_page(&self, draws: Draws, step: &CallStep, draft: &mut CallDraft) {
        let Some(name) = &step.alias else { return };
        if let Some(next_token) = draft.input.next_token_mut() {
            *next_token = Some(format!("${name}.nextToken"));
        }
        let owner = self.set_up.clients[step.client.0 as usize].account;
        let accounts = self.set_up.clients.iter().map(|client| client.account);
        let another = draws.among("account", accounts.filter(|account| *account != owner));
        // A page token is good for its own account only.
        draft.owner = another.filter(|_| draws.chance("another's", 25)).or(Some(owner));
        // A page token is valid only in its own Region, so the others are refused.
        if draws.chance("there", 92) {
            draft.region = step.region;
        }
    }

    /// The calls that have ended when the next begins.
    fn answered(&self) -> impl DoubleEndedIterator<Item = &CallStep> {
        self.made[..self.answered].iter()
    }
}

impl CallDraft {
    fn create(region: Region, properties: Option<MultiRegionProperties>, new: NewCluster) -> CallDraft {
        let multi_region_properties = properties.map(Box::new);
        let input =
            Request::CreateCluster(CreateClusterInput { multi_region_properties, ..Default::default() });
        CallDraft { region, input, waiter: None, owner: None, creates: Some(new) }
    }

    fn update(cluster: &PlannedCluster, properties: MultiRegionProperties) -> CallDraft {
        let multi_region_properties = Some(Box::new(properties));
        let input = UpdateClusterInput { multi_region_properties, ..Default::default() };
        CallDraft::about(cluster, Request::UpdateCluster(input))
    }

    /// A draft of a call about `cluster`, in its Region and from its account. Sets the identifier if the input has one;
    /// other members, such as an ARN, are the caller's to set.
    fn about(cluster: &PlannedCluster, mut input: Request) -> CallDraft {
        if let Some(identifier) = input.identifier_mut() {
            *identifier = format!("${}.identifier", cluster.name);
        }
        let (region, owner) = (cluster.region, Some(cluster.owner));
        CallDraft { region, input, waiter: None, owner, creates: None }
    }
}

impl PlannedCluster {
    fn arn(&self) -> String {
        format!("${}.arn", self.name)
    }
}
