//! CreateCluster: a single-Region cluster at once, one with multi-Region properties after the remote checks.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{CreateClusterInput, EncryptionStatus, Error, Operation, Response};
use crate::control::authorization::{
    IamAction, PeerAction, PermissionScope, RequestAttributes, Require, RequiredPermission,
    required_permissions,
};
use crate::control::message::Delivery;
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::operations::customer_key::customer_key;
use crate::control::peering::PendingRequest;
use crate::control::records::{Attached, Batch, Cluster, ClusterPolicy, MultiRegion, TokenWrite};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::rng::fingerprint;
use crate::types::{Account, ClusterArn, ClusterStatus, Identifier, Instant};

impl Handler for CreateClusterInput {
    fn permissions(&self, scope: &PermissionScope<'_>, require: Require<'_>) -> Result<(), Error> {
        let any = scope.home.any();
        let tags = self.tags.as_ref().filter(|tags| !tags.is_empty());
        let properties = self.multi_region_properties.as_deref();
        let witness = properties.and_then(|it| it.witness_region.as_deref());
        let attributes = RequestAttributes { witness, tags, ..RequestAttributes::default() };
        require(RequiredPermission::new(scope.action, any).with(attributes))?;
        if scope.lacks_role {
            required_permissions::service_linked_role(scope.home, require)?;
        }
        required_permissions::tags_at_creation(any, tags, require)?;
        required_permissions::multi_region(properties, any, None, require)?;
        if self.policy.is_some() {
            require(RequiredPermission::new(IamAction::Call(Operation::PutClusterPolicy), any))?;
        }
        required_permissions::keys(
            scope,
            customer_key(self.kms_encryption_key.as_ref()),
            &IamAction::KMS,
            require,
        )
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let count = self.tags.as_ref().map_or(0, |tags| tags.len());
        plane.check_tag_count(turn, count, ("", "cluster"))?;
        // The policy is checked against the identifier that the cluster will have, so that its ARN can be named in
        // it.
        if let Some(policy) = &self.policy {
            let bypass = self.bypass_policy_lockout_safety_check.unwrap_or(false);
            let (region, account, identifier) = (plane.region, ctx.caller.account, ctx.fresh);
            let cluster = ClusterArn { region, account, identifier };
            plane.check_policy(turn, ctx, policy, cluster, self.tags.as_ref(), bypass)?;
        }
        plane.check_key(turn, "create", ctx.caller.account, self.kms_encryption_key.as_ref())?;
        let wanted = match &self.multi_region_properties {
            Some(properties) => {
                Some(plane.parse_properties("create", ctx.caller.account, None, properties)?)
            }
            None => None,
        };
        plane.check_quota(turn, ctx.caller.account, wanted.is_some())?;
        match wanted {
            // Nothing to check in other Regions.
            None => {
                plane.finish_create(turn, ctx, self, None, &[ctx.delivery]);
                Ok(())
            }
            Some(wanted) => {
                let multi_region = MultiRegion {
                    witness: wanted.witness,
                    peer: wanted.peer.flatten(),
                    linked: false,
                    leaving: false,
                };
                let peer = multi_region.peer.map(|peer| (peer, PeerAction::Add));
                let request = PendingRequest::Create(self.clone());
                plane.start_checks(turn, ctx.clone(), request, multi_region, peer);
                Ok(())
            }
        }
    }
}

impl ControlPlane {
    /// Creates the cluster, all checks having passed, and answers every waiter.
    pub(in crate::control) fn finish_create(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &CreateClusterInput,
        multi_region: Option<MultiRegion>,
        waiters: &[Delivery],
    ) {
        let cluster = self.new_cluster(ctx, input, multi_region);
        let response = Arc::new(Response::CreateCluster(cluster.created(&self.assumptions)));
        let token = ctx.token_write(turn, &response);
        let cluster = self.write_new(turn, cluster, token, ctx.delivery);
        turn.reply(waiters, Ok(response));
        self.propose(turn, &cluster, 0);
    }

    /// Writes a new cluster with its token and starts the work on it.
    pub(in crate::control) fn write_new(
        &mut self,
        turn: &mut Turn<'_>,
        cluster: Cluster,
        token: Option<TokenWrite>,
        cause: Delivery,
    ) -> Arc<Cluster> {
        let cluster = Arc::new(cluster);
        planted!(self.mutants, TokenInItsOwnBatch => return self.write_new_apart(turn, cluster, token, cause));
        let record = Some((cluster.arn.account, cluster.serial, Some(cluster.clone())));
        self.persist(turn, Batch { cluster: record, token, register: None }, Some(cause));
        self.set_status_timer(turn, &cluster);
        cluster
    }

