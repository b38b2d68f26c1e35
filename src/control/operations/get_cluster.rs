//! GetCluster.

use std::sync::Arc;

use crate::api::{EncryptionStatus, Error, GetClusterInput, GetClusterOutput, Response};
use crate::control::mutant::{in_own_account, planted};
use crate::control::operations::Handler;
use crate::control::peering::LinkOutcome;
use crate::control::records::Cluster;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};
use crate::types::ClusterStatus;

impl Handler for GetClusterInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let cluster = plane.find(ctx.caller.account, &self.identifier)?;
        let mut output = cluster.describe(&plane.assumptions);
        if plane.assumptions.silent_peer_shows_declaration {
            plane.show_silent_declaration(cluster, &mut output);
        }
        planted!(plane.mutants, EncryptionShownEnabled => if let Some(details) = &mut output.encryption_details {
            details.encryption_status = EncryptionStatus::Enabled;
        });
        planted!(plane.mutants, OwnedKeyInOwnAccount => in_own_account(cluster, &mut output));
        planted!(plane.mutants, ProtectionShownOn => output.deletion_protection_enabled = true);
        planted!(plane.mutants, MetricGroupsShownWhenActive if cluster.status != ClusterStatus::Active =>
            output.metric_groups = None);
        planted!(plane.mutants, PeerShownWhenLinked if cluster.linked_peer().is_none() =>
            if let Some(shown) = &mut output.multi_region_properties { shown.clusters.truncate(1) });
        planted!(plane.mutants, OwnArnOmitted =>
            if let Some(shown) = &mut output.multi_region_properties { shown.clusters.remove(0); });
        output.status = plane.shown_statuses.show(&output, turn.now(), ctx.stamp, &plane.assumptions);
        let response = Arc::new(Response::GetCluster(output));
        turn.answer(ctx.delivery, response)
    }
}

impl ControlPlane {
    /// Adds the ARN of a cluster that has declared this one, while this one declares no peer (assumption
    /// `silent_peer_shows_declaration`).
    fn show_silent_declaration(&self, cluster: &Cluster, output: &mut GetClusterOutput) {
        let Some(properties) = output.multi_region_properties.as_mut().filter(|it| it.clusters.len() == 1)
        else {
            // A single-Region cluster, or one that shows a peer of its own.
            return;
        };
        properties.clusters.extend(self.storage.registers().iter().find_map(|(register, acceptor)| {
            let other = register.other(cluster.arn)?;
            let (_, value) = acceptor.accepted?;
            (value.outcome == LinkOutcome::Open && value.has_declared(register.side(other))).then_some(other)
        }));
    }
}
