//! Moves one bucket from one database to another while both are used.
//!
//! Each step is a transaction of one database, and names the move: one that has been aborted, or
//! whose process has lost its lease, changes nothing any more. `tests/move_protocol` checks the
//! protocol as a model, with the same numbers and a process that may end at each step.
//!
//! 1. `default`: the move begins.
//! 2. Target: `importing`; what an earlier move has left there is removed.
//! 3. Source: `moving`, once all writers that did not know have ended. From now on each change
//!    leaves a mark.
//! 4. Copy, apply marks until few are left, compare.
//! 5. Source: `frozen`; writes wait. Apply the last marks.
//! 6. Target: `frozen` in the next epoch: complete and readable, but not written.
//! 7. `default`: the decision. The shard map names the target.
//! 8. Source: `gone`; then target: `owned`. Writes go on.
//! 9. The source's rows are removed.
//!
//! Before the decision a move is aborted and undone; after it, it is completed. Step 4 is in
//! `copying`.

mod copying;

use std::time::{Duration, Instant};

use ostrakon_shared::ReviewId;

use crate::db::bucket_copy::{self, ReviewSet};
use crate::db::owner::{self, ChangeRow, OwnerRow, OwnerState};
use crate::db::rebalances::{self, MoveRow, Progress};
use crate::db::{
    Connection, DbError, Lock, QueryError, RequestDatabase, clock_ms, limit_lock_wait, lock,
    lock_shared,
};
use crate::shard::{Bucket, DatabaseIndex};
use crate::store::clock;
use crate::store::cluster::rebalance::MoveError;
use crate::store::cluster::rebalance::lease::Lease;

/// How long a step waits for writers of the bucket; others queue behind it meanwhile.
const LOCK_WAIT: Duration = Duration::from_millis(100);
/// How often it tries.
const LOCK_TRIES: usize = 50;
/// How far the target's clock may be behind the source's before a bucket is frozen.
const MAX_CLOCK_LAG_MS: i64 = 100;

/// A move, and what it has done so far.
pub(super) struct BucketMove<'a> {
    lease: &'a Lease<'a>,
    row: &'a MoveRow,
    bucket: Bucket,
    source: DatabaseIndex,
    target: DatabaseIndex,
    progress: Progress,
    /// The highest id of a copied review that is not dated ahead of the source's clock.
    last_id: i64,
    /// The lowest id that is dated ahead of it.
    ahead: i64,
}

/// Ends the process as `kill -9` would, if the failpoint with this name is on: only in tests.
macro_rules! crash_point {
    ($name:literal) => {
        fail::fail_point!($name, |_| std::process::abort())
    };
}

impl<'a> BucketMove<'a> {
    pub fn new(lease: &'a Lease<'a>, row: &'a MoveRow) -> Result<BucketMove<'a>, MoveError> {
        let bucket = Bucket::new(row.bucket)
            .ok_or_else(|| QueryError::CorruptData(format!("bucket {}", row.bucket)))
            .map_err(|error| MoveError::Waits(error.to_string()))?;
        let [source, target] = [&row.source, &row.target].map(|name| lease.index_of(name));
        let progress = Progress::default();
        Ok(BucketMove {
            lease,
            row,
            bucket,
            source: source?,
            target: target?,
            progress,
            last_id: 0,
            ahead: i64::MAX,
        })
    }

    /// Carries the move out; it is done afterwards.
    pub fn run(mut self) -> Result<(), MoveError> {
        self.ahead = clock::first_ahead(self.now_ms(self.source)?);
        self.claim_target()?;
        crash_point!("move-claimed");
        self.arm_source()?;
        crash_point!("move-armed");
        self.copy()?;
        crash_point!("move-copied");
        self.catch_up()?;
        self.compare()?;
        self.require_clock()?;
        crash_point!("move-compared");
        let frozen_at = self.freeze()?;
        crash_point!("move-frozen");
        self.complete_target()?;
        crash_point!("move-completed");
        self.decide()?;
        crash_point!("move-decided");
        self.open_target()?;
        let pause = frozen_at.elapsed();
        self.progress.write_pause_us = Some(pause.as_micros().try_into().unwrap_or(i64::MAX));
        self.note_progress()?;
        crash_point!("move-opened");
        self.purge_source()
    }

    /// Completes a move that has been decided.
    pub fn roll_forward(self) -> Result<(), MoveError> {
        self.open_target()?;
        self.purge_source()
    }

    /// Undoes a move that has been aborted, and frees the source.
    pub fn undo(self) -> Result<(), MoveError> {
        let moved = self.row.id;
        let epoch = self.row.epoch;
        self.write_between_writers(|connection, _| {
            let Some(row) = owner::find(connection, self.bucket)? else { return Ok(()) };
            // Also if the source was never armed, so that this move can't arm it later.
            if row.epoch != epoch || row.move_id.is_some_and(|last| last > moved) {
                return Ok(());
            }
            let owned = OwnerRow { state: OwnerState::Owned, epoch, move_id: Some(moved) };
            owner::update(connection, self.bucket, row, owned)?;
            owner::delete_all_changes(connection, self.bucket)
        })?;
        crash_point!("move-undone");
        self.purge(self.target, OwnerState::Importing)?;
        crash_point!("move-purged");
        self.end("aborting", "aborted")
    }

    fn request(&self, index: DatabaseIndex) -> RequestDatabase<'a> {
        self.lease.routing().database(index)
    }

