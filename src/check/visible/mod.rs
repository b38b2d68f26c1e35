//! The invariant that later reads show what was acknowledged, derived from calls and answers alone.
//!
//! # The registers
//!
//! Every member that a call can set is a register. For a cluster these are the deletion protection, the KMS key, the
//! metric groups, the witness Region, the peer, each tag, the resource policy with its version, and whether its
//! deletion was requested; for a stream its target, each tag, and its deletion. CreateCluster, UpdateCluster,
//! DeleteCluster and the tag, policy and stream calls write registers. GetCluster, ListClusters, ListTagsForResource,
//! GetClusterPolicy, GetStream, ListStreams and GetVpcEndpointServiceName read them; of the last and of the lists
//! only existence counts.
//!
//! A write takes effect at one point between its arrival and its answer. If its answer is 5xx, or is lost with the
//! control plane, it takes effect at any later point or never; if its answer is 4xx, never. Requests with one token
//! are one write as long as the token is remembered. Where it may or may not be remembered, a success of such a
//! request proves nothing: its write is only possible.
//!
//! # Soundness and completeness
//!
//! The history of a register is correct if and only if its reads and writes have an order in which each read shows
//! the write before it, and no operation comes before one that had ended when it began. A value is replaced as soon
//! as another write, known to be carried out, began after the write of the value had ended. A read counts as such a
//! write, because the value that it showed was the register's while the read was open. A read that shows a value that
//! was replaced when it arrived therefore fits into no such order, so every alarm is right.
//!
//! A violation is missed in three cases, in which the checker is lenient: two writes of the same value cannot be
//! distinguished while one of them is pending; a value from a write with an unknown outcome stays possible until a
//! read shows it; and the members that one write sets are checked one by one, so that half a write is seen at the
//! second read that shows it and not at the first.
//!
//! Members that a control plane changes by itself are no registers: the status (except whether it is one of a
//! deletion), the encryption status, and the link. The peer list changes only by calls on its own cluster: a side
//! that leaves a pair drops the peer from its list at its own request, and a withdrawal is carried out before it is
//! answered.

mod fact;
mod progress;
mod register;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::{Error, Operation, Request, Response, Tags};
use crate::control::keys::Keys;
use crate::control::message::Reply;
use crate::control::records::{Cluster, TokenKey};
use crate::map::{FixedMap, Generations};
use crate::region::Region;
use crate::types::{Account, ClientToken, ClusterArn, Identifier, Instant};

use super::invariant::{CheckContext, Invariant};
use super::open::{Moment, OpenCall, Subject};
use super::operations::ShownMembers;
use super::records::Records;
use super::{CheckResult, operations};

pub(super) use fact::{Fact, PolicyFact, listed_peer, of_tags, requested_properties, shown_properties};

use progress::{ListedPages, ListingBegin};
use register::{ReadInterval, Registers};

/// The registers, and the calls that are still to be matched with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Visible {
    /// The clusters and streams that were written or read. Others are created from their origin when they are needed.
    known: FixedMap<Subject, Registers>,
    /// The writes that tokens stand for.
    tokens: FixedMap<TokenKind, Generations<ClientToken, TokenOf>>,
    listings: ListedPages,
}

/// The account, Region and operation that a token belongs to.
type TokenKind = (Account, Region, Operation);

/// The origin of a cluster: the source of the first values of its registers.
#[derive(Clone, Debug)]
pub(super) enum Born {
    /// CreateCluster gave this answer. The tags and the policy come from the request, because the answer does not
    /// repeat them.
    Answered { response: Arc<Response>, tags: Option<Tags>, policy: Option<Box<Arc<str>>> },
    /// The cluster existed before the world began, or was restored, with this record and under these keys.
    Kept(Arc<Cluster>, Arc<Keys>),
}

/// The write that a token stands for.
#[derive(Clone, Debug)]
struct TokenOf {
    /// The request; `None` if the token was used before the world began.
    request: Option<Arc<Request>>,
    began: Moment,
    /// The moment of its first answer with success.
    ended: Option<Moment>,
}

