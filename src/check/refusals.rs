//! The invariants about refusals and successes: a refusal has a cause, and a success has none against it. A cause
//! lies in the request, in the records, in the caller, or in another call under way.
//!
//! This is an independent specification of when each exception may occur, read in both directions. The records at the
//! time of a decision are the durable ones when the refusal leaves, because a node's writes and answers leave it in
//! the order in which it made them. Of other Regions, every state between the arrival of the call and its refusal
//! counts. Where that leaves open what the control plane found, a cause is only possible: it explains a refusal, and
//! does not contradict a success. Injected errors are not checked, because no control plane gave them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::api::{Error, Request, Tags, ValidationReason};
use crate::control::assumptions::Refusal;
use crate::control::records::{Cluster, ClusterPolicy};
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{ClusterArn, ClusterStatus, Identifier, Instant};

use super::authorization::{self, Denied};
use super::invariant::{CheckContext, Invariant};
use super::listings::Listings;
use super::malformed::is_malformed;
use super::open::{OpenCall, OpenCalls};
use super::permitted::{Demand, Known};
use super::records::{self, Records};
use super::tokens::Tokens;
use super::{CheckResult, WorldView, demands, exposed, keys, members, operations};

/// The kind of an error, as far as causes distinguish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefusalKind {
    /// A ValidationException: a member of the request breaks a constraint.
    Malformed,
    /// A ValidationException: the cluster has deletion protection.
    Protected,
    /// Any other ValidationException.
    Invalid,
    Quota,
    Denied,
    NotFound,
    Conflict,
    Throttled,
    /// An InternalServerException: another Region did not answer in time.
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

    /// The exception, and its reason where the exception has several.
    fn words(self) -> &'static str {
        match self {
            RefusalKind::Malformed => "ValidationException (fieldValidationFailed)",
            RefusalKind::Protected => "ValidationException (deletionProtectionEnabled)",
            RefusalKind::Invalid => "ValidationException (other)",
            RefusalKind::Quota => "ServiceQuotaExceededException",
            RefusalKind::Denied => "AccessDeniedException",
            RefusalKind::NotFound => "ResourceNotFoundException",
            RefusalKind::Conflict => "ConflictException",
            RefusalKind::Throttled => "ThrottlingException",
            RefusalKind::Silence => "InternalServerException",
        }
    }

    /// The cause that a refusal of this kind must have and did not have.
    fn missing_cause(self) -> &'static str {
        match self {
            RefusalKind::Malformed => "its members and its page token are valid",
            RefusalKind::Denied => "no permission that it needs was denied with this message",
            RefusalKind::Throttled => "no control plane throttles",
            RefusalKind::Silence => "it has not waited for other Regions until the deadline",
            _ => "nothing leads to this exception",
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

/// The tables that a refusal is checked against.
pub(super) struct RefusalContext<'a> {
    pub(super) records: &'a Records,
    pub(super) open: &'a OpenCalls,
    pub(super) tokens: &'a Tokens,
    pub(super) denied: &'a Denied,
    pub(super) listings: &'a Listings,
    pub(super) started: &'a FixedMap<Region, Instant>,
    pub(super) keys_changed: &'a FixedMap<Region, Instant>,
}

/// Every refusal is decided by one comparison with the record, the request, or the caller's policies, in the step
/// that refuses. `first` is the call that `call` may have joined, if there is one.
pub(super) fn every_refusal_has_a_cause(
    ctx: &mut CheckContext<'_>,
    facts: &RefusalContext<'_>,
    call: &OpenCall,
    first: Option<&OpenCall>,
    error: &Error,
) -> CheckResult {
    let view = ctx.view;
    let is_caused = |call| Causes::new(view, facts, call, facts.records.cluster_of(call)).include(error);
    let is_caused = is_caused(call) || first.is_some_and(is_caused);
    ctx.ensure(is_caused, Invariant::EveryRefusalHasACause, || {
        let (operation, kind, message) = (call.request.operation(), RefusalKind::of(error), error.message());
        let (words, missing) = (kind.words(), kind.missing_cause());
        let other = Causes::new(view, facts, call, facts.records.cluster_of(call)).others(kind);
        format!("{operation} was refused with {words} {message:?}, and {missing}{other}")
    })?;
    let are_right = members::are_right(view, facts.records, call, error);
    ctx.ensure(are_right, Invariant::EveryRefusalHasACause, || {
        let (operation, body) = (call.request.operation(), error.to_json());
        format!("{operation} was refused, and the members of the error are not those of its cause: {body}")
    })
}