    fn row_at_source(&self, state: OwnerState) -> OwnerRow {
        OwnerRow { state, epoch: self.row.epoch, move_id: Some(self.row.id) }
    }

    fn row_at_target(&self, state: OwnerState) -> OwnerRow {
        OwnerRow { state, epoch: self.row.epoch + 1, move_id: Some(self.row.id) }
    }

    /// Runs `write` in a transaction of a database, if its owner row is as this move has left it.
    fn write_as<T>(
        &self,
        index: DatabaseIndex,
        expected: &[OwnerRow],
        write: impl FnOnce(&mut Connection, OwnerRow) -> Result<T, QueryError>,
    ) -> Result<T, MoveError> {
        let written = self.request(index).write(|connection| {
            lock(connection, Lock::Bucket(self.bucket))?;
            match owner::find(connection, self.bucket)? {
                Some(row) if expected.contains(&row) => write(connection, row).map(Some),
                _ => Ok(None),
            }
        })?;
        written.ok_or(MoveError::Superseded)
    }

    /// Removes marks that have been applied, beside clients that change the bucket.
    fn delete_marks(&self, applied: &[ChangeRow]) -> Result<(), MoveError> {
        let moving = self.row_at_source(OwnerState::Moving);
        let is_moving = self.request(self.source).write(|connection| {
            lock_shared(connection, &[self.bucket])?;
            if owner::find(connection, self.bucket)? != Some(moving) {
                return Ok(false);
            }
            owner::delete_changes(connection, self.bucket, applied)?;
            Ok(true)
        })?;
        if is_moving { Ok(()) } else { Err(MoveError::Superseded) }
    }

    fn change_row(
        &self,
        index: DatabaseIndex,
        from: OwnerRow,
        to: OwnerRow,
    ) -> Result<(), MoveError> {
        let change =
            |connection: &mut Connection, row| owner::update(connection, self.bucket, row, to);
        self.write_as(index, &[from], change).map(drop)
    }

    fn claim_target(&self) -> Result<(), MoveError> {
        let importing = self.row_at_target(OwnerState::Importing);
        let claimed = self.request(self.target).write(|connection| {
            lock(connection, Lock::Bucket(self.bucket))?;
            match owner::find(connection, self.bucket)? {
                None => owner::insert(connection, self.bucket, importing).map(|()| true),
                Some(row)
                    if !matches!(row.state, OwnerState::Owned | OwnerState::Moving)
                        && row.move_id < importing.move_id =>
                {
                    owner::update(connection, self.bucket, row, importing)
                }
                Some(_) => Ok(false),
            }
        })?;
        if !claimed {
            return Err(MoveError::Superseded);
        }
        // Rows of an earlier move that could not be undone, or of reviews that have moved away.
        loop {
            let purge =
                |connection: &mut Connection, _| bucket_copy::purge_some(connection, self.bucket);
            match self.write_as(self.target, &[importing], purge)? {
                Some(reviews) => self.lease.pace(reviews)?,
                None => return Ok(()),
            }
        }
    }

