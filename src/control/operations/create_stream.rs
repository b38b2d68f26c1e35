//! CreateStream: on an ACTIVE cluster without another call on it.

use std::sync::Arc;

use crate::api::{
    CreateStreamInput, Error, Response, StreamFailureErrorCode, StreamStatus, TargetDefinition,
};
use crate::control::authorization::{
    IamAction, PermissionScope, RequestAttributes, Require, RequiredPermission, required_permissions,
};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::records::{Cluster, MAX_STREAMS, Stream};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::{ClusterArn, ClusterStatus};

impl Handler for CreateStreamInput {
    fn permissions(&self, scope: &PermissionScope<'_>, require: Require<'_>) -> Result<(), Error> {
        let attributes = RequestAttributes { tags: self.tags.as_ref(), ..RequestAttributes::default() };
        require(RequiredPermission::new(scope.action, &scope.arn).with(attributes))?;
        // The stream has no identifier yet.
        let any = format!("{}/stream/*", scope.arn);
        required_permissions::tags_at_creation(&any, self.tags.as_ref(), require)?;
        let target = self.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
        if let Some(role) = target.and_then(|target| target.role_arn.as_deref()) {
            required_permissions::pass_role(role, require)?;
        }
        // The stream reads what the cluster's key encrypts.
        let key = scope.cluster.and_then(|cluster| cluster.kms_key.as_ref());
        required_permissions::keys(scope, key, &[IamAction::DECRYPT], require)
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let cluster = plane.find(ctx.caller.account, &self.cluster_identifier)?.clone();
        let count = self.tags.as_ref().map_or(0, |tags| tags.len());
        plane.check_tag_count(turn, count, ("", "stream"))?;
        plane.check_target(self, &cluster)?;
        let mut status = cluster.status;
        planted!(plane.mutants, AsleepGetsStream if matches!(status, ClusterStatus::Idle | ClusterStatus::Inactive) =>
            status = ClusterStatus::Active);
        match status {
            // The unfinished call may delete the cluster, or write over the stream.
            ClusterStatus::Active if plane.is_busy(&cluster) => {
                return Err(errors::busy("create stream of", &cluster));
            }
            ClusterStatus::Active => {}
            ClusterStatus::Idle | ClusterStatus::Inactive => return Err(errors::asleep(&cluster)),
            _ => {
                return Err(errors::wrong_state(plane.assumptions.wrong_state, "create stream of", &cluster));
            }
        }
        let streams = cluster.streams();
        let mut is_full = streams.len() >= MAX_STREAMS;
        planted!(plane.mutants, StreamQuotaIgnored => is_full = false);
        if is_full {
            turn.cover(CoverageMark::StreamLimitReached);
            return Err(errors::stream_limit(&cluster));
        }
        let mut identifier = ctx.fresh;
        planted!(plane.mutants, StreamNameReused =>
            identifier = streams.last().map_or(identifier, |last| last.identifier));
        let number = cluster.attached.as_ref().map_or(0, |attached| attached.numbered) + 1;
        let mut creation_time = ctx.stamp;
        planted!(plane.mutants, StreamBornWithCluster => creation_time = cluster.creation_time);
        let stream = Stream {
            number,
            identifier,
            status: StreamStatus::Creating,
            creation_time,
            target: self.target_definition.clone().unwrap_or_default(),
            tags: self.tags.clone().unwrap_or_default(),
            reason: None,
        };
        let response = Arc::new(Response::CreateStream(Box::new(stream.created(cluster.arn))));
        let token = ctx.token_write(turn, &response);
        plane.set_stream_timer(turn, &cluster, &stream);
        plane.write_attached(turn, ctx, &cluster, token, |attached| {
            attached.numbered = number;
            attached.streams.push(stream);
        });
        planted!(plane.mutants, StreamInMemory => turn.drop_last_persist());
        turn.answer(ctx.delivery, response)
    }
}

impl ControlPlane {
    /// Checks the target of a new stream of `cluster`.
    fn check_target(&self, input: &CreateStreamInput, cluster: &Cluster) -> Result<(), Error> {
        let target = input.target_definition.as_deref();
        let mut misplaced = target.and_then(|target| misplaced_part(target, cluster.arn));
        planted!(self.mutants, TargetElsewhereAccepted => misplaced = None);
        if let Some(part) = misplaced {
            return Err(errors::target_elsewhere(self.assumptions.stream_target_elsewhere, &part, cluster));
        }
        let kinesis = target.and_then(|target| target.kinesis.as_ref());
        let role = kinesis.and_then(|kinesis| kinesis.role_arn.as_deref()).unwrap_or_default();
        let mut error = self.environment.targets.get(role);
        planted!(self.mutants, RoleNotTried => error = None);
        if error == Some(StreamFailureErrorCode::RoleAccessDenied) {
            return Err(errors::role_inaccessible(role));
        }
        Ok(())
    }
}

/// The part of the target that a stream of `cluster` cannot deliver to, as the end of a sentence.
///
/// Cluster, Kinesis stream and role belong to one account, and the Kinesis stream to the cluster's Region (User Guide,
/// "Getting started with CDC streams", prerequisites). The refusal is not documented: its time and its exception are
/// our choice.
fn misplaced_part(target: &TargetDefinition, cluster: ClusterArn) -> Option<String> {
    let kinesis = target.kinesis.as_ref()?;
    let part = |arn: &Option<String>, index| arn.as_deref()?.split(':').nth(index).map(str::to_owned);
    let (region, account) = (cluster.region.name(), cluster.account.to_string());
    let is_other = |found: &Option<String>, own: &str| found.as_deref().is_some_and(|found| found != own);
    if is_other(&part(&kinesis.stream_arn, REGION), region) {
        return Some(format!("the Kinesis stream is not in Region {region}"));
    }
    if is_other(&part(&kinesis.stream_arn, ACCOUNT), &account) {
        return Some(format!("the Kinesis stream does not belong to account {account}"));
    }
    is_other(&part(&kinesis.role_arn, ACCOUNT), &account)
        .then(|| format!("the role does not belong to account {account}"))
}

/// The positions of the Region and of the account in an ARN.
const REGION: usize = 3;
const ACCOUNT: usize = 4;
