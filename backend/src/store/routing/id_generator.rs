//! The id generator of one database, and its ids in flight.
//!
//! Look here when ids are out of order, or a list in ascending order ends too early: it ends below
//! the low watermark. PostgreSQL has its own (`db/dialect/low_watermark.rs`).

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostrakon_shared::ReviewId;

use crate::db::QueryError;
use crate::shard::{self, Bucket};
use crate::store::clock::{self, Clock};

/// Generates ascending ids, and knows the low watermark, below which no id will appear.
///
/// If the clock steps back by more than a few seconds, it is or was wrong, and new ids follow the
/// new time, so that they are not dated wrongly for good.
pub(in crate::store) struct IdGenerator {
    database: String,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    /// The last generated id.
    last: i64,
    in_flight: BTreeSet<i64>,
}

/// The limit of a list in ascending order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct LowWatermark {
    /// All reviews with lower ids are committed, or will never be.
    pub settled: i64,
    /// Ids from here on are dated ahead of the clock, because a clock was wrong. They come last.
    pub ahead: i64,
}

impl LowWatermark {
    /// No limit, for lists in other orders.
    pub const NONE: LowWatermark = LowWatermark { settled: i64::MAX, ahead: i64::MAX };

    /// The watermark for a database's clock and the start of its oldest running write.
    pub fn at(oldest_ms: i64, now_ms: i64) -> LowWatermark {
        let settled = clock::first_number_at(oldest_ms);
        LowWatermark { settled, ahead: clock::first_ahead(now_ms) }
    }

    /// The lower of both.
    pub fn and(self, other: LowWatermark) -> LowWatermark {
        let (settled, ahead) = (self.settled.min(other.settled), self.ahead.min(other.ahead));
        LowWatermark { settled, ahead }
    }

    /// Truncates an ascending page at the first row above the watermark, where a slow write may
    /// still appear. Rows dated ahead stay, or the list would stop for years; they come after all
    /// others.
    pub fn cut<T>(self, rows: &mut Vec<T>, id: impl Fn(&T) -> i64) {
        let is_unsettled = |row: &T| (self.settled..self.ahead).contains(&id(row));
        if let Some(end) = rows.iter().position(is_unsettled) {
            rows.truncate(end);
        }
    }
}

impl IdGenerator {
    /// A generator of ids above `last`, the highest stored id that is not dated ahead, so that ids
    /// ascend even if the clock has stepped back a little.
    pub fn above(database: &str, last: i64, clock: Clock) -> IdGenerator {
        let state = Mutex::new(State { last, in_flight: BTreeSet::new() });
        IdGenerator { database: database.to_owned(), clock, state }
    }

    /// The time by the clock of this process, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// The last id. This process has shown no higher id to clients.
    pub fn last_id(&self) -> i64 {
        self.lock().last
    }

    /// Generates only ids above this one from now on.
    pub fn raise(&self, last: i64) {
        let mut state = self.lock();
        state.last = state.last.max(last);
    }

    /// A new id in `bucket`, in flight until the result is dropped: drop it after the commit.
    /// `now_ms` is the time of the database's clock, if it has one.
    pub fn next_id(
        &self,
        bucket: Bucket,
        now_ms: Option<i64>,
    ) -> Result<InFlightId<'_>, QueryError> {
        let now_ms = now_ms.unwrap_or_else(|| self.clock.now_ms());
        let mut state = self.lock();
        self.forget_wrong_clock(&mut state, now_ms);
        let id = shard::mine_id(bucket, now_ms, fastrand::u32(..), state.last)
            .ok_or(QueryError::ClockWrong(now_ms))?;
        state.last = id.get();
        state.in_flight.insert(id.get());
        Ok(InFlightId { id, generator: self })
    }

    /// The low watermark of a SQLite file, where no other process writes: ascending lists must not
    /// go beyond `settled`, because a slow write may still fill a gap there.
    pub fn low_watermark(&self) -> LowWatermark {
        let now_ms = self.clock.now_ms();
        let mut state = self.lock();
        self.forget_wrong_clock(&mut state, now_ms);
        // Without ids in flight, everything up to this millisecond is settled: new ids are above
        // it, even if the clock steps back a few seconds.
        let now = ReviewId::first_number_at(now_ms).unwrap_or_default();
        state.last = state.last.max(now - 1);
        let next = state.last.saturating_add(1);
        let oldest = state.in_flight.first().copied().unwrap_or(next);
        LowWatermark { settled: oldest.min(next), ahead: clock::first_ahead(now_ms).max(next) }
    }

    fn forget_wrong_clock(&self, state: &mut State, now_ms: i64) {
        let Some(now) = ReviewId::first_number_at(now_ms) else { return };
        if state.last < clock::first_ahead(now_ms) {
            return;
        }
        let last = ReviewId::new(state.last).map_or(0, ReviewId::unix_ms);
        tracing::warn!(
            database = self.database,
            now = clock::format(now_ms),
            before = clock::format(last),
            "the clock has stepped back: some reviews are dated ahead of it"
        );
        state.last = now - 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An id in flight.
pub(in crate::store) struct InFlightId<'a> {
    pub id: ReviewId,
    generator: &'a IdGenerator,
}

