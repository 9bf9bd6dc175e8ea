//! The store in memory: bounded, sharded, expiring.

mod backend;
mod batch;
mod budget;
mod entry;
mod expiry;
mod owners;
mod shard;
mod shards;

pub use backend::{MemoryStore, MemoryStoreBuilder};
pub use budget::Usage;
