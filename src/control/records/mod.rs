//! The records of a node: clusters with their policies and streams, client tokens, the storage in memory and the disk.

mod cluster;
mod disk;
mod policy;
mod storage;
mod stream;
mod tokens;
mod writes;

pub use cluster::{Attached, Cluster, ClusterKey, DeferredRequest, Intent, MultiRegion, Serial, may_become};
pub use disk::{Disk, Replaced};
pub use policy::ClusterPolicy;
pub use storage::{Batch, ClusterCounts, Storage, Undo};
pub use stream::{MAX_STREAMS, Stream, stream_may_become};
pub use tokens::{TokenKey, TokenRecord, TokenWrite};

pub(in crate::control) use tokens::{CallToken, InFlight, Tokens};
