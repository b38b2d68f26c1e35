//! What events are about, and the latest event about each subject at each node.

use serde_json::Value;

use crate::api::Request;
use crate::control::message::{Commit, Delivery, Message};
use crate::control::peering::{Ballot, RegisterKey};
use crate::map::FixedMap;
use crate::types::{ClientId, ClientToken, Identifier, NodeId};

use super::EventId;

/// Something that a node or the calling program keeps, and later events read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum HistorySubject {
    /// The record of a cluster.
    Cluster(Identifier),
    /// A token, and the answer that its call got.
    Token(ClientToken),
    /// The value that an acceptor has accepted for a link register.
    Register(RegisterKey),
    /// The ballot that an acceptor has promised for a link register.
    Promised(RegisterKey),
    /// The votes of one round of a proposer.
    Round(RegisterKey, Ballot),
    /// A call that is open.
    Call(ClientId, u64),
    /// A page of a list, by the token that names it.
    Page(String),
    /// Whether the node runs.
    Life,
    /// The latest loss of a message of a call.
    FateOfCall(ClientId, u64),
    /// The latest loss of a message about a register.
    FateOfRegister(RegisterKey),
}

impl HistorySubject {
    pub(super) fn call(delivery: Delivery) -> HistorySubject {
        HistorySubject::Call(delivery.client, delivery.call)
    }

    pub(super) fn fate(delivery: Delivery) -> HistorySubject {
        HistorySubject::FateOfCall(delivery.client, delivery.call)
    }

    /// Whether a crash of the node forgets it.
    fn is_volatile(&self) -> bool {
        matches!(self, HistorySubject::Round(..) | HistorySubject::Call(..))
    }
}

/// The latest event about each subject at each node. `None` is the calling program, with all its clients: what one of
/// them is answered, another may use.
#[derive(Clone, Debug, Default)]
pub(super) struct LatestEvents {
    events: FixedMap<(Option<NodeId>, HistorySubject), EventId>,
}

impl LatestEvents {
    pub(super) fn get(&self, node: Option<NodeId>, subject: &HistorySubject) -> Option<EventId> {
        self.events.get(&(node, subject.clone())).copied()
    }

    pub(super) fn set(&mut self, node: Option<NodeId>, subject: HistorySubject, event: EventId) {
        self.events.insert((node, subject), event);
    }

    pub(super) fn set_if_new(&mut self, node: Option<NodeId>, subject: HistorySubject, event: EventId) {
        self.events.entry((node, subject)).or_insert(event);
    }

    /// Forgets what a crash of the node takes from its memory. Calls whose requests it had not answered get none.
    pub(super) fn crash(&mut self, node: NodeId, event: EventId) {
        let of_node = |at: &Option<NodeId>| *at == Some(node);
        let open: Vec<_> = self
            .events
            .keys()
            .filter_map(|(at, subject)| match subject {
                HistorySubject::Call(client, key) if of_node(at) => {
                    Some(HistorySubject::FateOfCall(*client, *key))
                }
                _ => None,
            })
            .collect();
        self.events.retain(|(at, subject), _| !(of_node(at) && subject.is_volatile()));
        open.into_iter().for_each(|fate| self.set(None, fate, event));
        self.set(Some(node), HistorySubject::Life, event);
    }

    pub(super) fn about_cluster(&self, cluster: Identifier) -> Vec<EventId> {
        self.about(&|subject| *subject == HistorySubject::Cluster(cluster))
    }

    pub(super) fn about_call(&self, client: ClientId, key: u64) -> Vec<EventId> {
        let own = [HistorySubject::Call(client, key), HistorySubject::FateOfCall(client, key)];
        self.about(&|subject| own.contains(subject))
    }

    pub(super) fn about_lives(&self) -> Vec<EventId> {
        self.about(&|subject| *subject == HistorySubject::Life)
    }

    fn about(&self, is_meant: &dyn Fn(&HistorySubject) -> bool) -> Vec<EventId> {
        let meant = self.events.iter().filter(|((_, subject), _)| is_meant(subject));
        meant.map(|(_, event)| *event).collect()
    }
}

/// The subjects of a write.
pub(super) fn of_commit(commit: &Commit) -> Vec<HistorySubject> {
    let batch = &commit.batch;
    let mut subjects: Vec<HistorySubject> =
        clusters_of(commit).into_iter().map(HistorySubject::Cluster).collect();
    subjects.extend(batch.token.iter().map(|(key, _)| HistorySubject::Token(key.token.clone())));
    if let Some((register, acceptor)) = batch.register.as_deref() {
        subjects.push(HistorySubject::Promised(*register));
        let before = commit.before.register.as_ref().and_then(|acceptor| acceptor.accepted);
        subjects.extend((acceptor.accepted != before).then_some(HistorySubject::Register(*register)));
    }
    subjects
}

