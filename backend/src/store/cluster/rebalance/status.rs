//! The status of a rebalance.
//!
//! Here the stored rows become what the API, the command line and the app show: progress, pauses,
//! estimates and next steps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ostrakon_shared::{
    MovingBucket, Rebalance, RebalanceList, RebalancePart, RebalanceState, WritePauses,
};

use crate::db::cluster;
use crate::db::rebalances::{self, MoveRow, RebalanceRow};
use crate::db::{QueryError, now_ms};
use crate::store::cluster::Cluster;
use crate::store::error::StoreError;

/// How many rebalances are listed.
const LISTED: i64 = 20;

/// How long a process may take to begin.
const START_MS: i64 = 2_000;
/// What a rebalance waits for that no process carries out.
const NO_MOVER: &str = "a process that moves buckets: start a server, or resume it";

impl Cluster<'_> {
    /// The last rebalances, and the owner of each bucket, in one snapshot.
    pub fn rebalances(&self) -> Result<RebalanceList, StoreError> {
        let (rows, map, now_ms) = self.routing().default().read_latest(|connection| {
            let mut rows = Vec::new();
            for row in rebalances::newest(connection, LISTED)? {
                let moves = rebalances::moves(connection, row.id)?;
                rows.push((row, moves));
            }
            Ok((rows, cluster::shard_map(connection)?, now_ms(connection)?))
        })?;
        let databases: Vec<String> = map.active().map(|member| member.name.clone()).collect();
        let place = |(owner, _): &(String, i64)| {
            let place = databases.iter().position(|name| name == owner);
            place.and_then(|place| u16::try_from(place).ok()).ok_or_else(|| {
                StoreError::Internal(format!("{owner} owns a bucket, but is no database"))
            })
        };
        let owners = map.owners.iter().map(place).collect::<Result<_, _>>()?;
        let items = rows.into_iter().map(|(row, moves)| rebalance(row, &moves, now_ms));
        let items: Result<_, QueryError> = items.collect();
        Ok(RebalanceList { items: items?, databases, owners })
    }

    /// The rebalance that has not ended; otherwise the last one.
    pub fn rebalance(&self) -> Result<Rebalance, StoreError> {
        let found = self.routing().default().read_latest(|connection| {
            let Some(row) = rebalances::newest(connection, 1)?.pop() else { return Ok(None) };
            let moves = rebalances::moves(connection, row.id)?;
            let now_ms = now_ms(connection)?;
            rebalance(row, &moves, now_ms).map(Some)
        })?;
        found.ok_or(StoreError::NoRebalance)
    }
}

fn rebalance(row: RebalanceRow, moves: &[MoveRow], now_ms: i64) -> Result<Rebalance, QueryError> {
    let broken = || QueryError::CorruptData(format!("rebalance {}", row.id));
    let time = |ms: i64| Timestamp::from_millisecond(ms).map_err(|_| broken());
    let state: RebalanceState = row.state.parse().map_err(|_| broken())?;
    // Each bucket by its last attempt; of those that were given up only those that had begun.
    let last: BTreeMap<i16, &MoveRow> = moves.iter().map(|row| (row.bucket, row)).collect();
    let reviews = last.values().map(|row| expected(row)).sum();
    let copied = last.values().map(|row| copied(row)).sum();
    // Without a process that moves buckets, the time does not count.
    let worked_until = row.lease_until.map_or(now_ms, |until| until.min(now_ms));
    let seconds = working_seconds(last.values().copied(), worked_until);
    let rate = seconds.map(|seconds| copied as f64 / seconds);
    let moved_buckets = last.values().filter(|row| is_moved(row)).count() as u64;
    let buckets = last.len() as u64;
    let is_running = state == RebalanceState::Running;
    // By buckets as well as by reviews: small buckets take as long as their transactions.
    let seconds_left = seconds.filter(|_| is_running && moved_buckets > 0).map(|seconds| {
        let by_buckets = seconds / moved_buckets as f64 * (buckets - moved_buckets) as f64;
        let left = (reviews - copied) as f64;
        let by_reviews = rate.filter(|&rate| rate > 0.0).map_or(0.0, |rate| left / rate);
        by_buckets.max(by_reviews).ceil() as u64
    });
    let goes_on = matches!(state, RebalanceState::Running | RebalanceState::Aborting);
    let last_seen = row.lease_until.or(row.started_at);
    let has_mover = last_seen.is_some_and(|at| at + START_MS >= now_ms);
    let waits_since = row.waits_since.map(time).transpose()?;
    let (waits_for, waits_since) = match row.waits_for {
        _ if goes_on && !has_mover => (Some(NO_MOVER.to_owned()), last_seen.map(time).transpose()?),
        reason => (reason, waits_since),
    };
    Ok(Rebalance {
        id: row.id,
        state,
        created_at: time(row.created_at)?,
        started_at: row.started_at.map(time).transpose()?,
        finished_at: row.finished_at.map(time).transpose()?,
        parts: parts(last.values().copied()),
        buckets,
        moved_buckets,
        reviews,
        copied_reviews: copied,
        repaired_reviews: unsigned(moves.iter().map(|row| row.repaired).sum()),
        reviews_per_second: rate.map(|rate| (rate * 10.0).round() / 10.0),
        seconds_left,
        max_rate: row.max_rate.and_then(|rate| u32::try_from(rate).ok()),
        moving: moves.iter().filter_map(moving).collect(),
        write_pauses: write_pauses(moves),
        waits_since,
        next_steps: next_steps(state, waits_for.is_some()),
        goal: row.goal,
        waits_for,
    })
}

