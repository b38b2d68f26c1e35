//! The requests that control planes have taken in and not answered, and what became durable for each.

use std::sync::Arc;

use crate::api::Request;
use crate::control::authorization::Caller;
use crate::control::cluster::Cluster;
use crate::control::message::{Commit, Delivery};
use crate::region::Region;
use crate::types::{Account, ClusterArn, Identifier, Instant, PrincipalId, Timestamp};

/// A point in the order of everything that arrives at control planes and leaves them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) at: Instant,
    order: u64,
}

impl Moment {
    /// Before everything that arrives and leaves.
    pub(super) fn before_all(at: Instant) -> Moment {
        Moment { at, order: 0 }
    }
}

/// A request that a control plane has taken in.
#[derive(Clone, Debug)]
pub(super) struct OpenCall {
    pub(super) delivery: Delivery,
    pub(super) region: Region,
    pub(super) account: Account,
    /// Who calls; `None` may do everything.
    pub(super) principal: Option<PrincipalId>,
    pub(super) request: Arc<Request>,
    pub(super) arrived: Moment,
    /// What the Region's wall clock said then.
    pub(super) stamp: Timestamp,
    /// How many identifiers had been used when it came, if it asks for a list.
    pub(super) used: usize,
    /// When the write began that it asks for, in the books of `acknowledged-is-visible`.
    pub(super) write: Option<Moment>,
    /// Whether it gets an error that was injected, and never comes to the control plane.
    pub(super) is_injected: bool,
    /// Whether anything became durable for it.
    pub(super) has_written: bool,
    /// The cluster's record before the first write for it and after the last.
    pub(super) record: Option<(Option<Arc<Cluster>>, Arc<Cluster>)>,
}

/// The requests that are open, by the slot of their calls: nothing is hashed.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenCalls {
    slots: Vec<Vec<OpenCall>>,
    order: u64,
}

impl OpenCalls {
    /// The next point in the order.
    pub(super) fn moment(&mut self, at: Instant) -> Moment {
        self.order += 1;
        Moment { at, order: self.order }
    }

    /// A request comes to a control plane.
    pub(super) fn arrived(
        &mut self,
        (at, stamp): (Instant, Timestamp),
        region: Region,
        caller: Caller,
        delivery: Delivery,
        request: &Arc<Request>,
    ) -> &mut OpenCall {
        let arrived = self.moment(at);
        let slot = delivery.slot as usize;
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, Vec::new);
        }
        let request = request.clone();
        let calls = &mut self.slots[slot];
        calls.push(OpenCall {
            delivery,
            region,
            account: caller.account,
            principal: caller.principal,
            request,
            arrived,
            stamp,
            used: 0,
            write: None,
            is_injected: false,
            has_written: false,
            record: None,
        });
        calls.last_mut().expect("a call was just added")
    }

    /// The request, if it is open.
    pub(super) fn get(&self, delivery: Delivery) -> Option<&OpenCall> {
        self.slots.get(delivery.slot as usize)?.iter().find(|call| call.delivery == delivery)
    }

    /// The request gets an error that was injected.
    pub(super) fn injected(&mut self, delivery: Delivery) {
        if let Some(call) = self.get_mut(delivery) {
            call.is_injected = true;
        }
    }

    /// Takes note of a write that became durable for an open request.
    pub(super) fn wrote(&mut self, commit: &Commit) {
        let Some(call) = commit.cause.and_then(|cause| self.get_mut(cause)) else { return };
        call.has_written = true;
        if let Some((_, _, Some(after))) = &commit.batch.cluster {
            let before = call.record.take().map_or_else(|| commit.before.cluster.clone(), |it| it.0);
            call.record = Some((before, after.clone()));
        }
    }

    /// The request is answered: it is open no more. `None` if it was not.
    pub(super) fn answered(&mut self, delivery: Delivery) -> Option<OpenCall> {
        let calls = self.slots.get_mut(delivery.slot as usize)?;
        let place = calls.iter().position(|call| call.delivery == delivery)?;
        Some(calls.swap_remove(place))
    }

    /// The requests that wait for an answer of the control plane of `region`.
    pub(super) fn within(&self, region: Region) -> impl Iterator<Item = &OpenCall> {
        self.slots.iter().flatten().filter(move |call| call.region == region && !call.is_injected)
    }

    fn get_mut(&mut self, delivery: Delivery) -> Option<&mut OpenCall> {
        self.slots.get_mut(delivery.slot as usize)?.iter_mut().find(|call| call.delivery == delivery)
    }

    /// The control plane of `region` has crashed: what it had not answered it never will.
    pub(super) fn crashed(&mut self, region: Region) -> Vec<OpenCall> {
        let calls = self.slots.iter_mut().filter(|calls| !calls.is_empty());
        calls.flat_map(|calls| calls.extract_if(.., |call| call.region == region)).collect()
    }
}

impl OpenCall {
    /// The cluster, or the stream of one, that the request names, if there can be one that its caller may name.
    pub(super) fn subject(&self) -> Option<Subject> {
        Subject::of(self.region, self.account, &self.request)
    }

    /// Whether it is answered from the record as that is when the answer leaves: a read, or a deletion that finds its
    /// cluster being deleted and writes nothing but its token.
    pub(super) fn is_answered_from_record(&self) -> bool {
        match &*self.request {
            Request::DeleteCluster(_) => self.has_written && self.record.is_none(),
            request => !request.operation().changes(),
        }
    }

    /// Whether it may have joined `first`, which asks for the same with the same token.
    pub(super) fn may_have_joined(&self, first: &OpenCall) -> bool {
        (self.region, self.account) == (first.region, first.account)
            && self.request.client_token().is_some()
            && self.request == first.request
    }
}

/// A cluster, or a stream of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub(super) cluster: ClusterArn,
    pub(super) stream: Option<Identifier>,
}

impl Subject {
    /// What `request` of `account` to the control plane of `region` names.
    pub(super) fn of(region: Region, account: Account, request: &Request) -> Option<Subject> {
        let arn = match request {
            Request::TagResource(input) => &input.resource_arn,
            Request::UntagResource(input) => &input.resource_arn,
            Request::ListTagsForResource(input) => &input.resource_arn,
            _ => return Subject::by_identifier(region, account, request),
        };
        let (cluster, stream) = match arn.split_once("/stream/") {
            Some((cluster, stream)) => (cluster, Some(Identifier::parse(stream)?)),
            None => (&**arn, None),
        };
        let cluster = ClusterArn::parse(cluster)?;
        ((cluster.region, cluster.account) == (region, account)).then_some(Subject { cluster, stream })
    }

    fn by_identifier(region: Region, account: Account, request: &Request) -> Option<Subject> {
        let cluster = ClusterArn { region, account, identifier: Identifier::parse(request.identifier()?)? };
        let stream = match request {
            Request::GetStream(input) => Some(Identifier::parse(&input.stream_identifier)?),
            Request::DeleteStream(input) => Some(Identifier::parse(&input.stream_identifier)?),
            _ => None,
        };
        Some(Subject { cluster, stream })
    }
}

impl From<ClusterArn> for Subject {
    fn from(cluster: ClusterArn) -> Subject {
        Subject { cluster, stream: None }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.cluster.fmt(f)?;
        self.stream.map_or(Ok(()), |stream| write!(f, "/stream/{stream}"))
    }
}
