//! What every node asks before it does something for a caller.
//!
//! A node judges what is asked of it by itself, so that the witness Region and a peer's Region have a say of their own.

use std::sync::Arc;

use crate::api::{Error, Operation, Request, Tags};
use crate::iam::{
    self, AccessRequest, Context, ContextMap, ContextValues, Decision, Document, Evaluation, Identity, Key,
    PolicyEffect, PolicyKind,
};
use crate::region::Region;
use crate::types::{Identifier, Instant};

use super::authorization::{Caller, Denials, IamAction, Principals};
use super::cluster::Cluster;
use super::message::{Delivery, Effect};
use super::mutant::Mutant;
use super::required_permissions::{self, AccountScope, RequiredPermission};
use super::{ControlPlane, RequestContext};

/// What a node asks whether something may be done.
#[derive(Clone, Debug)]
pub struct Authorizer {
    region: Region,
    denials: Denials,
    principals: Arc<Principals>,
}

/// A check that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// For which call.
    pub call: Delivery,
    /// Who called.
    pub caller: Caller,
    /// Where it was made.
    pub region: Region,
    /// What was asked for.
    pub action: IamAction,
    /// With what: an ARN, or `*`.
    pub resource: String,
    /// What the request said of itself.
    pub attributes: ContextMap,
    /// What came of it.
    pub decision: Decision,
}

/// What a resource itself says on who may do what with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceAttributes<'a> {
    /// Its tags.
    pub tags: Option<&'a Tags>,
    /// Its policy.
    pub policy: Option<&'a Document>,
}

/// Why somebody may not do something. A message between nodes carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// None of these policies allows it.
    Implicit(PolicyKind),
    /// One of these policies denies it.
    Explicit(PolicyKind),
}

impl Authorizer {
    /// The guard of a node in `region`.
    #[must_use]
    pub fn new(region: Region, principals: Arc<Principals>) -> Authorizer {
        Authorizer { region, denials: Denials::default(), principals }
    }

    /// What is denied here to everybody.
    pub fn denials_mut(&mut self) -> &mut Denials {
        &mut self.denials
    }

    /// Whether there is nothing to ask: nothing is denied, and the caller may do everything.
    #[inline]
    pub(super) fn is_unrestricted(&self, caller: Caller) -> bool {
        caller.principal.is_none() && self.denials.is_empty() && !self.principals.are_watched
    }

    /// Whether `asker` may do what `need` says, for `call`.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(
        &self,
        call: Delivery,
        caller: Caller,
        permission: RequiredPermission<'_>,
        attributes: ResourceAttributes<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        if self.denials.contains(permission.action) {
            out.push(Effect::Denied(permission.action));
            return Err(Denial::Implicit(PolicyKind::Identity));
        }
        if caller.principal.is_some() {
            let judged = self.evaluate(call, caller, permission, attributes, out);
            out.extend(judged.err().map(|_| Effect::Denied(permission.action)));
            return judged;
        }
        // He may do everything, and no cluster's policy binds him.
        if self.principals.are_watched {
            self.record(call, caller, permission, Decision::UNRESTRICTED, out);
        }
        Ok(())
    }

    /// The same by policies alone, and whoever asks.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn evaluate(
        &self,
        call: Delivery,
        caller: Caller,
        permission: RequiredPermission<'_>,
        attributes: ResourceAttributes<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        let identity = &*self.principals.identity(caller);
        let context = Asked { identity, region: self.region, permission, tags: attributes.tags };
        let question = AccessRequest {
            principal: &identity.principal,
            action: permission.action.iam_name(),
            resource: permission.resource,
            context: &context,
        };
        let policies = identity.policies(attributes.policy);
        let verdict = iam::evaluate(policies, question);
        if self.principals.are_watched {
            self.record(call, caller, permission, iam::explain(policies, question, verdict), out);
        }
        Denial::of(verdict).map_or(Ok(()), Err)
    }

    fn record(
        &self,
        call: Delivery,
        caller: Caller,
        permission: RequiredPermission<'_>,
        decision: Decision,
        out: &mut Vec<Effect>,
    ) {
        let RequiredPermission { action, resource, attributes } = permission;
        let (resource, attributes) = (resource.to_owned(), ContextMap::of(&attributes));
        let checked = Checked { call, caller, region: self.region, action, resource, attributes, decision };
        out.push(Effect::Checked(Box::new(checked)));
    }

    /// AccessDeniedException, as AWS words it, for what was `denied` to `asker` in `region`.
    pub(super) fn error(
        &self,
        caller: Caller,
        permission: RequiredPermission<'_>,
        region: Region,
        denial: Denial,
    ) -> Error {
        if permission.action == IamAction::CreateServiceLinkedRole {
            return Error::AccessDenied { message: NO_SERVICE_LINKED_ROLE.to_owned() };
        }
        let (who, RequiredPermission { action, resource, .. }) = (self.principals.arn(caller), permission);
        let why = denial.reason(action);
        Error::AccessDenied {
            message: format!(
                "User: {who} is not authorized to perform: {action} on resource: {resource} {why} (checked in {region})"
            ),
        }
    }
}

