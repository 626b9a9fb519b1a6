//! The mint of this process: its clock, its dice, and which ids are on their way.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ostrakon_shared::ReviewId;

use crate::db::QueryError;
use crate::shard::{self, Bucket};

/// Mints ids in ascending order, and knows below which id nothing more will appear.
pub(super) struct Mint {
    state: Mutex<State>,
}

struct State {
    /// Ids are minted above this one.
    last: i64,
    in_flight: BTreeSet<i64>,
}

impl Mint {
    /// A mint of ids above `last`: the highest one that is stored, so that ids are in order even
    /// when the clock has stepped back since.
    pub fn above(last: i64) -> Mint {
        Mint { state: Mutex::new(State { last, in_flight: BTreeSet::new() }) }
    }

    /// A new id in `bucket`, in flight until the result is dropped: do so after the commit.
    /// `now_ms` is the time by the clock of the database, where that has the say.
    pub fn mint(&self, bucket: Bucket, now_ms: Option<i64>) -> Result<Minted<'_>, QueryError> {
        let mut state = self.lock();
        let now_ms = now_ms.unwrap_or_else(|| Timestamp::now().as_millisecond());
        let id = shard::mint(bucket, now_ms, fastrand::u32(..), state.last)
            .ok_or_else(|| QueryError::Broken(format!("no ids for the clock's {now_ms} ms")))?;
        state.last = id.get();
        state.in_flight.insert(id.get());
        Ok(Minted { id, mint: self })
    }

    /// Every review of this process with an id below this one is committed, or never will be: for
    /// SQLite files, where no other process writes. Whoever walks upwards must not step beyond: a
    /// slow writer may still fill a gap there.
    pub fn horizon(&self) -> i64 {
        let mut state = self.lock();
        // With nothing in flight, all until this very millisecond is settled, and stays so: what
        // is minted from now on is above it, whatever the clock does.
        let now_ms = Timestamp::now().as_millisecond();
        let now = ReviewId::first_number_at(now_ms).unwrap_or_default();
        state.last = state.last.max(now - 1);
        state.in_flight.first().copied().unwrap_or(state.last.saturating_add(1))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics between the two changes of the state, so it is whole even then.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An id in flight.
pub(super) struct Minted<'a> {
    pub id: ReviewId,
    mint: &'a Mint,
}

impl Drop for Minted<'_> {
    fn drop(&mut self) {
        self.mint.lock().in_flight.remove(&self.id.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_horizon_is_the_oldest_id_in_flight() {
        let mint = Mint::above(0);
        let [a, b, c] = [3, 900, 14].map(|n| mint.mint(Bucket::wrapping(n), None).unwrap());
        let (first, second, third) = (a.id.get(), b.id.get(), c.id.get());
        assert!(first < second && second < third);
        assert_eq!(mint.horizon(), first);
        drop(b);
        assert_eq!(mint.horizon(), first);
        drop(a);
        assert_eq!(mint.horizon(), third);
        drop(c);
        let settled = mint.horizon();
        assert!(settled > third);
        assert!(mint.mint(Bucket::wrapping(7), None).unwrap().id.get() >= settled);
    }

    #[test]
    fn all_that_is_stored_is_below_the_horizon() {
        for stored in [0, 1, 3_000_000_000_000_000_000, 9_000_000_000_000_000_000] {
            let mint = Mint::above(stored);
            assert!(mint.horizon() > stored);
            assert!(mint.mint(Bucket::wrapping(1), None).unwrap().id.get() > stored);
        }
    }
}
