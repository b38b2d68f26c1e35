//! The handle of a program on the simulation that runs it.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dsql::config::retry::RetryPartition;
use aws_sdk_dsql::config::{
    BehaviorVersion, Builder, Credentials, Region as SdkRegion, SharedAsyncSleep, SharedCredentialsProvider,
};
use aws_types::SdkConfig;
use tokio::sync::oneshot;

use crate::gateway::read_faults;
use crate::rng::fingerprint;
use crate::scenario::fault_text;
use crate::sim::World;
use crate::sim::fault::{Crash, Fault};
use crate::types::{Instant, NodeId};

use super::clock::{VirtualSleep, VirtualTime};
use super::connector::SimulatedHttp;
use super::disk::ProcessDisk;
use super::hygiene::{SeededInvocationIds, SeededRandom};
use super::local::{NewTask, TaskRole, current};
use super::mailbox::{Mailbox, ProcessLife};
use super::process::{ProcessHandle, RunOutput, TaskHandle};

/// A process of the simulation, as its own program sees it: clients of the service, virtual time, faults, and the
/// world for assertions. Clones are of the same process.
///
/// The handle can go to any task, also to one of `tokio::spawn`.
///
/// ```
/// use std::time::Duration;
///
/// use dsql_sim::prelude::*;
/// use dsql_sim::sdk;
///
/// sdk::check("one-cluster").seeds(0..20).run(|sim| async move {
///     // The answer to the first attempt is lost. The SDK retries with the same client token.
///     sim.inject("drop us-east-1->main CreateCluster.response times=1").expect("a fault");
///     sim.client("us-east-1").create_cluster().send().await?;
///     assert!(sim.now() > Duration::from_secs(60), "the connection was closed after a minute");
///     sim.converge().await;
///     assert_eq!(sim.world(|world| world.clusters(Region::US_EAST_1).count()), 1);
///     Ok::<(), aws_sdk_dsql::Error>(())
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Sim {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) owner: ProcessLife,
}

impl Sim {
    /// A client of the service in a Region, as in `us-east-1`, with the configuration of [`Sim::config`].
    #[must_use]
    pub fn client(&self, region: &str) -> aws_sdk_dsql::Client {
        aws_sdk_dsql::Client::from_conf(self.config(region).build())
    }

    /// The configuration of a client, to change: retries, time-outs, an interceptor of your own.
    ///
    /// Connections, time, random numbers, ids and the retry quota are those of the simulation. A configuration that
    /// replaces the HTTP client, the sleep or the time source leaves it.
    #[must_use]
    pub fn config(&self, region: &str) -> Builder {
        let mut state = self.mailbox.state();
        let process = &mut state.processes[self.owner.process];
        process.sdk_clients += 1;
        let key = fingerprint(&(&*process.name, self.owner.life, process.sdk_clients));
        // The clients of a process share one quota for each Region. Without one of its own, a run would draw on the
        // quota that earlier runs of this test have left.
        let partition = || RetryPartition::custom(format!("dsql-{region}")).build();
        let partition = process.partitions.entry(region.to_owned()).or_insert_with(partition).clone();
        drop(state);
        let http = SimulatedHttp { mailbox: self.mailbox.clone(), owner: self.owner };
        let seed = self.mailbox.seed;
        Builder::default()
            .behavior_version(BehaviorVersion::latest())
            .region(SdkRegion::new(region.to_owned()))
            .credentials_provider(credentials())
            .http_client(http)
            .sleep_impl(VirtualSleep)
            .time_source(VirtualTime(self.mailbox.clone()))
            .retry_partition(partition)
            .invocation_id_generator(SeededInvocationIds::new(seed, key))
            .interceptor(SeededRandom::new(seed, key))
    }

