//! A client of a simulation: the operations of the API as methods with the names of the AWS SDKs, and
//! the members of their inputs as setters.

use std::fmt::Display;
use std::sync::Arc;

use crate::api::{
    CreateClusterInput, CreateStreamInput, DeleteClusterInput, DeleteClusterPolicyInput, DeleteStreamInput,
    GetClusterInput, GetClusterOutput, GetClusterPolicyInput, GetStreamInput, GetStreamOutput,
    GetVpcEndpointServiceNameInput, KinesisTargetDefinition, ListClustersInput, ListStreamsInput,
    ListTagsForResourceInput, MetricGroupRequest, MultiRegionProperties, OperationInput,
    PutClusterPolicyInput, Request, TagResourceInput, Tags, TargetDefinition, UntagResourceInput,
    UpdateClusterInput,
};
use crate::region::Region;
use crate::sim::client::{Call, Outcome, WaitFor};
use crate::types::{ClientId, ClientToken, ClusterArn, Identifier};

use super::Simulation;
use super::call_builder::{CallBuilder, CallError, answer};

/// A client of a [`Simulation`], which calls as an AWS SDK does: three attempts with back-off, and a client token of
/// its own making.
///
/// A call about a cluster goes to the cluster's Region. [`CallBuilder::region`] sends it elsewhere.
///
/// ```
/// use dsql_sim::prelude::*;
///
/// # fn main() -> Result<(), CallError> {
/// let mut sim = Simulation::new(Options::new(42));
/// let blue = sim.client("ops").create_cluster(Region::US_EAST_1).witness(Region::US_WEST_2).send()?;
/// let green = sim
///     .client("ops")
///     .create_cluster(Region::US_EAST_2)
///     .witness(Region::US_WEST_2)
///     .peer(blue.arn)
///     .send()?;
/// sim.client("ops").update_cluster(blue.arn).witness(Region::US_WEST_2).peer(green.arn).send()?;
/// let blue = sim.client("ops").wait_until_cluster_active(blue.arn)?;
///
/// // A linked cluster is not deleted before its deletion protection is off.
/// let refused = sim.client("ops").delete_cluster(blue.arn).send().expect_err("it is protected");
/// assert_eq!(refused.name(), "ValidationException");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client<'s> {
    simulation: &'s mut Simulation,
    id: ClientId,
}

impl<'s> Client<'s> {
    pub(super) fn new(simulation: &'s mut Simulation, id: ClientId) -> Client<'s> {
        Client { simulation, id }
    }

    /// The client, for faults on its messages.
    #[must_use]
    pub fn id(&self) -> ClientId {
        self.id
    }

    /// CreateCluster in `region`.
    pub fn create_cluster(&mut self, region: Region) -> CallBuilder<'_, CreateClusterInput> {
        self.call(region, CreateClusterInput::default())
    }

