//! Removes old entries of the audit trail and expired sessions.
//!
//! With a wrong clock, this would delete current rows for good. So the clock must be trusted first:
//! either the audit trail has an entry between a day and about a week old, or the clock has kept
//! pace for a day since this process started. Until then nothing is removed; expired sessions are
//! refused anyway.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::db::{Connection, DbError, QueryError, audit, sessions};
use crate::store::accounts::Accounts;
use crate::store::clock;
use crate::store::error::StoreError;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The age range, in milliseconds, of entries that confirm the clock. Younger ones may have been
/// dated by the wrong clock itself.
const CONFIRMING_AGES_MS: (i64, i64) = (DAY_MS, 8 * DAY_MS);
/// How long the clock must keep pace to be trusted without such entries.
const TRUST_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// The maximum adjustment of the clock in that time, in milliseconds.
const MAX_SET_MS: u64 = HOUR_MS.unsigned_abs();
/// Entries removed per transaction, and transactions per run.
const PRUNE_ROWS: i64 = 1_000;
const PRUNE_ROUNDS: usize = 100;

/// The moment since which the clock has kept pace with the monotonic clock, and its time then.
pub(in crate::store) struct ClockPace(Mutex<(Instant, i64)>);

impl ClockPace {
    /// Starts now, when the clock shows `now_ms`.
    pub fn new(now_ms: i64) -> ClockPace {
        ClockPace(Mutex::new((Instant::now(), now_ms)))
    }

    /// How long the clock, which shows `now_ms` at `at`, has kept pace.
    fn kept_for(&self, at: Instant, now_ms: i64) -> Duration {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = at.duration_since(since.0);
        let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        if (now_ms - since.1).abs_diff(passed_ms) > MAX_SET_MS {
            *since = (at, now_ms);
            return Duration::ZERO;
        }
        passed
    }
}

/// The numbers of removed rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemovedRows {
    /// Entries of the audit trail.
    pub entries: usize,
    pub sessions: usize,
}

impl Accounts<'_> {
    /// Removes audit entries older than `audit_days`, in short transactions, and expired sessions.
    /// Removes nothing while the clock is not trusted.
    pub fn remove_old(&self, audit_days: u32) -> Result<RemovedRows, StoreError> {
        let now_ms = self.shared.clock.now_ms();
        let before = now_ms - i64::from(audit_days) * DAY_MS;
        let kept_pace = self.shared.pace.kept_for(Instant::now(), now_ms);
        let (is_due, is_confirmed) = self.default().read_latest(|connection| {
            let is_due = audit::any_before(connection, before)?
                || sessions::any_expired(connection, now_ms)?;
            let (youngest, oldest) = CONFIRMING_AGES_MS;
            Ok((is_due, audit::any_within(connection, now_ms - oldest, now_ms - youngest)?))
        })?;
        if !is_due {
            return Ok(RemovedRows::default());
        }
        if !is_confirmed && kept_pace < TRUST_AFTER {
            // Logged once, not every hour.
            if kept_pace.as_millis() < u128::from(MAX_SET_MS) {
                let now = clock::format(now_ms);
                let why = "the clock may be ahead: no entries were stored in the week before. Old rows \
                           are kept until the clock has kept pace for a day";
                tracing::warn!(now, "{why}");
            }
            return Ok(RemovedRows::default());
        }
        let removed = RemovedRows {
            sessions: self
                .unless_read_only(|connection| sessions::remove_expired(connection, now_ms))?,
            entries: self.prune_audit(before)?,
        };
        if removed != RemovedRows::default() {
            let RemovedRows { entries, sessions } = removed;
            tracing::info!(
                entries,
                sessions,
                audit_days,
                "removed old audit entries and expired sessions"
            );
        }
        Ok(removed)
    }

    fn prune_audit(&self, before: i64) -> Result<usize, StoreError> {
        let mut removed = 0;
        for _ in 0..PRUNE_ROUNDS {
            let prune = |connection: &mut Connection| audit::prune(connection, before, PRUNE_ROWS);
            match self.unless_read_only(prune)? {
                0 => break,
                more => removed += more,
            }
        }
        Ok(removed)
    }

    /// Runs `remove`, unless a transfer has made the databases read-only; returns the number of
    /// removed rows.
    fn unless_read_only(
        &self,
        remove: impl FnOnce(&mut Connection) -> Result<usize, QueryError>,
    ) -> Result<usize, StoreError> {
        match self.default().write(remove) {
            Err(DbError::ReadOnly { .. }) => Ok(0),
            removed => Ok(removed?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_change_restarts_the_measurement() {
        let pace = ClockPace::new(0);
        let start = pace.0.lock().unwrap().0;
        let kept = |hours: u64, clock_ms: i64| {
            let kept = pace.kept_for(start + Duration::from_secs(hours * 60 * 60), clock_ms);
            kept.as_secs() / 60 / 60
        };
        assert_eq!(kept(10, 10 * HOUR_MS + 60_000), 10);
        // Ahead by ten years, and back again.
        assert_eq!(kept(30, 3_650 * DAY_MS), 0);
        assert_eq!(kept(40, 3_650 * DAY_MS + 10 * HOUR_MS), 10);
        assert_eq!(kept(54, 3_651 * DAY_MS), 24);
        assert_eq!(kept(60, 60 * HOUR_MS), 0);
        assert_eq!(kept(85, 85 * HOUR_MS), 25);
    }
}