impl ControlPlane {
    /// Whether `caller` may do here all that the request needs here.
    pub(super) fn authorize(
        &self,
        now: Instant,
        ctx: &RequestContext,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        if self.authorizer.is_unrestricted(ctx.caller()) {
            return Ok(());
        }
        if self.mutants.has(Mutant::ReadsNotAsked) && !ctx.request.operation().changes() {
            return Ok(());
        }
        let (cluster, stream) = self.named_resource(ctx);
        let cluster = cluster.as_deref();
        let home = AccountScope::of(self.region, ctx.account);
        required_permissions::local(&ctx.request, &home, cluster, ctx.lacks_role, &mut |permission| {
            let attributes = match (cluster, stream) {
                (Some(cluster), _) if permission.resource == cluster.arn.to_string() => {
                    self.attributes(now, cluster)
                }
                (Some(cluster), Some(stream)) if permission.resource.contains("/stream/") => {
                    ResourceAttributes {
                        tags: cluster.stream(stream).map(|stream| &stream.tags),
                        policy: None,
                    }
                }
                _ => ResourceAttributes::default(),
            };
            if self.is_check_skipped(ctx, permission) {
                return Ok(());
            }
            let mut checked = self.authorizer.check(ctx.delivery, ctx.caller(), permission, attributes, out);
            match checked {
                Err(Denial::Explicit(_)) if self.mutants.has(Mutant::ExplicitDenyIgnored) => return Ok(()),
                Err(Denial::Implicit(PolicyKind::Boundary)) if self.mutants.has(Mutant::BoundaryIgnored) => {
                    return Ok(());
                }
                _ => {}
            }
            let is_session = self.authorizer.principals.identity(ctx.caller()).principal.role().is_some();
            if is_session && self.mutants.has(Mutant::SessionWithoutPolicies) {
                checked = Err(Denial::Implicit(PolicyKind::Identity));
            }
            checked.map_err(|denial| self.authorizer.error(ctx.caller(), permission, self.region, denial))
        })
    }

    /// Whether a planted bug makes it forget to check what is needed.
    fn is_check_skipped(&self, ctx: &RequestContext, permission: RequiredPermission<'_>) -> bool {
        let forgets = |mutant, action| self.mutants.has(mutant) && permission.action == action;
        let is_update = matches!(*ctx.request, Request::UpdateCluster(_));
        let is_create = matches!(*ctx.request, Request::CreateCluster(_));
        forgets(Mutant::PropertiesNotAsked, IamAction::PutMultiRegionProperties)
            || (is_create && forgets(Mutant::TagResourceNotAsked, IamAction::Call(Operation::TagResource)))
            || (is_update && forgets(Mutant::GetClusterNotAsked, IamAction::Call(Operation::GetCluster)))
    }

    /// What `cluster` itself says on who may do what with it.
    pub(super) fn attributes<'a>(&self, now: Instant, cluster: &'a Cluster) -> ResourceAttributes<'a> {
        let attached = cluster.attached.as_deref();
        let policy =
            attached.and_then(|attached| attached.policy_in_force(now, self.assumptions.policy_delay));
        ResourceAttributes { tags: cluster.tags.as_ref(), policy: policy.map(|policy| &policy.document) }
    }

    /// The cluster and the stream that the request is about, as far as they exist.
    fn named_resource(&self, ctx: &RequestContext) -> (Option<Arc<Cluster>>, Option<Identifier>) {
        let arn = match &*ctx.request {
            Request::TagResource(input) => &input.resource_arn,
            Request::UntagResource(input) => &input.resource_arn,
            Request::ListTagsForResource(input) => &input.resource_arn,
            request => {
                let stream = match request {
                    Request::GetStream(input) => Identifier::parse(&input.stream_identifier),
                    Request::DeleteStream(input) => Identifier::parse(&input.stream_identifier),
                    _ => None,
                };
                let named = request.identifier().and_then(|named| self.find(ctx.account, named).ok());
                return (named.cloned(), stream);
            }
        };
        self.tagged(ctx.account, arn).map_or((None, None), |(cluster, stream)| (Some(cluster), stream))
    }
}

impl Denial {
    fn of(verdict: Evaluation) -> Option<Denial> {
        match verdict.effect {
            PolicyEffect::Allow => None,
            PolicyEffect::Deny => Some(Denial::Explicit(verdict.list().unwrap_or(PolicyKind::Identity))),
            PolicyEffect::Implicit if verdict.is_bounded => Some(Denial::Implicit(PolicyKind::Boundary)),
            PolicyEffect::Implicit => Some(Denial::Implicit(PolicyKind::Identity)),
        }
    }

    /// The end of the sentence (IAM User Guide, "Troubleshoot access denied error messages").
    fn reason(self, action: IamAction) -> String {
        let (a, policy) = match self {
            Denial::Implicit(PolicyKind::Identity) | Denial::Explicit(PolicyKind::Identity) => {
                ("an", "identity-based policy")
            }
            Denial::Implicit(PolicyKind::Boundary) | Denial::Explicit(PolicyKind::Boundary) => {
                ("a", "permissions boundary")
            }
            Denial::Implicit(PolicyKind::Resource) | Denial::Explicit(PolicyKind::Resource) => {
                ("a", "resource-based policy")
            }
        };
        match self {
            Denial::Implicit(_) => format!("because no {policy} allows the {action} action"),
            Denial::Explicit(_) => format!("with an explicit deny in {a} {policy}"),
        }
    }
}

/// Said when an account's first cluster needs a role that its creator may not create ("Troubleshooting").
const NO_SERVICE_LINKED_ROLE: &str = "Insufficient permissions to create service-linked role. Add the \
                                      iam:CreateServiceLinkedRole permission to your IAM policy.";

/// What is known when a check is made.
#[derive(Debug)]
struct Asked<'a> {
    identity: &'a Identity,
    region: Region,
    permission: RequiredPermission<'a>,
    tags: Option<&'a Tags>,
}

impl Context for Asked<'_> {
    fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, ContextValues<'a>)) {
        self.identity.each(see);
        see(Key("aws:RequestedRegion", ""), ContextValues::One(self.region.name()));
        self.permission.attributes.each(see);
        for (key, value) in self.tags.iter().flat_map(|tags| tags.iter()) {
            see(Key("aws:ResourceTag/", key), ContextValues::One(value));
        }
    }
}
