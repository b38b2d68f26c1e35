//! `dsql-sim permissions`: prints the least policies under which the calls of scenarios pass.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::console::files::File;
use crate::iam::{ContextEntries as _, Decision, Document, PolicyEffect, unknown_key};
use crate::permissions::{Made, Needed, Needs, ResourceScope, needed, run as run_watched};
use crate::scenario::Scenario;

use super::files;
use super::{Format, exit, show, stream};

/// The arguments of `permissions`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PermissionArguments {
    /// Scenario files, or directories of them; `-` is standard input.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Lists every authorization check: its call, Region, action and resource, and the statement that decided it.
    #[arg(long)]
    why: bool,
    /// Allows every principal everything, to find out what calls need that are denied at present.
    #[arg(long)]
    allow_all: bool,
    /// Names the clusters and streams of the run themselves, whose identifiers are made up, instead of `cluster/*`.
    #[arg(long)]
    exact: bool,
    /// Limits `cluster/*` to the clusters and streams with this tag, by a condition on `aws:ResourceTag/KEY`.
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "exact")]
    by_tag: Option<ResourceScope>,
    /// Runs with this seed instead of the files' own.
    #[arg(long)]
    seed: Option<u64>,
    /// The format of the output; with `json`, one object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The output.
#[derive(Debug, Serialize)]
struct PermissionsOutput {
    principals: Vec<Needed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Check>,
}

/// An authorization check.
#[derive(Debug, Serialize)]
struct Check {
    scenario: String,
    call: String,
    principal: String,
    region: String,
    action: String,
    resource: String,
    keys: BTreeMap<String, Vec<String>>,
    decision: &'static str,
    by: String,
}

/// Runs scenarios, prints the least policies of their calls, and returns the exit code.
pub(super) fn permissions(arguments: &PermissionArguments) -> io::Result<u8> {
    let files = match files::read(&arguments.paths, show::has_colour()) {
        Ok(files) => files,
        Err(bad) => {
            for file in bad {
                write!(stream::stderr(), "{}", file.message)?;
            }
            return Ok(exit::BAD_INPUT);
        }
    };
    let mut code = exit::PASS;
    let mut needs: BTreeMap<String, Needs> = BTreeMap::new();
    let mut checks = Vec::new();
    for File { path, scenario, .. } in files {
        let scenario = if arguments.allow_all { all_allowed(scenario) } else { scenario };
        let (report, audit) = run_watched(&scenario, arguments.seed);
        if let Some(failure) = &report.failure {
            let (name, why) = (&failure.invariant, &failure.message);
            writeln!(stream::stderr(), "error: {path} fails: {name}: {why}")?;
            code = exit::FAILED;
        }
        for (principal, more) in audit.needs() {
            needs.entry(principal).or_default().join(more);
        }
        if arguments.why {
            checks.extend(audit.made().map(|made| check(&path, made)));
        }
    }
    let scope = match &arguments.by_tag {
        Some(tagged) => tagged.clone(),
        None if arguments.exact => ResourceScope::Exact,
        None => ResourceScope::Any,
    };
    let answer = PermissionsOutput { principals: needed(&needs, &scope), checks };
    if answer.principals.is_empty() {
        let advice = if arguments.allow_all { "" } else { "; --allow-all finds out what the calls need" };
        writeln!(stream::stderr(), "no call was allowed anything: there is no policy to print{advice}")?;
    }
    let mut out = stream::stdout();
    match arguments.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(&answer)?)?,
        Format::Text => print(&answer, &mut out)?,
    }
    Ok(code)
}

fn print(answer: &PermissionsOutput, out: &mut impl Write) -> io::Result<()> {
    let mut before = None;
    for check in &answer.checks {
        let now = (&check.scenario, &check.call);
        if before != Some(now) {
            writeln!(out, "{}: {} by {}", check.scenario, check.call, check.principal)?;
            before = Some(now);
        }
        let Check { region, action, resource, decision, by, .. } = check;
        writeln!(out, "  {decision:<12} {action} on {resource} in {region}: {by}")?;
        for (key, values) in &check.keys {
            writeln!(out, "               {key} = {}", values.join(", "))?;
        }
    }
    if !answer.checks.is_empty() {
        writeln!(out)?;
    }
    for Needed { principal, regions, policy, notes } in &answer.principals {
        let regions = regions.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        writeln!(out, "{principal} needs in {regions}:")?;
        writeln!(out, "{}", serde_json::to_string_pretty(policy)?)?;
        for note in notes {
            writeln!(out, "note: {note}")?;
        }
    }
    Ok(())
}

fn check(scenario: &str, made: &Made) -> Check {
    let checked = &made.checked;
    let mut keys = BTreeMap::new();
    checked.attributes.each(&mut |key, values| {
        keys.insert(key.to_string(), values.iter().map(str::to_owned).collect());
    });
    Check {
        scenario: scenario.to_owned(),
        call: made.call.clone(),
        principal: made.principal.clone(),
        region: checked.region.to_string(),
        action: checked.action.to_string(),
        resource: checked.resource.clone(),
        keys,
        decision: checked.decision.effect.name(),
        by: reason(&checked.decision),
    }
}

/// The statement that decided, or why each statement does not match.
fn reason(decision: &Decision) -> String {
    match (&decision.by, decision.effect) {
        (Some(by), _) => {
            let unknown = decision.unknown_keys.iter().map(|key| unknown_key(key)).collect::<String>();
            format!("{by}{unknown}")
        }
        (None, PolicyEffect::Allow) => "the caller has no principal, so that no policy binds it".to_owned(),
        (None, PolicyEffect::ImplicitDeny) if decision.mismatches.is_empty() => {
            "no statement allows anything".to_owned()
        }
        _ => {
            let mismatches = decision.mismatches.iter().map(|(at, miss)| format!("{at}: {miss}"));
            mismatches.collect::<Vec<_>>().join("; ")
        }
    }
}

/// The scenario with a policy for every principal that allows everything.
fn all_allowed(mut scenario: Scenario) -> Scenario {
    for principal in &mut scenario.set_up.principals {
        Arc::make_mut(&mut principal.identity).set_only_policies(vec![Document::allow_all()]);
    }
    scenario
}
