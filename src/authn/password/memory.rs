//! The memory that hashes are made in, kept from one to the next.
//!
//! An allocator that has arenas, as that of glibc, does not give back tens of mebibytes that
//! come and go on several threads among small things: each arena comes to hold a few hashes'
//! worth, and there are eight for each core. So memory of the usual size is allocated once for
//! each hash that runs at the same time, up to the number of cores.

use super::HashError;
use crate::lock::lock;
use argon2::Block;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::available_parallelism;

/// Memory for hashes of up to so many blocks. Clones share it.
#[derive(Clone)]
pub(super) struct Memory {
    usual: usize,
    most: usize,
    free: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl Memory {
    /// Memory that is kept when it is of this many blocks.
    pub(super) fn of(usual: usize) -> Self {
        Self {
            usual,
            most: available_parallelism().map_or(1, usize::from),
            free: Arc::default(),
        }
    }

    /// Lets `work` have this many blocks, of any content.
    pub(super) fn lend<T>(
        &self,
        blocks: usize,
        work: impl FnOnce(&mut [Block]) -> T,
    ) -> Result<T, HashError> {
        let kept = (blocks <= self.usual).then(|| self.free().pop()).flatten();
        let mut memory = match kept {
            Some(memory) => memory,
            None => allocate(blocks.max(self.usual))?,
        };
        let done = work(&mut memory);
        let mut free = self.free();
        if memory.len() == self.usual && free.len() < self.most {
            free.push(memory);
        }
        Ok(done)
    }

    fn free(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        lock(&self.free)
    }
}

fn allocate(blocks: usize) -> Result<Vec<Block>, HashError> {
    let mut memory = Vec::new();
    memory
        .try_reserve_exact(blocks)
        .map_err(|_| HashError::OutOfMemory)?;
    memory.resize(blocks, Block::new());
    Ok(memory)
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("usual", &self.usual)
            .field("free", &self.free().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_is_kept_and_no_more() {
        let memory = Memory::of(8);
        let free = || memory.free().len();
        for (blocks, expected) in [(9, 0), (8, 1), (3, 1), (9, 1), (8, 1)] {
            let lent = memory.lend(blocks, |lent| lent.len());
            assert!(lent.is_ok_and(|lent| lent >= blocks));
            assert_eq!(free(), expected, "{blocks}");
        }
    }

    #[test]
    fn no_more_is_kept_than_can_run() {
        fn nested(memory: &Memory, depth: usize) {
            if depth > 0 {
                let lent = memory.lend(1, |_| nested(memory, depth - 1));
                assert!(lent.is_ok());
            }
        }
        let memory = Memory::of(1);
        nested(&memory, memory.most + 3);
        assert_eq!(memory.free().len(), memory.most);
    }

    #[test]
    fn what_cannot_be_had_is_an_error() {
        let lent = Memory::of(1).lend(usize::MAX / 1024, |_| ());
        assert!(matches!(lent, Err(HashError::OutOfMemory)));
    }
}
