//! `throttle` and `fail`: requests are answered with an error in front of the control plane.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::api::{Error, Operation};
use crate::region::Region;
use crate::sim::World;

use super::{Fault, FaultBehaviour, FaultId, FaultKind, is_drawn};

/// Answers requests with an error in front of the control plane, which never sees them: throttling and internal errors
/// of the service's front end. It acts when a request gets the error.
///
/// ```
/// use dsql_sim::api::Error;
/// use dsql_sim::prelude::*;
///
/// # fn main() -> Result<(), CallError> {
/// // A third of the requests to create a cluster fail, until ten have.
/// let error = Error::InternalServer { message: "Internal server error".to_owned(), retry_after_seconds: None };
/// let mut sim = Simulation::new(Options::new(42));
/// sim.inject(Fault::refuse(Region::EU_WEST_1, Operation::CreateCluster, error, 10).percent(33))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a request is refused once this is injected"]
pub struct Refuse {
    /// The key of the draws, as in a [`Rule`](super::Rule).
    pub key: u64,
    /// The Region whose control plane the requests are addressed to.
    pub region: Region,
    /// The operation whose requests are refused; `None` refuses every operation.
    pub operation: Option<Operation>,
    /// The error to answer with.
    pub error: Error,
    /// The number of requests to refuse.
    pub times: u32,
    /// The percentage of requests that are refused, drawn for each of them; `None` is every request.
    pub percent: Option<u8>,
}

// The key is that of the step, which is computed from this hash.
impl Hash for Refuse {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Refuse { key: _, region, operation, error, times, percent } = self;
        (region, operation, error, times, percent).hash(state);
    }
}

/// The errors that wait for requests, oldest first.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct InjectedErrors(Vec<InjectedError>);

/// An error for the next requests.
#[derive(Clone, Debug)]
struct InjectedError {
    fault: FaultId,
    /// The fault, with the number of requests that are left.
    refuse: Refuse,
    /// Its error, which every refused request shares.
    error: Arc<Error>,
}

impl FaultBehaviour for Refuse {
    fn inject(&self, world: &mut World, id: FaultId) -> bool {
        let error = Arc::new(self.error.clone());
        world.injected_errors.0.push(InjectedError { fault: id, refuse: self.clone(), error });
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
        let fewer = (self.times > 1).then(|| Refuse { times: 1, ..self.clone() });
        let certain = self.percent.map(|_| Refuse { percent: None, ..self.clone() });
        fewer.into_iter().chain(certain).map(Fault::Refuse).collect()
    }
}

impl InjectedErrors {
    /// The errors that wait, each with the number of requests that will get it.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Refuse> + '_ {
        self.0.iter().map(|injected| injected.refuse.clone())
    }

    /// Ends all of them; `false` if there was none.
    pub(super) fn end(&mut self) -> bool {
        let were_some = !self.0.is_empty();
        self.0.clear();
        were_some
    }
}

impl World {
    /// The error that the request with the key `key` gets in `region`, if one is injected; it counts as used.
    pub(in crate::sim) fn take_injected_error(
        &mut self,
        region: Region,
        operation: Operation,
        key: u64,
    ) -> Option<Arc<Error>> {
        let seed = self.options.seed;
        let errors = &mut self.injected_errors.0;
        // An error whose draw spares the request leaves it to the next one.
        let index = errors.iter().position(|InjectedError { refuse, .. }| {
            refuse.region == region
                && refuse.operation.is_none_or(|refused| refused == operation)
                && is_drawn(seed, refuse.percent, refuse.key, key)
        })?;
        let injected = &mut errors[index];
        self.fault_log.record_acted(injected.fault);
        injected.refuse.times -= 1;
        let error = injected.error.clone();
        if injected.refuse.times == 0 {
            errors.remove(index);
        }
        Some(error)
    }
}
