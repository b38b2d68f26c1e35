//! The invariant that what was acknowledged is what later reads show, judged from calls and answers alone.
//!
//! # What is judged
//!
//! Every member that a call can set is a register: deletion protection, KMS key, metric groups, witness Region, peer,
//! each tag, the resource policy with its version, whether deletion was asked for; of a stream its target, each tag,
//! and deletion. CreateCluster, UpdateCluster, DeleteCluster, the tag, policy and stream calls write them, and
//! GetCluster, ListClusters, ListTagsForResource, GetClusterPolicy, GetStream, ListStreams and
//! GetVpcEndpointServiceName read them, the last and the lists only whether something exists.
//!
//! A write takes effect at one point between its arrival and its answer; when the answer is 5xx, or is lost with its
//! control plane, at any later point or never; when it is 4xx, never. Requests with one token are one write, as long
//! as the token is remembered; where it may or may not be, their success proves nothing and is no more than possible.
//!
//! # Why it is complete
//!
//! A history of one register is right exactly if its reads can be put in an order with its writes in which each read
//! shows the write before it and nothing is put before something that had ended when it began. Here a value is taken
//! out as soon as another write, known to be carried out, began after the first had ended; and a read counts as such a
//! write, for what it has shown was so while it was open. So a read that shows a value that was out when it arrived has
//! no place in any such order, and every alarm is right. A read that no order explains is missed only where the checker
//! is kind: two writes of the same value are not told apart while one of them is pending, what a write with an unknown
//! outcome has set stays possible until a read shows it, and the members that one write sets are judged one by one, so
//! that half a write is seen at the second read that shows it and not at the first.
//!
//! What a control plane changes by itself is no member here: the status (but for whether it is one of a deletion), the
//! status of the encryption, the link. A peer list changes by the cluster's own calls alone: a pair that comes apart
//! has left the list of each side when that side asked, and a withdrawal is carried out before it is answered.

mod fact;
mod register;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::{Error, Operation, Request, Response, TagMap, Tags};
use crate::control::cluster::Cluster;
use crate::control::message::Reply;
use crate::control::storage::TokenKey;
use crate::map::{FixedMap, Generations};
use crate::region::Region;
use crate::types::{Account, ClientToken, ClusterArn, Identifier, Instant};

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};
use super::open::{Moment, OpenCall, Subject};
use super::records::Records;

pub(super) use fact::{customer_key, listed_peer};

use fact::{Fact, PolicyFact};
use register::{ReadInterval, Registers};

/// What was acknowledged, and what may have been done since.
#[derive(Clone, Debug, Default)]
pub(super) struct Visible {
    /// Clusters and streams that were written or read since.
    known: FixedMap<Subject, Registers>,
    /// The writes that tokens stand for.
    tokens: FixedMap<TokenKind, Generations<ClientToken, TokenOf>>,
    /// Listings that have not come to their last page, by the token of the next.
    listings: FixedMap<String, ListingProgress>,
}

type TokenKind = (Account, Region, Operation);

/// How a cluster began.
#[derive(Clone, Debug)]
pub(super) enum Born {
    /// CreateCluster answered so; what an answer does not say is as it was asked for.
    Answered { response: Arc<Response>, tags: Option<Tags>, policy: Option<Box<Arc<str>>> },
    /// It was there before anything happened.
    Kept(Arc<Cluster>),
}

/// The write that a token stands for.
#[derive(Clone, Debug)]
struct TokenOf {
    /// `None` if it is of an earlier life of a server.
    request: Option<Arc<Request>>,
    began: Moment,
    /// When it was first answered with success.
    ended: Option<Moment>,
}

/// A listing that has not come to its last page.
#[derive(Clone, Debug)]
struct ListingProgress {
    began: Moment,
    /// How many identifiers had been used by then.
    used: usize,
    seen: BTreeSet<Identifier>,
}

impl Visible {
    /// Takes note of the streams of a cluster that exists before anything happens.
    pub(super) fn recall_streams(&mut self, cluster: &Cluster) {
        for stream in cluster.streams() {
            let subject = Subject { cluster: cluster.arn, stream: Some(stream.identifier) };
            let shown = stream.describe(cluster.arn);
            let tags = shown.tags.iter().flat_map(|tags| tags.iter());
            let tags = tags.map(|(key, value)| Fact::Tag(key.clone(), Some(value.clone())));
            self.known.insert(
                subject,
                Registers::created(fact::of_stream(&shown).into_iter().chain(tags).collect()),
            );
        }
    }