impl Visible {
    /// Takes in the streams of a cluster that exists before the world begins.
    pub(super) fn recall_streams(&mut self, cluster: &Cluster) {
        for stream in cluster.streams() {
            let subject = Subject { cluster: cluster.arn, stream: Some(stream.identifier) };
            let shown = stream.describe(cluster.arn);
            let tags = shown.tags.iter().flat_map(|tags| tags.iter());
            let tags = tags.map(|(key, value)| Fact::Tag(key.clone(), Some(value.clone())));
            self.known.insert(
                subject,
                Registers::created(fact::shown_by(&shown).into_iter().chain(tags).collect()),
            );
        }
    }

    /// Takes in a token that was used before the world begins.
    pub(super) fn recall_token(&mut self, region: Region, key: &TokenKey, operation: Operation, at: Instant) {
        let moment = Moment::before_all(at);
        let token = TokenOf { request: None, began: moment, ended: Some(moment) };
        self.tokens.entry((key.account, region, operation)).or_default().insert(key.token.clone(), token);
    }

    /// A request arrived at a control plane. If it requests a write, the write may be carried out from now on.
    pub(super) fn arrived(&mut self, ctx: &CheckContext<'_>, records: &Records, call: &mut OpenCall) {
        match &*call.request {
            // The cluster has no identifier yet; it becomes known by the answer.
            Request::CreateCluster(_) => return,
            Request::ListClusters(_) => call.used = records.used(),
            _ => {}
        }
        let Some(subject) = call.subject() else { return };
        // A late copy of a request: nothing is left that it could change.
        if records.has_ended(subject.identifier()) {
            return;
        }
        let facts = operations::of_request(&call.request).sets(subject.cluster, &call.keys);
        if facts.is_empty() {
            return;
        }
        let window = ctx.view.assumptions().token_window;
        let kind = (call.account, call.region, call.request.operation());
        let began = call.arrived;
        let registers = self.registers_or_blank(records, subject);
        let mut may_be_replay = false;
        if let Some(token) = call.request.client_token() {
            let tokens = self.tokens.entry(kind).or_default();
            tokens.rotate(began.at, window);
            if let Some(known) = tokens.get(token) {
                let is_same = known.request.as_ref().is_none_or(|request| *request == call.request);
                let is_remembered = began.at < known.began.at.after(window);
                let registers = &mut self.known[registers];
                if is_same && is_remembered {
                    if known.ended.is_some() {
                        // The recorded answer is repeated, and nothing is written.
                        return;
                    }
                    // A retry of a call in flight: one write, which either request may carry out.
                    if registers.join(known.began) {
                        call.write = Some(known.began);
                        return;
                    }
                }
                // The window begins when the first call was carried out, some time before its answer. Between the two
                // possible ends of the window the token may stand for the first write or for this one.
                may_be_replay =
                    !is_remembered && known.ended.is_none_or(|ended| began.at < ended.at.after(window));
                // Another request with a remembered token is refused if the first call was carried out. If that
                // failed, this one is carried out, so it is a write; but the token stays with the first.
                if !is_same && is_remembered {
                    call.write = Some(began);
                    registers.begin(began, may_be_replay, facts);
                    return;
                }
            }
            let request = Some(call.request.clone());
            tokens.insert(token.clone(), TokenOf { request, began, ended: None });
        }
        call.write = Some(began);
        self.known[registers].begin(began, may_be_replay, facts);
    }

    /// Forgets what was removed before `earliest`, the arrival of the first open request. No read can show it any more,
    /// and `records` remembers that it has existed.
    pub(super) fn forget_removed(&mut self, records: &mut Records, earliest: Moment) {
        while let Some(subject) = records.forget_removed(earliest) {
            self.known.swap_remove(&subject);
        }
    }

    /// The control plane of an open request crashed, or its answer was discarded: the outcome is unknown.
    pub(super) fn lost(&mut self, call: &OpenCall) {
        if let Some((began, registers)) = self.write_of(call) {
            registers.lost(began);
        }
    }

