//! Authorization: evaluates the caller's permissions before a request or a remote check runs.
//!
//! Each node evaluates for itself: the cluster's Region, the witness Region and the peer's Region each authorize the
//! caller with the policies and denials of their own.

use std::sync::Arc;

use crate::api::{Error, Request, Tags};
use crate::control::authorization::{
    AccountScope, Caller, Denials, IamAction, KeyAttributes, PermissionScope, Principals, RequiredPermission,
};
use crate::control::keys::KeyArn;
use crate::control::message::Delivery;
use crate::control::mutant::{Misread, planted};
use crate::control::operations::{Resource, handler};
use crate::control::records::Cluster;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};
use crate::coverage_mark::CoverageMark;
use crate::iam;
use crate::iam::{
    AccessRequest, Combination, ContextMap, Decision, Document, Evaluation, NetworkOrigin, PolicyEffect,
    PolicyKind, unknown_key,
};
use crate::region::Region;
use crate::types::{Account, Instant};

use super::context::EvaluationContext;

/// The authorization of one node.
#[derive(Clone, Debug)]
pub struct Authorizer {
    region: Region,
    denials: Denials,
    principals: Arc<Principals>,
}

/// One evaluated check, for audits and least-privilege policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The call that needs the permission.
    pub call: Delivery,
    /// The account and the principal that called.
    pub caller: Caller,
    /// The Region that made the check.
    pub region: Region,
    /// The action.
    pub action: IamAction,
    /// The resource: an ARN, or `*`.
    pub resource: String,
    /// The condition keys that the request supplied.
    pub attributes: ContextMap,
    /// The tags of the resource.
    pub tags: Option<Tags>,
    /// The decision and the statements that made it.
    pub decision: Decision,
}

/// The attributes of a resource that take part in an evaluation.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceAttributes<'a> {
    /// The resource's tags (`aws:ResourceTag/…`).
    pub tags: Option<&'a Tags>,
    /// The resource's policy.
    pub policy: Option<&'a Document>,
    /// How this policy and those of the caller combine.
    pub combination: Combination,
}

/// The reason of a denial. Remote checks send it in their answers, so that the error names the kind of policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denial {
    /// No policy of this kind allows the action.
    Implicit(PolicyKind),
    /// A policy of this kind denies the action explicitly.
    Explicit(PolicyKind),
}

impl Authorizer {
    /// The authorization of a node in `region`.
    #[must_use]
    pub fn new(region: Region, principals: Arc<Principals>) -> Authorizer {
        Authorizer { region, denials: Denials::default(), principals }
    }

    /// The actions that are denied to every caller in this Region.
    pub fn denials_mut(&mut self) -> &mut Denials {
        &mut self.denials
    }

    /// Replaces the principals that the node knows.
    pub fn set_principals(&mut self, principals: Arc<Principals>) {
        self.principals = principals;
    }

    /// Whether no check can fail or must be reported: nothing is denied, the caller may do everything, and checks
    /// are not watched.
    #[inline]
    pub(in crate::control) fn is_unrestricted(&self, caller: Caller) -> bool {
        caller.principal.is_none() && self.denials.is_empty() && !self.principals.are_watched
    }

    /// Whether `caller` is a session of a role.
    fn is_session(&self, caller: Caller) -> bool {
        self.principals.identity(caller).principal.role().is_some()
    }

    /// Checks `permission` for a call: first the Region's denials, then the caller's policies.
    ///
    /// # Errors
    /// The reason of the denial.
    pub(in crate::control) fn check(
        &self,
        turn: &mut Turn<'_>,
        call: Delivery,
        caller: Caller,
        permission: RequiredPermission<'_>,
        attributes: ResourceAttributes<'_>,
    ) -> Result<(), Denial> {
        if self.denials.contains(permission.action) {
            turn.report_denied(permission.action);
            return Err(Denial::Implicit(PolicyKind::Identity));
        }
        // The policy of a key binds the root of an account as well.
        if caller.principal.is_some() || attributes.combination != Combination::Either {
            let judged = self.evaluate(turn, call, caller, permission, attributes);
            if let Err(denial) = judged {
                turn.report_denied(permission.action);
                turn.cover_if(denial == Denial::Implicit(PolicyKind::Control), CoverageMark::ControlDenied);
                turn.cover_if(
                    denial == Denial::Implicit(PolicyKind::Session),
                    CoverageMark::SessionPolicyDenied,
                );
            }
            return judged;
        }
        // A caller without a principal stands for the account's root: it may do everything, and no cluster's policy
        // binds it.
        if self.principals.are_watched {
            self.record(turn, call, caller, permission, attributes, Decision::UNRESTRICTED);
        }
        Ok(())
    }