    /// Takes note of a token that was used before anything happens.
    pub(super) fn recall_token(&mut self, region: Region, key: &TokenKey, operation: Operation, at: Instant) {
        let moment = Moment::before_all(at);
        let token = TokenOf { request: None, began: moment, ended: Some(moment) };
        self.tokens.entry((key.account, region, operation)).or_default().insert(key.token.clone(), token);
    }

    /// A request comes to a control plane: if it asks for a write, that may be carried out from now on.
    pub(super) fn arrived(&mut self, judge: &CheckContext<'_>, records: &Records, call: &mut OpenCall) {
        match &*call.request {
            Request::CreateCluster(_) => return,
            Request::ListClusters(_) => call.used = records.used(),
            _ => {}
        }
        let Some(subject) = call.subject() else { return };
        let facts = Fact::set_by(&call.request, subject.cluster);
        if facts.is_empty() {
            return;
        }
        let window = judge.scene.assumptions().token_window;
        let kind = (call.account, call.region, call.request.operation());
        let began = call.arrived;
        let registers = self.registers_or_blank(records, subject);
        let mut is_maybe = false;
        if let Some(token) = call.request.client_token() {
            let tokens = self.tokens.entry(kind).or_default();
            tokens.rotate(began.at, window);
            if let Some(known) = tokens.get(token) {
                let is_same = known.request.as_ref().is_none_or(|request| *request == call.request);
                let is_remembered = began.at < known.began.at.after(window);
                let registers = &mut self.known[registers];
                if is_same && is_remembered {
                    if known.ended.is_some() {
                        // It is answered as before and does nothing.
                        return;
                    }
                    if registers.join(known.began) {
                        call.write = Some(known.began);
                        return;
                    }
                }
                // Whether the token is still remembered depends on when the call was carried out.
                is_maybe =
                    !is_remembered && known.ended.is_none_or(|ended| began.at < ended.at.after(window));
                if !is_same && is_remembered {
                    call.write = Some(began);
                    registers.begin(began, is_maybe, facts);
                    return;
                }
            }
            let request = Some(call.request.clone());
            tokens.insert(token.clone(), TokenOf { request, began, ended: None });
        }
        call.write = Some(began);
        self.known[registers].begin(began, is_maybe, facts);
    }

    /// A request will never be answered, for its control plane has crashed.
    pub(super) fn lost(&mut self, call: &OpenCall) {
        if let Some((began, registers)) = self.write_of(call) {
            registers.lost(began);
        }
    }

    /// A request is answered.
    pub(super) fn answered(
        &mut self,
        judge: &mut CheckContext<'_>,
        records: &mut Records,
        call: &OpenCall,
        now: Moment,
        result: &Reply,
    ) -> CheckResult {
        match result {
            Err(error) if error.http_status() >= 500 && !call.is_injected => {
                self.lost(call);
                Ok(())
            }
            Err(error) => {
                if let Some((began, registers)) = self.write_of(call) {
                    registers.refused(began);
                    if registers.is_blank()
                        && let Some(subject) = call.subject()
                    {
                        self.known.swap_remove(&subject);
                    }
                }
                if call.is_injected { Ok(()) } else { self.not_found(judge, records, call, now, error) }
            }
            Ok(response) if call.request.operation().changes() => {
                self.succeeded(judge, records, call, now, response);
                Ok(())
            }
            Ok(response) => self.shown(judge, records, call, now, response),
        }
    }

