//! The calls of a generated scenario.

mod attached;
mod input;
mod mistakes;
mod openings;
mod peers;
mod race;

use std::sync::Arc;
use std::time::Duration;

use crate::api::{CreateClusterInput, MultiRegionProperties, Operation, Request, UpdateClusterInput};
use crate::region::Region;
use crate::scenario::{Action, CallStep, SetUp};
use crate::sim::client::WaitFor;
use crate::types::{Account, ClientId};

use super::draws::{Candidate, Draws};
use super::{Plan, set_up};

pub use openings::Opening;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// What a call is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum CallKind { $($(#[doc = $doc])+ $variant,)+ }

        impl CallKind {
            /// Every kind.
            pub const ALL: &[CallKind] = &[$(CallKind::$variant),+];

            /// What draws know it by.
            pub(super) fn name(self) -> &'static str {
                match self { $(CallKind::$variant => $name),+ }
            }
        }
    };
}

kinds! {
    /// Creates a single-Region cluster.
    CreateAlone = "create alone",
    /// Creates a cluster that may be peered.
    CreateForPair = "create for pair",
    /// Creates a cluster that declares an existing one.
    CreateWithPeer = "create with peer",
    /// Declares a peer.
    Declare = "declare",
    /// Takes a declaration back.
    Withdraw = "withdraw",
    /// Names another witness Region.
    ChangeWitness = "change witness",
    /// Switches deletion protection on or off.
    Protect = "protect",
    /// Changes other settings: the KMS key, the metric groups.
    Change = "change",
    /// Deletes a cluster.
    Delete = "delete",
    /// Looks at a cluster.
    Get = "get",
    /// Lists clusters.
    List = "list",
    /// Waits, as the SDKs' waiters do.
    Wait = "wait",
    /// Makes an earlier call again, with its token if it named one.
    Repeat = "repeat",
    /// Calls nothing and lets time pass.
    Pause = "pause",
    /// Tags a cluster or a stream, removes its tags, or lists them.
    Tag = "tag",
    /// Puts, reads or removes a resource policy.
    Policy = "policy",
    /// Asks for the PrivateLink service.
    Endpoint = "endpoint",
    /// Creates a stream.
    Stream = "stream",
    /// Reads, lists or deletes streams.
    OldStream = "old stream",
}

impl Candidate for CallKind {
    fn lot(self) -> u64 {
        self.name().lot()
    }
}

/// About `count` calls: one after the other, or some together.
pub(super) fn draw(
    draws: Draws,
    plan: &Plan,
    set_up: &SetUp,
    opening: Opening,
    count: usize,
) -> Vec<Vec<Action>> {
    let mut story = CallPlan {
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
        peer: None,
        region: None,
        turns_pages: false,
    };
    story.open(draws.about("opening", 1), opening, count);
    let kinds = &plan.swarm.calls;
    while story.made.len() + story.pauses < count && !kinds.is_empty() {
        let draws = draws.about("group", story.groups.len());
        let is_parallel = plan.swarm.parallel && draws.chance("parallel", 40);
        let size = if is_parallel { draws.between("size", 2, 3) } else { 1 };
        let kind = |number: usize| {
            let draws = draws.about("call", number);
            let kind = draws.pick("kind", kinds);
            // A pause would end what is done together.
            (draws, None, if size > 1 && kind == CallKind::Pause { CallKind::Get } else { kind })
        };
        story.together((0..size).map(kind));
    }
    story.groups
}

/// A cluster that a call was meant to create.
#[derive(Clone)]
struct PlannedCluster {
    name: Arc<str>,
    region: Region,
    owner: Account,
    /// The witness that it was created with, if it is a multi-Region cluster.
    witness: Option<Region>,
    /// The cluster that it is meant for, by its place among all.
    partner: Option<usize>,
}

/// A call that is being made up.
struct CallDraft {
    region: Region,
    input: Request,
    waiter: Option<WaitFor>,
    /// Whose call it should be; `None` is anybody's.
    owner: Option<Account>,
    /// What it creates, if it is a cluster.
    creates: Option<New>,
}

/// A cluster to be created.
struct New {
    witness: Option<Region>,
    partner: Option<usize>,
}