/// A call that is carried out has passed every check in the step that writes, against the record that the write
/// replaces. A read, and a second deletion, is answered from the record as it is when the answer leaves.
///
/// Other invariants check the rest at every write: `quota-respected` the quotas, `retry-never-worse` and
/// `one-effect-per-token` the tokens, `authorized-in-every-region` the permissions. A call that is answered from its
/// token or with the answer of another was checked only for its own members.
pub(super) fn no_success_against_a_cause(
    ctx: &mut CheckContext<'_>,
    facts: &RefusalContext<'_>,
    call: &OpenCall,
) -> CheckResult {
    let view = ctx.view;
    let found = match &call.record {
        // A record that the call does not name is none to it, even if the control plane wrote it.
        Some((before, _)) => {
            let named = before.as_deref().filter(|cluster| records::is_named(cluster, call));
            Causes::new(view, facts, call, named).certain()
        }
        None if call.is_answered_from_record() => {
            Causes::new(view, facts, call, facts.records.cluster_of(call)).certain()
        }
        None => None,
    };
    let found = found.or_else(|| is_malformed(&call.request).then_some(RefusalKind::Malformed));
    ctx.ensure(found.is_none(), Invariant::NoSuccessAgainstACause, || {
        let (operation, kind) = (call.request.operation(), found.unwrap_or(RefusalKind::Malformed));
        let of = call.subject().map_or_else(String::new, |subject| format!(" of {subject}"));
        format!("{operation}{of} succeeded, and had to be refused with {}", kind.words())
    })
}

/// The causes for which a call may be refused, and the facts that they are derived from.
pub(super) struct Causes<'a> {
    pub(super) view: &'a dyn WorldView,
    pub(super) facts: &'a RefusalContext<'a>,
    pub(super) call: &'a OpenCall,
    /// The cluster that the call names, as it was when the call was decided.
    cluster: Option<&'a Cluster>,
    found: Vec<Cause>,
}

/// A cause of a refusal.
#[derive(Clone, Copy)]
struct Cause {
    kind: RefusalKind,
    /// Whether it held at every moment at which the control plane may have looked for it. Otherwise the call may have
    /// succeeded.
    is_certain: bool,
}

