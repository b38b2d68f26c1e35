//! Openings: the first calls of a generated scenario, which reach a state that independent draws would seldom reach.

use std::time::Duration;

use crate::api::Operation;
use crate::control::environment::{ExternalEvent, KeyScope};
use crate::control::message::MessageKind;
use crate::scenario::{Action, When};
use crate::sim::fault::{CrashPoint, Fault, MessageMatch, NodeMatch, Point, Rule, Written};
use crate::types::NodeId;

use super::super::draws::Draws;
use super::super::keys;
use super::limits::DEFAULT_PAGE;
use super::{CallKind, CallPlan};

macro_rules! openings {
    ($($(#[doc = $doc:literal])+ $variant:ident = $weight:literal, $calls:literal;)+) => {
        /// The opening of a scenario: the state that its first calls lead to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Opening { $($(#[doc = $doc])+ $variant,)+ }

        /// The weight of each opening, and the number of calls that it needs.
        const OPENINGS: &[(u64, Opening, usize)] = &[$(($weight, Opening::$variant, $calls)),+];
    };
}

openings! {
    /// No opening: the first call is drawn like all others.
    Nothing = 24, 0;
    /// A pair, created in the documented steps.
    Pair = 26, 3;
    /// A pair of which both clusters are deleted.
    PairEnds = 14, 5;
    /// A pair that both clusters leave, under the assumption that an active pair can come apart.
    PairParts = 5, 5;
    /// A pair that comes apart and is declared again, or a declaration that is withdrawn and repeated.
    Again = 7, 6;
    /// Two or three pairs at a time.
    Pairs = 2, 6;
    /// Two clusters that declare the same peer, which declares one of them.
    Rivals = 3, 5;
    /// A cluster that changes its peer while the messages of both peers are lost.
    Turncoat = 2, 5;
    /// Clusters in three Regions, each of which declares the next.
    Ring = 1, 6;
    /// Two unfinished links in one Region whose control plane crashes.
    Unfinished = 2, 6;
    /// Two sides of a pair that race for its link register over unreliable links.
    Race = 4, 4;
    /// A cluster that withdraws its declaration while its Region's messages are lost, perhaps for the second time.
    Wavering = 3, 5;
    /// A cluster with streams.
    Streams = 6, 3;
    /// A cluster that is deleted between two pages of a listing.
    Pages = 6, 5;
    /// Small pages of clusters or streams, one of which is deleted.
    Gaps = 3, 7;
    /// A resource that is brought to one of its limits and stays there: full, one below, one too many.
    Limits = 12, 5;
    /// A principal with few permissions of its own, and clusters whose policies name it, its account, or others.
    Delegated = 6, 4;
    /// A principal whose permissions have conditions, and calls with the condition keys. It is drawn before the others.
    Conditional = 0, 3;
    /// A client token that is used again when its window is about to end.
    Tokens = 3, 2;
    /// A KMS key that changes and cannot be used.
    Keys = 3, 3;
    /// A cluster in CREATING.
    Creating = 1, 2;
    /// A cluster in ACTIVE.
    Active = 2, 2;
    /// A cluster in IDLE.
    Idle = 2, 2;
    /// A cluster in INACTIVE.
    Inactive = 2, 2;
    /// A cluster in UPDATING.
    Updating = 2, 3;
    /// A cluster in DELETING.
    Deleting = 2, 3;
    /// A cluster in DELETED, under the assumption that this status is visible.
    Deleted = 2, 3;
    /// A cluster in FAILED, under the assumption that creations fail.
    Failed = 2, 2;
    /// A cluster in PENDING_DELETE.
    PendingDelete = 3, 5;
}

impl Opening {
    /// An opening that fits into `count` calls.
    pub(in crate::generate) fn draw(draws: Draws, count: usize) -> Opening {
        // A draw of its own leaves the other openings to the seeds that had them.
        if count >= 3 && draws.chance("conditional", 6) {
            return Opening::Conditional;
        }
        let fit = OPENINGS.iter().filter(|(.., calls)| *calls <= count);
        let fit: Vec<_> = fit.map(|(weight, opening, _)| (*weight, *opening)).collect();
        draws.weigh("which", &fit)
    }
}

/// The documented way to create a pair, in three calls.
const PAIR: [CallKind; 3] = [CallKind::CreateForPair, CallKind::CreateWithPeer, CallKind::Declare];

impl CallPlan<'_> {
    /// Adds the calls and the faults of the opening. `count` bounds the openings of variable length.
    pub(super) fn open(&mut self, draws: Draws, opening: Opening, count: usize) {
        match opening {
            Opening::Nothing => {}
            Opening::Pair => self.pair(draws),
            Opening::PairEnds => self.pair_then(draws, CallKind::Delete),
            Opening::PairParts => self.pair_parts(draws, count),
            Opening::Again => self.again(draws, count),
            Opening::Pairs => self.pairs(draws, count),
            Opening::Rivals => self.rivals(draws),
            Opening::Turncoat => self.turncoat(draws),
            Opening::Ring => self.ring(draws),
            Opening::Unfinished => self.unfinished(draws),
            Opening::Race => self.race(draws),
            Opening::Wavering => self.wavering(draws),
            Opening::Streams => self.streams(draws, count),
            Opening::Pages if count > DEFAULT_PAGE + 3 => self.full_page(draws),
            Opening::Pages => self.pages(draws),
            Opening::Gaps => self.gaps(draws, count),
            Opening::Limits => self.limits(draws, count),
            Opening::Delegated => self.delegated(draws, count),
            Opening::Conditional => self.conditional(draws, count),
            Opening::Tokens => self.tokens(draws),
            Opening::Keys => self.keys(draws),
            Opening::Creating
            | Opening::Active
            | Opening::Idle
            | Opening::Inactive
            | Opening::Updating
            | Opening::Deleting
            | Opening::Deleted
            | Opening::Failed
            | Opening::PendingDelete => self.status(draws, opening, count),
        }
    }

    /// The calls that create a pair; in a third of the cases one side withdraws or changes its witness in between.
    fn pair(&mut self, draws: Draws) {
        let [create, answer, declare] = PAIR.map(|kind| (draws.about(kind.name(), 0), kind));
        self.call(create.0, None, create.1);
        self.call(answer.0, Some(0), answer.1);
        let change = (draws.about("change", 0), Some(1), CallKind::ChangeWitness);
        let withdrawal = (draws.about("withdrawal", 0), Some(1), CallKind::Withdraw);
        let declare = (declare.0, Some(0), declare.1);
        let is_parallel = self.plan.swarm.parallel;
        // The side that declared first changes its mind at the moment in which the other side declares.
        let thoughts = [(67, "none"), (11, "another witness"), (7, "moves first"), (15, "takes it back")];
        match draws.weigh("second thoughts", &thoughts) {
            "another witness" if is_parallel => self.together([declare, change]),
            // The first declaration is chosen before the move, and the other side names the witness that it had.
            "moves first" => {
                self.advance(draws.seconds("until declared", 2, 10));
                [change, declare].into_iter().for_each(|(draws, aim, kind)| self.call(draws, aim, kind))
            }
            "takes it back" if is_parallel => self.together([declare, withdrawal]),
            "takes it back" => {
                [declare, withdrawal].into_iter().for_each(|(draws, aim, kind)| self.call(draws, aim, kind))
            }
            _ => self.call(declare.0, declare.1, declare.2),
        }
    }

    /// A pair, and a call of the same kind about each of its clusters.
    fn pair_then(&mut self, draws: Draws, kind: CallKind) {
        self.pair(draws);
        // Long enough to be linked, most of the time.
        self.advance(draws.seconds("until linked", 1, 60));
        for cluster in 0..self.clusters.len() {
            self.call(draws.about("end", cluster), Some(cluster), kind);
        }
    }

    /// A pair that both sides leave. The side that leaves first may declare a third cluster before the other has left.
    fn pair_parts(&mut self, draws: Draws, count: usize) {
        if count < 7 || !draws.chance("takes another", 40) {
            return self.pair_then(draws, CallKind::Withdraw);
        }
        self.pair(draws);
        let third = self.clusters.len();
        self.call(draws.about("third", 0), None, CallKind::CreateForPair);
        self.advance(draws.seconds("until linked", 1, 60));
        self.call(draws.about("end", 0), Some(0), CallKind::Withdraw);
        self.advance(draws.pause("until it leaves", 14));
        self.peer = Some(third);
        self.call(draws.about("takes", 0), Some(0), CallKind::Declare);
        self.peer = None;
        self.call(draws.about("end", 1), Some(1), CallKind::Withdraw);
    }

    /// Two or three pairs, each step for all pairs before the next.
    fn pairs(&mut self, draws: Draws, count: usize) {
        let pairs = if count >= 9 { draws.between("pairs", 2, 3) } else { 2 };
        for kind in PAIR {
            let calls: Vec<_> = (0..pairs)
                .map(|pair| {
                    let aim = (kind != CallKind::CreateForPair).then_some(pair);
                    (draws.about(kind.name(), pair), aim, kind)
                })
                .collect();
            self.in_some_order(draws.about(kind.name(), pairs), calls);
        }
    }

    /// Two clusters declare the first, which declares one of them and then perhaps the other.
    fn rivals(&mut self, draws: Draws) {
        self.call(draws.about("wanted", 0), None, CallKind::CreateForPair);
        let rivals: Vec<_> =
            (0..2).map(|rival| (draws.about("rival", rival), Some(0), CallKind::CreateWithPeer)).collect();
        self.in_some_order(draws, rivals);
        self.call(draws.about("takes", 0), Some(0), CallKind::Declare);
        self.call(draws.about("takes", 1), Some(0), CallKind::Declare);
    }

    /// The second cluster declares the first. It changes to the third at the moment in which the first declares it,
    /// while the proposals of the first and the third are lost.
    fn turncoat(&mut self, draws: Draws) {
        self.call(draws.about("first", 0), None, CallKind::CreateForPair);
        self.call(draws.about("second", 0), Some(0), CallKind::CreateWithPeer);
        self.call(draws.about("third", 0), Some(1), CallKind::CreateWithPeer);
        self.advance(draws.pause("until declared", 14));
        let lasts = draws.seconds("lasts", 5, 60);
        for cluster in [0, 2] {
            let silenced = NodeMatch::Region(self.clusters[cluster].region);
            let what = MessageMatch::Message(MessageKind::Prepare);
            let lost = Fault::Rule(Rule { what, ..Rule::cut(silenced, NodeMatch::Any, false) });
            let heal = Fault::heal(silenced, NodeMatch::Any);
            self.groups.push(vec![Action::Fault(lost), Action::FaultAt(When::In(lasts), heal)]);
        }
        for (cluster, peer) in [(0, 1), (1, 2)] {
            self.peer = Some(peer);
            self.call(draws.about("declares", cluster), Some(cluster), CallKind::Declare);
        }
        self.peer = None;
        self.advance(lasts + draws.pause("until heard", 14));
    }

    /// The second cluster declares the first and withdraws. It may have withdrawn and declared once before; the last
    /// withdrawal (or deletion) runs while the proposals of its Region are lost. The control plane of that Region may
    /// crash while the call waits, and restart in time for a retry.
    fn wavering(&mut self, draws: Draws) {
        self.unprotected = true;
        self.call(draws.about("first", 0), None, CallKind::CreateForPair);
        self.call(draws.about("second", 0), Some(0), CallKind::CreateWithPeer);
        self.unprotected = false;
        self.peer = Some(0);
        self.advance(draws.seconds("until declared", 1, 4));
        if draws.chance("wavers", 70) {
            for kind in [CallKind::Withdraw, CallKind::Declare] {
                let draws = draws.about(kind.name(), 0);
                self.call(draws, Some(1), kind);
                // The update has finished by then, and the deadline of the wait has not passed: its timer must not end
                // a later wait.
                self.advance(Duration::from_millis(250) + draws.pause("until updated", 10));
            }
        }
        let region = self.clusters[1].region;
        let (silenced, lasts) = (NodeMatch::Region(region), draws.seconds("lasts", 5, 30));
        let what = MessageMatch::Message(MessageKind::Prepare);
        let lost = Fault::Rule(Rule { what, ..Rule::cut(silenced, NodeMatch::Any, false) });
        let heal = Fault::heal(silenced, NodeMatch::Any);
        self.groups.push(vec![Action::Fault(lost), Action::FaultAt(When::In(lasts), heal)]);
        let last = draws.weigh("last", &[(4, CallKind::Withdraw), (1, CallKind::Delete)]);
        if draws.chance("crashes", 35) {
            let node = NodeId::ControlPlane(region);
            let operation = match last {
                CallKind::Delete => Operation::DeleteCluster,
                _ => Operation::UpdateCluster,
            };
            let moment = CrashPoint::At(Point::AfterPersisting(Written::For(operation)), 1);
            let crash = Fault::crash_at(node, moment);
            let restart = Fault::restart(node);
            // An attempt times out after ten seconds. The retry must find the intent that the first attempt wrote.
            let restarts = draws.seconds("restarts", 1, 10);
            self.groups.push(vec![Action::Fault(crash), Action::FaultAt(When::In(restarts), restart)]);
        }
        self.call(draws.about("last", 0), Some(1), last);
        self.peer = None;
        self.advance(draws.pause("until heard", 14));
    }

    /// Three clusters, of which each declares a peer: with three Regions, perhaps in a circle.
    fn ring(&mut self, draws: Draws) {
        for member in 0..3 {
            self.call(draws.about("member", member), None, CallKind::CreateForPair);
        }
        let declare = |member| (draws.about("declares", member), Some(member), CallKind::Declare);
        self.in_some_order(draws, (0..3).map(declare).collect());
    }

    /// Two pairs are about to link when the control plane of their common Region crashes and restarts.
    fn unfinished(&mut self, draws: Draws) {
        for number in 0..2 {
            self.call(draws.about("first", number), None, CallKind::CreateForPair);
        }
        for number in 0..2 {
            self.call(draws.about("second", number), Some(number), CallKind::CreateWithPeer);
        }
        let node =
            NodeId::ControlPlane(self.clusters.first().map_or(self.plan.topology.witness, |it| it.region));
        let moment = match draws.pick("moment", &["at once", "during", "after"]) {
            "at once" => CrashPoint::Now,
            "during" => CrashPoint::during_persist(draws.between("nth", 2, 6) as u32),
            _ => CrashPoint::after_persist(draws.between("nth", 2, 6) as u32),
        };
        let crash = Fault::crash_at(node, moment);
        let crash = match moment {
            CrashPoint::Now => Action::FaultAt(When::In(draws.pause("crashes", 9)), crash),
            _ => Action::Fault(crash),
        };
        let restart = Fault::restart(node);
        let restarts = Duration::from_millis(600) + draws.pause("restarts", 13);
        self.groups.push(vec![crash, Action::FaultAt(When::In(restarts), restart)]);
        let declare = |number| (draws.about("declares", number), Some(number), CallKind::Declare);
        self.in_some_order(draws, (0..2).map(declare).collect());
    }

    /// Streams of one cluster, and calls about them.
    fn streams(&mut self, draws: Draws, count: usize) {
        use Operation::{DeleteStream, GetStream, ListStreams, ListTagsForResource, TagResource};
        self.encrypted = draws.chance("encrypted", 40);
        self.call(draws.about("streamed", 0), None, CallKind::CreateAlone);
        let has_key = std::mem::take(&mut self.encrypted);
        self.advance(draws.seconds("until active", 8, 20));
        for number in 0..draws.between("streams", 1, 10.min(count - 1)) {
            self.call(draws.about("stream", number), Some(0), CallKind::Stream);
        }
        if draws.chance("until they are active", 60) {
            self.advance(draws.seconds("until stream active", 60, 200));
        }
        if has_key {
            self.lose_key(draws.about("key", 0));
        }
        if draws.chance("broken target", 45) {
            self.break_target(draws.about("broken", 0));
        }
        let is_seen_deleted = !self.set_up.assumptions.deleted_visible.is_zero();
        if is_seen_deleted && self.made.len() + 1 < count {
            self.call_operation(draws.about("deletes", 0), 0, DeleteStream);
            self.advance(draws.seconds("until deleted", 60, 240));
        }
        let visits = [DeleteStream, GetStream, ListStreams, ListTagsForResource, TagResource];
        for number in 0..count.saturating_sub(self.made.len()) {
            let draws = draws.about("visit", number);
            self.call_operation(draws, 0, draws.pick("operation", &visits));
        }
    }

    /// The key of the cluster cannot be used from now on, or for a while.
    fn lose_key(&mut self, draws: Draws) {
        let region = self.clusters[0].region;
        let change = |event| vec![Action::Fault(Fault::external_event(region, event))];
        self.groups.push(change(ExternalEvent::DisableKeys(KeyScope::All)));
        self.advance(draws.pause("lost", 13));
        if draws.chance("found", 60) {
            self.groups.push(change(ExternalEvent::EnableKeys(KeyScope::All)));
        }
    }

    /// A target of streams breaks, for good or for a while, in which the control plane may be down. Another stream is
    /// created meanwhile.
    fn break_target(&mut self, draws: Draws) {
        let region = self.clusters[0].region;
        let broken = super::broken_target(draws, region, self.clusters[0].owner);
        let broken = Fault::external_event(region, broken);
        let repaired = broken.end().filter(|_| draws.chance("repaired", 60));
        let node = NodeId::ControlPlane(region);
        let is_down = draws.chance("down", 25);
        if is_down {
            self.groups.push(vec![Action::Fault(Fault::crash(node).into())]);
        }
        self.groups.push(vec![Action::Fault(broken)]);
        if is_down {
            self.groups.push(vec![Action::Fault(Fault::restart(node))]);
        }
        if draws.chance("another stream", 40) {
            self.call(draws.about("another", 0), Some(0), CallKind::Stream);
        }
        self.advance(draws.pause("broken", 16));
        self.groups.extend(repaired.map(|fault| vec![Action::Fault(fault)]));
    }

    /// Two clusters, one of which is deleted between two pages of a listing.
    fn pages(&mut self, draws: Draws) {
        for number in 0..2 {
            self.call(draws.about("listed", number), None, CallKind::CreateAlone);
        }
        self.advance(draws.seconds("until active", 5, 20));
        self.call(draws.about("page", 0), None, CallKind::List);
        self.call(draws.about("gone", 0), Some(0), CallKind::Delete);
        self.advance(draws.seconds("until gone", 30, 150));
        self.call(draws.about("page", 1), None, CallKind::List);
    }

    /// Pages of one result over three clusters or streams, one of which is deleted before the first page or after it.
    fn gaps(&mut self, draws: Draws, count: usize) {
        let are_streams = draws.chance("streams", 60);
        let page = |number| draws.about("page", number);
        self.region = Some(draws.pick("region", &self.plan.topology.regions));
        self.unprotected = true;
        self.turns_pages = true;
        // The streams of another cluster are another listing, for which the page tokens of the first are not good.
        let another = usize::from(count > 8 && draws.chance("another", 50));
        for number in 0..if are_streams { 1 + another } else { 3 } {
            self.call(draws.about("listed", number), None, CallKind::CreateAlone);
        }
        self.advance(draws.seconds("until active", 8, 15));
        if are_streams {
            (0..3).for_each(|number| self.call(draws.about("stream", number), Some(0), CallKind::Stream));
            self.advance(draws.seconds("until stream active", 120, 200));
        }
        let mut pages = 0;
        if draws.chance("gone after a page", 30) {
            self.list_again(page(0), are_streams);
            pages = 1;
            if draws.chance("crashes", 40) {
                self.crash_and_restart(draws);
            }
        }
        if are_streams {
            self.call_operation(draws.about("gone", 0), 0, Operation::DeleteStream);
        } else {
            self.call(draws.about("gone", 0), Some(draws.below("which is gone", 2)), CallKind::Delete);
        }
        self.advance(draws.seconds("until gone", 80, 150));
        while self.made.len() < count && pages < 4 {
            self.list_again(page(pages), are_streams);
            pages += 1;
        }
        (self.region, self.unprotected, self.turns_pages) = (None, false, false);
    }

    /// The control plane of the opening's Region crashes and restarts: page tokens and raised quotas must survive it.
    pub(super) fn crash_and_restart(&mut self, draws: Draws) {
        let node = NodeId::ControlPlane(self.region.unwrap_or(self.plan.topology.witness));
        let restarts = draws.pause("restarts", 12);
        let restart = Action::FaultAt(When::In(restarts), Fault::restart(node));
        self.groups.push(vec![Action::Fault(Fault::crash(node).into()), restart]);
        self.advance(restarts + Duration::from_millis(1));
    }

    /// Adds the next page of the listing.
    fn list_again(&mut self, draws: Draws, are_streams: bool) {
        match are_streams {
            true => self.call_operation(draws, 0, Operation::ListStreams),
            false => self.call(draws, None, CallKind::List),
        }
    }

    /// Calls with a client token, and a repetition close to the end of the token's window.
    fn tokens(&mut self, draws: Draws) {
        self.token = Some(draws.pick("token", &["t1", "t2"]));
        let kinds = [CallKind::CreateAlone, CallKind::CreateForPair];
        self.call(draws.about("first", 0), None, draws.pick("kind", &kinds));
        if draws.chance("another", 30) {
            let kinds = [CallKind::Protect, CallKind::Delete, CallKind::Policy, CallKind::Stream];
            self.advance(draws.seconds("until active", 8, 20));
            self.call(draws.about("second", 0), Some(0), draws.pick("another kind", &kinds));
        }
        self.token = None;
        self.advance(self.window(draws));
        self.call(draws.about("again", 0), None, CallKind::Repeat);
    }

    /// A cluster whose KMS key changes while keys are disabled, or before.
    fn keys(&mut self, draws: Draws) {
        use ExternalEvent::{Connect, DisableKeys, EnableKeys, Idle};
        self.encrypted = draws.chance("encrypted", 75);
        self.call(draws.about("encrypted", 0), None, CallKind::CreateAlone);
        self.encrypted = false;
        self.advance(draws.seconds("until active", 8, 15));
        let (region, owner) = (self.clusters[0].region, self.clusters[0].owner);
        for number in 0..2 {
            let draws = draws.about("turn", number);
            let scope = match draws.weigh("scope", &[(2, "all"), (2, "its own"), (1, "another")]) {
                "all" => KeyScope::All,
                "its own" => KeyScope::One(keys::usual(region, owner)),
                _ => KeyScope::One(keys::other(region, owner)),
            };
            let (disable, enable) = (DisableKeys(scope.clone()), EnableKeys(scope));
            let events = match draws.below("keys", 5) {
                0 => vec![disable],
                1 => vec![enable],
                2 => vec![disable, Connect],
                3 => vec![Idle, disable],
                _ => Vec::new(),
            };
            let change = |event| Action::Fault(Fault::external_event(region, event));
            self.groups.push(events.into_iter().map(change).collect());
            self.call(draws, Some(0), draws.weigh("call", &[(3, CallKind::Change), (1, CallKind::Get)]));
            self.advance(draws.pause("pause", 13));
        }
    }

    /// A cluster in the status of the opening, and calls of any operation about it.
    fn status(&mut self, draws: Draws, opening: Opening, count: usize) {
        self.unprotected = matches!(opening, Opening::Deleting | Opening::Deleted | Opening::PendingDelete);
        let is_pair = opening == Opening::PendingDelete || (opening == Opening::Creating && count >= 4);
        if is_pair {
            self.pair(draws);
            self.advance(draws.seconds("until linked", 20, 40));
        } else {
            let kinds = [(3, CallKind::CreateAlone), (1, CallKind::CreateForPair)];
            let kind = if opening == Opening::Creating {
                CallKind::CreateAlone
            } else {
                draws.weigh("kind", &kinds)
            };
            self.call(draws.about("cluster", 0), None, kind);
            if opening != Opening::Creating {
                self.advance(draws.seconds("until active", 8, 15));
            }
        }
        let region = self.clusters[0].region;
        let doze = Action::Fault(Fault::external_event(region, ExternalEvent::Idle));
        match opening {
            Opening::Idle => self.groups.push(vec![doze]),
            Opening::Inactive => self.groups.push(vec![doze.clone(), doze]),
            Opening::Updating => self.call(draws.about("update", 0), Some(0), CallKind::Protect),
            Opening::Deleting | Opening::PendingDelete => {
                self.call(draws.about("delete", 0), Some(0), CallKind::Delete);
            }
            Opening::Deleted => {
                self.call(draws.about("delete", 0), Some(0), CallKind::Delete);
                self.advance(draws.seconds("until deleted", 100, 130));
            }
            _ => {}
        }
        self.unprotected = false;
        for number in 0..draws.between("visits", 2, 8) {
            if self.made.len() < count {
                let draws = draws.about("visit", number);
                self.call_operation(draws, 0, draws.pick("operation", Operation::ALL));
            }
        }
    }

    /// Adds calls that begin together, if the swarm has such calls, or else one after the other.
    pub(super) fn in_some_order(&mut self, draws: Draws, calls: Vec<(Draws, Option<usize>, CallKind)>) {
        if self.plan.swarm.parallel && draws.chance("together", 60) {
            return self.together(calls);
        }
        calls.into_iter().for_each(|(draws, aim, kind)| self.call(draws, aim, kind));
    }
}
