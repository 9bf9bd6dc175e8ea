use super::Fault;
use crate::store::{Key, Namespace, Store};
use ring::digest::{Context, SHA256};
use std::time::Duration;

/// Lets each thing pass once, on all machines that share the store.
///
/// Only what was signed by a known key is written down, so that who has no key cannot fill the
/// store; and in one round trip, so that of many copies that come at once one passes.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    namespace: Namespace,
    store: Store,
}

impl Replay {
    pub(super) const fn new(namespace: Namespace, store: Store) -> Self {
        Self { namespace, store }
    }

    /// Passes if nothing with these parts did within `memory`.
    pub(super) async fn pass(&self, parts: &[&str], memory: Duration) -> Result<(), Fault> {
        let id = id(parts);
        let key = Key::new(self.namespace, &id);
        if self.store.put_if_absent(key, &[], memory).await? {
            Ok(())
        } else {
            Err(Fault::Replayed)
        }
    }
}

/// One id for these parts, of a size that any store takes. Each stands behind its length, so
/// that no two lists of parts come to the same bytes.
fn id(parts: &[&str]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut id = [0; 32];
    id.copy_from_slice(context.finish().as_ref());
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stay_apart() {
        assert_ne!(id(&["ab", "c"]), id(&["a", "bc"]));
        assert_ne!(id(&["a"]), id(&["a", ""]));
    }
}
