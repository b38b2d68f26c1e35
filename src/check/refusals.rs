//! The invariants about what is refused and what is not: a refusal has a cause, in the request, in what is stored, in
//! who asks, or in what another call is doing; a success has none.
//!
//! This is a specification of its own of when an exception may be given, and is read both ways. What was stored when a
//! refusal was decided is what is durable when it leaves, for a node's writes and answers come out in the order in
//! which it made them; of other Regions, everything that was stored between the call's arrival and its refusal counts.
//! Where that leaves open what was found, a cause is only possible: it explains a refusal, and speaks against no
//! success. An error that was injected is none of a control plane's.

use std::time::Duration;

use crate::api::{Error, Request, ValidationReason};
use crate::control::assumptions::Refusal;
use crate::control::attached::{ClusterPolicy, MAX_STREAMS};
use crate::control::cluster::Cluster;
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{ClusterArn, ClusterStatus, Identifier, Instant};

use super::authorization::{self, Denied};
use super::invariant::{CheckContext, Invariant};
use super::open::{OpenCall, OpenCalls};
use super::permitted::Demand;
use super::records::{self, Records};
use super::tokens::Tokens;
use super::{CheckResult, WorldView, demands, members};

/// What kind of error a call ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusalKind {
    /// A member breaks a constraint.
    Malformed,
    /// The cluster is protected.
    Protected,
    /// Another ValidationException.
    Invalid,
    Quota,
    Denied,
    NotFound,
    Conflict,
    Throttled,
    /// InternalServerException.
    Silence,
}

impl RefusalKind {
    pub(super) fn of(error: &Error) -> RefusalKind {
        match error {
            Error::Validation { reason: ValidationReason::Other, .. } => RefusalKind::Invalid,
            Error::Validation { reason: ValidationReason::DeletionProtectionEnabled, .. } => {
                RefusalKind::Protected
            }
            Error::Validation { .. } => RefusalKind::Malformed,
            Error::ServiceQuotaExceeded { .. } => RefusalKind::Quota,
            Error::AccessDenied { .. } => RefusalKind::Denied,
            Error::ResourceNotFound { .. } => RefusalKind::NotFound,
            Error::Conflict { .. } => RefusalKind::Conflict,
            Error::Throttling { .. } => RefusalKind::Throttled,
            Error::InternalServer { .. } => RefusalKind::Silence,
        }
    }
}

impl From<Refusal> for RefusalKind {
    fn from(refusal: Refusal) -> RefusalKind {
        match refusal {
            Refusal::Validation => RefusalKind::Invalid,
            Refusal::Conflict => RefusalKind::Conflict,
            Refusal::AccessDenied => RefusalKind::Denied,
            Refusal::NotFound => RefusalKind::NotFound,
        }
    }
}

/// What a refusal is judged by.
pub(super) struct RefusalContext<'a> {
    pub(super) records: &'a Records,
    pub(super) open: &'a OpenCalls,
    pub(super) tokens: &'a Tokens,
    pub(super) denied: &'a Denied,
    pub(super) started: &'a FixedMap<Region, Instant>,
}

/// Every refusal of the control plane is decided by one comparison with the record, the request or the caller's
/// policies, in the step that refuses. `first` is the call that `asked` may have joined, if there is one.
pub(super) fn every_refusal_has_a_cause(
    judge: &mut CheckContext<'_>,
    facts: &RefusalContext<'_>,
    asked: &OpenCall,
    first: Option<&OpenCall>,
    error: &Error,
) -> CheckResult {
    let scene = judge.scene;
    let is_caused = |asked| Causes::new(scene, facts, asked, facts.records.named(asked)).include(error);
    let is_caused = is_caused(asked) || first.is_some_and(is_caused);
    judge.ensure(is_caused, Invariant::EveryRefusalHasACause, || {
        let (operation, name, message) = (asked.request.operation(), error.name(), error.message());
        format!("{operation} was refused with {name} {message:?}, and nothing was in its way")
    })?;
    let are_right = members::are_right(scene, facts.records, asked, error);
    judge.ensure(are_right, Invariant::EveryRefusalHasACause, || {
        let (operation, body) = (asked.request.operation(), error.to_json());
        format!("{operation} was refused, and the members of the error are not those of its cause: {body}")
    })
}

