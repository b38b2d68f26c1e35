//! The mistakes of mutants that take more than a line, and the decisions that several mutants share.

use std::sync::Arc;

use crate::api::{Error, GetClusterOutput, Operation, Response};
use crate::control::ControlPlane;
use crate::control::authorization::{IamAction, KeyAttributes};
use crate::control::keys::KeyArn;
use crate::control::message::{Delivery, Message};
use crate::control::mutant::{Mutant, Mutants};
use crate::control::peering::Acceptor;
use crate::control::records::{Batch, Cluster, ClusterPolicy, Serial, TokenWrite};
use crate::control::turn::Turn;
use crate::rng::fingerprint;
use crate::types::{Account, ClusterArn, NodeId, Timestamp};

impl Mutants {
    /// Whether `operation` leaves the check of `action` out.
    pub(in crate::control) fn skip_check(self, operation: Operation, action: IamAction) -> bool {
        let forgets = |mutant, forgotten| self.has(mutant) && action == forgotten;
        forgets(Mutant::PropertiesNotAsked, IamAction::PutMultiRegionProperties)
            || (operation == Operation::CreateCluster
                && forgets(Mutant::TagResourceNotAsked, IamAction::Call(Operation::TagResource)))
            || (operation == Operation::CreateStream
                && forgets(Mutant::StreamTagsNotAsked, IamAction::Call(Operation::TagResource)))
            || (operation == Operation::UpdateCluster
                && forgets(Mutant::GetClusterNotAsked, IamAction::Call(Operation::GetCluster)))
    }

    /// Whether the acceptor `me` keeps the promise or the accepted value of its `answer` in memory only.
    pub(in crate::control) fn keep_acceptor_in_memory(self, me: NodeId, answer: &Message) -> bool {
        let is_value = usize::from(matches!(answer, Message::Accepted { .. }));
        let forgets = if matches!(me, NodeId::Witness(_)) {
            [Mutant::WitnessPromiseInMemory, Mutant::WitnessValueInMemory][is_value]
        } else {
            [Mutant::PromiseInMemory, Mutant::AcceptedValueInMemory][is_value]
        };
        self.has(forgets) || self.has(Mutant::AcceptorForgetsInCrash)
    }

    /// Whether the acceptor `me` forgets its value in the promise `answer`.
    pub(in crate::control) fn forget_promised_value(self, me: NodeId, answer: &Message) -> bool {
        let is_promise = matches!((me, answer), (NodeId::ControlPlane(_), Message::Promise { .. }));
        is_promise && self.has(Mutant::PromiseForgetsValue)
    }

    /// Whether the acceptor `me` keeps its first ballot with the newly accepted value.
    pub(in crate::control) fn keep_first_ballot(self, me: NodeId, answer: &Message) -> bool {
        let is_acceptance = matches!((me, answer), (NodeId::ControlPlane(_), Message::Accepted { .. }));
        is_acceptance && self.has(Mutant::FirstBallotKept)
    }
}

impl KeyAttributes<'_> {
    /// The condition keys of a call to AWS KMS without an encryption context.
    pub(in crate::control) fn without_context(self) -> Self {
        KeyAttributes { cluster: None, ..self }
    }
}

/// The verdict of a validation that does not look at tags.
pub(in crate::control) fn forgive_tags(verdict: Result<(), Error>) -> Result<(), Error> {
    match verdict {
        Err(Error::Validation { field_list, .. })
            if field_list.iter().all(|field| field.name.starts_with("tags")) =>
        {
            Ok(())
        }
        verdict => verdict,
    }
}

/// The verdict of a validation that does not know the reserved prefix of tag keys.
pub(in crate::control) fn forgive_reserved_keys(verdict: Result<(), Error>) -> Result<(), Error> {
    match verdict {
        Err(Error::Validation { field_list, .. })
            if field_list.iter().all(|field| field.message.contains("reserved prefix")) =>
        {
            Ok(())
        }
        verdict => verdict,
    }
}