/// Whether a write creates or removes a cluster.
pub(super) fn changes_number(commit: &Commit) -> bool {
    let after = commit.batch.cluster.as_ref().map(|(_, _, record)| record.is_some());
    after.is_some_and(|exists| exists != commit.before.cluster.is_some())
}

/// What a write depends on: the record that it changes. Tokens and votes are replaced whole.
pub(super) fn changed_by(commit: &Commit) -> Vec<HistorySubject> {
    let cluster = commit.before.cluster.iter().map(|record| HistorySubject::Cluster(record.arn.identifier));
    cluster.collect()
}

/// The clusters of a write: that of its record, or those of its register.
pub(super) fn clusters_of(commit: &Commit) -> Vec<Identifier> {
    let after = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
    let record = after.or(commit.before.cluster.as_ref()).map(|record| record.arn.identifier);
    let register = commit.batch.register.iter().flat_map(|register| register.0.pair());
    record.into_iter().chain(register.map(|arn| arn.identifier)).collect()
}

/// The clusters of a message between nodes.
pub(super) fn clusters_of_message(message: &Message) -> Vec<Identifier> {
    match message {
        Message::CheckWitness { .. } | Message::WitnessChecked { .. } => Vec::new(),
        Message::CheckPeer { peer, .. } | Message::PeerChecked { peer, .. } => vec![peer.identifier],
        Message::Prepare { register, .. }
        | Message::Promise { register, .. }
        | Message::Accept { register, .. }
        | Message::Accepted { register, .. }
        | Message::Nack { register, .. } => register.pair().map(|arn| arn.identifier).to_vec(),
    }
}

/// What a node reads when a message arrives. An acceptor that makes a promise reports the value that it has accepted;
/// what it promised before has no part in it. A proposer reads the votes of its round.
pub(super) fn read_on_arrival(message: &Message) -> Vec<HistorySubject> {
    match message {
        Message::Prepare { register, .. } => vec![HistorySubject::Register(*register)],
        Message::Accept { .. } => Vec::new(),
        Message::CheckPeer { peer, .. } => vec![HistorySubject::Cluster(peer.identifier)],
        _ => Vec::from_iter(state_of_message(message)),
    }
}

/// What a node reads when it sends a message, besides what the input led to.
pub(super) fn read_on_sending(message: &Message) -> Vec<HistorySubject> {
    let mut subjects = Vec::from_iter(state_of_message(message));
    match message {
        Message::Prepare { .. } | Message::Accept { .. } => {
            subjects.extend(clusters_of_message(message).into_iter().map(HistorySubject::Cluster));
        }
        // The promise of a higher ballot is why it refuses.
        Message::Nack { register, .. } => subjects.push(HistorySubject::Promised(*register)),
        _ => {}
    }
    subjects
}

/// What a node keeps in memory about the exchange that a message belongs to.
pub(super) fn state_of_message(message: &Message) -> Option<HistorySubject> {
    match message {
        Message::CheckWitness { call, .. }
        | Message::WitnessChecked { call, .. }
        | Message::CheckPeer { call, .. }
        | Message::PeerChecked { call, .. } => Some(HistorySubject::call(*call)),
        Message::Prepare { register, ballot }
        | Message::Promise { register, ballot, .. }
        | Message::Accept { register, ballot, .. }
        | Message::Accepted { register, ballot }
        | Message::Nack { register, ballot, .. } => Some(HistorySubject::Round(*register, *ballot)),
    }
}

/// What the loss of a message decides.
pub(super) fn fate_of_message(message: &Message) -> HistorySubject {
    match message {
        Message::CheckWitness { call, .. }
        | Message::WitnessChecked { call, .. }
        | Message::CheckPeer { call, .. }
        | Message::PeerChecked { call, .. } => HistorySubject::fate(*call),
        Message::Prepare { register, .. }
        | Message::Promise { register, .. }
        | Message::Accept { register, .. }
        | Message::Accepted { register, .. }
        | Message::Nack { register, .. } => HistorySubject::FateOfRegister(*register),
    }
}

/// What a control plane reads when it handles a request.
pub(super) fn of_request(request: &Request) -> Vec<HistorySubject> {
    let mut subjects: Vec<HistorySubject> =
        named_in(&request.to_json()).into_iter().map(HistorySubject::Cluster).collect();
    subjects.extend(request.client_token().cloned().map(HistorySubject::Token));
    subjects
}

/// The identifiers in the texts of `json`: a cluster is named by its identifier or in an ARN.
pub(super) fn named_in(json: &Value) -> Vec<Identifier> {
    match json {
        Value::String(text) => {
            // Comparisons of ARNs ignore case.
            let text = text.to_ascii_lowercase();
            let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
            words.filter_map(Identifier::parse).collect()
        }
        Value::Array(values) => values.iter().flat_map(named_in).collect(),
        Value::Object(members) => members.values().flat_map(named_in).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
