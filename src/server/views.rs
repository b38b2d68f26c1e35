//! The answers of the world's thread to requests that read the simulation.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::api::Response;
use crate::check::Violation;
use crate::control::records::{Cluster, Serial};
use crate::permissions::{ResourceScope, needed};
use crate::region::Region;
use crate::scenario::fault_text;
use crate::sim::fault::Fault;
use crate::types::Account;

use super::clock::Pace;
use super::driver::{Driver, has_acted};

/// A page of clusters.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatePage {
    /// The last cluster of the page before, which may be gone by now.
    after: Option<Position>,
    /// The largest number of clusters.
    most: usize,
}

/// A cluster by Region, account and order of creation, in which they are listed.
type Position = (Region, Account, Serial);

impl StatePage {
    /// The page that the query of a request asks for, with `max-results` and `next-token`.
    ///
    /// # Errors
    /// A text about the parameter that is wrong.
    pub(super) fn read(query: &str) -> Result<StatePage, String> {
        let mut page = StatePage { after: None, most: MOST_ON_PAGE };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "max-results" => {
                    let most = value.parse().ok().filter(|most| (1..=MOST_ON_PAGE).contains(most));
                    page.most =
                        most.ok_or_else(|| format!("max-results is a number from 1 to {MOST_ON_PAGE}"))?;
                }
                "next-token" => {
                    page.after =
                        Some(read_token(value).ok_or("next-token is not one that was returned here")?);
                }
                _ => return Err(format!("unknown parameter {name}")),
            }
        }
        Ok(page)
    }
}

fn position(cluster: &Arc<Cluster>) -> Position {
    (cluster.arn.region, cluster.arn.account, cluster.serial)
}

fn token((region, account, serial): Position) -> String {
    format!("{region}.{account}.{}", serial.0)
}

fn read_token(text: &str) -> Option<Position> {
    let mut parts = text.split('.');
    let region = Region::parse(parts.next()?)?;
    Some((region, Account::parse(parts.next()?)?, Serial(parts.next()?.parse().ok()?)))
}

/// The number of lines of the trace in a verdict.
const TRACE_TAIL: usize = 40;

/// The largest page.
const MOST_ON_PAGE: usize = 1000;

impl Driver {
    /// The virtual time, which is a part of every answer.
    pub(super) fn time(&self) -> Value {
        json!({ "virtualMilliseconds": self.simulation.world().now().0 / 1_000_000 })
    }

    /// A page of the clusters of all Regions. A world may have very many, and no other request is answered meanwhile.
    pub(super) fn state(&self, page: &StatePage) -> Value {
        let mut state = self.time();
        let mut regions = Map::new();
        let assumed = &self.simulation.world().options().assumptions;
        let (mut left, mut last) = (page.most, None);
        for region in Region::all().skip_while(|region| page.after.is_some_and(|after| after.0 != *region)) {
            let Some(storage) = self.simulation.world().storage(region) else { continue };
            let after = page.after.filter(|after| after.0 == region);
            let is_new = |cluster: &&Arc<Cluster>| after.is_none_or(|after| after < position(cluster));
            let mut clusters = Vec::new();
            for cluster in storage.clusters().filter(is_new) {
                if left == 0 {
                    state["nextToken"] = last.map(token).into();
                    break;
                }
                left -= 1;
                last = Some(position(cluster));
                clusters.push(Response::GetCluster(cluster.describe(assumed)).to_json());
            }
            regions.insert(region.to_string(), clusters.into());
            if state.get("nextToken").is_some() {
                break;
            }
        }
        state["clusters"] = regions.into();
        state
    }

    /// The active faults as commands of the scenario language.
    pub(super) fn faults(&self) -> Value {
        let mut faults = self.time();
        let active = self.simulation.world().active_faults();
        let text = |fault: &Fault| fault_text(self.recording.set_up(), fault);
        faults["faults"] = active.iter().map(text).collect();
        faults
    }

    /// The violations so far, the number of events, the hash, the end of the trace, the faults that have not acted,
    /// and, with a stepped clock, the run as a scenario.
    pub(super) fn verdict(&self) -> Value {
        let world = self.simulation.world();
        let violation =
            |violation: &Violation| json!({ "invariant": violation.invariant, "message": violation.message });
        let idle = self.idle_faults.iter().filter(|(first, _, fault)| !has_acted(world, *first, fault));
        let mut verdict = self.time();
        verdict["violations"] = self.violations.iter().map(violation).collect();
        verdict["events"] = Value::from(world.trace().events());
        verdict["hash"] = Value::from(format!("{:016x}", world.trace().hash()));
        verdict["hasEnded"] = Value::from(self.has_run_ended);
        verdict["idleFaults"] = idle.map(|(_, text, _)| text.as_str()).collect();
        verdict["trace"] = self.lines.last(TRACE_TAIL).collect();
        if self.options.pace == Pace::Stepped {
            verdict["scenario"] = Value::from(self.recorded.as_str());
        }
        verdict
    }

    /// The least policies for the calls so far.
    pub(super) fn permissions(&self) -> Value {
        let mut permissions = self.time();
        let needed = needed(&self.observed.borrow().audit.needs(), &ResourceScope::Any);
        permissions["principals"] = serde_json::to_value(needed).expect("policies are JSON");
        permissions["isComplete"] = Value::from(!self.has_dropped_permissions);
        permissions
    }

    /// The latest lines of the trace.
    pub(super) fn trace(&self) -> Value {
        let mut trace = self.time();
        trace["lines"] = self.lines.iter().collect();
        trace
    }
}
