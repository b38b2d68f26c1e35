//! What will happen soon is fetched from memory while something else happens.
//!
//! With thousands of calls under way, what an event is about is in no cache any more when its time comes, and would be
//! waited for: the message or the timer, then what it points at, then what that points at. Which events come next is
//! known, so each of these is asked for a few events ahead. This changes nothing but when memory is read.

use std::slice;

use prefetch_index::prefetch_index;

use crate::control::cluster::Serial;
use crate::control::message::Timer;
use crate::control::storage::Storage;
use crate::types::Account;

use super::network::Payload;
use super::{Alarm, Event, World};

/// How many events ahead a message or a timer is fetched, what it points at, and what that points at.
const AHEAD: [usize; 3] = [6, 4, 2];

impl World {
    /// Asks for the memory of what happens soon.
    pub(super) fn fetch_ahead(&self) {
        let [first, second, third] = AHEAD;
        match self.queue.ahead(first) {
            Some(Event::Deliver(place)) => self.under_way.fetch(*place),
            Some(Event::Fire(place) | Event::Retry(place)) => self.timers.fetch(*place),
            Some(Event::ClientTimer(slot)) => self.calls.fetch(*slot),
            _ => {}
        }
        match self.queue.ahead(second) {
            Some(Event::Deliver(place)) => self.fetch_parts(*place),
            Some(Event::Fire(place)) => self.fetch_place(*place),
            _ => {}
        }
        if let Some(Event::Fire(place)) = self.queue.ahead(third) {
            self.fetch_record(*place);
        }
    }

    /// The call that a message belongs to, and what it says.
    fn fetch_parts(&self, place: u32) {
        let Some(envelope) = self.under_way.get(place) else { return };
        match &envelope.payload {
            Payload::Request { delivery, request, .. } => {
                self.calls.fetch(delivery.slot);
                fetch(&**request);
            }
            Payload::Response { delivery, result, .. } => {
                self.calls.fetch(delivery.slot);
                if let Ok(response) = result {
                    fetch(&**response);
                }
            }
            Payload::Reset(_) | Payload::Message(_) => {}
        }
    }

    /// The place of the cluster that a timer is about.
    fn fetch_place(&self, place: u32) {
        if let Some((storage, account, serial)) = self.cluster_of(place) {
            storage.prefetch_slot(account, serial);
        }
    }

    /// The cluster that a timer is about.
    fn fetch_record(&self, place: u32) {
        let cluster =
            self.cluster_of(place).and_then(|(storage, account, serial)| storage.at(account, serial));
        if let Some(cluster) = cluster {
            fetch(&**cluster);
        }
    }

    /// The name of the cluster that a timer is about, and the storage that it is in.
    fn cluster_of(&self, place: u32) -> Option<(&Storage, Account, Serial)> {
        let Alarm { node, timer: Timer::Status { account, serial, .. }, .. } = self.timers.get(place)? else {
            return None;
        };
        Some((self.nodes[usize::from(*node)].durable(), *account, *serial))
    }
}

/// Asks for the memory of an element: where it begins, and where it ends.
pub(super) fn fetch_element<T>(elements: &[T], place: usize) {
    prefetch_index(elements, place);
    prefetch_index(elements, place + 1);
}

fn fetch<T>(thing: &T) {
    fetch_element(slice::from_ref(thing), 0);
}
