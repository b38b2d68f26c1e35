//! Prefetching: loads the data of the next events into the cache while the current one is processed.
//!
//! With thousands of calls in flight, the data of an event has left every cache by the time it is due, and each pointer
//! on the way would stall the processor: the message or timer, the call or index entry behind it, and the record behind
//! that. The queue knows the next events, so each of these is requested a few events ahead. It only changes when memory
//! is read.

use std::slice;

use prefetch_index::prefetch_index;

use crate::control::message::Timer;
use crate::control::records::{Serial, Storage};
use crate::types::Account;

use super::network::Payload;
use super::{Alarm, Event, World};

/// The numbers of events ahead at which the first, second and third pointer on the way are requested.
const AHEAD: [usize; 3] = [6, 4, 2];

impl World {
    /// Requests the data of the next events.
    pub(super) fn fetch_ahead(&self) {
        let [first, second, third] = AHEAD;
        match self.queue.peek_nth(first) {
            Some(Event::Deliver(slot)) => self.in_flight.fetch(*slot),
            Some(Event::Fire(slot) | Event::Retry(slot)) => self.timers.fetch(*slot),
            Some(Event::ClientTimer(slot)) => self.calls.fetch(*slot),
            _ => {}
        }
        match self.queue.peek_nth(second) {
            Some(Event::Deliver(slot)) => self.fetch_parts(*slot),
            Some(Event::Fire(slot)) => self.fetch_index_entry(*slot),
            _ => {}
        }
        if let Some(Event::Fire(slot)) = self.queue.peek_nth(third) {
            self.fetch_record(*slot);
        }
    }

    /// Requests the call that a message belongs to, and its content.
    fn fetch_parts(&self, slot: u32) {
        let Some(envelope) = self.in_flight.get(slot) else { return };
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

    /// Requests the index entry of the cluster of a timer.
    fn fetch_index_entry(&self, slot: u32) {
        if let Some((storage, account, serial)) = self.cluster_of(slot) {
            storage.prefetch_slot(account, serial);
        }
    }

    /// Requests the record of the cluster of a timer.
    fn fetch_record(&self, slot: u32) {
        let cluster =
            self.cluster_of(slot).and_then(|(storage, account, serial)| storage.at(account, serial));
        if let Some(cluster) = cluster {
            fetch(&**cluster);
        }
    }

    /// The cluster of a status timer, and the storage that holds it.
    fn cluster_of(&self, slot: u32) -> Option<(&Storage, Account, Serial)> {
        let Alarm { node, timer: Timer::Status { account, serial, .. }, .. } = self.timers.get(slot)? else {
            return None;
        };
        Some((self.nodes[usize::from(*node)].durable(), *account, *serial))
    }
}

/// Requests an element, which may span two cache lines: its first and the one behind it.
pub(super) fn fetch_element<T>(elements: &[T], slot: usize) {
    prefetch_index(elements, slot);
    prefetch_index(elements, slot + 1);
}

fn fetch<T>(value: &T) {
    fetch_element(slice::from_ref(value), 0);
}