    /// UpdateCluster.
    pub fn update_cluster(&mut self, cluster: ClusterArn) -> CallBuilder<'_, UpdateClusterInput> {
        let identifier = cluster.identifier.to_string();
        self.call(cluster.region, UpdateClusterInput { identifier, ..UpdateClusterInput::default() })
    }

    /// DeleteCluster.
    pub fn delete_cluster(&mut self, cluster: ClusterArn) -> CallBuilder<'_, DeleteClusterInput> {
        let identifier = cluster.identifier.to_string();
        self.call(cluster.region, DeleteClusterInput { identifier, ..DeleteClusterInput::default() })
    }

    /// GetCluster.
    pub fn get_cluster(&mut self, cluster: ClusterArn) -> CallBuilder<'_, GetClusterInput> {
        self.call(cluster.region, GetClusterInput { identifier: cluster.identifier.to_string() })
    }

    /// ListClusters in `region`.
    pub fn list_clusters(&mut self, region: Region) -> CallBuilder<'_, ListClustersInput> {
        self.call(region, ListClustersInput::default())
    }

    /// TagResource: a cluster, or a stream by its ARN.
    pub fn tag_resource(&mut self, arn: impl Display) -> CallBuilder<'_, TagResourceInput> {
        let resource_arn = arn.to_string();
        let region = self.region_of(&resource_arn);
        self.call(region, TagResourceInput { resource_arn, ..TagResourceInput::default() })
    }

    /// UntagResource: a cluster, or a stream by its ARN.
    pub fn untag_resource(&mut self, arn: impl Display) -> CallBuilder<'_, UntagResourceInput> {
        let resource_arn = arn.to_string();
        let region = self.region_of(&resource_arn);
        self.call(region, UntagResourceInput { resource_arn, ..UntagResourceInput::default() })
    }

    /// ListTagsForResource: of a cluster, or of a stream by its ARN.
    pub fn list_tags_for_resource(&mut self, arn: impl Display) -> CallBuilder<'_, ListTagsForResourceInput> {
        let resource_arn = arn.to_string();
        let region = self.region_of(&resource_arn);
        self.call(region, ListTagsForResourceInput { resource_arn })
    }

    /// PutClusterPolicy.
    pub fn put_cluster_policy(&mut self, cluster: ClusterArn) -> CallBuilder<'_, PutClusterPolicyInput> {
        let identifier = cluster.identifier.to_string();
        self.call(cluster.region, PutClusterPolicyInput { identifier, ..PutClusterPolicyInput::default() })
    }

    /// GetClusterPolicy.
    pub fn get_cluster_policy(&mut self, cluster: ClusterArn) -> CallBuilder<'_, GetClusterPolicyInput> {
        self.call(cluster.region, GetClusterPolicyInput { identifier: cluster.identifier.to_string() })
    }

    /// DeleteClusterPolicy.
    pub fn delete_cluster_policy(
        &mut self,
        cluster: ClusterArn,
    ) -> CallBuilder<'_, DeleteClusterPolicyInput> {
        let identifier = cluster.identifier.to_string();
        let input = DeleteClusterPolicyInput { identifier, ..DeleteClusterPolicyInput::default() };
        self.call(cluster.region, input)
    }

    /// GetVpcEndpointServiceName.
    pub fn get_vpc_endpoint_service_name(
        &mut self,
        cluster: ClusterArn,
    ) -> CallBuilder<'_, GetVpcEndpointServiceNameInput> {
        let identifier = cluster.identifier.to_string();
        self.call(cluster.region, GetVpcEndpointServiceNameInput { identifier })
    }

    /// CreateStream, with the ordering and the format that the API model has one value of.
    pub fn create_stream(&mut self, cluster: ClusterArn) -> CallBuilder<'_, Box<CreateStreamInput>> {
        let input = CreateStreamInput {
            cluster_identifier: cluster.identifier.to_string(),
            ordering: Some("UNORDERED".into()),
            format: Some("JSON".into()),
            ..CreateStreamInput::default()
        };
        self.call(cluster.region, Box::new(input))
    }

    /// GetStream.
    pub fn get_stream(&mut self, cluster: ClusterArn, stream: Identifier) -> CallBuilder<'_, GetStreamInput> {
        let (cluster_identifier, stream_identifier) = (cluster.identifier.to_string(), stream.to_string());
        self.call(cluster.region, GetStreamInput { cluster_identifier, stream_identifier })
    }

    /// ListStreams.
    pub fn list_streams(&mut self, cluster: ClusterArn) -> CallBuilder<'_, ListStreamsInput> {
        let cluster_identifier = cluster.identifier.to_string();
        self.call(cluster.region, ListStreamsInput { cluster_identifier, ..ListStreamsInput::default() })
    }

    /// DeleteStream.
    pub fn delete_stream(
        &mut self,
        cluster: ClusterArn,
        stream: Identifier,
    ) -> CallBuilder<'_, DeleteStreamInput> {
        let (cluster_identifier, stream_identifier) = (cluster.identifier.to_string(), stream.to_string());
        let input =
            DeleteStreamInput { cluster_identifier, stream_identifier, ..DeleteStreamInput::default() };
        self.call(cluster.region, input)
    }

    /// Calls GetCluster every 2 seconds until the cluster is ACTIVE, up to 60 times.
    ///
    /// # Errors
    /// A call failed or its outcome is unknown, the cluster did not become ACTIVE, or an invariant is violated.
    pub fn wait_until_cluster_active(&mut self, cluster: ClusterArn) -> Result<GetClusterOutput, CallError> {
        answer::<GetClusterInput>(&self.wait_for_cluster(cluster, WaitFor::ClusterActive)?)
    }

    /// Calls GetCluster every 2 seconds until the cluster is not found, up to 60 times.
    ///
    /// # Errors
    /// A call failed for another reason or its outcome is unknown, the cluster is still there, or an invariant is
    /// violated.
    pub fn wait_until_cluster_not_exists(&mut self, cluster: ClusterArn) -> Result<(), CallError> {
        match self.wait_for_cluster(cluster, WaitFor::ClusterNotExists)? {
            Outcome::Gone => Ok(()),
            outcome => answer::<GetClusterInput>(&outcome).map(drop),
        }
    }

    /// Calls GetStream every 2 seconds until the stream is ACTIVE, up to 60 times.
    ///
    /// # Errors
    /// A call failed or its outcome is unknown, the stream did not become ACTIVE, or an invariant is violated.
    pub fn wait_until_stream_active(
        &mut self,
        cluster: ClusterArn,
        stream: Identifier,
    ) -> Result<Box<GetStreamOutput>, CallError> {
        answer::<GetStreamInput>(&self.wait_for_stream(cluster, stream, WaitFor::StreamActive)?)
    }

    /// Calls GetStream every 2 seconds until the stream is not found, up to 60 times.
    ///
    /// # Errors
    /// A call failed for another reason or its outcome is unknown, the stream is still there, or an invariant is
    /// violated.
    pub fn wait_until_stream_not_exists(
        &mut self,
        cluster: ClusterArn,
        stream: Identifier,
    ) -> Result<(), CallError> {
        match self.wait_for_stream(cluster, stream, WaitFor::StreamNotExists)? {
            Outcome::Gone => Ok(()),
            outcome => answer::<GetStreamInput>(&outcome).map(drop),
        }
    }

    /// Creates a cluster in each of two Regions, names each as the other's peer, and waits until both are ACTIVE. The
    /// Regions and the `witness` differ, and belong to one Region set.
    ///
    /// # Errors
    /// Those of the calls.
    pub fn create_linked_pair(
        &mut self,
        first: Region,
        second: Region,
        witness: Region,
    ) -> Result<(ClusterArn, ClusterArn), CallError> {
        let first = self.create_cluster(first).witness(witness).send()?.arn;
        let second = self.create_cluster(second).witness(witness).peer(first).send()?.arn;
        self.update_cluster(first).witness(witness).peer(second).send()?;
        self.wait_until_cluster_active(first)?;
        self.wait_until_cluster_active(second)?;
        Ok((first, second))
    }

    fn call<I: OperationInput>(&mut self, region: Region, input: I) -> CallBuilder<'_, I> {
        CallBuilder::new(self.simulation, self.id, region, input)
    }

    fn wait_for_cluster(&mut self, cluster: ClusterArn, condition: WaitFor) -> Result<Outcome, CallError> {
        let get = GetClusterInput { identifier: cluster.identifier.to_string() };
        self.wait(cluster.region, Request::GetCluster(get), condition)
    }

    fn wait_for_stream(
        &mut self,
        cluster: ClusterArn,
        stream: Identifier,
        condition: WaitFor,
    ) -> Result<Outcome, CallError> {
        let (cluster_identifier, stream_identifier) = (cluster.identifier.to_string(), stream.to_string());
        let get = GetStreamInput { cluster_identifier, stream_identifier };
        self.wait(cluster.region, Request::GetStream(get), condition)
    }

    fn wait(&mut self, region: Region, get: Request, condition: WaitFor) -> Result<Outcome, CallError> {
        let key = self.simulation.next_key(self.id);
        let call = Call { waiter: Some(condition), ..Call::new(region, get, key) };
        let call = self.simulation.call(self.id, call);
        Ok(self.simulation.finish_and_take(call)?)
    }

    /// The Region in an ARN. What is no ARN is refused by the service, whichever Region is called.
    fn region_of(&self, arn: &str) -> Region {
        let home = self.simulation.world().options().clients[self.id.0 as usize].home;
        arn.split(':').nth(3).and_then(Region::parse).unwrap_or(home)
    }
}