    fn arm_source(&self) -> Result<(), MoveError> {
        let moving = self.row_at_source(OwnerState::Moving);
        let armed = self.write_between_writers(|connection, _| {
            let Some(row) = owner::find(connection, self.bucket)? else { return Ok(false) };
            if row.state != OwnerState::Owned
                || row.epoch != moving.epoch
                || row.move_id >= moving.move_id
            {
                return Ok(false);
            }
            // Marks of a move that was undone are of no use.
            owner::delete_all_changes(connection, self.bucket)?;
            owner::update(connection, self.bucket, row, moving)
        })?;
        if armed { Ok(()) } else { Err(MoveError::Superseded) }
    }

    /// The time up to which the source has dated reviews of the bucket, or could have, in
    /// milliseconds since the Unix epoch.
    fn latest_ms(&self) -> Result<i64, MoveError> {
        let last = ReviewId::new(self.last_id).map_or(0, ReviewId::unix_ms);
        Ok(last.max(self.now_ms(self.source)?))
    }

    fn now_ms(&self, index: DatabaseIndex) -> Result<i64, MoveError> {
        let by_server = self.request(index).read_latest(clock_ms)?;
        let by_generator = || self.lease.routing().shards.id_generator(index).now_ms();
        Ok(by_server.unwrap_or_else(by_generator))
    }

    /// Fails while the target's clock is so far behind the source's that writes would wait long.
    fn require_clock(&self) -> Result<(), MoveError> {
        let lag_ms = self.latest_ms()? - self.now_ms(self.target)?;
        if lag_ms <= MAX_CLOCK_LAG_MS {
            return Ok(());
        }
        Err(MoveError::Waits(format!(
            "the clock of {} is {lag_ms} ms behind the one of {}: new reviews would be dated before \
             older ones",
            self.row.target, self.row.source
        )))
    }

    fn freeze(&self) -> Result<Instant, MoveError> {
        let (moving, frozen) = (OwnerState::Moving, OwnerState::Frozen);
        let [moving, frozen] = [moving, frozen].map(|state| self.row_at_source(state));
        let (is_frozen, frozen_at) = self.write_between_writers(|connection, asked_at| {
            Ok((owner::update(connection, self.bucket, moving, frozen)?, asked_at))
        })?;
        if is_frozen { Ok(frozen_at) } else { Err(MoveError::Superseded) }
    }

    /// Runs `write` in a transaction of the source, once all transactions that change the bucket
    /// have ended. Gives up waiting again and again, because those that begin wait behind it.
    /// `write` also gets the time since when they do.
    fn write_between_writers<T>(
        &self,
        write: impl Fn(&mut Connection, Instant) -> Result<T, QueryError>,
    ) -> Result<T, MoveError> {
        for _ in 0..LOCK_TRIES {
            let written = self.request(self.source).write(|connection| {
                limit_lock_wait(connection, LOCK_WAIT)?;
                let asked_at = Instant::now();
                lock(connection, Lock::Bucket(self.bucket))?;
                write(connection, asked_at)
            });
            match written {
                Err(DbError::Locked { .. }) => std::thread::sleep(LOCK_WAIT),
                written => return Ok(written?),
            }
        }
        let problem = "a transaction that changes the bucket does not end";
        Err(MoveError::Waits(format!("{}: {problem}", self.row.source)))
    }

    /// Applies the last marks, compares what they have changed, and makes the target readable.
    fn complete_target(&mut self) -> Result<(), MoveError> {
        let (_, set, ratings) = self.read_changed(i64::MAX)?;
        self.note_ids(&set);
        self.wait_for_clock()?;
        let importing = self.row_at_target(OwnerState::Importing);
        let frozen = self.row_at_target(OwnerState::Frozen);
        let is_same = self.write_as(self.target, &[importing], |connection, row| {
            let (bucket, ids, products) = (self.bucket, set.ids(), set.products());
            set.replace(connection)?;
            bucket_copy::replace_ratings(connection, bucket, products, &ratings)?;
            let copy = ReviewSet::read(connection, bucket, products.to_vec(), ids.to_vec())?;
            let same = set.differences(&copy).is_empty()
                && bucket_copy::ratings(connection, bucket, products)? == ratings;
            Ok(same && owner::update(connection, bucket, row, frozen)?)
        })?;
        let problem = "the rows that were changed last differ after they were copied";
        if is_same { Ok(()) } else { Err(MoveError::Waits(problem.to_owned())) }
    }