/// The calls so far.
struct CallPlan<'a> {
    plan: &'a Plan,
    set_up: &'a SetUp,
    groups: Vec<Vec<Action>>,
    pauses: usize,
    made: Vec<CallStep>,
    /// How many of them have ended when the next begins.
    answered: usize,
    clusters: Vec<PlannedCluster>,
    /// The token that every call takes which takes one, for now.
    token: Option<&'static str>,
    /// Whether clusters are created without protection, for now.
    unprotected: bool,
    /// Whether they have a key of their own, for now.
    encrypted: bool,
    /// The place of the peer that is declared, for now.
    peer: Option<usize>,
    /// Where clusters are created and listed, for now.
    region: Option<Region>,
    /// Whether every page holds one result and follows the page before it, for now.
    turns_pages: bool,
}

impl CallPlan<'_> {
    /// A call by itself, about the cluster in this place if it is not drawn.
    fn call(&mut self, draws: Draws, aim: Option<usize>, kind: CallKind) {
        self.together([(draws, aim, kind)]);
    }

    /// Calls that begin at the same time, and cannot refer to one another's answers.
    fn together(&mut self, calls: impl IntoIterator<Item = (Draws, Option<usize>, CallKind)>) {
        let known = self.clusters.len();
        self.answered = self.made.len();
        let mut group: Vec<Action> = Vec::new();
        for (draws, aim, kind) in calls {
            let hidden = self.clusters.split_off(known);
            group.push(self.action(draws, aim, kind));
            let new = self.clusters.split_off(known);
            self.clusters.extend(hidden.into_iter().chain(new));
        }
        if group.len() > 1 {
            group.insert(0, Action::Parallel);
            // Without something else behind them the next call would begin with these.
            group.push(Action::Advance(Duration::from_millis(1)));
        }
        self.groups.push(group);
    }

    /// Lets time pass.
    fn advance(&mut self, pause: Duration) {
        self.groups.push(vec![Action::Advance(pause)]);
    }

    fn action(&mut self, draws: Draws, aim: Option<usize>, kind: CallKind) -> Action {
        if kind == CallKind::Pause {
            self.pauses += 1;
            return Action::Advance(self.pause(draws));
        }
        let again = (kind == CallKind::Repeat)
            .then(|| {
                draws
                    .among("again", self.made.iter().filter_map(|made| Some((&**made.alias.as_ref()?, made))))
            })
            .flatten();
        let step = match again {
            Some((_, made)) => {
                let mut step = made.clone();
                if draws.chance("otherwise", 20) {
                    input::alter(draws, &mut step);
                }
                if draws.chance("another client", 30) {
                    step.client = self.client(draws, None);
                    step.principal = None;
                }
                step
            }
            None => self.new_call(draws, aim, kind),
        };
        self.make(draws, step)
    }

    /// A call of `operation` about the cluster in place `aim`.
    fn visit(&mut self, draws: Draws, aim: usize, operation: Operation) {
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
        let step = self.finish(draws, draft);
        let action = self.make(draws, step);
        self.groups.push(vec![action]);
    }

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

    fn draft(&self, draws: Draws, aim: Option<usize>, kind: CallKind) -> CallDraft {
        let one = aim.or_else(|| self.some(draws.about("one", 0), |_| true));
        let multi = aim.or_else(|| self.some(draws.about("multi", 0), |cluster| cluster.witness.is_some()));
        let drawn = draws.among("region", self.plan.place.clusters()).expect("there are two");
        let region = self.region.unwrap_or(drawn);
        let about = |place: usize| (&self.clusters[place], place);
        match (kind, one.map(about), multi.map(about)) {
            (CallKind::CreateWithPeer, _, Some((_, peer))) => peers::create_with(draws, self, peer),
            (CallKind::Declare, _, Some((_, place))) => peers::declare(draws, self, place),
            (CallKind::Withdraw, _, Some((_, place))) => peers::withdraw(draws, self, place),
            (CallKind::ChangeWitness, _, Some((cluster, _))) => peers::change_witness(draws, self, cluster),
            (CallKind::Protect, Some((cluster, _)), _) => {
                let deletion_protection_enabled = Some(draws.chance("on", 50));
                let settings = UpdateClusterInput { deletion_protection_enabled, ..Default::default() };
                CallDraft::about(cluster, Request::UpdateCluster(settings))
            }
            (CallKind::Change, Some((cluster, _)), _) => {
                let mut draft = CallDraft::about(cluster, Request::empty(Operation::UpdateCluster));
                input::change(draws, cluster.region, cluster.owner, &mut draft.input);
                draft
            }
            (CallKind::Delete, Some((cluster, _)), _) => {
                CallDraft::about(cluster, Request::empty(Operation::DeleteCluster))
            }
            (CallKind::Get, Some((cluster, _)), _) => {
                CallDraft::about(cluster, Request::empty(Operation::GetCluster))
            }
            (CallKind::Wait, Some((cluster, _)), _) => {
                let goals = [("active", WaitFor::ClusterActive), ("gone", WaitFor::ClusterNotExists)];
                let (_, goal) = draws.pick("goal", &goals);
                CallDraft {
                    waiter: Some(goal),
                    ..CallDraft::about(cluster, Request::empty(Operation::GetCluster))
                }
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
                CallDraft::create(region, None, New { witness: None, partner: None })
            }
            // Nothing is there to do it to: something has to be created first.
            _ => peers::create(draws, self, region),
        }
    }

    /// The call that a draft becomes: whose it is, how often it is tried, what it says beside what it is for.
    fn finish(&mut self, draws: Draws, mut draft: CallDraft) -> CallStep {
        let client = self.client(draws, draft.owner);
        let account = self.set_up.clients[client.0 as usize].account;
        input::settle(draws, &self.plan.swarm, account, &mut draft);
        if let Some(token) = self.token {
            draft.input.set_client_token(token.into());
        }
        if let Request::CreateCluster(input) = &mut draft.input {
            if self.encrypted {
                input.kms_encryption_key = Some(input::usual_key(draft.region, account));
            }
            if self.unprotected {
                input.deletion_protection_enabled = Some(false);
            }
        }
        if let Some(New { witness, partner }) = draft.creates {
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
            mistakes::make(draws.about("mistake", 0), &self.plan.place, &mut draft);
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
                false => None,
            },
            may_be_skipped: true,
            input: draft.input,
        }
    }

    /// A client, mostly of the account that the call is about.
    fn client(&self, draws: Draws, owner: Option<Account>) -> ClientId {
        let clients = self.set_up.clients.iter().enumerate();
        let all = clients.map(|(place, client)| (&*client.name, (place, client.account)));
        let owner = owner.filter(|_| !draws.chance("a stranger", 6));
        let own = all.clone().filter(|(_, (_, account))| owner.is_none_or(|owner| owner == *account));
        let drawn = draws.among("client", own).or_else(|| draws.among("client", all));
        drawn.map_or(ClientId(0), |(_, (place, _))| ClientId(place as u32))
    }

    /// The place of a cluster of which `is_fit`.
    fn some(&self, draws: Draws, is_fit: impl Fn(&PlannedCluster) -> bool) -> Option<usize> {
        let fit = self.clusters.iter().enumerate().filter(|(_, cluster)| is_fit(cluster));
        draws.among("which", fit.map(|(place, cluster)| (&*cluster.name, place))).map(|(_, place)| place)
    }

    /// Some time; when scenarios take hours, often about as long as a token is remembered.
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

    /// About as long as a token is remembered.
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

    /// A listing, or the next page of one.
    fn list(&self, draws: Draws, region: Region) -> CallDraft {
        let mut draft = CallDraft {
            region,
            input: Request::empty(Operation::ListClusters),
            waiter: None,
            owner: None,
            creates: None,
        };
        self.cut_page(draws, &mut draft);
        let before = self.answered().rev().find(|step| step.operation() == Operation::ListClusters);
        if let Some(step) = before
            && (self.turns_pages || draws.chance("next", 70))
        {
            self.turn(draws, step, &mut draft);
        }
        draft
    }

    /// Says how much of a listing a page holds.
    fn cut_page(&self, draws: Draws, draft: &mut CallDraft) {
        let Some((max_results, _)) = draft.input.page_mut() else { return };
        if self.turns_pages {
            *max_results = Some(1);
        } else if draws.chance("paged", 85) {
            *max_results = Some(draws.between("page", 1, 3) as i64);
        }
    }

    /// Makes a listing the next page of `step`.
    fn turn(&self, draws: Draws, step: &CallStep, draft: &mut CallDraft) {
        let Some(name) = &step.alias else { return };
        if let Some((_, next_token)) = draft.input.page_mut() {
            *next_token = Some(format!("${name}.nextToken"));
        }
        draft.owner = Some(self.set_up.clients[step.client.0 as usize].account);
        // A token is good in its own Region alone.
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
    fn create(region: Region, properties: Option<MultiRegionProperties>, new: New) -> CallDraft {
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

    /// A call that names `cluster`, unless its input names it in another way.
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
