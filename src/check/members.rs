//! The members of errors: the resource, the quota, the members of the request, and the Regions that did not answer.
//! (API reference, the members of each exception.)

use crate::api::{Error, Field, Request, Tags, ValidationReason};
use crate::control::assumptions::Refusal;
use crate::region::Region;
use crate::types::ClusterArn;

use super::open::OpenCall;
use super::records::Records;
use super::{WorldView, demands};

/// Whether the members of `error` agree with the request and the records. The message of a denial is checked with its
/// cause, and no control plane throttles.
pub(super) fn are_right(view: &dyn WorldView, records: &Records, call: &OpenCall, error: &Error) -> bool {
    let members = ErrorMembers { view, records, call };
    match error {
        Error::Validation { reason: ValidationReason::FieldValidationFailed, field_list, .. } => {
            match call.request.validate() {
                Err(broken) => *error == broken,
                // A page token is compared with its listing after the constraints.
                Ok(()) => matches!(&field_list[..], [field] if field.name == "nextToken"),
            }
        }
        Error::Validation { field_list, message, .. } => members.are_fields(field_list, message),
        Error::ServiceQuotaExceeded { resource_id, resource_type, service_code, quota_code, .. } => {
            let named = (resource_id.clone(), &**resource_type, &**quota_code);
            service_code == "dsql" && members.quota() == Some(named)
        }
        Error::ResourceNotFound { resource_id, resource_type, .. } => {
            members.is_resource(resource_id, resource_type, Refusal::NotFound)
        }
        Error::Conflict { resource_id: Some(resource_id), resource_type: Some(resource_type), .. } => {
            members.is_resource(resource_id, resource_type, Refusal::Conflict)
        }
        // A conflict over a client token concerns no resource.
        Error::Conflict { resource_id, resource_type, .. } => {
            resource_id.is_none() && resource_type.is_none() && call.request.client_token().is_some()
        }
        // (API reference, InternalServerException: the header `Retry-After`.)
        Error::InternalServer { message, retry_after_seconds } => {
            retry_after_seconds.is_some() && members.are_silent(message)
        }
        Error::AccessDenied { .. } | Error::Throttling { .. } => true,
    }
}

struct ErrorMembers<'a> {
    view: &'a dyn WorldView,
    records: &'a Records,
    call: &'a OpenCall,
}

impl ErrorMembers<'_> {
    /// The resource whose quota was reached, its type, and the code of the quota in Service Quotas.
    fn quota(&self) -> Option<(String, &'static str, &'static str)> {
        let assumed = self.view.assumptions();
        let are_many = |tags: &Option<Tags>| {
            tags.as_ref().is_some_and(|tags| tags.len() > assumed.tags_per_resource as usize)
        };
        match &*self.call.request {
            // A resource that would have too many tags from the beginning has no identifier.
            Request::CreateCluster(input) if are_many(&input.tags) => Some((String::new(), "cluster", "")),
            Request::CreateStream(input) if are_many(&input.tags) => Some((String::new(), "stream", "")),
            Request::CreateCluster(_) => {
                let account = assumed.quota_names_account.then(|| self.call.account.to_string());
                let is_multi = demands::properties(&self.call.request).is_some();
                let code = if is_multi { "L-DCF93F11" } else { "L-B3A4E51E" };
                Some((account.unwrap_or_default(), "cluster", code))
            }
            Request::TagResource(input) => {
                let is_stream = input.resource_arn.contains("/stream/");
                Some((self.identifier(), if is_stream { "stream" } else { "cluster" }, ""))
            }
            Request::CreateStream(_) => Some((self.identifier(), "stream", "")),
            _ => None,
        }
    }

    /// Whether a refusal of this kind may name this resource.
    fn is_resource(&self, id: &str, kind: &str, refusal: Refusal) -> bool {
        let request = &*self.call.request;
        let exists = self.records.cluster_of(self.call).is_some();
        let is_missing = refusal == Refusal::NotFound;
        let is_named = match (request, request.stream_identifier()) {
            (_, Some(stream)) if kind == "stream" => exists && id == stream,
            (_, Some(_)) => !exists && kind == "cluster" && id == self.identifier(),
            (Request::GetClusterPolicy(_) | Request::DeleteClusterPolicy(_), _) if exists && is_missing => {
                kind == "cluster-policy" && id == self.identifier()
            }
            _ => kind == "cluster" && id == self.identifier(),
        };
        let assumed = self.view.assumptions();
        let is_token = assumed.token_mismatch == refusal && request.client_token().is_some();
        let lists = |properties: &crate::api::MultiRegionProperties| {
            let listed = properties.clusters.iter().flatten();
            id.is_empty() || listed.into_iter().any(|arn| arn.eq_ignore_ascii_case(id)) || self.keeps(id)
        };
        let is_peer = demands::properties(request).is_some_and(lists);
        is_named || (kind == "cluster" && (is_peer || (is_token && id.is_empty())))
    }

    /// Whether the fields are none, or the one member that a refused peer is reported under.
    fn are_fields(&self, fields: &[Field], message: &str) -> bool {
        let [field] = fields else { return fields.is_empty() };
        demands::properties(&self.call.request).is_some()
            && field.name == "multiRegionProperties.clusters"
            && field.message == message
    }

    /// Whether a message about Regions that did not answer names only Regions that the call depends on. Where the
    /// link register was not changed in time, neither of the two that would have made a majority answered.
    fn are_silent(&self, message: &str) -> bool {
        let Some(properties) = demands::properties(&self.call.request) else { return false };
        let cluster = self.records.cluster_of(self.call);
        let known = cluster.and_then(|cluster| cluster.multi_region.as_deref());
        let kept = known.and_then(|known| known.peer);
        if let Some((_, named)) = message.split_once("no agreement in time with ") {
            let both = known.zip(kept).map(|(known, kept)| format!("{} or {}.", kept.region, known.witness));
            return both.as_deref() == Some(named);
        }
        let Some((_, named)) = message.split_once("no answer from ") else { return false };
        let witness = properties.witness_region.as_deref().and_then(Region::parse);
        let listed = properties.clusters.iter().flatten().filter_map(|arn| ClusterArn::parse(arn));
        let requested: Vec<Region> =
            listed.chain(kept).chain(self.call.peer).map(|peer| peer.region).chain(witness).collect();
        let mut named: Vec<Option<Region>> =
            named.trim_end_matches('.').split(", ").map(Region::parse).collect();
        let count = named.len();
        named.sort_unstable();
        named.dedup();
        named.len() == count && named.iter().all(|region| region.is_some_and(|it| requested.contains(&it)))
    }

    /// Whether `peer` is the peer that the cluster has already, which the request need not list.
    fn keeps(&self, peer: &str) -> bool {
        let cluster = self.records.cluster_of(self.call).and_then(|cluster| cluster.multi_region.as_deref());
        cluster.and_then(|it| it.peer).is_some_and(|kept| kept.to_string() == peer)
    }

    /// The identifier in the request, as the caller gave it.
    fn identifier(&self) -> String {
        let request = &*self.call.request;
        let arn = request.resource_arn().and_then(|arn| arn.rsplit('/').next());
        request.identifier().or(arn).unwrap_or_default().to_owned()
    }
}
