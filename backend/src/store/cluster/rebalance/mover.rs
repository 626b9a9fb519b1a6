//! Carries out the running rebalance, one bucket after another, under a lease.
//!
//! The next process completes or undoes the moves that a process has left unfinished because it
//! ended or lost its lease. So an error here needs no special handling: the lease's holder starts
//! again. The steps of one move are in `move_bucket`.

use crate::db::rebalances::{self, MoveRow};
use crate::db::{Lock, lock};
use crate::store::cluster::rebalance::MoveError;
use crate::store::cluster::rebalance::lease::Lease;
use crate::store::cluster::rebalance::move_bucket::BucketMove;

/// The outcome of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Step {
    /// There is nothing to do, or another process does it.
    Idle,
    /// A move has ended.
    Moved,
    /// The rebalance has ended.
    Ended,
}

/// Finishes or undoes unfinished moves, then moves the next bucket.
pub(super) fn step(lease: &Lease<'_>) -> Result<Step, MoveError> {
    recover(lease)?;
    let (id, state) = lease.rebalance();
    let now_ms = lease.now_ms()?;
    let default = lease.routing().default();
    match state.as_str() {
        "running" => {}
        "aborting" => {
            default.write(|connection| {
                rebalances::give_up_planned(connection, id, now_ms)?;
                rebalances::change_state(connection, id, &["aborting"], "aborted", now_ms)
            })?;
            return Ok(Step::Ended);
        }
        _ => return Ok(Step::Idle),
    }
    let Some(row) = default.read_latest(|connection| rebalances::next_move(connection, id))? else {
        let ended = default.write(|connection| {
            lock(connection, Lock::Rebalance)?;
            // A process that has lost the lease may have decided a move since.
            Ok(rebalances::in_motion(connection)?.is_empty()
                && rebalances::change_state(connection, id, &["running"], "finished", now_ms)?)
        })?;
        return if ended { Ok(Step::Ended) } else { Err(MoveError::Superseded) };
    };
    let planned = BucketMove::new(lease, &row)?;
    let begun = default.write(|connection| {
        lock(connection, Lock::Rebalance)?;
        rebalances::begin_move(connection, &row, lease.holder(), now_ms)
    })?;
    if !begun {
        return Err(MoveError::Superseded);
    }
    match planned.run() {
        Ok(()) => Ok(Step::Moved),
        Err(MoveError::Superseded) => Err(MoveError::Superseded),
        Err(error) => {
            // At once, because writers may be waiting for the source. The next step tries again.
            if let Err(error) = lease.renew().and_then(|()| recover(lease)) {
                tracing::debug!(%error, "a move that failed can't be undone yet");
            }
            Err(error)
        }
    }
}

/// Completes moves that were decided, and undoes those that were not.
fn recover(lease: &Lease<'_>) -> Result<(), MoveError> {
    let default = lease.routing().default();
    for row in default.read_latest(rebalances::in_motion)? {
        match row.state.as_str() {
            "committed" => BucketMove::new(lease, &row)?.roll_forward()?,
            _ => undo(lease, &row)?,
        }
    }
    Ok(())
}

/// Aborts a move, and plans another attempt.
fn undo(lease: &Lease<'_>, row: &MoveRow) -> Result<(), MoveError> {
    let default = lease.routing().default();
    let aborted = default.write(|connection| {
        lock(connection, Lock::Rebalance)?;
        let first = rebalances::change_move(connection, row.id, "running", "aborting", 0)?;
        if first {
            rebalances::plan_again(connection, row)?;
        }
        Ok(first || row.state == "aborting")
    })?;
    // Otherwise it has just been decided.
    if aborted { BucketMove::new(lease, row)?.undo() } else { Ok(()) }
}