/// A member of an input, present or absent.
trait SettableMember {
    /// The type of a member that is present.
    type Value;

    fn set(&mut self, value: Self::Value);
}

impl<T> SettableMember for Option<T> {
    type Value = T;

    fn set(&mut self, value: T) {
        *self = Some(value);
    }
}

impl SettableMember for String {
    type Value = String;

    fn set(&mut self, value: String) {
        *self = value;
    }
}

/// Defines a setter for each member of an input. The members behind `by hand` have setters below. A member that is in
/// neither list is a compile error.
macro_rules! setters {
    ($($input:ident $(in $container:ident)? {
        $($member:ident: $value:ty,)*
    } by hand { $($other:ident),* })+) => {$(
        impl CallBuilder<'_, setters!(@ $input $(in $container)?)> {
            $(
                #[doc = concat!("Sets [`", stringify!($member), "`](")]
                #[doc = concat!(stringify!($input), "::", stringify!($member), ").")]
                pub fn $member(mut self, value: impl Into<$value>) -> Self {
                    self.input.$member.set(value.into());
                    self
                }
            )*
        }

        const _: fn(&$input) = |input| {
            let $input { $($member: _,)* $($other: _,)* } = input;
        };
    )+};
    (@ $input:ident in $container:ident) => { $container<$input> };
    (@ $input:ident) => { $input };
}