/// A call that is carried out has passed every check in the step that writes, by the record that the write replaces; a
/// read, and a second deletion, is answered from the record as it is when the answer leaves.
///
/// What is left out is judged elsewhere, of every write: quotas by `quota-respected`, tokens by `retry-never-worse` and
/// `one-effect-per-token`, permissions by `authorized-in-every-region`. A call that is answered from its token, or
/// with another that it joined, has looked at nothing but its own members.
pub(super) fn no_success_against_a_cause(
    judge: &mut CheckContext<'_>,
    facts: &RefusalContext<'_>,
    asked: &OpenCall,
) -> CheckResult {
    let scene = judge.scene;
    let found = match &asked.record {
        Some((before, _)) => Causes::new(scene, facts, asked, before.as_deref()).certain(),
        None if asked.is_answered_from_record() => {
            Causes::new(scene, facts, asked, facts.records.named(asked)).certain()
        }
        None => None,
    };
    let found = found.or_else(|| asked.request.validate().is_err().then_some(RefusalKind::Malformed));
    judge.ensure(found.is_none(), Invariant::NoSuccessAgainstACause, || {
        let (operation, kind) = (asked.request.operation(), found.unwrap_or(RefusalKind::Malformed));
        let of = asked.subject().map_or_else(String::new, |subject| format!(" of {subject}"));
        format!("{operation}{of} succeeded, and had to be refused: {kind:?}")
    })
}

/// Why a call may be refused.
struct Causes<'a> {
    scene: &'a dyn WorldView,
    facts: &'a RefusalContext<'a>,
    asked: &'a OpenCall,
    /// What the call is about, as it was when the call was decided.
    cluster: Option<&'a Cluster>,
    found: Vec<Cause>,
}

/// Why.
#[derive(Clone, Copy)]
struct Cause {
    kind: RefusalKind,
    /// Whether it is known to have been there whenever it may have been looked for.
    is_certain: bool,
}

