//! Randomness and surroundings of the SDK: where it would draw numbers, or look at the machine, it gets the seed's.
//!
//! The SDK draws from the generator of its thread: client tokens, the jitter of back-off, the pauses of waiters, and,
//! if a subscriber of `tracing` listens, numbers of its spans. An interceptor seeds that generator anew before each
//! of these draws, so that none depends on how many came before. The user agent, which is signed, is a fixed one.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_runtime::invocation_id::{InvocationId, InvocationIdGenerator};
use aws_runtime::user_agent::AwsUserAgent;
use aws_sdk_dsql::config::interceptors::{
    BeforeSerializationInterceptorContextMut, BeforeSerializationInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_sdk_dsql::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dsql::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use rand::Rng;
use uuid::Uuid;

use crate::rng::{Purpose, mix, stream};

/// The interceptor of a client.
#[derive(Debug)]
pub(super) struct SeededRandom(KeyedCounter);

/// The ids of invocations of a client, which each attempt of a call repeats.
#[derive(Debug)]
pub(super) struct SeededInvocationIds(KeyedCounter);

/// Draws of one client, one after the other.
#[derive(Debug)]
struct KeyedCounter {
    seed: u64,
    key: u64,
    count: AtomicU64,
}

impl KeyedCounter {
    fn next(&self) -> impl Rng + use<> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        stream(self.seed, Purpose::SdkRandom, mix(self.key, count))
    }
}

impl SeededRandom {
    /// The interceptor of the client with this key.
    pub(super) fn new(seed: u64, key: u64) -> SeededRandom {
        SeededRandom(KeyedCounter { seed, key, count: AtomicU64::new(0) })
    }

    fn seed_again(&self) -> Result<(), BoxError> {
        fastrand::seed(self.0.next().next_u64());
        Ok(())
    }
}

impl SeededInvocationIds {
    /// The ids of the client with this key.
    pub(super) fn new(seed: u64, key: u64) -> SeededInvocationIds {
        SeededInvocationIds(KeyedCounter { seed, key: mix(key, IDS), count: AtomicU64::new(0) })
    }
}

impl InvocationIdGenerator for SeededInvocationIds {
    fn generate(&self) -> Result<Option<InvocationId>, BoxError> {
        let mut drawn = self.0.next();
        let id = Uuid::from_u64_pair(drawn.next_u64(), drawn.next_u64());
        Ok(Some(InvocationId::new(id.to_string())))
    }
}

#[dyn_dispatch_hint]
impl Intercept for SeededRandom {
    fn name(&self) -> &'static str {
        "SeededRandom"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The usual one names the operating system and the compiler.
        config.interceptor_state().store_put(AwsUserAgent::for_tests());
        Ok(())
    }

    /// Before the client token is made.
    fn modify_before_serialization(
        &self,
        _context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.seed_again()
    }

    /// Before the jitter of the back-off is drawn.
    fn read_after_attempt(
        &self,
        _context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.seed_again()
    }

    /// Before the pause of a waiter is drawn.
    fn read_after_execution(
        &self,
        _context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.seed_again()
    }
}

/// Tells the draws of ids from the others.
const IDS: u64 = 0x1d5;
