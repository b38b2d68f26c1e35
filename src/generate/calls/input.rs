//! The optional members of generated calls: settings, tags, client tokens.

use std::sync::Arc;

use crate::api::{MetricGroupRequest, Request, TagMap, Tags};
use crate::region::Region;
use crate::scenario::{CallStep, SetUp};
use crate::types::Account;

use super::super::draws::Draws;
use super::super::{Plan, Topology, keys};
use super::{CallDraft, policies};

/// Adds optional members to a draft, as far as the swarm has them.
pub(super) fn add_options(
    draws: Draws,
    plan: &Plan,
    set_up: &SetUp,
    account: Account,
    draft: &mut CallDraft,
) {
    let (swarm, topology) = (&plan.swarm, &plan.topology);
    let (region, input) = (draft.region, &mut draft.input);
    let is_new = matches!(input, Request::CreateCluster(_));
    if let Request::CreateCluster(input) = input {
        match draws.weigh("protection", &[(7, "off"), (2, "unsaid"), (1, "on")]) {
            "off" => input.deletion_protection_enabled = Some(false),
            "on" => input.deletion_protection_enabled = Some(true),
            _ => {}
        }
        if swarm.tags && input.tags.is_none() && draws.chance("tagged", 50) {
            input.tags = Some(tags(draws));
        }
        if swarm.policies && draws.chance("with policy", 30) {
            input.policy = Some(policies::policy(draws, set_up, account));
            if draws.chance("bypass", 40) {
                input.bypass_policy_lockout_safety_check = Some(draws.chance("bypasses", 80));
            }
        }
    }
    if let Some(settings) = settings(input) {
        if swarm.keys && draws.chance("key", if is_new { 50 } else { 20 }) {
            *settings.kms_encryption_key = Some(keys::name(draws, region, account, topology));
        }
        if swarm.metrics && draws.chance("metrics", if is_new { 50 } else { 20 }) {
            *settings.metric_groups = Some(metric_groups(draws));
        }
        // One update may change settings and peers at once.
        if !is_new && draws.chance("protects", 10) {
            *settings.deletion_protection_enabled = Some(draws.chance("protection", 50));
        }
    }
    if swarm.shares_tokens && input.operation().takes_client_token() && draws.chance("token", 40) {
        let token = draws.weigh("which token", &[(3, "t1"), (3, "t2"), (1, "T1")]);
        input.set_client_token(token.into());
    }
}

/// Changes the KMS key, the metric groups, or both.
pub(super) fn change_settings(
    draws: Draws,
    region: Region,
    account: Account,
    topology: &Topology,
    input: &mut Request,
) {
    let Some(settings) = settings(input) else { return };
    let what = draws.weigh("changes", &[(3, "key"), (2, "metrics"), (1, "both")]);
    if what != "metrics" {
        *settings.kms_encryption_key = Some(keys::name(draws, region, account, topology));
    }
    if what != "key" {
        *settings.metric_groups = Some(metric_groups(draws));
    }
}

/// Changes a repeated call, so that it reuses its client token with other arguments.
pub(super) fn alter(draws: Draws, set_up: &SetUp, step: &mut CallStep) {
    let account = set_up.clients[step.client.0 as usize].account;
    match &mut step.input {
        Request::TagResource(input) => input.tags = Some(tags(draws.about("again", 0))),
        Request::CreateStream(input) => input.tags = Some(tags(draws.about("again", 0))),
        Request::PutClusterPolicy(input) => {
            input.policy = Some(policies::policy(draws.about("again", 0), set_up, account));
        }
        input => {
            if let Some(settings) = settings(input) {
                let protection = settings.deletion_protection_enabled;
                *protection = Some(!protection.unwrap_or(true));
            }
        }
    }
}

/// The members that CreateCluster and UpdateCluster share.
struct Settings<'a> {
    deletion_protection_enabled: &'a mut Option<bool>,
    kms_encryption_key: &'a mut Option<Arc<str>>,
    metric_groups: &'a mut Option<Box<[MetricGroupRequest]>>,
}

/// The settings in a request, if it has any.
fn settings(request: &mut Request) -> Option<Settings<'_>> {
    macro_rules! of {
        ($input:ident) => {
            Some(Settings {
                deletion_protection_enabled: &mut $input.deletion_protection_enabled,
                kms_encryption_key: &mut $input.kms_encryption_key,
                metric_groups: &mut $input.metric_groups,
            })
        };
    }
    match request {
        Request::CreateCluster(input) => of!(input),
        Request::UpdateCluster(input) => of!(input),
        _ => None,
    }
}

/// Up to two tags.
pub(super) fn tags(draws: Draws) -> Tags {
    let mut tags = TagMap::default();
    for number in 0..draws.weigh("how many tags", &[(1, 0), (5, 1), (3, 2_u64)]) {
        let draws = draws.about("tag", number as usize);
        let kinds: &[&str] =
            if draws.chance("typed", 15) { &["7", "true", "2026-11-24"] } else { &["x", "y", "blue", ""] };
        let value = draws.pick("tag value", kinds);
        tags.insert(draws.pick("tag key", TAG_KEYS).to_owned(), value.to_owned());
    }
    tags.into()
}

fn metric_groups(draws: Draws) -> Box<[MetricGroupRequest]> {
    let metric_group = Some("STATEMENT_STATISTICS".to_owned());
    let published = draws.chance("published", 65).then_some(MetricGroupRequest { metric_group });
    published.into_iter().collect()
}

/// The keys of tags. Two differ in case only, and one is a prefix of another, so that inexact comparisons show.
pub(super) const TAG_KEYS: &[&str] = &["team", "stage", "colour", "Team", "tea"];
