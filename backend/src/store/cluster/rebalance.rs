//! Rebalances: plans which buckets move, and moves them while the service runs.
//!
//! A plan is stored in `default`, and so is all that is known of its moves. Any process that serves
//! the cluster may carry it out (`mover`) under a `lease`, bucket by bucket (`move_bucket`).

mod lease;
mod move_bucket;
mod mover;
mod plan;
mod status;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ostrakon_shared::{AuditAction, AuditChange};

use crate::db::files::ServeLock;
use crate::db::processes;
use crate::db::rebalances::{self, RebalanceRow};
use crate::db::{Connection, DbError, Lock, QueryError, lock, now_ms};
use crate::store::audit::{AuditTarget, Source, audit_change, record};
use crate::store::cluster::Cluster;
use crate::store::cluster::setup::SetupError;
use crate::store::error::{StoreError, TransactionError, transaction};
use crate::store::routing::Shards;
use lease::Lease;
use mover::Step;

pub(in crate::store) use lease::Pacer;
pub use plan::{Goal, RebalancePlan};

/// Why a move does not go on.
#[derive(Debug, thiserror::Error)]
enum MoveError {
    /// Another process has taken over, the move is being aborted, or owner rows are not as the
    /// shard map says.
    #[error("another process moves buckets, or owner rows differ from the shard map (see verify)")]
    Superseded,
    /// Something has to change first.
    #[error("{0}")]
    Waits(String),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl MoveError {
    /// The reason for clients, without messages of engines, which are in the log.
    fn reason(self) -> String {
        match self {
            MoveError::Database(error) => match StoreError::from(error) {
                StoreError::Internal(_) => "an internal error: the log has the details".to_owned(),
                error => error.to_string(),
            },
            error => error.to_string(),
        }
    }
}

impl From<StoreError> for MoveError {
    fn from(error: StoreError) -> MoveError {
        MoveError::Waits(error.to_string())
    }
}

/// The name of this process in leases, which no other process has.
pub(in crate::store) fn holder() -> String {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    format!("process {} on {host} ({:08x})", std::process::id(), fastrand::u32(..))
}

/// What a process has done for the running rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Advance {
    /// There is nothing to do, or another process does it.
    Idle,
    /// There may be more to do.
    Made,
    /// It can't go on at the moment.
    Failed,
}

/// How long a process may take to open a database that has been added, and how often a start looks.
const OPENING: Duration = Duration::from_secs(3);
const OPENING_POLL: Duration = Duration::from_millis(100);

/// How long the note of a process counts; processes write one every five seconds.
const NOTE_VALID_MS: i64 = 15_000;

/// How often a command looks whether the lease of another process has expired.
const LEASE_POLL: Duration = Duration::from_millis(500);

/// How long a process rests after this many failures in a row.
pub(in crate::store) fn rest_after(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(3))
}

/// Carries out a part of the running rebalance, if this process may.
pub(in crate::store) fn advance(shards: &Shards, holder: &str, pacer: &Pacer) -> Advance {
    let lease = match Lease::take(shards, holder, pacer) {
        Ok(Some(lease)) => lease,
        Ok(None) => return Advance::Idle,
        Err(error) => {
            tracing::debug!(%error, "the rebalance can't be read");
            return Advance::Failed;
        }
    };
    let (advance, reason) = match mover::step(&lease) {
        Ok(Step::Idle) => (Advance::Idle, None),
        Ok(Step::Moved | Step::Ended) => (Advance::Made, None),
        // The move ends because an operator wants it to; the next step undoes it.
        Err(MoveError::Superseded) if lease.is_aborting() => (Advance::Made, None),
        Err(error) => {
            tracing::warn!(%error, "the rebalance waits");
            (Advance::Failed, Some(error.reason()))
        }
    };
    if let Err(error) = lease.note_waiting(reason.as_deref()) {
        tracing::debug!(%error, "the state of the rebalance can't be stored");
    }
    advance
}

/// The processes that can't reach a target of this rebalance, and the target.
fn lacking(
    connection: &mut Connection,
    id: i64,
    seen_since_ms: i64,
) -> Result<Vec<(String, String)>, QueryError> {
    let moves = rebalances::moves(connection, id)?;
    let targets: BTreeSet<&str> = moves.iter().map(|row| row.target.as_str()).collect();
    let targets: Vec<&str> = targets.into_iter().collect();
    processes::lacking(connection, &targets, seen_since_ms)
}

