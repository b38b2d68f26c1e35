//! Requests of SDK clients as calls of the world, and outcomes of calls as HTTP responses.

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::api::wire::{self, HttpRequest, HttpResponse, Origin, SignedParts};
use crate::api::{Error, Operation, Request, Response};
use crate::gateway::{account_of_key, answer_of};
use crate::region::Region;
use crate::rng::fingerprint;
use crate::sim::client::{Call, ClientOptions};
use crate::types::{ClientId, Instant};

use super::executor::Executor;
use super::mailbox::{ProcessLife, WireAnswer, WireRequest};
use super::run_log::{LogEntry, SentRequest, seconds};
use super::sim::ACCESS_KEY;

/// A request that the world carries out.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) owner: ProcessLife,
    operation: Operation,
    region: Region,
    since: Instant,
    /// The number of the request in the run, which is its id.
    number: u64,
    patience: Patience,
    pub(super) answer: oneshot::Sender<WireAnswer>,
}

/// How long a request waits for an answer that the network has lost.
#[derive(Clone, Copy, Debug)]
struct Patience {
    time_out: Duration,
    end: SilentEnd,
}

/// The end of a request that gets no answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SilentEnd {
    /// The connection is closed.
    Broken,
    /// The client's own time-out for a connection passes.
    ConnectTimeOut,
    /// The client's own time-out for a response passes.
    ReadTimeOut,
    /// The client waits for ever.
    Never,
}

impl OpenRequest {
    /// A line about the request for a report.
    pub(super) fn line(&self, process: &str, state: &str) -> String {
        let OpenRequest { operation, region, since, .. } = self;
        format!("`{process}` for {operation} in {region}, sent at {}: {state}", seconds(*since))
    }
}

impl Executor {
    /// Begins the requests that have come in; `false` if there are none.
    pub(super) fn accept_requests(&mut self) -> bool {
        let requests = self.mailbox.take_requests();
        let are_any = !requests.is_empty();
        for request in requests {
            // What outlives a crash of its process no longer reaches the world, and waits for ever.
            if self.mailbox.is_alive(request.owner) {
                self.begin(request);
            }
        }
        are_any
    }

    fn begin(&mut self, request: WireRequest) {
        let WireRequest { owner, method, uri, headers, body, connect_time_out, read_time_out, answer } =
            request;
        let (host, path, query) = split(&uri);
        let header =
            |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let signed = SignedParts {
            authorization: header("authorization"),
            region_set: header("x-amz-region-set"),
            host: header("host").or(Some(host)),
            query,
        };
        let parts = HttpRequest { method: &method, path, query, body: &body };
        let received = wire::receive(parts, signed);
        let since = self.mailbox.now();
        let process = self.mailbox.state().processes[owner.process].name.clone();
        let number = self.note(SentRequest { at: since, process, method, uri, headers, body });
        let (origin, request) = match received {
            Ok(received) => received,
            Err(error) => {
                let response = self.response(Err(&error), number, Region::US_EAST_1);
                return drop(answer.send(WireAnswer::Response(response)));
            }
        };
        self.note_targets(origin.region, &request);
        let client = self.client(owner, &origin);
        let patience = self.patience(origin.region, connect_time_out, read_time_out);
        let key = self.key(owner);
        let (operation, region) = (request.operation(), origin.region);
        let call = Call { attempts: 1, time_out: patience.time_out, ..Call::new(region, request, key) };
        let id = self.local.simulation.borrow_mut().call(client, call);
        self.open.insert(id, OpenRequest { owner, operation, region, since, number, patience, answer });
    }

    /// Writes a request into the log, and returns its number.
    fn note(&self, request: SentRequest) -> u64 {
        let mut log = self.local.log.borrow_mut();
        log.requests += 1;
        log.add(LogEntry::Sent(request));
        log.requests
    }

    fn note_targets(&self, region: Region, request: &Request) {
        let properties = match request {
            Request::CreateCluster(input) => input.multi_region_properties.as_ref(),
            Request::UpdateCluster(input) => input.multi_region_properties.as_ref(),
            _ => None,
        };
        let witness = properties.and_then(|it| Region::parse(it.witness_region.as_ref()?));
        let mut log = self.local.log.borrow_mut();
        log.called.insert(region);
        log.witnesses.extend(witness);
    }

    /// The key of the draws about the next request of a process. It depends on no other process.
    fn key(&self, owner: ProcessLife) -> u64 {
        let mut state = self.mailbox.state();
        let process = &mut state.processes[owner.process];
        process.requests += 1;
        fingerprint(&("sdk", &*process.name, process.requests))
    }