    fn succeeded(
        &mut self,
        judge: &CheckContext<'_>,
        records: &mut Records,
        call: &OpenCall,
        now: Moment,
        response: &Arc<Response>,
    ) {
        match (&*call.request, &**response) {
            (Request::CreateCluster(input), Response::CreateCluster(made)) => {
                // One that was found before its creator heard of it is known by what was seen of it.
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
                let subject = Subject { cluster, stream: Some(made.stream_identifier) };
                let created = || Registers::created(Fact::streamed(input, made));
                self.known.entry(subject).or_insert_with(created);
            }
            (_, response) => {
                let version = match response {
                    Response::PutClusterPolicy(output) => Some(&*output.policy_version),
                    _ => None,
                };
                let longest = judge.scene.longest_write();
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

    /// A read is answered with success.
    fn shown(
        &mut self,
        judge: &mut CheckContext<'_>,
        records: &Records,
        call: &OpenCall,
        now: Moment,
        response: &Response,
    ) -> CheckResult {
        let read = read(judge, call, now);
        match response {
            Response::ListClusters(page) => {
                let listed = page.clusters.iter().map(|listed| Subject::from(listed.arn)).collect();
                return self.listed(judge, records, call, read, listed, page.next_token.as_ref());
            }
            Response::ListStreams(page) => {
                let Some(Subject { cluster, .. }) = call.subject() else { return Ok(()) };
                let of = |identifier| Subject { cluster, stream: Some(identifier) };
                let listed = page.streams.iter().map(|listed| of(listed.stream_identifier)).collect();
                return self.listed(judge, records, call, read, listed, page.next_token.as_ref());
            }
            _ => {}
        }
        let Some(subject) = call.subject() else { return Ok(()) };
        exists(judge, subject, self.registers(records, subject), read)?;
        let none = TagMap::default();
        let (facts, tags) = match response {
            Response::GetCluster(output) => {
                (fact::of_get(output), Some(output.tags.as_deref().unwrap_or(&none)))
            }
            Response::GetStream(output) => {
                (fact::of_stream(output), Some(output.tags.as_deref().unwrap_or(&none)))
            }
            Response::ListTagsForResource(output) => {
                (Vec::new(), Some(output.tags.as_deref().unwrap_or(&none)))
            }
            Response::GetClusterPolicy(output) => {
                let (text, version) = (output.policy.as_str().into(), Some(output.policy_version.clone()));
                (vec![Fact::Policy(Some(PolicyFact { text, version }))], None)
            }
            _ => return Ok(()),
        };
        let place = self.registers_or_blank(records, subject);
        let registers = &mut self.known[place];
        acknowledged_is_visible(judge, subject, registers, read, facts)?;
        let Some(tags) = tags else { return Ok(()) };
        let mut keys: BTreeSet<String> = registers.tag_keys().into_iter().collect();
        keys.extend(tags.keys().cloned());
        let facts = keys.into_iter().map(|key| {
            let value = tags.get(&key).cloned();
            Fact::Tag(key, value)
        });
        acknowledged_is_visible(judge, subject, registers, read, facts)
    }

    /// What a read asks for is not there.
    fn not_found(
        &mut self,
        judge: &mut CheckContext<'_>,
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
        let read = read(judge, call, now);
        let Some(subject) = call.subject() else { return Ok(()) };
        let asked_for = Fact::Deleted(true);
        if subject.stream.is_some()
            && self
                .registers(records, subject.cluster.into())
                .is_none_or(|it| it.gone.is_some() || it.may_show(&asked_for, read))
        {
            // Streams go with their cluster.
            return Ok(());
        }
        let Some(registers) = self.registers(records, subject).filter(|registers| registers.gone.is_none())
        else {
            return Ok(());
        };
        if resource_type == "cluster-policy" {
            return acknowledged_is_visible(judge, subject, registers, read, [Fact::Policy(None)]);
        }
        acknowledged_is_visible(judge, subject, registers, read, [asked_for])?;
        registers.leave(now);
        if let (None, Some(born)) = (subject.stream, records.born_mut(subject.cluster.identifier)) {
            *born = None;
        }
        Ok(())
    }

    /// A page of a listing: what is on it exists, and what exists for certain is on one of the pages.
    fn listed(
        &mut self,
        judge: &mut CheckContext<'_>,
        records: &Records,
        call: &OpenCall,
        read: ReadInterval,
        page: Vec<Subject>,
        next: Option<&String>,
    ) -> CheckResult {
        let token = match &*call.request {
            Request::ListClusters(input) => input.next_token.as_ref(),
            Request::ListStreams(input) => input.next_token.as_ref(),
            _ => None,
        };
        let listing = match token {
            None => Some(ListingProgress { began: read.arrived, used: call.used, seen: BTreeSet::new() }),
            Some(token) => self.listings.get(token).cloned(),
        };
        for subject in &page {
            exists(judge, *subject, self.registers(records, *subject), read)?;
        }
        let Some(mut listing) = listing else { return Ok(()) };
        listing.seen.extend(page.iter().map(|it| it.stream.unwrap_or(it.cluster.identifier)));
        if let Some(next) = next {
            self.listings.insert(next.clone(), listing);
            return Ok(());
        }
        let whole = ReadInterval { arrived: listing.began, ..read };
        let missing = self.missing(records, call, &listing, whole);
        judge.ensure(missing.is_none(), Invariant::AcknowledgedIsVisible, || {
            let subject = missing.map_or_else(String::new, |subject| subject.to_string());
            format!(
                "{subject} was created and not deleted, and is on no page of {}",
                call.request.operation()
            )
        })
    }

    /// What a listing should show and has not.
    fn missing(
        &self,
        records: &Records,
        call: &OpenCall,
        listing: &ListingProgress,
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
        let is_unseen =
            |subject: &Subject| !listing.seen.contains(&subject.stream.unwrap_or(subject.cluster.identifier));
        let known = self.known.iter().filter(|(subject, registers)| {
            is_listed(subject) && is_unseen(subject) && registers.must_exist(whole)
        });
        let born = records
            .first_born(listing.used)
            .map(|born| Subject::from(born.arn()))
            .filter(|subject| is_listed(subject) && is_unseen(subject) && !self.known.contains_key(subject));
        known.map(|(subject, _)| *subject).chain(born).next()
    }

    /// The registers of something that was written or read before, or whose creation was answered.
    fn registers(&mut self, records: &Records, subject: Subject) -> Option<&mut Registers> {
        let is_known = self.known.contains_key(&subject) || born(records, subject).is_some();
        let place = is_known.then(|| self.registers_or_blank(records, subject))?;
        Some(&mut self.known[place])
    }

    /// The place of the registers of `subject`; if nothing is known of it, any read may show anything.
    fn registers_or_blank(&mut self, records: &Records, subject: Subject) -> usize {
        let entry = self.known.entry(subject);
        let place = entry.index();
        entry.or_insert_with(|| born(records, subject).map(Born::registers).unwrap_or_default());
        place
    }

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
            Born::Kept(cluster) => cluster.arn,
        }
    }

    fn registers(&self) -> Registers {
        match self {
            Born::Answered { response, tags, policy, .. } => {
                Registers::created(Fact::born(response, tags.as_ref(), policy.as_deref()))
            }
            Born::Kept(cluster) => {
                let mut registers = Registers::created(Fact::kept(cluster));
                if let Some(intent) = &cluster.intent {
                    let began = Moment::before_all(Instant::START);
                    registers.begin(began, false, Fact::set_by(&intent.request, cluster.arn));
                    registers.lost(began);
                }
                registers
            }
        }
    }
}

/// How a cluster began whose creation was answered.
fn born(records: &Records, subject: Subject) -> Option<&Born> {
    let born = records.born(subject.cluster.identifier).filter(|_| subject.stream.is_none())?;
    (born.arn() == subject.cluster).then_some(born)
}

fn read(judge: &CheckContext<'_>, call: &OpenCall, answered: Moment) -> ReadInterval {
    let is_silent_shown = judge.scene.assumptions().silent_peer_shows_declaration;
    ReadInterval { arrived: call.arrived, answered, is_silent_shown }
}

/// A read is answered from the record that every acknowledged write is in, and leaves after everything that it shows is
/// durable.
fn acknowledged_is_visible(
    judge: &mut CheckContext<'_>,
    subject: Subject,
    registers: &mut Registers,
    read: ReadInterval,
    facts: impl IntoIterator<Item = Fact>,
) -> CheckResult {
    for fact in facts {
        judge.ensure(registers.may_show(&fact, read), Invariant::AcknowledgedIsVisible, || {
            format!("{subject} is shown with {fact}, and it should be {}", registers.expected(&fact, read))
        })?;
        registers.shown(&fact, read);
    }
    Ok(())
}

/// What is gone never comes back: a cluster's and a stream's record is removed once.
fn exists(
    judge: &mut CheckContext<'_>,
    subject: Subject,
    known: Option<&mut Registers>,
    read: ReadInterval,
) -> CheckResult {
    let gone = known.and_then(|registers| registers.gone);
    judge.ensure(gone.is_none_or(|gone| gone > read.arrived), Invariant::AcknowledgedIsVisible, || {
        format!("{subject} is shown, and a read before has said that it does not exist")
    })
}
