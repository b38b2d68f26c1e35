//! The requests that control planes have taken in and not answered, and the writes that became durable for each.

use std::sync::Arc;

use crate::api::Request;
use crate::control::authorization::Caller;
use crate::control::keys::Keys;
use crate::control::message::{Commit, Delivery};
use crate::control::quotas::RaisedQuotas;
use crate::control::records::Cluster;
use crate::region::Region;
use crate::types::{Account, ClusterArn, Identifier, Instant, PrincipalId, Timestamp};

use super::keys::{self, NamedKey};

/// A point in the order of all arrivals and answers. Two of them at one virtual time differ in `order`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) at: Instant,
    order: u64,
}

impl Moment {
    /// A moment before everything that arrives or leaves at `at`.
    pub(super) fn before_all(at: Instant) -> Moment {
        Moment { at, order: 0 }
    }
}

/// A request that a control plane has taken in. Each copy and each retry is one of its own.
#[derive(Clone, Debug)]
pub(super) struct OpenCall {
    pub(super) delivery: Delivery,
    pub(super) region: Region,
    pub(super) account: Account,
    /// The principal that calls; `None` if it has no restrictions.
    pub(super) principal: Option<PrincipalId>,
    pub(super) request: Arc<Request>,
    /// The declared keys, which the request may name.
    pub(super) keys: Arc<Keys>,
    pub(super) arrived: Moment,
    /// The reading of the Region's wall clock at the arrival: the creation time of whatever the call creates.
    pub(super) stamp: Timestamp,
    /// For a list request: the number of identifiers that had been used at its arrival.
    pub(super) used: u64,
    /// For a list request: the number of the newest cluster or stream at its arrival.
    pub(super) newest: u64,
    /// For CreateStream: whether the service could not assume the role at the arrival.
    pub(super) has_denied_role: bool,
    /// The raised quotas of the Region at its arrival.
    pub(super) raised: RaisedQuotas,
    /// The peer, at the arrival, of the cluster that it names: the Regions that it waits for follow from it.
    pub(super) peer: Option<ClusterArn>,
    /// The beginning of the write that it requests, which `acknowledged-is-visible` knows it by.
    pub(super) write: Option<Moment>,
    /// Whether it gets an injected error, and never reaches the control plane.
    pub(super) is_injected: bool,
    /// Whether a write became durable for it.
    pub(super) has_written: bool,
    /// The record of the cluster before the first write for it and after the last one.
    pub(super) record: Option<(Option<Arc<Cluster>>, Arc<Cluster>)>,
}

/// The open requests, by the slot of their calls, which is faster than a hash table.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenCalls {
    slots: Vec<Vec<OpenCall>>,
    order: u64,
}

impl OpenCalls {
    /// The next moment in the order.
    pub(super) fn moment(&mut self, at: Instant) -> Moment {
        self.order += 1;
        Moment { at, order: self.order }
    }

    /// The moment at which the earliest of the open requests arrived; the next one at `now` if none is open.
    pub(super) fn earliest(&mut self, now: Instant) -> Moment {
        let next = self.moment(now);
        let arrived = self.slots.iter().flatten().map(|call| call.arrived);
        arrived.fold(next, Moment::min)
    }