    /// Evaluates the policies alone, without the Region's denials, for any caller.
    ///
    /// # Errors
    /// The reason of the denial.
    pub(in crate::control) fn evaluate(
        &self,
        turn: &mut Turn<'_>,
        call: Delivery,
        caller: Caller,
        permission: RequiredPermission<'_>,
        attributes: ResourceAttributes<'_>,
    ) -> Result<(), Denial> {
        let identity = &*self.principals.identity(caller);
        let mut context = EvaluationContext {
            identity,
            origin: self.principals.origin(call.client),
            time: self.principals.time(turn.now()),
            region: self.region,
            account: caller.account,
            permission,
            tags: attributes.tags,
        };
        planted!(turn.mutants(), TimeStandsStill => context.time.now = context.time.start);
        planted!(turn.mutants(), EndpointNotSeen if context.origin.endpoint.is_some() =>
            context.origin = NetworkOrigin::default_ref());
        let confused;
        planted!(turn.mutants(), TagsOfAnotherPrincipal =>
            confused = self.principals.with_tags_of_another(identity); context.identity = &confused);
        let request = AccessRequest {
            principal: &identity.principal,
            action: permission.action.iam_name(),
            resource: permission.resource,
            context: &context,
        };
        let mut policies = identity.policies(attributes.policy);
        policies.combination = attributes.combination;
        let misread;
        planted!(turn.mutants().misread_policies() =>
            misread = Misread::of(turn.mutants(), identity, policies); policies = misread.policies());
        let evaluation = iam::evaluate(policies, request);
        if self.principals.are_watched {
            let decision = iam::explain(policies, request, evaluation);
            self.record(turn, call, caller, permission, attributes, decision);
        }
        Denial::of(evaluation).map_or(Ok(()), Err)
    }

    /// Reports a check with its decision.
    fn record(
        &self,
        turn: &mut Turn<'_>,
        call: Delivery,
        caller: Caller,
        permission: RequiredPermission<'_>,
        resource: ResourceAttributes<'_>,
        decision: Decision,
    ) {
        let RequiredPermission { action, resource: name, attributes } = permission;
        let (tags, attributes) = (resource.tags.cloned(), ContextMap::of(&attributes));
        let (region, resource) = (self.region, name.to_owned());
        let checked = Checked { call, caller, region, action, resource, attributes, tags, decision };
        turn.report_checked(checked);
    }

    /// AccessDeniedException, in the words of AWS, for a permission that `region` denied to `caller`.
    pub(in crate::control) fn error(
        &self,
        caller: Caller,
        permission: RequiredPermission<'_>,
        region: Region,
        denial: Denial,
    ) -> Error {
        // The service has a text of its own for this one.
        if permission.action == IamAction::CreateServiceLinkedRole {
            return Error::AccessDenied { message: NO_SERVICE_LINKED_ROLE.to_owned() };
        }
        let (user, RequiredPermission { action, resource, .. }) = (self.principals.arn(caller), permission);
        let reason = denial.reason(action);
        let identity = self.principals.identity(caller);
        let remark = identity.unknown_key(action.iam_name()).map(unknown_key).unwrap_or_default();
        Error::AccessDenied {
            message: format!(
                "User: {user} is not authorized to perform: {action} on resource: {resource} {reason}{remark} (checked \
                 in {region})"
            ),
        }
    }
}