    /// Waits until the target dates reviews later than the source has, so that no cursor that a
    /// client has got lies beyond them.
    fn wait_for_clock(&self) -> Result<(), MoveError> {
        let latest_ms = self.latest_ms()?;
        let shards = self.lease.routing().shards;
        let last_id = shards.id_generator(self.source).last_id().max(self.last_id);
        shards.id_generator(self.target).raise(last_id);
        loop {
            let lag_ms = latest_ms - self.now_ms(self.target)?;
            if lag_ms < 0 {
                return Ok(());
            }
            if lag_ms > 10 * MAX_CLOCK_LAG_MS {
                return Err(MoveError::Waits(format!(
                    "the clock of {} has stepped back by {lag_ms} ms",
                    self.row.target
                )));
            }
            std::thread::sleep(Duration::from_millis(lag_ms.unsigned_abs() + 1));
        }
    }

    fn decide(&self) -> Result<(), MoveError> {
        let routing = self.lease.routing();
        let version = routing.shards.map().version();
        let decided = routing.default().write(|connection| {
            lock(connection, Lock::Rebalance)?;
            rebalances::commit_move(connection, self.row)
        })?;
        if !decided {
            return Err(MoveError::Superseded);
        }
        routing.shards.reload_map(routing.context, version).map_err(MoveError::from)
    }

    fn open_target(&self) -> Result<(), MoveError> {
        let (frozen, gone) = (OwnerState::Frozen, OwnerState::Gone);
        let [frozen, gone] = [frozen, gone].map(|state| self.row_at_source(state));
        match self.change_row(self.source, frozen, gone) {
            // Done before.
            Err(MoveError::Superseded) => {}
            changed => changed?,
        }
        crash_point!("move-closed");
        let (frozen, owned) = (OwnerState::Frozen, OwnerState::Owned);
        let [frozen, owned] = [frozen, owned].map(|state| self.row_at_target(state));
        match self.change_row(self.target, frozen, owned) {
            Err(MoveError::Superseded) => Ok(()),
            changed => changed,
        }
    }

    fn purge_source(self) -> Result<(), MoveError> {
        self.purge(self.source, OwnerState::Gone)?;
        crash_point!("move-source-purged");
        self.end("committed", "done")
    }

    /// Removes the rows of a database that does not own the bucket, and in the end its owner row.
    fn purge(&self, index: DatabaseIndex, state: OwnerState) -> Result<(), MoveError> {
        let expected = match state {
            OwnerState::Gone => vec![self.row_at_source(state)],
            _ => vec![self.row_at_target(state), self.row_at_target(OwnerState::Frozen)],
        };
        loop {
            let purge = |connection: &mut Connection, row: OwnerRow| {
                if row.state == OwnerState::Frozen {
                    // Unreadable first: its reviews are about to be incomplete.
                    let importing = self.row_at_target(OwnerState::Importing);
                    owner::update(connection, self.bucket, row, importing)?;
                    return Ok(Some(0));
                }
                let purged = bucket_copy::purge_some(connection, self.bucket)?;
                if purged.is_none() {
                    owner::delete_all_changes(connection, self.bucket)?;
                    owner::delete(connection, self.bucket)?;
                }
                Ok(purged)
            };
            match self.write_as(index, &expected, purge) {
                Ok(Some(reviews)) => self.lease.pace(reviews)?,
                // No rows of this move are left.
                Ok(None) | Err(MoveError::Superseded) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn end(&self, from: &str, to: &str) -> Result<(), MoveError> {
        let now_ms = self.lease.now_ms()?;
        Ok(self.lease.routing().default().write(|connection| {
            rebalances::change_move(connection, self.row.id, from, to, now_ms).map(drop)
        })?)
    }

    fn note_progress(&self) -> Result<(), MoveError> {
        Ok(self.lease.routing().default().write(|connection| {
            rebalances::note_progress(connection, self.row.id, &self.progress)
        })?)
    }
}