/// Whether the text of a policy contains the name of a trusted condition key.
pub(in crate::control) fn names_trusted_key(policy: &ClusterPolicy) -> bool {
    let text = policy.text.to_ascii_lowercase();
    ["aws:principalaccount", "aws:principalarn", "aws:sourcevpc"].iter().any(|key| text.contains(key))
}

/// A version of thirteen digits that follows from the text of a policy.
pub(in crate::control) fn version_of_text(policy: &ClusterPolicy) -> u64 {
    const EARLIEST: u64 = 1_000_000_000_000;
    EARLIEST + fingerprint(&policy.text) % EARLIEST
}

impl Acceptor {
    /// Puts the accepted value under the ballot of the value `before`, if there was one.
    pub(in crate::control) fn backdate(&mut self, before: Acceptor) {
        let ballot = before.accepted.or(self.accepted).map(|(ballot, _)| ballot);
        self.accepted = ballot.zip(self.accepted.map(|(_, value)| value));
    }
}

impl ControlPlane {
    /// Writes a new cluster and its token in two batches.
    pub(in crate::control) fn write_new_apart(
        &mut self,
        turn: &mut Turn<'_>,
        cluster: Arc<Cluster>,
        token: Option<TokenWrite>,
        cause: Delivery,
    ) -> Arc<Cluster> {
        let record = Some((cluster.arn.account, cluster.serial, Some(cluster.clone())));
        self.persist(turn, Batch { cluster: record, ..Batch::default() }, Some(cause));
        self.persist(turn, Batch { token, ..Batch::default() }, Some(cause));
        self.set_status_timer(turn, &cluster);
        cluster
    }

    /// The number of clusters up to `last`, as a page token that counts has it.
    pub(in crate::control) fn count_listed(&self, account: Account, last: Serial) -> u64 {
        self.storage.clusters_after(account, Serial(0)).take_while(|it| it.serial <= last).count() as u64
    }

    /// The last cluster of a page, by a token that counts.
    pub(in crate::control) fn nth_listed(&self, account: Account, count: u64) -> Serial {
        let listed = self.storage.clusters_after(account, Serial(0)).nth((count as usize).saturating_sub(1));
        listed.map_or(Serial(u64::from(u32::MAX)), |cluster| cluster.serial)
    }
}

/// Shows the key that AWS owns as one of the cluster's account.
pub(in crate::control) fn in_own_account(cluster: &Cluster, output: &mut GetClusterOutput) {
    let shown = output.encryption_details.as_mut().and_then(|details| details.kms_key_arn.as_mut());
    if let Some(arn) = shown.filter(|_| cluster.kms_key.is_none()) {
        let ClusterArn { region, account, .. } = cluster.arn;
        let resource = KeyArn::parse(arn).map_or("", |key| key.resource);
        *arn = format!("arn:aws:kms:{region}:{account}:{resource}").into();
    }
}

/// The recorded answer of a creation with the creation time `stamp`.
pub(in crate::control) fn restamped(recorded: &Arc<Response>, stamp: Timestamp) -> Arc<Response> {
    let Response::CreateCluster(answer) = &**recorded else { return recorded.clone() };
    let mut answer = answer.clone();
    answer.creation_time = stamp;
    Arc::new(Response::CreateCluster(answer))
}

/// The recorded answer of a creation without its multi-Region properties.
pub(in crate::control) fn without_properties(recorded: &Arc<Response>) -> Arc<Response> {
    let Response::CreateCluster(answer) = &**recorded else { return recorded.clone() };
    let mut answer = answer.clone();
    answer.multi_region_properties = None;
    Arc::new(Response::CreateCluster(answer))
}

/// An InternalServerException without the delay before a retry.
pub(in crate::control) fn without_retry_after(error: Error) -> Error {
    match error {
        Error::InternalServer { message, .. } => Error::InternalServer { message, retry_after_seconds: None },
        other => other,
    }
}