    /// A control plane, or an injected error, answered a request.
    pub(super) fn answered(
        &mut self,
        ctx: &mut CheckContext<'_>,
        records: &mut Records,
        call: &OpenCall,
        now: Moment,
        result: &Reply,
    ) -> CheckResult {
        match result {
            // A 5xx answer leaves the outcome open: the call may be carried out later. Not so an injected error,
            // which kept the request from the control plane.
            Err(error) if error.http_status() >= 500 && !call.is_injected => {
                self.lost(call);
                Ok(())
            }
            Err(error) => {
                if let Some((began, registers)) = self.write_of(call) {
                    registers.refused(began);
                    // An invalid request may name any identifier; without this, each would leave an entry for ever.
                    if registers.is_blank()
                        && let Some(subject) = call.subject()
                    {
                        self.known.swap_remove(&subject);
                    }
                }
                if call.is_injected { Ok(()) } else { self.not_found(ctx, records, call, now, error) }
            }
            Ok(response) if call.request.operation().changes() => {
                self.succeeded(ctx, records, call, now, response);
                Ok(())
            }
            Ok(response) => self.shown(ctx, records, call, now, response),
        }
    }

    fn succeeded(
        &mut self,
        ctx: &CheckContext<'_>,
        records: &mut Records,
        call: &OpenCall,
        now: Moment,
        response: &Arc<Response>,
    ) {
        match (&*call.request, &**response) {
            (Request::CreateCluster(input), Response::CreateCluster(made)) => {
                // A cluster that was read before its creation was answered has registers from that read, which know
                // more.
                let is_new = !self.known.contains_key(&Subject::from(made.arn));
                let born = records.born_mut(made.arn.identifier).filter(|born| born.is_none() && is_new);
                if let Some(born) = born {
                    let policy = input.policy.clone().map(Box::new);
                    let (response, tags) = (response.clone(), input.tags.clone());
                    *born = Some(Born::Answered { response, tags, policy });
                }
            }
            (Request::CreateStream(input), Response::CreateStream(made)) => {
                let Some(Subject { cluster, .. }) = call.subject() else { return };
                // The token of a stream outlives it: a replay of its creation does not bring it back.
                if records.has_ended(made.stream_identifier) {
                    return;
                }
                let subject = Subject { cluster, stream: Some(made.stream_identifier) };
                let created = || Registers::created(Fact::of_created_stream(input, made));
                self.known.entry(subject).or_insert_with(created);
            }
            (_, response) => {
                let version = match response {
                    Response::PutClusterPolicy(output) => Some(&*output.policy_version),
                    _ => None,
                };
                let longest = ctx.view.longest_write();
                let Some((began, registers)) = self.write_of(call) else { return };
                registers.succeeded(began, now, version);
                registers.forget(|out| out.after(longest) < now.at);
                let Some(token) = call.request.client_token().cloned() else { return };
                let tokens =
                    self.tokens.entry((call.account, call.region, call.request.operation())).or_default();
                tokens
                    .insert(token, TokenOf { request: Some(call.request.clone()), began, ended: Some(now) });
            }
        }
    }

    /// A read was answered with success.
    fn shown(
        &mut self,
        ctx: &mut CheckContext<'_>,
        records: &Records,
        call: &OpenCall,
        now: Moment,
        response: &Response,
    ) -> CheckResult {
        let read = read(ctx, call, now);
        match response {
            Response::ListClusters(page) => {
                let listed = page.clusters.iter().map(|listed| Subject::from(listed.arn)).collect();
                return self.listed(ctx, records, call, read, listed, page.next_token.as_ref());
            }
            Response::ListStreams(page) => {
                let Some(Subject { cluster, .. }) = call.subject() else { return Ok(()) };
                let of = |identifier| Subject { cluster, stream: Some(identifier) };
                let listed = page.streams.iter().map(|listed| of(listed.stream_identifier)).collect();
                return self.listed(ctx, records, call, read, listed, page.next_token.as_ref());
            }
            _ => {}
        }
        let Some(subject) = call.subject() else { return Ok(()) };
        self.exists(ctx, records, subject, read)?;
        let Some(ShownMembers { facts, tags }) = operations::of_response(response).shows() else {
            return Ok(());
        };
        let index = self.registers_or_blank(records, subject);
        let registers = &mut self.known[index];
        acknowledged_is_visible(ctx, subject, registers, read, facts)?;
        let Some(tags) = tags else { return Ok(()) };
        // A tag that is absent is shown as well: every key that was ever set must agree.
        let mut keys: BTreeSet<String> = registers.tag_keys().into_iter().collect();
        keys.extend(tags.keys().cloned());
        let facts = keys.into_iter().map(|key| {
            let value = tags.get(&key).cloned();
            Fact::Tag(key, value)
        });
        acknowledged_is_visible(ctx, subject, registers, read, facts)
    }