    /// A request arrived at the control plane of `region`, at a virtual time and a reading of its wall clock.
    pub(super) fn arrived(
        &mut self,
        (at, stamp): (Instant, Timestamp),
        region: Region,
        caller: Caller,
        delivery: Delivery,
        (request, keys): (&Arc<Request>, Arc<Keys>),
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
            keys,
            arrived,
            stamp,
            used: 0,
            newest: 0,
            has_denied_role: false,
            raised: RaisedQuotas::default(),
            peer: None,
            write: None,
            is_injected: false,
            has_written: false,
            record: None,
        });
        calls.last_mut().expect("a call was just added")
    }

    /// The open request of this delivery; `None` if it is answered.
    pub(super) fn get(&self, delivery: Delivery) -> Option<&OpenCall> {
        self.slots.get(delivery.slot as usize)?.iter().find(|call| call.delivery == delivery)
    }

    /// The request gets an injected error.
    pub(super) fn injected(&mut self, delivery: Delivery) {
        if let Some(call) = self.get_mut(delivery) {
            call.is_injected = true;
        }
    }

    /// Records a write that became durable for an open request.
    pub(super) fn wrote(&mut self, commit: &Commit) {
        let Some(call) = commit.cause.and_then(|cause| self.get_mut(cause)) else { return };
        call.has_written = true;
        if let Some((_, _, Some(after))) = &commit.batch.cluster {
            // A call that writes twice, its intent and its result, is compared with the record before the first
            // write.
            let before = call.record.take().map_or_else(|| commit.before.cluster.clone(), |it| it.0);
            call.record = Some((before, after.clone()));
        }
    }

    /// Closes the request, which is answered. `None` if it was not open.
    pub(super) fn answered(&mut self, delivery: Delivery) -> Option<OpenCall> {
        let calls = self.slots.get_mut(delivery.slot as usize)?;
        let position = calls.iter().position(|call| call.delivery == delivery)?;
        Some(calls.swap_remove(position))
    }

    /// The open requests that wait for the control plane of `region`.
    pub(super) fn in_region(&self, region: Region) -> impl Iterator<Item = &OpenCall> {
        self.slots.iter().flatten().filter(move |call| call.region == region && !call.is_injected)
    }

    fn get_mut(&mut self, delivery: Delivery) -> Option<&mut OpenCall> {
        self.slots.get_mut(delivery.slot as usize)?.iter_mut().find(|call| call.delivery == delivery)
    }

    /// Closes and returns the requests of the control plane of `region`, which crashed and will never answer them.
    pub(super) fn crashed(&mut self, region: Region) -> Vec<OpenCall> {
        let calls = self.slots.iter_mut().filter(|calls| !calls.is_empty());
        calls.flat_map(|calls| calls.extract_if(.., |call| call.region == region)).collect()
    }
}

impl OpenCall {
    /// The cluster or stream that the request names, if it names one that can exist in its Region and account.
    pub(super) fn subject(&self) -> Option<Subject> {
        Subject::of(self.region, self.account, &self.request)
    }

    /// The customer managed key that the request selects for its cluster.
    pub(super) fn key(&self) -> Option<NamedKey> {
        keys::of_request(&self.keys, &self.request, self.region, self.account)
    }

    /// Whether the answer shows the record as it is when the answer leaves. This holds for a read, and for a deletion
    /// whose cluster is being deleted already, which writes only its token.
    pub(super) fn is_answered_from_record(&self) -> bool {
        match &*self.request {
            Request::DeleteCluster(_) => self.has_written && self.record.is_none(),
            request => !request.operation().changes(),
        }
    }

    /// Whether it may have joined `first`: it repeats the request with the same token.
    pub(super) fn may_have_joined(&self, first: &OpenCall) -> bool {
        (self.region, self.account) == (first.region, first.account)
            && self.request.client_token().is_some()
            && self.request == first.request
    }
}

/// A cluster, or one of its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub(super) cluster: ClusterArn,
    pub(super) stream: Option<Identifier>,
}

impl Subject {
    /// The cluster or stream that `request` of `account` names to the control plane of `region`.
    pub(super) fn of(region: Region, account: Account, request: &Request) -> Option<Subject> {
        let Some(arn) = request.resource_arn() else {
            return Subject::by_identifier(region, account, request);
        };
        let (cluster, stream) = match arn.split_once("/stream/") {
            Some((cluster, stream)) => (cluster, Some(Identifier::parse(stream)?)),
            None => (arn, None),
        };
        let cluster = ClusterArn::parse(cluster)?;
        ((cluster.region, cluster.account) == (region, account)).then_some(Subject { cluster, stream })
    }

    /// The stream of `cluster` with this identifier.
    pub(super) fn of_stream(cluster: ClusterArn, stream: Identifier) -> Subject {
        Subject { cluster, stream: Some(stream) }
    }

    /// Its own identifier.
    pub(super) fn identifier(&self) -> Identifier {
        self.stream.unwrap_or(self.cluster.identifier)
    }

    fn by_identifier(region: Region, account: Account, request: &Request) -> Option<Subject> {
        let cluster = ClusterArn { region, account, identifier: Identifier::parse(request.identifier()?)? };
        let stream = match request.stream_identifier() {
            Some(stream) => Some(Identifier::parse(stream)?),
            None => None,
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