    /// The shared configuration of clients in a Region, for a program that makes its client from one, as those with
    /// `aws_config` do.
    ///
    /// It is weaker than [`Sim::config`]: it has no fields for the random numbers, the ids of invocations and the retry
    /// quota. Two runs are equal all the same, unless a subscriber of `tracing` for debugging comes and goes, or the
    /// quota for retries is used up: it then is that of all runs of the test program.
    #[must_use]
    pub fn sdk_config(&self, region: &str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(SdkRegion::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials()))
            .http_client(SimulatedHttp { mailbox: self.mailbox.clone(), owner: self.owner })
            .sleep_impl(SharedAsyncSleep::new(VirtualSleep))
            .time_source(VirtualTime(self.mailbox.clone()))
            .build()
    }

    /// The virtual time since the beginning of the run.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.mailbox.now().since(Instant::START)
    }

    /// Lets virtual time pass, as `tokio::time::sleep` does.
    pub async fn advance(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    /// Injects faults: lines of the scenario language, as in `drop us-east-1->main CreateCluster.response times=1` or
    /// `at +5s crash us-east-1`. A process goes by its name; the program of the test is `main`.
    ///
    /// # Errors
    /// The text has a mistake, or a command that is no fault. Then nothing is injected.
    ///
    /// # Panics
    /// On another thread than that of the run.
    #[track_caller]
    pub fn inject(&self, text: &str) -> Result<(), FaultTextError> {
        let (local, now) = (current(), self.mailbox.now());
        let faults = read_faults(&local.set_up.borrow(), text, now).map_err(FaultTextError)?;
        let is_own_crash = |fault: &Fault| fault.parts().any(|part| crashed_client(part) == Some(0));
        if faults.iter().any(|(_, fault)| is_own_crash(fault)) {
            return Err(FaultTextError(format!("`{MAIN}` is the test itself, which cannot crash")));
        }
        for (pause, mut fault) in faults {
            // Equal faults at different times have draws of their own.
            local.injected.set(local.injected.get() + 1);
            fault.set_key(fingerprint(&("fault", local.injected.get())));
            plan(&local, now.after(pause), fault);
        }
        Ok(())
    }

    /// Looks at the world, for assertions: at its clusters, its trace, its environment. It is as of the last event.
    ///
    /// # Panics
    /// On another thread than that of the run.
    #[track_caller]
    pub fn world<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(current().simulation.borrow().world())
    }

    /// Ends every fault, runs the world until nothing more happens, and demands that it has converged. A run does so
    /// at its end in any case; assertions about the final state of clusters stand behind this.
    ///
    /// # Panics
    /// On another thread than that of the run.
    pub async fn converge(&self) {
        let (done, has_converged) = oneshot::channel();
        current().converging.borrow_mut().push(done);
        self.mailbox.wake();
        // The run ends with a failure otherwise, and this task with it.
        let _ = has_converged.await;
    }

    /// Runs `future` as a task of this process. A crash of the process drops it. The name appears in reports.
    ///
    /// # Panics
    /// On another thread than that of the run.
    #[track_caller]
    pub fn spawn<T: 'static>(&self, name: &str, future: impl Future<Output = T> + 'static) -> TaskHandle<T> {
        let (sender, handle) = TaskHandle::new();
        let future = async move { drop(sender.send(future.await)) };
        let task = NewTask {
            name: name.into(),
            owner: self.owner,
            role: TaskRole::Spawned,
            future: Box::pin(future),
        };
        current().spawned.borrow_mut().push(task);
        self.mailbox.wake();
        handle
    }

    /// Begins the process `name`, whose program is `main`. It calls as a client of that name.
    ///
    /// A `crash NAME` fault drops its tasks. Its requests in flight still arrive and are carried out. After a pause
    /// the process begins again with `main`, and knows only what is on its [disk](Sim::disk). Tasks of `tokio::spawn`
    /// outlive the crash, and get no more answers. An error that `main` returns fails the run.
    ///
    /// # Panics
    /// The process has begun already, or on another thread than that of the run.
    #[track_caller]
    pub fn process<F>(&self, name: &str, main: impl Fn(Sim) -> F + 'static) -> ProcessHandle
    where
        F: Future + 'static,
        F::Output: RunOutput,
    {
        super::process::begin(&self.mailbox, name, main)
    }

    /// The disk of the process `name`: what it keeps over its crashes.
    ///
    /// # Panics
    /// On another thread than that of the run.
    #[track_caller]
    #[must_use]
    pub fn disk(&self, name: &str) -> ProcessDisk {
        ProcessDisk { mailbox: self.mailbox.clone(), process: current().process(name) }
    }
}

/// The mistakes of a text that was to be faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultTextError(String);

/// The credentials of every process, unless it brings its own.
fn credentials() -> Credentials {
    Credentials::new(ACCESS_KEY, "simulated", None, None, "dsql-sim")
}

/// Plans `fault` for `at`.
pub(super) fn plan(local: &super::local::LocalWorld, at: Instant, fault: Fault) {
    for client in fault.parts().filter_map(crashed_client) {
        local.crashes.borrow_mut().insert((at, client));
    }
    let text = fault_text(&local.set_up.borrow(), &fault);
    local.simulation.borrow_mut().world_mut().inject_at(at, fault, text.into());
}

/// The index of the client that `fault` stops.
pub(super) fn crashed_client(fault: &Fault) -> Option<usize> {
    match fault {
        Fault::Crash(Crash { node: NodeId::Client(client), .. }) => Some(client.0 as usize),
        _ => None,
    }
}

/// The name of the process that is the program of the test.
pub(super) const MAIN: &str = "main";

/// The access key id of every process, unless it brings credentials of its own.
pub(super) const ACCESS_KEY: &str = "AKIASIMULATED";