fn unsigned(number: i64) -> u64 {
    number.unsigned_abs()
}

/// How many reviews a move copies: of one that has ended, those that it has copied; clients may have
/// written more than were planned.
fn expected(row: &MoveRow) -> u64 {
    let planned = if is_moved(row) { 0 } else { unsigned(row.reviews) };
    planned.max(copied(row))
}

/// How many reviews a move has copied; an attempt that was given up has removed its copies.
fn copied(row: &MoveRow) -> u64 {
    if row.state == "aborted" { 0 } else { unsigned(row.copied) }
}

/// How long buckets have been moving, without pauses and failed attempts. `None`: none has.
fn working_seconds<'a>(moves: impl Iterator<Item = &'a MoveRow>, until_ms: i64) -> Option<f64> {
    let worked = moves.filter(|row| row.state != "aborted").filter_map(|row| {
        Some(row.finished_at.unwrap_or(until_ms).saturating_sub(row.started_at?).max(0))
    });
    let worked_ms: i64 = worked.sum();
    (worked_ms > 0).then(|| worked_ms as f64 / 1_000.0)
}

fn parts<'a>(moves: impl Iterator<Item = &'a MoveRow>) -> Vec<RebalancePart> {
    let mut parts: BTreeMap<(&str, &str), RebalancePart> = BTreeMap::new();
    for row in moves {
        let empty = || RebalancePart {
            source: row.source.clone(),
            target: row.target.clone(),
            buckets: 0,
            moved_buckets: 0,
            reviews: 0,
        };
        let part = parts.entry((&row.source, &row.target)).or_insert_with(empty);
        part.buckets += 1;
        part.moved_buckets += u64::from(is_moved(row));
        part.reviews += unsigned(row.reviews);
    }
    parts.into_values().collect()
}

/// Whether the target owns the bucket.
fn is_moved(row: &MoveRow) -> bool {
    ["committed", "done"].contains(&row.state.as_str())
}

fn moving(row: &MoveRow) -> Option<MovingBucket> {
    ["running", "committed", "aborting"].contains(&row.state.as_str()).then(|| MovingBucket {
        bucket: row.bucket.unsigned_abs(),
        source: row.source.clone(),
        target: row.target.clone(),
        reviews: unsigned(row.reviews),
        copied: unsigned(row.copied),
        committed: row.state == "committed",
    })
}

fn write_pauses(moves: &[MoveRow]) -> Option<WritePauses> {
    let mut pauses: Vec<i64> = moves.iter().filter_map(|row| row.write_pause_us).collect();
    pauses.sort_unstable();
    let last = pauses.len().checked_sub(1)?;
    let at = |part: f64| pauses[(last as f64 * part).round() as usize] as f64 / 1_000.0;
    Some(WritePauses { p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) })
}

/// The commands that make sense in this state.
fn next_steps(state: RebalanceState, waits: bool) -> Vec<String> {
    let commands: &[&str] = match state {
        RebalanceState::Planned => &["start", "abort"],
        RebalanceState::Running if waits => &["status --watch", "resume", "abort"],
        RebalanceState::Running => &["status --watch", "pause", "throttle 1000", "abort"],
        RebalanceState::Paused => &["resume", "abort"],
        RebalanceState::Aborting => &["status --watch"],
        _ => &["plan"],
    };
    commands.iter().map(|command| format!("ostrakon rebalance {command}")).collect()
}