impl ControlPlane {
    /// Checks the permissions that the request needs in this Region.
    ///
    /// # Errors
    /// AccessDeniedException for the first permission that is denied.
    pub(in crate::control) fn authorize(
        &self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        request: &Request,
        lacks_role: bool,
    ) -> Result<(), Error> {
        if self.authorizer.is_unrestricted(ctx.caller) && !self.may_use_key(ctx.caller.account, request) {
            return Ok(());
        }
        planted!(self.mutants, ReadsNotAsked if !request.operation().changes() => return Ok(()));
        let resource = Resource::of(request);
        let (cluster, stream) = self.find_resource(ctx.caller.account, resource);
        let cluster = cluster.as_deref();
        let home = &AccountScope::of(self.region, ctx.caller.account);
        let (action, arn) = (IamAction::Call(request.operation()), home.arn(resource));
        let fresh = ctx.fresh.to_string();
        let identifier = request.identifier().unwrap_or(&fresh);
        let scope = PermissionScope { action, arn, home, cluster, identifier, lacks_role, keys: &self.keys };
        handler(request).permissions(&scope, &mut |mut permission| {
            planted!(self.mutants, EncryptionContextLeftOut =>
                permission.attributes.key = permission.attributes.key.map(KeyAttributes::without_context));
            let attributes = match (cluster, stream) {
                _ if permission.attributes.key.is_some() => {
                    self.key_attributes(permission.resource, ctx.caller.account)
                }
                // A cluster's tags and policy count only where the cluster itself is the resource, not for
                // `cluster/*`.
                (Some(cluster), _) if permission.resource == cluster.arn.to_string() => {
                    self.attributes(turn.now(), cluster)
                }
                (Some(cluster), Some(stream)) if permission.resource.contains("/stream/") => {
                    ResourceAttributes {
                        tags: cluster.stream(stream).map(|stream| &stream.tags),
                        ..ResourceAttributes::default()
                    }
                }
                _ => ResourceAttributes::default(),
            };
            planted!(self.mutants.skip_check(request.operation(), permission.action) => return Ok(()));
            let mut checked = self.authorizer.check(turn, ctx.delivery, ctx.caller, permission, attributes);
            planted!(self.mutants, ExplicitDenyIgnored if matches!(checked, Err(Denial::Explicit(_))) => return Ok(()));
            planted!(self.mutants, BoundaryIgnored if checked == Err(Denial::Implicit(PolicyKind::Boundary)) =>
                return Ok(()));
            planted!(self.mutants, SessionWithoutPolicies if self.authorizer.is_session(ctx.caller) =>
                checked = Err(Denial::Implicit(PolicyKind::Identity)));
            checked.map_err(|denial| self.authorizer.error(ctx.caller, permission, self.region, denial))
        })
    }

    /// The tags of `cluster`, and the policy in force.
    pub(in crate::control) fn attributes<'a>(
        &self,
        now: Instant,
        cluster: &'a Cluster,
    ) -> ResourceAttributes<'a> {
        let attached = cluster.attached.as_deref();
        let policy =
            attached.and_then(|attached| attached.policy_in_force(now, self.assumptions.policy_delay));
        let policy = policy.map(|policy| &policy.document);
        ResourceAttributes { tags: cluster.tags.as_ref(), policy, ..ResourceAttributes::default() }
    }

    /// Whether `request` uses a KMS key whose policy may bind any caller: one that is declared, or of another account.
    fn may_use_key(&self, account: Account, request: &Request) -> bool {
        let name = match request {
            Request::CreateCluster(input) => input.kms_encryption_key.as_deref(),
            Request::UpdateCluster(input) => input.kms_encryption_key.as_deref(),
            Request::CreateStream(input) => {
                let cluster = self.find(account, &input.cluster_identifier).ok();
                cluster.and_then(|cluster| cluster.kms_key.as_deref())
            }
            _ => None,
        };
        name.is_some_and(|name| !self.keys.declared.is_empty() || name.starts_with("arn:"))
    }

    /// The policy of the KMS key with this ARN, and how it combines with the policies of a caller in `account`. The
    /// default policy leaves the decision to the policies of the key's account.
    fn key_attributes(&self, arn: &str, account: Account) -> ResourceAttributes<'_> {
        let policy = self.keys.get(arn).and_then(|key| key.policy.as_ref());
        let is_own = KeyArn::parse(arn).is_none_or(|key| Account::parse(key.account) == Some(account));
        let mut combination = match (is_own, policy) {
            (false, _) => Combination::Both,
            (true, Some(_)) => Combination::ResourceRules,
            (true, None) => Combination::Either,
        };
        planted!(self.mutants, KeyOfAnyAccount if !is_own => combination = Combination::Either);
        planted!(self.mutants, KeyPolicyGrantsOnly if is_own => combination = Combination::Either);
        ResourceAttributes { tags: None, policy, combination }
    }
}

impl Denial {
    fn of(evaluation: Evaluation) -> Option<Denial> {
        match evaluation.effect {
            PolicyEffect::Allow => None,
            PolicyEffect::ExplicitDeny => Some(Denial::Explicit(evaluation.list)),
            PolicyEffect::ImplicitDeny => Some(Denial::Implicit(evaluation.list)),
        }
    }

    /// The end of the message (IAM User Guide, "Troubleshoot access denied error messages").
    fn reason(self, action: IamAction) -> String {
        let (Denial::Implicit(kind) | Denial::Explicit(kind)) = self;
        let (a, policy) = kind.name();
        match self {
            Denial::Implicit(_) => format!("because no {policy} allows the {action} action"),
            Denial::Explicit(_) => format!("with an explicit deny in {a} {policy}"),
        }
    }
}

/// The message for an account's first cluster whose creator may not create the service-linked role
/// ("Troubleshooting").
const NO_SERVICE_LINKED_ROLE: &str = "Insufficient permissions to create service-linked role. Add the \
                                      iam:CreateServiceLinkedRole permission to your IAM policy.";