impl<'a> Causes<'a> {
    fn new(
        scene: &'a dyn WorldView,
        facts: &'a RefusalContext<'a>,
        asked: &'a OpenCall,
        cluster: Option<&'a Cluster>,
    ) -> Causes<'a> {
        Causes { scene, facts, asked, cluster, found: Vec::new() }
    }

    /// The first that leaves no way to a success.
    fn certain(mut self) -> Option<RefusalKind> {
        self.look();
        self.found.iter().find(|cause| cause.is_certain).map(|cause| cause.kind)
    }

    /// Whether one of them leads to this error, as far as its kind says, and of a denial its words.
    fn include(mut self, error: &Error) -> bool {
        let (request, kind) = (&*self.asked.request, RefusalKind::of(error));
        match kind {
            RefusalKind::Malformed => return request.validate().is_err() || has_page_token(request),
            // Who asks no other Region has nobody's silence to fear.
            RefusalKind::Silence => return demands::properties(request).is_some() && self.has_waited(),
            RefusalKind::Throttled => return false,
            _ => {}
        }
        self.look();
        let is_mismatch = || kind == self.scene.assumptions().token_mismatch.into() && self.is_mismatch();
        let is_denied = || {
            authorization::may_be_denied(self.scene, self.facts.denied, self.facts.records, self.asked, error)
        };
        self.found.iter().any(|cause| cause.kind == kind)
            || (kind == RefusalKind::Denied && is_denied())
            || is_mismatch()
    }

    /// What must be refused.
    fn add(&mut self, is_cause: bool, kind: impl Into<RefusalKind>) {
        if is_cause {
            self.found.push(Cause { kind: kind.into(), is_certain: true });
        }
    }

    /// What may be refused.
    fn may(&mut self, is_cause: bool, kind: impl Into<RefusalKind>) {
        if is_cause {
            self.found.push(Cause { kind: kind.into(), is_certain: false });
        }
    }

    fn look(&mut self) {
        let request = &*self.asked.request;
        self.properties();
        if let Request::CreateCluster(input) = request {
            let made = self.asked.record.as_ref().map(|(_, after)| after.arn);
            if let Some(policy) = &input.policy {
                self.policy(policy, input.bypass_policy_lockout_safety_check, made);
            }
            return self.quota();
        }
        if matches!(request, Request::ListClusters(_)) {
            return;
        }
        match self.cluster {
            None => self.add(true, RefusalKind::NotFound),
            Some(cluster) => self.cluster(cluster),
        }
    }

    /// What stands in the way in the cluster that the call is about.
    fn cluster(&mut self, cluster: &Cluster) {
        use ClusterStatus::{
            Active, Creating, Deleted, Deleting, Idle, Inactive, PendingDelete, PendingSetup, Updating,
        };
        let assumed = self.scene.assumptions();
        let status = cluster.status;
        let attached = cluster.attached.as_deref();
        let policy = attached.filter(|attached| attached.policy.is_some());
        let version = policy.map(|attached| attached.policies.to_string());
        match &*self.asked.request {
            Request::UpdateCluster(_) => {
                self.add(!matches!(status, Active | Idle | Inactive | PendingSetup), assumed.wrong_state);
                self.add(self.is_busy(cluster), RefusalKind::Conflict);
            }
            Request::DeleteCluster(_) => {
                let is_going = matches!(status, PendingDelete | Deleting | Deleted);
                if is_going && assumed.delete_again {
                    return;
                }
                let is_updating = status == Updating && !assumed.delete_while_updating;
                self.add(is_going || is_updating || status == Creating, assumed.wrong_state);
                self.add(self.is_busy(cluster), RefusalKind::Conflict);
                self.add(cluster.deletion_protection, RefusalKind::Protected);
                self.add(
                    assumed.streams_keep_cluster && !cluster.streams().is_empty(),
                    RefusalKind::Conflict,
                );
            }
            Request::TagResource(input) => {
                self.stream_of(cluster, input.resource_arn.split_once("/stream/").map(|(_, stream)| stream));
                self.add(has_too_many_tags(cluster, input), RefusalKind::Quota);
            }
            Request::UntagResource(_) | Request::ListTagsForResource(_) => {
                let arn = records::resource(&self.asked.request).unwrap_or_default();
                self.stream_of(cluster, arn.split_once("/stream/").map(|(_, stream)| stream));
            }
            Request::PutClusterPolicy(input) => {
                let text = input.policy.as_deref().unwrap_or_default();
                self.policy(text, input.bypass_policy_lockout_safety_check, Some(cluster.arn));
                let expected = input.expected_policy_version.as_ref();
                self.add(expected.is_some_and(|it| version.as_ref() != Some(it)), RefusalKind::Conflict);
            }
            Request::GetClusterPolicy(_) => self.add(policy.is_none(), RefusalKind::NotFound),
            Request::DeleteClusterPolicy(input) => {
                self.add(policy.is_none(), RefusalKind::NotFound);
                let expected = input.expected_policy_version.as_ref();
                self.add(expected.is_some_and(|it| version.as_ref() != Some(it)), RefusalKind::Conflict);
            }
            Request::CreateStream(_) => {
                self.add(matches!(status, Idle | Inactive), RefusalKind::Invalid);
                self.add(!matches!(status, Active | Idle | Inactive), assumed.wrong_state);
                self.add(self.is_busy(cluster), RefusalKind::Conflict);
                self.add(cluster.streams().len() >= MAX_STREAMS, RefusalKind::Quota);
            }
            Request::GetStream(input) => self.stream_of(cluster, Some(&input.stream_identifier)),
            Request::DeleteStream(input) => {
                self.stream_of(cluster, Some(&input.stream_identifier));
                let stream = Identifier::parse(&input.stream_identifier).and_then(|it| cluster.stream(it));
                let is_new = stream.is_some_and(|it| it.status == crate::api::StreamStatus::Creating);
                self.add(is_new, RefusalKind::Conflict);
            }
            _ => {}
        }
    }

    /// Other Regions have had as long as they may take: since the call came or, if it joined one that a control plane
    /// found written down when it started, since that start.
    fn has_waited(&self) -> bool {
        let (now, longest) = (self.scene.now(), self.scene.longest_write());
        let deadline = self.scene.assumptions().remote_deadline;
        // They are asked several times, each after a whole number of nanoseconds.
        let is_over = |since: Instant| since.after(deadline) <= now.after(Duration::from_micros(1));
        let started = self.facts.started.get(&self.asked.region).copied();
        let has_resumed = started.is_some_and(|at| is_over(at) && now <= at.after(deadline + longest));
        // In a model no time passes.
        is_over(self.asked.arrived.at) || has_resumed || now == Instant::START
    }

    fn stream_of(&mut self, cluster: &Cluster, stream: Option<&str>) {
        let is_there =
            |stream: &str| Identifier::parse(stream).is_some_and(|it| cluster.stream(it).is_some());
        self.add(stream.is_some_and(|stream| !is_there(stream)), RefusalKind::NotFound);
    }

    /// Another call is being carried out on the cluster: an update that came before and waits for other Regions, or
    /// what is written down until the link register has decided. A call with the token of one that waits joins it, and
    /// so does a second deletion, unless it is refused.
    fn is_busy(&self, cluster: &Cluster) -> bool {
        let asked = self.asked;
        let has_its_token = |other: &Request| other.client_token().is_some() && *other == *asked.request;
        let deletes = |request: &Request| matches!(request, Request::DeleteCluster(_));
        let joins_deletion = deletes(&asked.request) && self.scene.assumptions().delete_again;
        let is_joined = |other: &Request| has_its_token(other) || (joins_deletion && deletes(other));
        let name = cluster.arn.identifier.to_string();
        // An update that names no witness Region waits for none, and is carried out in the step that takes it in.
        let is_checked = |other: &OpenCall| {
            matches!(*other.request, Request::UpdateCluster(_))
                && other.arrived < asked.arrived
                && demands::properties(&other.request).is_some()
                && other.account == asked.account
                && other.request.identifier() == Some(&name)
                && !has_its_token(&other.request)
        };
        cluster.intent.as_ref().is_some_and(|intent| !is_joined(&intent.request))
            || self.facts.open.within(asked.region).any(is_checked)
    }

    /// A create is refused when what exists and what is being created have reached the quota.
    fn quota(&mut self) {
        let (assumed, asked) = (self.scene.assumptions(), self.asked);
        let is_multi = demands::properties(&asked.request).is_some();
        let quota = if is_multi { assumed.multi_region_quota } else { assumed.single_region_quota };
        let is_create = |other: &&OpenCall| {
            is_multi
                && other.account == asked.account
                && matches!(*other.request, Request::CreateCluster(_))
                && demands::properties(&other.request).is_some()
        };
        let others = self.facts.open.within(asked.region).filter(is_create).count() as u32;
        let exist = self.facts.records.count(asked.account, asked.region, is_multi);
        self.may(exist + others >= quota, RefusalKind::Quota);
    }

    /// The rules of `multiRegionProperties`.
    fn properties(&mut self) {
        let Some(properties) = demands::properties(&self.asked.request) else { return };
        let (assumed, region, cluster) = (self.scene.assumptions(), self.asked.region, self.cluster);
        let is_update = matches!(*self.asked.request, Request::UpdateCluster(_));
        let current = cluster.and_then(|cluster| cluster.multi_region.as_deref());
        self.add(is_update && cluster.is_some() && current.is_none(), assumed.single_to_multi_region);
        let fits = |other: Region| other != region && region.may_join(other, assumed.canada_in_americas);
        let witness = properties.witness_region.as_deref().and_then(Region::parse);
        self.add(!witness.is_some_and(fits), RefusalKind::Invalid);
        let listed = properties.clusters.as_deref().unwrap_or_default();
        let own = cluster.map(|cluster| cluster.arn);
        let mut peers: Vec<String> = listed.iter().map(|arn| arn.to_ascii_lowercase()).collect();
        peers.retain(|arn| own.is_none() || ClusterArn::parse(arn) != own);
        peers.sort_unstable();
        peers.dedup();
        self.add(peers.len() > 1, assumed.several_peers);
        for text in &peers {
            let Some(peer) = ClusterArn::parse(text) else {
                self.add(true, assumed.missing_peer);
                continue;
            };
            self.add(peer.account != self.asked.account, assumed.peer_of_other_account);
            self.place(peer, witness);
            self.peer(peer, witness, own);
        }
        let Some(current) = current else { return };
        if let Some(peer) = current.peer.filter(|_| properties.clusters.is_none()) {
            self.place(peer, witness);
            self.peer(peer, witness, own);
        }
        if current.linked
            && let Some(peer) = current.peer
        {
            self.add(witness != Some(current.witness), assumed.witness_change_when_linked);
            let is_kept = properties.clusters.is_none() || peers == [peer.to_string()];
            let leaves = properties.clusters.is_some() && peers.is_empty();
            let parts = leaves && assumed.unpeer_active;
            self.add(!(is_kept || parts) || (current.leaving && !leaves), RefusalKind::Invalid);
            // The declaration that the call wanted to take back was answered first.
            self.may(!is_kept || witness != Some(current.witness), RefusalKind::Conflict);
        }
    }

    /// Whether the peer is where it may be.
    fn place(&mut self, peer: ClusterArn, witness: Option<Region>) {
        let (assumed, region) = (self.scene.assumptions(), self.asked.region);
        let fits = peer.region != region
            && Some(peer.region) != witness
            && region.may_join(peer.region, assumed.canada_in_americas);
        self.add(!fits, assumed.peer_in_wrong_region);
    }

    /// What the peer's Region may say of it.
    fn peer(&mut self, peer: ClusterArn, witness: Option<Region>, own: Option<ClusterArn>) {
        use ClusterStatus::{Deleted, Deleting, Failed, PendingDelete};
        let assumed = self.scene.assumptions();
        let records = self.facts.records;
        let is_meanwhile = |at: Instant| self.asked.arrived.at <= at;
        let found = records.at(peer);
        if found.is_none() && !is_meanwhile(records.last_removed()) {
            return self.add(true, assumed.missing_peer);
        }
        let has_changed = records.last_written(peer).is_none_or(is_meanwhile);
        let Some(cluster) = found.filter(|_| !has_changed) else {
            // It went or was written meanwhile: what it was when it was looked at is not known.
            self.may(true, assumed.missing_peer);
            self.may(true, assumed.peer_taken);
            return self.may(true, RefusalKind::Invalid);
        };
        let is_going = matches!(cluster.status, PendingDelete | Deleting | Deleted | Failed);
        let is_taken = cluster.linked_peer().is_some_and(|it| Some(it) != own);
        let multi_region = cluster.multi_region.as_deref();
        self.add(multi_region.is_some() && (is_going || is_taken), assumed.peer_taken);
        self.add(multi_region.is_none() && assumed.single_region_peer_refused, RefusalKind::Invalid);
        let differs = multi_region.is_some_and(|it| Some(it.witness) != witness);
        self.add(differs && assumed.witness_mismatch_refused, RefusalKind::Invalid);
    }

    /// Whether a policy is none, or keeps its own caller from putting another on cluster `arn`, or from taking it off.
    /// Where that is not known, it may.
    fn policy(&mut self, policy: &str, bypass: Option<bool>, arn: Option<ClusterArn>) {
        let asked = self.asked;
        let Ok(policy) = ClusterPolicy::parse(policy) else { return self.add(true, RefusalKind::Invalid) };
        if bypass == Some(true) || (asked.principal.is_none() && !policy.text.contains("Deny")) {
            return;
        }
        let keeps = |action| {
            let demand = Demand::on(action, arn?.to_string(), asked.region);
            authorization::under(self.scene, asked, &policy.document, &demand).map(|may| !may)
        };
        let keeps = ["dsql:PutClusterPolicy", "dsql:DeleteClusterPolicy"].map(keeps);
        self.add(keeps.contains(&Some(true)), RefusalKind::Invalid);
        self.may(keeps.contains(&None), RefusalKind::Invalid);
    }

    /// Whether the token stands for another request: for one that was carried out, or one that waits.
    fn is_mismatch(&self) -> bool {
        let asked = self.asked;
        let Some(token) = asked.request.client_token() else { return false };
        let per_operation = self.scene.assumptions().token_per_operation;
        let is_other = |other: &Request| {
            other.client_token() == Some(token)
                && (!per_operation || other.operation() == asked.request.operation())
                && *other != *asked.request
        };
        let waits = |other: &OpenCall| other.account == asked.account && is_other(&other.request);
        self.facts.tokens.stands_for_another(self.scene, asked)
            || self.facts.open.within(asked.region).any(waits)
            || self.facts.records.any_intent(asked, is_other)
    }
}

/// Page tokens are sealed, and which were given out is not kept.
fn has_page_token(request: &Request) -> bool {
    match request {
        Request::ListClusters(input) => input.next_token.is_some(),
        Request::ListStreams(input) => input.next_token.is_some(),
        _ => false,
    }
}

/// More than 200 tags, with those that are there.
fn has_too_many_tags(cluster: &Cluster, input: &crate::api::TagResourceInput) -> bool {
    let stream = input.resource_arn.split_once("/stream/").and_then(|(_, it)| Identifier::parse(it));
    let known = match stream {
        None => cluster.tags.as_ref(),
        Some(stream) => cluster.stream(stream).map(|stream| &stream.tags),
    };
    let is_new = |key: &String| known.is_none_or(|known| !known.contains_key(key));
    let added = input.tags.iter().flat_map(|tags| tags.keys()).filter(|key| is_new(key)).count();
    known.map_or(0, |known| known.len()) + added > 200
}
