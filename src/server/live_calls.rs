//! The calls that the live page lists: all that are open, and the latest of those that have ended.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;

use crate::api::Operation;
use crate::map::FixedMap;
use crate::region::Region;
use crate::sim::World;
use crate::sim::client::{CallId, Outcome};
use crate::types::{Identifier, Instant};

/// The calls of one world.
#[derive(Debug, Default)]
pub(super) struct LiveCalls {
    open: FixedMap<CallId, LiveCall>,
    /// The latest that have ended, in the order of their ends.
    ended: VecDeque<(LiveCall, Instant, Option<Outcome>)>,
    /// The number of calls that have begun.
    begun: u64,
    /// The number of calls that have ended.
    count: u64,
}

/// A call from its beginning on.
#[derive(Debug)]
struct LiveCall {
    number: u64,
    client: Arc<str>,
    region: Region,
    operation: Operation,
    cluster: Option<Identifier>,
    began: Instant,
}

/// A call as the page shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownCall<'a> {
    /// The number of the call in the order in which they began, from 1.
    number: u64,
    client: &'a str,
    region: &'static str,
    operation: &'static str,
    /// The cluster that the request names.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    began_milliseconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_milliseconds: Option<u64>,
    /// `ok`, `failed` or `unknown`; absent while the call is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// The status in a response, or the error.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

impl LiveCalls {
    /// The call `id` of `world` has begun.
    pub(super) fn began(&mut self, world: &World, id: CallId) {
        let Some((client, call)) = world.call_of(id) else { return };
        self.begun += 1;
        let call = LiveCall {
            number: self.begun,
            client: world.options().clients[client.0 as usize].name.clone(),
            region: call.region,
            operation: call.request.operation(),
            cluster: call.request.identifier().and_then(Identifier::parse),
            began: world.now(),
        };
        self.open.insert(id, call);
    }

    /// The call `id` has ended at `now` with `outcome`.
    pub(super) fn ended(&mut self, id: CallId, outcome: Option<&Outcome>, now: Instant) {
        let Some(call) = self.open.swap_remove(&id) else { return };
        self.count += 1;
        if self.ended.len() == MOST_ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back((call, now, outcome.cloned()));
    }

    /// The number of calls that have ended so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The number of open calls.
    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// At most `most` open calls, the oldest first.
    pub(super) fn open(&self, world: &World, most: usize) -> Vec<ShownCall<'_>> {
        let mut open: Vec<&LiveCall> = self.open.values().collect();
        open.sort_unstable_by_key(|call| call.number);
        open.into_iter().take(most).map(|call| call.shown(world)).collect()
    }

    /// The last `count` calls that have ended, the latest last; fewer if they are not remembered.
    pub(super) fn latest(&self, world: &World, count: u64) -> Vec<ShownCall<'_>> {
        let skipped = self.ended.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
        let latest = self.ended.iter().skip(skipped);
        latest
            .map(|(call, ended, outcome)| ShownCall {
                ended_milliseconds: Some(ended.0 / 1_000_000),
                outcome: Some(outcome.as_ref().map_or("unknown", Outcome::name)),
                detail: outcome.as_ref().map(detail).unwrap_or_default(),
                ..call.shown(world)
            })
            .collect()
    }
}

impl LiveCall {
    fn shown(&self, world: &World) -> ShownCall<'_> {
        ShownCall {
            number: self.number,
            client: &self.client,
            region: self.region.name(),
            operation: self.operation.name(),
            cluster: self.cluster.map(|cluster| world.names().cluster(cluster)),
            began_milliseconds: self.began.0 / 1_000_000,
            ended_milliseconds: None,
            outcome: None,
            detail: String::new(),
        }
    }
}

/// The status in a response, or the error with its message.
fn detail(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(response) => response.status().map(|status| status.to_string()).unwrap_or_default(),
        Outcome::Failed(error) => format!("{} {}: {}", error.http_status(), error.name(), error.message()),
        Outcome::Gone | Outcome::Unknown => String::new(),
        Outcome::TimedOut(last_seen) => last_seen.to_string(),
    }
}

/// The number of calls that have ended and are remembered.
const MOST_ENDED: usize = 50;