    /// A read was refused. If the resource was not found, its deletion must have been requested.
    fn not_found(
        &mut self,
        ctx: &mut CheckContext<'_>,
        records: &mut Records,
        call: &OpenCall,
        now: Moment,
        error: &Error,
    ) -> CheckResult {
        let (false, Error::ResourceNotFound { resource_type, .. }) =
            (call.request.operation().changes(), error)
        else {
            return Ok(());
        };
        let read = read(ctx, call, now);
        let Some(subject) = call.subject() else { return Ok(()) };
        let is_deleted = Fact::Deleted(true);
        if subject.stream.is_some()
            && self
                .registers(records, subject.cluster.into())
                .is_none_or(|it| it.gone.is_some() || it.may_show(&is_deleted, read))
        {
            // The cluster may be gone, and its streams with it; no deletion of the stream is needed.
            return Ok(());
        }
        let Some(registers) = self.registers(records, subject).filter(|registers| registers.gone.is_none())
        else {
            return Ok(());
        };
        if resource_type == "cluster-policy" {
            return acknowledged_is_visible(ctx, subject, registers, read, [Fact::Policy(None)]);
        }
        acknowledged_is_visible(ctx, subject, registers, read, [is_deleted])?;
        registers.remove(now);
        if let (None, Some(born)) = (subject.stream, records.born_mut(subject.cluster.identifier)) {
            *born = None;
        }
        Ok(())
    }

    /// Checks a page of a listing: every entry exists and, on the last page, everything that surely existed
    /// throughout was listed.
    fn listed(
        &mut self,
        ctx: &mut CheckContext<'_>,
        records: &Records,
        call: &OpenCall,
        read: ReadInterval,
        page: Vec<Subject>,
        next: Option<&String>,
    ) -> CheckResult {
        let token = call.request.next_token();
        let listing = match token {
            None => Some(ListingBegin { began: read.arrived, used: call.used }),
            Some(token) => self.listings.begin(token),
        };
        for subject in &page {
            self.exists(ctx, records, *subject, read)?;
        }
        let Some(begin) = listing else { return Ok(()) };
        let entries = page.iter().map(Subject::identifier);
        if let Some(next) = next {
            self.listings.add(ctx.view.now(), begin, token, entries.collect(), next);
            return Ok(());
        }
        let Some(mut seen) = self.listings.entries_before(token) else { return Ok(()) };
        seen.extend(entries);
        // The listing is one long read, which arrived with its first page.
        let whole = ReadInterval { arrived: begin.began, ..read };
        let missing = self.missing(records, call, (begin.used, &seen), whole);
        ctx.ensure(missing.is_none(), Invariant::AcknowledgedIsVisible, || {
            let subject = missing.map_or_else(String::new, |subject| subject.to_string());
            format!(
                "{subject} was created and not deleted, and is on no page of {}",
                call.request.operation()
            )
        })
    }

    /// A cluster or stream that existed throughout a listing and is not among the entries that were `seen`. The listing
    /// began when so many identifiers had been `used`.
    fn missing(
        &self,
        records: &Records,
        call: &OpenCall,
        (used, seen): (u64, &BTreeSet<Identifier>),
        whole: ReadInterval,
    ) -> Option<Subject> {
        let of = match &*call.request {
            Request::ListStreams(_) => Some(call.subject()?.cluster),
            _ => None,
        };
        let is_listed = |subject: &Subject| match of {
            None => {
                (subject.cluster.region, subject.cluster.account) == (call.region, call.account)
                    && subject.stream.is_none()
            }
            Some(cluster) => subject.cluster == cluster && subject.stream.is_some(),
        };
        let is_unseen = |subject: &Subject| !seen.contains(&subject.identifier());
        let known = self.known.iter().filter(|(subject, registers)| {
            is_listed(subject) && is_unseen(subject) && registers.must_exist(whole)
        });
        let born = records
            .first_born(used)
            .map(|born| Subject::from(born.arn()))
            .filter(|subject| is_listed(subject) && is_unseen(subject) && !self.known.contains_key(subject));
        known.map(|(subject, _)| *subject).chain(born).next()
    }