impl<'a> Causes<'a> {
    fn new(
        view: &'a dyn WorldView,
        facts: &'a RefusalContext<'a>,
        call: &'a OpenCall,
        cluster: Option<&'a Cluster>,
    ) -> Causes<'a> {
        Causes { view, facts, call, cluster, found: Vec::new() }
    }

    /// The kind of the first certain cause: with it, the call could not succeed.
    fn certain(mut self) -> Option<RefusalKind> {
        self.collect();
        self.found.iter().find(|cause| cause.is_certain).map(|cause| cause.kind)
    }

    /// The end of a sentence that names the exceptions besides `kind` that have a cause; empty if there is none.
    fn others(mut self, kind: RefusalKind) -> String {
        self.collect();
        let names: BTreeSet<_> = self.found.iter().map(|cause| cause.kind.words()).collect();
        let names: Vec<_> = names.into_iter().filter(|name| *name != kind.words()).collect();
        if names.is_empty() { String::new() } else { format!("; possible was {}", names.join(", ")) }
    }

    /// Whether one of the causes leads to an error of this kind, and for a denial, with this message.
    fn include(mut self, error: &Error) -> bool {
        let (request, kind) = (&*self.call.request, RefusalKind::of(error));
        match kind {
            RefusalKind::Malformed => return is_malformed(request) || self.is_own_page() != Some(true),
            // A call without multi-Region properties waits for no other Region.
            RefusalKind::Silence => return demands::properties(request).is_some() && self.has_waited(),
            RefusalKind::Throttled => return false,
            _ => {}
        }
        self.collect();
        let is_mismatch = || kind == self.view.assumptions().token_mismatch.into() && self.is_mismatch();
        let is_denied = || {
            authorization::may_be_denied(self.view, self.facts.denied, self.facts.records, self.call, error)
        };
        self.found.iter().any(|cause| cause.kind == kind)
            || (kind == RefusalKind::Denied && is_denied())
            || is_mismatch()
    }

    /// Adds a certain cause if `is_cause`.
    pub(super) fn add(&mut self, is_cause: bool, kind: impl Into<RefusalKind>) {
        if is_cause {
            self.found.push(Cause { kind: kind.into(), is_certain: true });
        }
    }

    /// Adds a possible cause if `is_cause`.
    pub(super) fn may(&mut self, is_cause: bool, kind: impl Into<RefusalKind>) {
        if is_cause {
            self.found.push(Cause { kind: kind.into(), is_certain: false });
        }
    }

    /// Collects the causes in the request and in the cluster that it names.
    fn collect(&mut self) {
        let request = &*self.call.request;
        self.add(self.is_own_page() == Some(false), RefusalKind::Malformed);
        self.properties();
        let operation = operations::of_request(request);
        operation.causes(self);
        match self.cluster {
            _ if !records::names_one_resource(request) => {}
            None => self.add(true, RefusalKind::NotFound),
            Some(cluster) => operation.causes_in(cluster, self),
        }
    }

    /// Whether other Regions have had their full time to answer: since the call arrived or, if it joined a call that
    /// a restarted control plane resumed, since that restart.
    fn has_waited(&self) -> bool {
        let (now, longest) = (self.view.now(), self.view.longest_write());
        let deadline = self.view.assumptions().remote_deadline;
        // The deadline is made of several retries, each rounded to whole nanoseconds.
        let is_over = |since: Instant| since.after(deadline) <= now.after(Duration::from_micros(1));
        let started = self.facts.started.get(&self.call.region).copied();
        let has_resumed = started.is_some_and(|at| is_over(at) && now <= at.after(deadline + longest));
        // In the model checker no time passes.
        is_over(self.call.arrived.at) || has_resumed || now == Instant::START
    }

    /// Whether the call has no page token, or one of its listing; `None` if that is not known.
    fn is_own_page(&self) -> Option<bool> {
        self.facts.listings.is_own_page(self.view.now(), self.call)
    }

    /// Adds a cause if the call names a stream that the cluster does not have.
    pub(super) fn missing_stream(&mut self, cluster: &Cluster) {
        let request = &*self.call.request;
        let of_arn = || Some(request.resource_arn()?.split_once("/stream/")?.1);
        let is_there =
            |stream: &str| Identifier::parse(stream).is_some_and(|it| cluster.stream(it).is_some());
        let stream = request.stream_identifier().or_else(of_arn);
        self.add(stream.is_some_and(|stream| !is_there(stream)), RefusalKind::NotFound);
    }

    /// Adds a cause if a resource with the tags `known` would have more than it may have with those that are `given`.
    pub(super) fn too_many_tags(&mut self, known: Option<&Tags>, given: Option<&Tags>) {
        let is_new = |key: &&String| known.is_none_or(|known| !known.contains_key(*key));
        let added = given.into_iter().flat_map(|tags| tags.keys()).filter(is_new).count();
        let count = known.map_or(0, |known| known.len()) + added;
        self.add(count > self.view.assumptions().tags_per_resource as usize, RefusalKind::Quota);
    }

    /// Adds a cause if the call expects another version than that of the policy that the cluster has.
    pub(super) fn another_version(&mut self, cluster: &Cluster, expected: Option<&String>) {
        let attached = cluster.attached.as_deref().filter(|attached| attached.policy.is_some());
        let version = attached.map(|attached| attached.policy_version.to_string());
        self.add(expected.is_some_and(|it| version.as_ref() != Some(it)), RefusalKind::Conflict);
    }

    /// Whether another call is under way on the cluster: an earlier update that waits for other Regions, or an intent
    /// that waits for the link register. A call with the token of the one that waits joins it, and so does a second
    /// deletion, unless it is refused.
    pub(super) fn is_busy(&self, cluster: &Cluster) -> bool {
        let call = self.call;
        let has_its_token = |other: &Request| other.client_token().is_some() && *other == *call.request;
        let deletes = |request: &Request| matches!(request, Request::DeleteCluster(_));
        let joins_deletion = deletes(&call.request) && self.view.assumptions().delete_again;
        let is_joined = |other: &Request| has_its_token(other) || (joins_deletion && deletes(other));
        let name = cluster.arn.identifier.to_string();
        // An update without a witness Region waits for none, and is carried out in the step that takes it in.
        let is_checked = |other: &OpenCall| {
            matches!(*other.request, Request::UpdateCluster(_))
                && other.arrived < call.arrived
                && demands::properties(&other.request).is_some()
                && other.account == call.account
                && other.request.identifier() == Some(&name)
                && !has_its_token(&other.request)
        };
        cluster.intent.as_ref().is_some_and(|intent| !is_joined(&intent.request.to_request()))
            || self.facts.open.in_region(call.region).any(is_checked)
    }

    /// Adds the causes in the key that the request selects: it is none of the Region, it is not declared, or it is
    /// disabled.
    pub(super) fn key(&mut self) {
        let Some(key) = self.call.key() else { return };
        let (assumed, region) = (self.view.assumptions(), self.call.region);
        self.add(!keys::is_key_of(&key.arn, region), RefusalKind::Invalid);
        let is_declared = || self.call.keys.declared.iter().any(|declared| *declared.arn == *key.arn);
        self.add(assumed.keys_must_exist && !is_declared(), RefusalKind::Invalid);
        if !assumed.disabled_key_refused {
            return;
        }
        // An event since the arrival leaves open what the control plane found.
        match self.facts.keys_changed.get(&region) {
            Some(at) if self.call.arrived.at <= *at => self.may(true, RefusalKind::Invalid),
            _ => self.add(self.view.environment(region).is_disabled(&key.arn), RefusalKind::Invalid),
        }
    }

    /// Adds the causes in `multiRegionProperties`.
    fn properties(&mut self) {
        let Some(properties) = demands::properties(&self.call.request) else { return };
        let (assumed, region, cluster) = (self.view.assumptions(), self.call.region, self.cluster);
        let is_update = matches!(*self.call.request, Request::UpdateCluster(_));
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
            self.add(peer.account != self.call.account, assumed.peer_of_other_account);
            self.peer_region(peer, witness);
            self.peer(peer, witness, own);
        }
        let Some(current) = current else { return };
        if let Some(peer) = current.peer.filter(|_| properties.clusters.is_none()) {
            self.peer_region(peer, witness);
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
            // The link may have been chosen while the call, which withdraws the declaration, waited for the register.
            self.may(!is_kept || witness != Some(current.witness), RefusalKind::Conflict);
        }
    }

    /// Adds a cause if the peer is in the own Region, in the witness Region, or in one that cannot join the own
    /// Region.
    fn peer_region(&mut self, peer: ClusterArn, witness: Option<Region>) {
        let (assumed, region) = (self.view.assumptions(), self.call.region);
        let fits = peer.region != region
            && Some(peer.region) != witness
            && region.may_join(peer.region, assumed.canada_in_americas);
        self.add(!fits, assumed.peer_in_wrong_region);
    }

    /// Adds the causes that the Region of the peer may find in its record.
    fn peer(&mut self, peer: ClusterArn, witness: Option<Region>, own: Option<ClusterArn>) {
        use ClusterStatus::{Deleted, Deleting, Failed, PendingDelete};
        let assumed = self.view.assumptions();
        let records = self.facts.records;
        let is_meanwhile = |at: Instant| self.call.arrived.at <= at;
        let found = records.at(peer);
        if found.is_none() && !is_meanwhile(records.last_removed()) {
            return self.add(true, assumed.missing_peer);
        }
        let has_changed = records.last_written(peer).is_none_or(is_meanwhile);
        let Some(cluster) = found.filter(|_| !has_changed) else {
            // The peer was written or removed meanwhile, so the state that its Region found is not known.
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

    /// Adds a cause if the text is not a policy, if the policy is public or names actions of other services, or if it
    /// would keep its own caller from replacing or removing it on cluster `arn` with these tags. Where that is
    /// undecided, the cause is possible.
    pub(super) fn policy(
        &mut self,
        policy: &str,
        bypass: Option<bool>,
        arn: Option<ClusterArn>,
        tags: Known<&Tags>,
    ) {
        let call = self.call;
        let Ok(policy) = ClusterPolicy::parse(policy) else { return self.add(true, RefusalKind::Invalid) };
        let (assumed, text) = (self.view.assumptions(), policy.document.source());
        let public = if assumed.public_policy_denied { RefusalKind::Denied } else { RefusalKind::Invalid };
        self.add(exposed::is_public(text), public);
        self.add(!assumed.foreign_actions && exposed::names_other_service(text), RefusalKind::Invalid);
        if bypass == Some(true) || (call.principal.is_none() && !policy.text.contains("Deny")) {
            return;
        }
        let keeps = |action| {
            let demand = Demand::on(action, arn?.to_string(), call.region);
            authorization::is_allowed_under(self.view, call, &policy.document, tags, &demand).map(|may| !may)
        };
        let keeps = ["dsql:PutClusterPolicy", "dsql:DeleteClusterPolicy"].map(keeps);
        self.add(keeps.contains(&Some(true)), RefusalKind::Invalid);
        self.may(keeps.contains(&None), RefusalKind::Invalid);
    }

    /// Whether the token stands for another request: one that was carried out, or one that waits.
    fn is_mismatch(&self) -> bool {
        let call = self.call;
        let Some(token) = call.request.client_token() else { return false };
        let per_operation = self.view.assumptions().token_per_operation;
        let is_other = |other: &Request| {
            other.client_token() == Some(token)
                && (!per_operation || other.operation() == call.request.operation())
                && *other != *call.request
        };
        let waits = |other: &OpenCall| {
            other.account == call.account && other.arrived < call.arrived && is_other(&other.request)
        };
        self.facts.tokens.stands_for_another(self.view, call)
            || self.facts.open.in_region(call.region).any(waits)
            || self.facts.records.any_intent(call, is_other)
    }
}
