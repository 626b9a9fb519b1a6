//! What this process knows of products without asking.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use ostrakon_shared::ProductId;

/// For so long a product counts as open, or archived, whatever other processes do.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Products that were seen to exist: they are never deleted. And, for a moment, whether they are
/// archived.
#[derive(Default)]
pub(super) struct KnownProducts(RwLock<State>);

#[derive(Default)]
struct State {
    products: HashMap<ProductId, Seen>,
    edits: u64,
}

#[derive(Clone, Copy)]
struct Seen {
    archived: bool,
    at: Instant,
}

impl KnownProducts {
    /// Whether there is this product; false: not known.
    pub fn exists(&self, id: ProductId) -> bool {
        self.read(|state| state.products.contains_key(&id))
    }

    /// Whether this product is archived; None: not known.
    pub fn is_archived(&self, id: ProductId) -> Option<bool> {
        let seen = self.read(|state| state.products.get(&id).copied())?;
        (seen.at.elapsed() < MAX_AGE).then_some(seen.archived)
    }

    /// How many edits there were; to be asked before a product is read.
    pub fn edits(&self) -> u64 {
        self.read(|state| state.edits)
    }

    /// A product was read after so many edits. What was edited meanwhile is not as it was read.
    pub fn note(&self, id: ProductId, archived: bool, edits: u64) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if state.edits == edits {
            state.products.insert(id, Seen { archived, at: Instant::now() });
        }
    }

    /// This process has edited a product.
    pub fn note_edit(&self, id: ProductId) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        state.edits += 1;
        state.products.remove(&id);
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