    /// A cluster or stream that is gone never comes back: its record is removed once, and its identifier is not used
    /// again.
    fn exists(
        &mut self,
        ctx: &mut CheckContext<'_>,
        records: &Records,
        subject: Subject,
        read: ReadInterval,
    ) -> CheckResult {
        let gone = self.registers(records, subject).and_then(|registers| registers.gone);
        let is_gone = gone.is_some_and(|gone| gone <= read.arrived);
        ctx.ensure(!is_gone, Invariant::AcknowledgedIsVisible, || {
            format!("{subject} is shown, and a read before has said that it does not exist")
        })?;
        ctx.ensure(!records.has_ended(subject.identifier()), Invariant::AcknowledgedIsVisible, || {
            format!("{subject} is shown, and it was removed before the read arrived")
        })
    }

    /// The registers of `subject`; `None` if it was never written or read and its creation was not answered.
    fn registers(&mut self, records: &Records, subject: Subject) -> Option<&mut Registers> {
        let is_known = self.known.contains_key(&subject) || born(records, subject).is_some();
        let index = is_known.then(|| self.registers_or_blank(records, subject))?;
        Some(&mut self.known[index])
    }

    /// The index of the registers of `subject`. If nothing is known of it they are blank, and any read may show
    /// anything.
    fn registers_or_blank(&mut self, records: &Records, subject: Subject) -> usize {
        let entry = self.known.entry(subject);
        let index = entry.index();
        entry.or_insert_with(|| born(records, subject).map(Born::registers).unwrap_or_default());
        index
    }

    /// The write that `call` requests, and the registers that it sets; `None` if it requests none.
    fn write_of(&mut self, call: &OpenCall) -> Option<(Moment, &mut Registers)> {
        let began = call.write?;
        Some((began, self.known.get_mut(&call.subject()?)?))
    }
}

impl Born {
    fn arn(&self) -> ClusterArn {
        match self {
            Born::Answered { response, .. } => match &**response {
                Response::CreateCluster(made) => made.arn,
                _ => unreachable!("CreateCluster is answered as CreateCluster"),
            },
            Born::Kept(cluster, _) => cluster.arn,
        }
    }

    fn registers(&self) -> Registers {
        match self {
            Born::Answered { response, tags, policy, .. } => {
                Registers::created(Fact::of_created_cluster(response, tags.as_ref(), policy.as_deref()))
            }
            Born::Kept(cluster, keys) => {
                let mut registers = Registers::created(Fact::of_recorded_cluster(cluster));
                // The call was under way when the server stopped. It has no caller any more, and it may be carried
                // out at any time.
                if let Some(intent) = &cluster.intent {
                    let began = Moment::before_all(Instant::START);
                    let request = intent.request.to_request();
                    registers.begin(began, false, operations::of_request(&request).sets(cluster.arn, keys));
                    registers.lost(began);
                }
                registers
            }
        }
    }
}

/// The origin of the cluster `subject`, if its creation was answered.
fn born(records: &Records, subject: Subject) -> Option<&Born> {
    let born = records.born(subject.cluster.identifier).filter(|_| subject.stream.is_none())?;
    (born.arn() == subject.cluster).then_some(born)
}

fn read(ctx: &CheckContext<'_>, call: &OpenCall, answered: Moment) -> ReadInterval {
    let may_show_declarer = ctx.view.assumptions().silent_peer_shows_declaration;
    ReadInterval { arrived: call.arrived, answered, may_show_declarer }
}

/// A read is answered from the record, which contains every acknowledged write, and its answer leaves after
/// everything that it shows is durable.
fn acknowledged_is_visible(
    ctx: &mut CheckContext<'_>,
    subject: Subject,
    registers: &mut Registers,
    read: ReadInterval,
    facts: impl IntoIterator<Item = Fact>,
) -> CheckResult {
    for fact in facts {
        ctx.ensure(registers.may_show(&fact, read), Invariant::AcknowledgedIsVisible, || {
            format!("{subject} is shown with {fact}, and it should be {}", registers.expected(&fact, read))
        })?;
        registers.shown(&fact, read);
    }
    Ok(())
}