    /// The record of a new cluster.
    pub(in crate::control) fn new_cluster(
        &self,
        ctx: &RequestContext,
        input: &CreateClusterInput,
        multi_region: Option<MultiRegion>,
    ) -> Cluster {
        let mut identifier = ctx.fresh;
        planted!(self.mutants, IdentifierFromToken => if let Some(token) = &input.client_token {
            identifier = Identifier::new([fingerprint(token); 2]);
        });
        planted!(self.mutants, IdentifierReused =>
            identifier = self.transitions.last_deleted().unwrap_or(identifier));
        let kms_key = self.selected_key(ctx.caller.account, input.kms_encryption_key.as_ref());
        let mut encryption = self.encryption_with(kms_key.as_ref());
        planted!(self.mutants, NewKeyNotTried => encryption = EncryptionStatus::Enabled);
        let mut tags = input.tags.clone().filter(|tags| !tags.is_empty());
        planted!(self.mutants, CreateForgetsTags => tags = None);
        // A cluster that is to have a peer stays in PENDING_SETUP until both declarations are chosen.
        let mut status =
            if multi_region.is_some() { ClusterStatus::PendingSetup } else { ClusterStatus::Creating };
        planted!(self.mutants, PendingSetupSkipped => status = ClusterStatus::Creating);
        Cluster {
            arn: ClusterArn { region: self.region, account: ctx.caller.account, identifier },
            serial: self.storage.next_serial(ctx.caller.account),
            status,
            version: 1,
            creation_time: ctx.stamp,
            deletion_protection: input.deletion_protection_enabled.unwrap_or(true),
            kms_key,
            tags,
            attached: attached(ctx, input),
            statement_statistics: input.metric_groups.as_ref().is_some_and(|groups| !groups.is_empty()),
            encryption,
            multi_region: multi_region.map(Box::new),
            intent: None,
        }
    }

    /// Compares the account's clusters, and its pending creates, with its quota.
    pub(in crate::control) fn check_quota(
        &self,
        turn: &mut Turn<'_>,
        account: Account,
        is_multi: bool,
    ) -> Result<(), Error> {
        let assumed = &*self.assumptions;
        let (counts, raised) = (self.storage.counts(account), self.environment.raised);
        let (mut exist, mut quota, mut code) = if is_multi {
            (counts.multi, assumed.multi_region_quota.max(raised.multi), "L-DCF93F11")
        } else {
            (counts.single, assumed.single_region_quota.max(raised.single), "L-B3A4E51E")
        };
        planted!(self.mutants, QuotaNeverReleased if !is_multi =>
            exist = self.storage.next_serial(account).0 as u32 - 1);
        planted!(self.mutants, QuotaCodeOfSingleRegion => code = "L-B3A4E51E");
        planted!(self.mutants, QuotaOffByOne => quota += 1);
        // The common case, before anything is counted: single-Region creates are never pending.
        if exist < quota && !is_multi {
            return Ok(());
        }
        let mut counts_deleting = assumed.quota_counts_deleting;
        planted!(self.mutants, QuotaForgetsDeleting => counts_deleting = false);
        let being_deleted = if counts_deleting { 0 } else { self.count_deleting(account, is_multi) };
        // A pending create has no record yet and may still succeed: without it the quota could be exceeded by as many
        // creates as wait at once.
        let mut in_flight = if is_multi { self.creates_in_flight(account) } else { 0 };
        planted!(self.mutants, QuotaIgnoresInFlight => in_flight = 0);
        if exist - being_deleted + in_flight < quota {
            return Ok(());
        }
        if exist - being_deleted < quota {
            turn.cover(CoverageMark::QuotaHitInFlight);
        }
        Err(errors::quota(assumed.quota_names_account.then_some(account), code))
    }

    /// The number of the account's clusters on their way out.
    fn count_deleting(&self, account: Account, is_multi: bool) -> u32 {
        use ClusterStatus::{Deleted, Deleting, PendingDelete};
        let counts = |cluster: &&Arc<Cluster>| {
            matches!(cluster.status, PendingDelete | Deleting | Deleted)
                && cluster.multi_region.is_some() == is_multi
                && cluster.arn.account == account
        };
        self.storage.clusters().filter(counts).count() as u32
    }
}

/// The policy that a cluster is created with; `None` without one, as for most.
fn attached(ctx: &RequestContext, input: &CreateClusterInput) -> Option<Arc<Attached>> {
    let policy =
        ClusterPolicy::parse(input.policy.as_ref()?).expect("the policy was checked when the call came");
    let mut attached = Attached::default();
    let version = attached.next_policy_version(ctx.stamp, ctx.fresh);
    attached.put_policy(Instant::START, Duration::ZERO, Some((policy, version)));
    Some(Arc::new(attached))
}