/// What has changed of a rebalance, for the audit trail; `None`: its plan was discarded.
fn changes(before: &RebalanceRow, after: Option<&RebalanceRow>) -> Vec<AuditChange> {
    let rate = |row: &RebalanceRow| row.max_rate.map(|rate| rate.to_string());
    let state = after.map(|after| after.state.as_str());
    let mut changes = Vec::new();
    if state != Some(&before.state) {
        changes.push(audit_change(&before.goal, Some(&before.state), state));
    }
    if let Some(after) = after.filter(|after| after.max_rate != before.max_rate) {
        changes.push(audit_change("rate", rate(before).as_deref(), rate(after).as_deref()));
    }
    changes
}

impl Cluster<'_> {
    /// Fails while buckets move: `what` needs each of them in one database.
    pub(in crate::store) fn require_no_moves(&self, what: &str) -> Result<(), SetupError> {
        let default = self.routing().default();
        let unfinished = default.read_latest(|connection| {
            let unfinished = rebalances::unfinished(connection)?.map(|row| row.state);
            Ok((unfinished, rebalances::in_motion(connection)?.len()))
        })?;
        match unfinished {
            (Some(state), 0) if state == "running" || state == "aborting" => Err(format!(
                "{what} can't run while buckets move, and a rebalance is {state}: pause it \
                 (`ostrakon rebalance pause`) or wait until it has ended"
            )
            .into()),
            (_, moving) if moving > 0 => Err(format!(
                "{what} can't run while buckets move ({moving} now): wait until `ostrakon \
                     rebalance status` shows none"
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// Carries out the running rebalance until it has ended or is paused. While another process
    /// holds the lease, waits until that has ended it or lets the lease expire.
    pub fn run_rebalance(&self) {
        let (holder, pacer) = (holder(), Pacer::start());
        let mut failures = 0;
        loop {
            match advance(&self.shared.shards, &holder, &pacer) {
                Advance::Idle if !self.is_rebalance_running() => return,
                Advance::Idle => std::thread::sleep(LEASE_POLL),
                Advance::Made => {
                    failures = 0;
                    continue;
                }
                Advance::Failed => {
                    std::thread::sleep(rest_after(failures));
                    failures += 1;
                }
            }
            pacer.has_rested();
        }
    }

    fn is_rebalance_running(&self) -> bool {
        let unfinished = self.routing().default().read_latest(rebalances::unfinished);
        let goes_on = |row: RebalanceRow| ["running", "aborting"].contains(&row.state.as_str());
        unfinished.is_ok_and(|row| row.is_some_and(goes_on))
    }

    /// Starts the stored plan; at most `rate` reviews are copied per second.
    pub fn start_rebalance(&self, source: &Source, rate: Option<u32>) -> Result<(), StoreError> {
        self.wait_for_processes()?;
        self.change_rebalance(source, |connection, rebalance, now_ms| {
            if rebalance.state != "planned" {
                return Err(StoreError::RebalanceState("the rebalance has already started".to_owned()).into());
            }
            let version = crate::db::cluster::map_version(connection)?;
            if version != rebalance.planned_for {
                let problem = "the databases have changed since it was planned: plan it again";
                return Err(StoreError::RebalanceState(problem.to_owned()).into());
            }
            let seen_since_ms = self.serving_since_ms(now_ms)?;
            let lacking = lacking(connection, rebalance.id, seen_since_ms)?;
            if let Some((process, database)) = lacking.first() {
                return Err(StoreError::RebalanceState(format!(
                    "{process} can't open {database}: check that it is up, and that the configuration of \
                     each server has its URL"
                ))
                .into());
            }
            if let Some(rate) = rate {
                rebalances::set_rate(connection, rebalance.id, Some(rate.into()))?;
            }
            rebalances::change_state(connection, rebalance.id, &["planned"], "running", now_ms)?;
            Ok(())
        })
    }

    /// Whether a process serves this cluster. On servers, one that has just ended may still count.
    pub fn is_served(&self) -> Result<bool, StoreError> {
        let default = self.routing().default();
        let now_ms = default.read_latest(now_ms)?;
        let seen_since_ms = self.serving_since_ms(now_ms)?;
        Ok(default.read_latest(|connection| processes::is_any_seen(connection, seen_since_ms))?)
    }

    /// Waits until all processes have opened databases that were added a moment ago, but not for
    /// long.
    fn wait_for_processes(&self) -> Result<(), StoreError> {
        let default = self.routing().default();
        let until = Instant::now() + OPENING;
        loop {
            let now_ms = default.read_latest(now_ms)?;
            let seen_since_ms = self.serving_since_ms(now_ms)?;
            let all_know = default.read_latest(|connection| {
                let planned = rebalances::unfinished(connection)?;
                let lack = |row: RebalanceRow| lacking(connection, row.id, seen_since_ms);
                Ok(planned.map(lack).transpose()?.is_none_or(|lack| lack.is_empty()))
            })?;
            if all_know || Instant::now() > until {
                return Ok(());
            }
            std::thread::sleep(OPENING_POLL);
        }
    }

    /// The time since which a process must have noted the databases it can reach, for its report to
    /// be current: on servers a moment ago; on files any time, if a process still serves them.
    fn serving_since_ms(&self, now_ms: i64) -> Result<i64, StoreError> {
        let Some(path) = self.shared.shards.default.address().file() else {
            return Ok(now_ms - NOTE_VALID_MS);
        };
        let free =
            ServeLock::take(path).map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(if free.is_some() { i64::MAX } else { i64::MIN })
    }

    /// Lets no further bucket move, after the one that is moving.
    pub fn pause_rebalance(&self, source: &Source) -> Result<(), StoreError> {
        self.switch_rebalance(source, &["running"], "paused")
    }

    /// Goes on after a pause.
    pub fn resume_rebalance(&self, source: &Source) -> Result<(), StoreError> {
        self.switch_rebalance(source, &["paused"], "running")
    }

    /// Changes how many reviews are copied per second at most; None: by load.
    pub fn throttle_rebalance(&self, source: &Source, rate: Option<u32>) -> Result<(), StoreError> {
        self.change_rebalance(source, |connection, rebalance, _| {
            Ok(rebalances::set_rate(connection, rebalance.id, rate.map(i64::from))?)
        })
    }

    /// Undoes the move of the bucket that is moving, and gives up those that have not begun. A plan
    /// that has not been started is removed.
    pub fn abort_rebalance(&self, source: &Source) -> Result<(), StoreError> {
        self.change_rebalance(source, |connection, rebalance, now_ms| {
            if rebalance.state == "planned" {
                return Ok(rebalances::delete_plan(connection, rebalance.id)?);
            }
            let from = ["running", "paused", "aborting"];
            rebalances::change_state(connection, rebalance.id, &from, "aborting", now_ms)?;
            Ok(())
        })
    }

    fn switch_rebalance(&self, source: &Source, from: &[&str], to: &str) -> Result<(), StoreError> {
        self.change_rebalance(source, |connection, rebalance, now_ms| {
            if rebalances::change_state(connection, rebalance.id, from, to, now_ms)? {
                return Ok(());
            }
            Err(StoreError::RebalanceState(format!("the rebalance is {}", rebalance.state)).into())
        })
    }

    /// Changes the rebalance that has not ended, in one transaction, with an entry in the audit trail.
    fn change_rebalance(
        &self,
        source: &Source,
        change: impl Fn(&mut Connection, RebalanceRow, i64) -> Result<(), TransactionError<QueryError>>,
    ) -> Result<(), StoreError> {
        let default = self.routing().default();
        Ok(transaction(&default, |connection| {
            lock(connection, Lock::Rebalance)?;
            let now_ms = now_ms(connection)?;
            let Some(rebalance) = rebalances::unfinished(connection)? else {
                return Err(StoreError::NoRebalance.into());
            };
            change(connection, rebalance.clone(), now_ms)?;
            let changes = changes(&rebalance, rebalances::find(connection, rebalance.id)?.as_ref());
            if !changes.is_empty() {
                let action = AuditAction::RebalanceChanged;
                record(connection, source, action, AuditTarget::Service, &changes)?;
            }
            Ok(())
        })?)
    }
}