    /// The client of the world that calls. Credentials that a program brings are a client of their own.
    fn client(&self, owner: ProcessLife, origin: &Origin) -> ClientId {
        let mut state = self.mailbox.state();
        let process = &mut state.processes[owner.process];
        let own = process.client;
        let Some(key) = origin.access_key.as_deref().filter(|key| *key != ACCESS_KEY) else { return own };
        if let Some(known) = process.other_keys.get(key) {
            return *known;
        }
        let mut simulation = self.local.simulation.borrow_mut();
        let mut set_up = self.local.set_up.borrow_mut();
        let principal = set_up.principal_of(key);
        let first = set_up.clients[own.0 as usize].clone();
        let account = principal.map(|principal| set_up.account_of(principal));
        let options = ClientOptions {
            name: format!("{}-{}", process.name, process.other_keys.len() + 2).into(),
            account: account.unwrap_or_else(|| account_of_key(key, first.account)),
            principal,
            ..first
        };
        set_up.clients.push(options.clone());
        let client = simulation.world_mut().add_client(options);
        process.other_keys.insert(key.to_owned(), client);
        client
    }

    fn patience(&self, region: Region, connect: Option<Duration>, read: Option<Duration>) -> Patience {
        let usual = match self.limits.connection_time_out {
            Some(time_out) => Patience { time_out, end: SilentEnd::Broken },
            None => Patience { time_out: LONGEST_CALL, end: SilentEnd::Never },
        };
        let is_dark = self.local.simulation.borrow().world().is_dark(region);
        let connect = connect.filter(|_| is_dark).map(|it| (it, SilentEnd::ConnectTimeOut));
        let read = read.map(|it| (it, SilentEnd::ReadTimeOut));
        let own = [connect, read].into_iter().flatten().map(|(time_out, end)| Patience { time_out, end });
        own.chain([usual]).min_by_key(|patience| patience.time_out).unwrap_or(usual)
    }

    /// Sends the outcomes of calls that have ended; `false` if there are none.
    pub(super) fn answer_requests(&mut self) -> bool {
        let mut are_any = false;
        loop {
            let mut simulation = self.local.simulation.borrow_mut();
            let Some(id) = simulation.world_mut().pop_ended() else { return are_any };
            let outcome = simulation.world_mut().take(id);
            drop(simulation);
            let Some(request) = self.open.swap_remove(&id) else { continue };
            are_any = true;
            match answer_of(outcome) {
                Some(answer) => {
                    let answer = answer.as_deref().map_err(|error| &**error);
                    let response = self.response(answer, request.number, request.region);
                    // The client may have given up: a time-out of its own, or a task that was dropped.
                    drop(request.answer.send(WireAnswer::Response(response)));
                }
                None => self.end_without_answer(request),
            }
        }
    }

    fn end_without_answer(&mut self, request: OpenRequest) {
        let Patience { time_out, end } = request.patience;
        let answer = if self.mailbox.now().since(request.since) < time_out {
            // A host whose process is down refuses the connection at once.
            WireAnswer::Broken("connection reset by peer")
        } else {
            match end {
                SilentEnd::Broken => WireAnswer::Broken("connection closed before a response came"),
                SilentEnd::ConnectTimeOut => {
                    WireAnswer::TimedOut("no connection within the connect time-out")
                }
                SilentEnd::ReadTimeOut => WireAnswer::TimedOut("no response within the read time-out"),
                SilentEnd::Never => return self.unanswerable.push(request),
            }
        };
        drop(request.answer.send(answer));
    }

    /// The HTTP response, dated by the wall clock of its Region.
    fn response(&self, answer: Result<&Response, &Error>, number: u64, region: Region) -> HttpResponse {
        let id = Uuid::from_u64_pair(0, number).to_string();
        let mut response = wire::encode(answer, &id);
        let seconds = self.local.simulation.borrow().world().wall_clock(region).seconds();
        let date = DateTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)).fmt(Format::HttpDate);
        response.headers.extend(date.ok().map(|date| ("date", date)));
        response
    }
}

/// The host, the path and the query of an address.
fn split(uri: &str) -> (&str, &str, &str) {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    (host, if path.is_empty() { "/" } else { path }, query)
}

/// The time for which the world keeps a request of a client that waits for ever. A world that converges within an hour
/// has ended it.
const LONGEST_CALL: Duration = Duration::from_secs(3000);