setters! {
    CreateClusterInput {
        deletion_protection_enabled: bool,
        kms_encryption_key: Arc<str>,
        client_token: ClientToken,
        multi_region_properties: Box<MultiRegionProperties>,
        policy: Arc<str>,
        bypass_policy_lockout_safety_check: bool,
    } by hand { tags, metric_groups }
    UpdateClusterInput {
        identifier: String,
        deletion_protection_enabled: bool,
        kms_encryption_key: Arc<str>,
        client_token: ClientToken,
        multi_region_properties: Box<MultiRegionProperties>,
    } by hand { metric_groups }
    DeleteClusterInput { identifier: String, client_token: ClientToken, } by hand {}
    GetClusterInput { identifier: String, } by hand {}
    ListClustersInput { max_results: i64, next_token: String, } by hand {}
    TagResourceInput { resource_arn: String, } by hand { tags }
    UntagResourceInput { resource_arn: String, } by hand { tag_keys }
    ListTagsForResourceInput { resource_arn: String, } by hand {}
    PutClusterPolicyInput {
        identifier: String,
        policy: Arc<str>,
        bypass_policy_lockout_safety_check: bool,
        expected_policy_version: String,
        client_token: ClientToken,
    } by hand {}
    GetClusterPolicyInput { identifier: String, } by hand {}
    DeleteClusterPolicyInput {
        identifier: String,
        expected_policy_version: String,
        client_token: ClientToken,
    } by hand {}
    GetVpcEndpointServiceNameInput { identifier: String, } by hand {}
    CreateStreamInput in Box {
        cluster_identifier: String,
        target_definition: Box<TargetDefinition>,
        ordering: Arc<str>,
        format: Arc<str>,
        client_token: ClientToken,
    } by hand { tags }
    GetStreamInput { cluster_identifier: String, stream_identifier: String, } by hand {}
    ListStreamsInput { cluster_identifier: String, max_results: i64, next_token: String, } by hand {}
    DeleteStreamInput {
        cluster_identifier: String,
        stream_identifier: String,
        client_token: ClientToken,
    } by hand {}
}

/// Defines the setters of the multi-Region properties and of the metric groups.
macro_rules! settings {
    ($($input:ident)+) => {$(
        impl CallBuilder<'_, $input> {
            /// Sets the witness Region of the multi-Region properties.
            #[doc(alias = "witness_region")]
            pub fn witness(mut self, witness: Region) -> Self {
                self.properties().witness_region = Some(witness.to_string());
                self
            }

            /// Names the peer in the multi-Region properties.
            #[doc(alias = "clusters")]
            #[doc(alias = "multi_region_properties")]
            pub fn peer(mut self, peer: ClusterArn) -> Self {
                self.properties().clusters.get_or_insert_default().push(peer.to_string());
                self
            }

            /// Adds a metric group, such as `STATEMENT_STATISTICS`.
            pub fn metric_groups(mut self, group: impl Into<String>) -> Self {
                let mut groups = self.input.metric_groups.take().unwrap_or_default().into_vec();
                groups.push(MetricGroupRequest { metric_group: Some(group.into()) });
                self.input.metric_groups = Some(groups.into());
                self
            }

            fn properties(&mut self) -> &mut MultiRegionProperties {
                self.input.multi_region_properties.get_or_insert_default()
            }
        }
    )+};
}

settings! { CreateClusterInput UpdateClusterInput }

/// Defines the setter of an input's tags.
macro_rules! tags {
    ($($input:ty)*) => {$(
        impl CallBuilder<'_, $input> {
            /// Adds a tag.
            pub fn tags(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
                add_tag(self.input.tags.get_or_insert_default(), key.into(), value.into());
                self
            }
        }
    )*};
}

tags! { CreateClusterInput TagResourceInput Box<CreateStreamInput> }

fn add_tag(tags: &mut Tags, key: String, value: String) {
    Arc::make_mut(tags).insert(key, value);
}

impl CallBuilder<'_, UntagResourceInput> {
    /// Adds the key of a tag to remove.
    pub fn tag_keys(mut self, key: impl Into<String>) -> Self {
        self.input.tag_keys.get_or_insert_default().push(key.into());
        self
    }
}

impl CallBuilder<'_, Box<CreateStreamInput>> {
    /// Sets the target: a Kinesis data stream, and the role that writes to it.
    pub fn kinesis(mut self, stream_arn: impl Into<String>, role_arn: impl Into<String>) -> Self {
        let kinesis =
            KinesisTargetDefinition { stream_arn: Some(stream_arn.into()), role_arn: Some(role_arn.into()) };
        self.input.target_definition = Some(Box::new(TargetDefinition { kinesis: Some(kinesis) }));
        self
    }
}
