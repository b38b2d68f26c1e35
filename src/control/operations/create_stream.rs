//! CreateStream.

use std::sync::Arc;

use crate::api::{CreateStreamInput, Error, Response, StreamStatus};
use crate::control::authorization::{
    IamAction, PermissionScope, RequestAttributes, Require, RequiredPermission, required_permissions,
};
use crate::control::mutant::Mutant;
use crate::control::operations::{Handler, Resource};
use crate::control::records::{MAX_STREAMS, Stream};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::ClusterStatus;

impl Handler for CreateStreamInput {
    fn resource(&self) -> Resource<'_> {
        Resource::Cluster(&self.cluster_identifier)
    }

    fn permissions(&self, scope: &PermissionScope<'_>, require: Require<'_>) -> Result<(), Error> {
        let attributes = RequestAttributes { tags: self.tags.as_ref(), ..RequestAttributes::default() };
        require(RequiredPermission::new(scope.action, &scope.arn).with(attributes))?;
        let target = self.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
        if let Some(role) = target.and_then(|target| target.role_arn.as_deref()) {
            required_permissions::pass_role(role, require)?;
        }
        // The stream reads what the cluster's key encrypts.
        let key = scope.cluster.and_then(|cluster| cluster.kms_key.as_deref());
        required_permissions::keys(scope.home, key, &[IamAction::DECRYPT], require)
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        plane.create_stream(turn, ctx, self)
    }
}

impl ControlPlane {
    /// Handles CreateStream: an ACTIVE cluster without another call on it.
    fn create_stream(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &CreateStreamInput,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.caller.account, &input.cluster_identifier)?.clone();
        match cluster.status {
            // The unfinished call may delete the cluster, or write over the stream.
            ClusterStatus::Active if self.is_busy(&cluster) => {
                return Err(errors::busy("create stream of", &cluster));
            }
            ClusterStatus::Active => {}
            ClusterStatus::Idle | ClusterStatus::Inactive if self.mutants.has(Mutant::AsleepGetsStream) => {}
            ClusterStatus::Idle | ClusterStatus::Inactive => return Err(errors::asleep(&cluster)),
            _ => return Err(errors::wrong_state(self.assumptions.wrong_state, "create stream of", &cluster)),
        }
        let streams = cluster.streams();
        if streams.len() >= MAX_STREAMS && !self.mutants.has(Mutant::StreamQuotaIgnored) {
            turn.cover(CoverageMark::StreamLimitReached);
            return Err(errors::stream_limit(&cluster));
        }
        let last = streams.last().map(|stream| stream.identifier);
        let number = cluster.attached.as_ref().map_or(0, |attached| attached.numbered) + 1;
        let with_cluster = self.mutants.has(Mutant::StreamBornWithCluster);
        let stream = Stream {
            number,
            identifier: last.filter(|_| self.mutants.has(Mutant::StreamNameReused)).unwrap_or(ctx.fresh),
            status: StreamStatus::Creating,
            creation_time: if with_cluster { cluster.creation_time } else { ctx.stamp },
            target: input.target_definition.clone().unwrap_or_default(),
            tags: input.tags.clone().unwrap_or_default(),
        };
        let response = Arc::new(Response::CreateStream(Box::new(stream.created(cluster.arn))));
        let token = ctx.token_write(turn, &response);
        self.set_stream_timer(turn, &cluster, &stream);
        self.write_attached(turn, ctx, &cluster, token, |attached| {
            attached.numbered = number;
            attached.streams.push(stream);
        });
        self.keep_in_memory(turn, Mutant::StreamInMemory);
        turn.reply(&[ctx.delivery], Ok(response));
        Ok(())
    }
}
