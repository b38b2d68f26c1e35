//! Limits: a resource is brought to one of its limits, and calls repeat there, one below it and one above.

use std::ops::Range;
use std::time::Duration;

use crate::api::{Operation, Request, TagMap, TagResourceInput, Tags, UntagResourceInput};
use crate::control::environment::ExternalEvent;
use crate::control::message::{DelayRange, MessageKind};
use crate::control::quotas::ClusterQuota;
use crate::control::records::MAX_STREAMS;
use crate::region::Region;
use crate::scenario::{Action, When};
use crate::sim::fault::{Fault, MessageMatch, NodeMatch, Rule, RuleAction};
use crate::types::Account;

use super::super::draws::Draws;
use super::{CallDraft, CallKind, CallPlan};

impl CallPlan<'_> {
    /// Brings the tags of a resource, the clusters of an account, or the streams of a cluster to their limit.
    pub(super) fn limits(&mut self, draws: Draws, count: usize) {
        match draws.weigh("limit", &[(3, "tags"), (5, "clusters"), (4, "streams")]) {
            "tags" => self.full_of_tags(draws, count),
            "clusters" => self.full_of_clusters(draws, count),
            _ => self.full_of_streams(draws, count),
        }
    }

    /// A cluster or a stream with nearly as many tags as it may have. Calls replace tags, add the last ones, add one
    /// too many, and make room.
    fn full_of_tags(&mut self, draws: Draws, count: usize) {
        let limit = self.set_up.assumptions.tags_per_resource as usize;
        let mut have =
            draws.weigh("have", &[(2, 0), (2, limit / 2), (1, limit * 3 / 4), (2, limit - 1), (3, limit)]);
        if draws.chance("too many at creation", 20) {
            let mut draft = self.draft(draws.about("refused", 0), None, CallKind::CreateAlone);
            if let Request::CreateCluster(input) = &mut draft.input {
                input.tags = Some(numbered_tags(0..limit + 1));
            }
            // No later call refers to the cluster, which is not made.
            draft.creates = None;
            self.push(draws.about("refused", 0), draft);
        }
        let arn = self.tagged(draws, have);
        let mut turn = 0;
        while self.made.len() < count {
            let draws = draws.about("turn", turn);
            turn += 1;
            let changes = [
                (4, "the same"),
                (3, "fill"),
                (3, "one more"),
                (3, "overlap"),
                (2, "make room"),
                (1, "one too many"),
                (1, "too many for a call"),
                (1, "list"),
            ];
            let keys = match draws.weigh("change", &changes) {
                "the same" => draws.below("from", have / 2)..have,
                "fill" => have..limit,
                "one more" => have..have + 1,
                "overlap" => have / 2..limit,
                "one too many" => have..limit + 1,
                "too many for a call" => 0..MAX_TAGS_OF_CALL + 1,
                "make room" => {
                    let tag_keys = Some(vec![tag_key(draws.below("removed", have.max(1)))]);
                    let input = UntagResourceInput { resource_arn: arn.clone(), tag_keys };
                    self.push(draws, CallDraft::about(&self.clusters[0], Request::UntagResource(input)));
                    continue;
                }
                _ => {
                    self.call_operation(draws, 0, Operation::ListTagsForResource);
                    continue;
                }
            };
            if keys.end <= limit {
                have = have.max(keys.end);
            }
            let tags = Some(numbered_tags(keys));
            let input = TagResourceInput { resource_arn: arn.clone(), tags };
            self.push(draws, CallDraft::about(&self.clusters[0], Request::TagResource(input)));
        }
    }

    /// Creates a cluster, or a cluster and a stream, with this number of tags. Returns a reference to the ARN of the
    /// tagged resource.
    fn tagged(&mut self, draws: Draws, have: usize) -> String {
        let of_stream = draws.chance("of a stream", 30);
        let mut draft = self.draft(draws, None, CallKind::CreateAlone);
        if let Request::CreateCluster(input) = &mut draft.input
            && !of_stream
        {
            input.tags = Some(numbered_tags(0..have));
        }
        self.push(draws.about("tagged", 0), draft);
        if !of_stream {
            return self.clusters[0].arn();
        }
        self.advance(draws.seconds("until active", 8, 15));
        let mut draft = self.draft(draws, Some(0), CallKind::Stream);
        if let Request::CreateStream(input) = &mut draft.input {
            input.tags = Some(numbered_tags(0..have));
        }
        self.push(draws.about("stream", 0), draft);
        format!("$c{}.arn", self.made.len())
    }

    /// As many clusters as the account may have in a Region, or one less. Creates of multi-Region clusters wait for
    /// late answers of the witness Region, so that their retries join them and others arrive meanwhile. Then one is
    /// deleted, and others take its room.
    fn full_of_clusters(&mut self, draws: Draws, count: usize) {
        let is_multi = draws.chance("multi-Region", 65);
        let kind = if is_multi { CallKind::CreateForPair } else { CallKind::CreateAlone };
        let region = draws.pick("region", &self.plan.topology.regions);
        let is_late = is_multi && draws.chance("late", 70);
        (self.region, self.unprotected) = (Some(region), true);
        if is_late {
            self.delay_witness_answers(draws, region);
        }
        let quota = match is_multi {
            true => self.set_up.assumptions.multi_region_quota,
            false => self.set_up.assumptions.single_region_quota,
        };
        // Calls that wait meet one another in flight; the others meet the clusters that exist.
        let wanted = (quota as usize + draws.between("more", 0, 1)).min(count);
        let creates: Vec<_> = (0..wanted).map(|number| (draws.about("fills", number), None, kind)).collect();
        match is_late {
            true => self.hurried(draws, creates),
            false => self.in_some_order(draws, creates),
        }
        let mut turn = 0;
        while self.made.len() < count {
            let draws = draws.about("turn", turn);
            turn += 1;
            let changes = [
                (3, "room"),
                (4, "another"),
                (2, "beside"),
                (2, "again"),
                (1, "list"),
                (2, "raise"),
                (2, "restore"),
            ];
            match draws.weigh("change", &changes) {
                "room" => self.make_room(draws),
                "restore" => {
                    let restored = ExternalEvent::RestoreCluster { account: Account::DEFAULT };
                    self.groups.push(vec![Action::Fault(Fault::external_event(region, restored))]);
                    self.call(draws.about("list", 0), None, CallKind::List);
                }
                "raise" => {
                    self.raise_quota(draws, (region, is_multi), quota);
                    self.call(draws.about("another", 0), None, kind);
                }
                "another" if is_late => self.hurried(draws, vec![(draws.about("another", 0), None, kind)]),
                "beside" if is_late => {
                    let updates = [CallKind::ChangeWitness, CallKind::Withdraw];
                    let update = (draws.about("update", 0), Some(0), draws.pick("kind", &updates));
                    self.hurried(draws, vec![update, (draws.about("another", 0), None, kind)]);
                }
                "another" | "beside" => self.call(draws.about("another", 0), None, kind),
                "again" => self.call(draws.about("again", 0), None, CallKind::Repeat),
                _ => self.call(draws.about("list", 0), None, CallKind::List),
            }
        }
        (self.region, self.unprotected) = (None, false);
    }

    /// Deletes a cluster, and usually waits until it is gone.
    fn make_room(&mut self, draws: Draws) {
        self.advance(draws.seconds("until active", 8, 15));
        self.call(draws.about("room", 0), None, CallKind::Delete);
        let (gone, going) = (draws.seconds("until gone", 60, 150), draws.pause("until going", 13));
        self.advance(if draws.chance("is gone", 60) { gone } else { going });
    }

    /// Raises a quota, usually that of the clusters that fill it, and perhaps crashes the control plane, which learns
    /// of it again when it starts.
    fn raise_quota(&mut self, draws: Draws, (region, is_multi): (Region, bool), quota: u32) {
        let of_kind =
            |is_multi| if is_multi { ClusterQuota::MultiRegion } else { ClusterQuota::SingleRegion };
        let raised = of_kind(is_multi == draws.chance("the same kind", 70));
        let to = quota + draws.between("by", 1, 2) as u32;
        let event = ExternalEvent::RaiseQuota { quota: raised, to };
        self.groups.push(vec![Action::Fault(Fault::external_event(region, event))]);
        if draws.chance("crash", 50) {
            self.crash_and_restart(draws);
        }
    }

    /// Delays the answers of witness Regions to the control plane of `region` for some time.
    fn delay_witness_answers(&mut self, draws: Draws, region: Region) {
        let late = Duration::from_millis(500) + draws.pause("late", 12);
        let action = RuleAction::Delay(DelayRange { min: late, max: late });
        let (from, to) = (NodeMatch::Any, NodeMatch::ControlPlane(region));
        let what = MessageMatch::Message(MessageKind::WitnessChecked);
        let rule = Fault::Rule(Rule { what, action, ..Rule::cut(from, to, false) });
        let lasts = draws.seconds("lasts", 3, 30);
        let heal = Fault::heal(from, to);
        self.groups.push(vec![Action::Fault(rule), Action::FaultAt(When::In(lasts), heal)]);
    }

    /// Adds calls that begin at about the same time, with time-outs so short that retries arrive before an answer.
    fn hurried(&mut self, draws: Draws, calls: Vec<(Draws, Option<usize>, CallKind)>) {
        self.together(calls);
        for (number, action) in self.groups.last_mut().into_iter().flatten().enumerate() {
            if let Action::Call(step) = action {
                let draws = draws.about("hurry", number);
                step.time_out = Duration::from_millis(100) + draws.pause("time-out", 10);
                step.after = draws.pause("offset", 11);
            }
        }
    }

    /// As many streams as a cluster may have, if the calls suffice. Then streams are deleted, and others take their
    /// room.
    fn full_of_streams(&mut self, draws: Draws, count: usize) {
        self.unprotected = true;
        self.call(draws.about("streamed", 0), None, CallKind::CreateAlone);
        self.unprotected = false;
        self.advance(draws.seconds("until active", 8, 15));
        // Three calls stay for the deletion, the creation after it, and another call.
        let most = (MAX_STREAMS + 1).min(count.saturating_sub(4)).max(1);
        let streams = draws.between("streams", most.min(2), most);
        let create = |number| (draws.about("stream", number), Some(0), CallKind::Stream);
        self.in_some_order(draws, (0..streams).map(create).collect());
        self.advance(draws.seconds("until stream active", 90, 200));
        let mut turn = 0;
        while self.made.len() < count {
            let draws = draws.about("turn", turn);
            let changes = [(4, "delete"), (4, "create"), (2, "list"), (1, "again"), (1, "get"), (1, "tag")];
            // A full cluster makes room first.
            let change = if turn == 0 { "delete" } else { draws.weigh("change", &changes) };
            turn += 1;
            match change {
                "delete" => {
                    self.call_operation(draws, 0, Operation::DeleteStream);
                    let gone = draws.seconds("until gone", 60, 240);
                    self.advance(if draws.chance("is gone", 75) {
                        gone
                    } else {
                        draws.pause("until going", 13)
                    });
                }
                "create" => {
                    self.call_operation(draws, 0, Operation::CreateStream);
                    if draws.chance("is made", 50) {
                        self.advance(draws.seconds("until made", 60, 200));
                    }
                }
                "list" => self.call_operation(draws, 0, Operation::ListStreams),
                "again" => self.call(draws, None, CallKind::Repeat),
                "get" => self.call_operation(draws, 0, Operation::GetStream),
                _ => self.call_operation(draws, 0, Operation::TagResource),
            }
        }
    }

    /// As many clusters in a Region as a page has by default, and one or two more or less.
    pub(super) fn full_page(&mut self, draws: Draws) {
        self.region = Some(draws.pick("region", &self.plan.topology.regions));
        let clusters = draws.between("clusters", DEFAULT_PAGE - 1, DEFAULT_PAGE + 2);
        for number in 0..clusters {
            // The quota of each kind alone is no larger than a page.
            let kind = if number % 5 == 4 { CallKind::CreateForPair } else { CallKind::CreateAlone };
            self.call(draws.about("listed", number), None, kind);
        }
        for number in 0..2 {
            let draws = draws.about("page", number);
            self.answered = self.made.len();
            let mut draft = self.draft(draws, None, CallKind::List);
            if let Some(max_results) = draft.input.max_results_mut() {
                *max_results = None;
            }
            self.push(draws, draft);
        }
        self.region = None;
    }
}

/// Tags whose keys have the numbers of `keys`.
fn numbered_tags(keys: Range<usize>) -> Tags {
    let mut tags = TagMap::default();
    for number in keys {
        tags.insert(tag_key(number), "v".to_owned());
    }
    tags.into()
}

fn tag_key(number: usize) -> String {
    format!("k{number}")
}

/// The most tags that a call may have.
const MAX_TAGS_OF_CALL: usize = 200;

/// The number of clusters on a page of a listing that names no number.
pub(super) const DEFAULT_PAGE: usize = 20;
