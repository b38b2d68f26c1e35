//! `throttle` and `fail`: requests are answered with an error in front of the control plane.

use std::sync::Arc;

use crate::api::{Error, Operation};
use crate::region::Region;
use crate::sim::World;

use super::{Fault, FaultBehaviour, FaultId, FaultKind};

/// Answers requests with an error in front of the control plane, which never sees them: throttling and internal errors
/// of the service's front end. It acts when a request gets the error.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Refuse {
    /// The Region whose control plane the requests are addressed to.
    pub region: Region,
    /// The operation whose requests are refused; `None` refuses every operation.
    pub operation: Option<Operation>,
    /// The error to answer with.
    pub error: Error,
    /// The number of requests to refuse.
    pub times: u32,
}

/// The errors that wait for requests, oldest first.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct InjectedErrors(Vec<InjectedError>);

/// An error for the next requests.
#[derive(Clone, Debug)]
struct InjectedError {
    fault: FaultId,
    region: Region,
    operation: Option<Operation>,
    error: Arc<Error>,
    times: u32,
}

impl FaultBehaviour for Refuse {
    fn inject(&self, world: &mut World, id: FaultId) -> bool {
        world.injected_errors.0.push(InjectedError {
            fault: id,
            region: self.region,
            operation: self.operation,
            error: Arc::new(self.error.clone()),
            times: self.times,
        });
        false
    }

    fn kind(&self) -> Option<FaultKind> {
        Some(FaultKind::Refuse)
    }

    fn end(&self) -> Option<Fault> {
        // The error ends by itself after its number of requests.
        None
    }

    fn weaker(&self) -> Vec<Fault> {
        if self.times > 1 { vec![Fault::Refuse(Refuse { times: 1, ..self.clone() })] } else { Vec::new() }
    }
}

impl InjectedErrors {
    /// The errors that wait, each with the number of requests that will get it.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Refuse> + '_ {
        self.0.iter().map(|injected| Refuse {
            region: injected.region,
            operation: injected.operation,
            error: (*injected.error).clone(),
            times: injected.times,
        })
    }

    /// Ends all of them; `false` if there was none.
    pub(super) fn end(&mut self) -> bool {
        let were_some = !self.0.is_empty();
        self.0.clear();
        were_some
    }
}

impl World {
    /// The error that a request for `operation` gets in `region`, if one is injected; it counts as used.
    pub(in crate::sim) fn take_injected_error(
        &mut self,
        region: Region,
        operation: Operation,
    ) -> Option<Arc<Error>> {
        let errors = &mut self.injected_errors.0;
        let index = errors.iter().position(|injected| {
            injected.region == region && injected.operation.is_none_or(|refused| refused == operation)
        })?;
        let injected = &mut errors[index];
        self.fault_log.record_acted(injected.fault);
        injected.times -= 1;
        let error = injected.error.clone();
        if injected.times == 0 {
            errors.remove(index);
        }
        Some(error)
    }
}