impl Drop for InFlightId<'_> {
    fn drop(&mut self) {
        self.generator.lock().in_flight.remove(&self.id.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator_above(last: i64) -> (IdGenerator, Clock) {
        let clock = Clock::default();
        (IdGenerator::above("reviews-1", last, clock.clone()), clock)
    }

    #[test]
    fn the_low_watermark_is_the_oldest_id_in_flight() {
        let (generator, _) = generator_above(0);
        let [a, b, c] = [3, 900, 14].map(|n| generator.next_id(Bucket::wrapping(n), None).unwrap());
        let (first, second, third) = (a.id.get(), b.id.get(), c.id.get());
        assert!(first < second && second < third);
        assert_eq!(generator.low_watermark().settled, first);
        drop(b);
        assert_eq!(generator.low_watermark().settled, first);
        drop(a);
        assert_eq!(generator.low_watermark().settled, third);
        drop(c);
        let settled = generator.low_watermark().settled;
        assert!(settled > third);
        assert!(generator.next_id(Bucket::wrapping(7), None).unwrap().id.get() >= settled);
    }

    #[test]
    fn ids_stay_in_order_while_the_clock_is_set() {
        let (generator, clock) = generator_above(0);
        for offset in [4_000, 0, 2_500, -1_000, 3_900] {
            clock.set_offset_ms(offset);
            let settled = generator.low_watermark().settled;
            assert!(generator.next_id(Bucket::wrapping(1), None).unwrap().id.get() >= settled);
        }
    }

    #[test]
    fn ids_follow_the_clock_after_it_is_corrected() {
        let (generator, clock) = generator_above(0);
        clock.set_offset_ms(3_600_000);
        let ahead = generator.next_id(Bucket::wrapping(1), None).unwrap();
        clock.set_offset_ms(0);
        let id = generator.next_id(Bucket::wrapping(1), None).unwrap().id;
        let now_ms = clock.now_ms();
        assert!((now_ms - id.unix_ms()).abs() < 60_000, "{} at {now_ms}", id.unix_ms());
        // An id in flight with the wrong time does not hold up ids with the right one.
        let watermark = generator.low_watermark();
        assert!(id.get() < watermark.settled && watermark.settled < ahead.id.get());
        let mut rows = vec![id.get(), ahead.id.get()];
        watermark.cut(&mut rows, |&id| id);
        assert_eq!(rows, [id.get(), ahead.id.get()]);
    }

    #[test]
    fn no_ids_are_generated_for_times_outside_their_range() {
        let (generator, clock) = generator_above(0);
        let before = generator.next_id(Bucket::wrapping(1), None).unwrap().id;
        for year in [-60_i64, 60] {
            clock.set_offset_ms(year * 366 * 86_400_000);
            let refused = generator.next_id(Bucket::wrapping(1), None);
            assert!(matches!(refused, Err(QueryError::ClockWrong(_))));
            let mut rows = vec![before.get()];
            generator.low_watermark().cut(&mut rows, |&id| id);
            assert_eq!(rows, [before.get()], "the review is still listed");
        }
        clock.set_offset_ms(0);
        assert!(generator.next_id(Bucket::wrapping(1), None).unwrap().id > before);
    }
}
