//! Rebalances: plans, their moves, and the lease of the process that carries them out.
//!
//! All of it is in `default`. `store/cluster/rebalance` decides which state follows which.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;
use crate::db::schema::{bucket_move, rebalance};
use crate::db::tables::cluster;
use crate::shard::Bucket;

/// States of a rebalance that has not ended.
const UNFINISHED: [&str; 4] = ["planned", "running", "paused", "aborting"];
/// States of a move whose owner rows may differ from the shard map.
const IN_MOTION: [&str; 3] = ["running", "committed", "aborting"];

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = rebalance)]
pub struct RebalanceRow {
    pub id: i64,
    /// What the plan is for, in words.
    pub goal: String,
    /// `planned`, `running`, `paused`, `aborting`, `finished` or `aborted`.
    pub state: String,
    /// The version of the map that the plan was made from.
    pub planned_for: i64,
    /// The maximum number of reviews copied per second; None: by load.
    pub max_rate: Option<i64>,
    /// Times are milliseconds since the Unix epoch.
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub lease_holder: Option<String>,
    pub lease_until: Option<i64>,
    /// Why nothing moves.
    pub waits_for: Option<String>,
    pub waits_since: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = bucket_move)]
pub struct MoveRow {
    pub id: i64,
    pub rebalance_id: i64,
    pub bucket: i16,
    pub source: String,
    pub target: String,
    /// That of the source's ownership.
    pub epoch: i64,
    /// `planned`, `running`, `committed`, `aborting`, `done` or `aborted`.
    pub state: String,
    /// Reviews in the bucket when the move was planned.
    pub reviews: i64,
    pub copied: i64,
    /// Reviews that the comparison found to differ, and that were copied again.
    pub repaired: i64,
    /// How long writes had to wait, in microseconds.
    pub write_pause_us: Option<i64>,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
}

/// A move of a new plan.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = bucket_move)]
pub struct NewMove {
    pub bucket: i16,
    pub source: String,
    pub target: String,
    pub epoch: i64,
    pub reviews: i64,
}

/// The rebalance with this id.
pub fn find(connection: &mut Connection, id: i64) -> Result<Option<RebalanceRow>, QueryError> {
    let row = rebalance::table.find(id).select(RebalanceRow::as_select());
    Ok(row.first(connection).optional()?)
}

/// The rebalance that has not ended; one at most.
pub fn unfinished(connection: &mut Connection) -> Result<Option<RebalanceRow>, QueryError> {
    let rows = rebalance::table.filter(rebalance::state.eq_any(UNFINISHED));
    let newest = rows.order(rebalance::id.desc()).select(RebalanceRow::as_select());
    Ok(newest.first(connection).optional()?)
}

/// The last `limit` rebalances, the newest first.
pub fn newest(connection: &mut Connection, limit: i64) -> Result<Vec<RebalanceRow>, QueryError> {
    Ok(rebalance::table
        .order(rebalance::id.desc())
        .limit(limit)
        .select(RebalanceRow::as_select())
        .load(connection)?)
}

/// Stores a plan; returns its id.
pub fn insert(
    connection: &mut Connection,
    goal: &str,
    planned_for: i64,
    moves: &[NewMove],
    now_ms: i64,
) -> Result<i64, QueryError> {
    let values = (
        rebalance::goal.eq(goal),
        rebalance::state.eq("planned"),
        rebalance::planned_for.eq(planned_for),
        rebalance::created_at.eq(now_ms),
    );
    diesel::insert_into(rebalance::table).values(values).execute(connection)?;
    let id: Option<i64> =
        rebalance::table.select(diesel::dsl::max(rebalance::id)).first(connection)?;
    let id = id.unwrap_or_default();
    for planned in moves {
        insert_move(connection, id, planned)?;
    }
    Ok(id)
}

fn insert_move(
    connection: &mut Connection,
    rebalance_id: i64,
    planned: &NewMove,
) -> Result<(), QueryError> {
    let values =
        (planned, bucket_move::rebalance_id.eq(rebalance_id), bucket_move::state.eq("planned"));
    diesel::insert_into(bucket_move::table).values(values).execute(connection)?;
    Ok(())
}

/// Removes a plan that has not been started.
pub fn delete_plan(connection: &mut Connection, id: i64) -> Result<(), QueryError> {
    diesel::delete(bucket_move::table.filter(bucket_move::rebalance_id.eq(id)))
        .execute(connection)?;
    diesel::delete(rebalance::table.find(id)).execute(connection)?;
    Ok(())
}

/// Changes the state of a rebalance; false, and nothing happens, unless it has one of these.
pub fn change_state(
    connection: &mut Connection,
    id: i64,
    from: &[&str],
    to: &str,
    now_ms: i64,
) -> Result<bool, QueryError> {
    let row = rebalance::table.find(id).filter(rebalance::state.eq_any(from));
    let changed = match to {
        "running" => diesel::update(row)
            .set((
                rebalance::state.eq(to),
                rebalance::started_at.eq(sql::<Nullable<BigInt>>("coalesce(started_at, ")
                    .bind::<BigInt, _>(now_ms)
                    .sql(")")),
                rebalance::waits_for.eq(None::<String>),
                rebalance::waits_since.eq(None::<i64>),
            ))
            .execute(connection)?,
        "finished" | "aborted" => diesel::update(row)
            .set((
                rebalance::state.eq(to),
                rebalance::finished_at.eq(now_ms),
                rebalance::lease_holder.eq(None::<String>),
                rebalance::lease_until.eq(None::<i64>),
                rebalance::waits_for.eq(None::<String>),
                rebalance::waits_since.eq(None::<i64>),
            ))
            .execute(connection)?,
        _ => diesel::update(row).set(rebalance::state.eq(to)).execute(connection)?,
    };
    Ok(changed == 1)
}

/// Changes the maximum number of reviews copied per second.
pub fn set_rate(connection: &mut Connection, id: i64, rate: Option<i64>) -> Result<(), QueryError> {
    diesel::update(rebalance::table.find(id))
        .set(rebalance::max_rate.eq(rate))
        .execute(connection)?;
    Ok(())
}

/// Notes why nothing moves, or that something does.
pub fn set_waits_for(
    connection: &mut Connection,
    id: i64,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<(), QueryError> {
    let row = rebalance::table.find(id);
    let since: Option<(Option<String>, Option<i64>)> =
        row.select((rebalance::waits_for, rebalance::waits_since)).first(connection).optional()?;
    let since = match (since, reason) {
        (Some((Some(_), since)), Some(_)) => since,
        (_, Some(_)) => Some(now_ms),
        (_, None) => None,
    };
    diesel::update(row)
        .set((rebalance::waits_for.eq(reason), rebalance::waits_since.eq(since)))
        .execute(connection)?;
    Ok(())
}

/// Takes or renews the lease, if another holder's has expired; returns the rebalance if it did.
pub fn take_lease(
    connection: &mut Connection,
    id: i64,
    holder: &str,
    (now_ms, until): (i64, i64),
) -> Result<Option<RebalanceRow>, QueryError> {
    let is_free = rebalance::lease_holder
        .is_null()
        .or(rebalance::lease_holder.eq(holder))
        .or(rebalance::lease_until.lt(now_ms));
    let free = rebalance::table
        .filter(rebalance::id.eq(id))
        .filter(rebalance::state.eq_any(UNFINISHED))
        .filter(is_free.assume_not_null());
    let lease = (rebalance::lease_holder.eq(holder), rebalance::lease_until.eq(until));
    match diesel::update(free).set(lease).execute(connection)? {
        1 => find(connection, id),
        _ => Ok(None),
    }
}

/// The moves of a rebalance, in the order in which they are carried out.
pub fn moves(connection: &mut Connection, id: i64) -> Result<Vec<MoveRow>, QueryError> {
    Ok(bucket_move::table
        .filter(bucket_move::rebalance_id.eq(id))
        .order(bucket_move::id)
        .select(MoveRow::as_select())
        .load(connection)?)
}

/// Moves of any rebalance whose owner rows may differ from the shard map.
pub fn in_motion(connection: &mut Connection) -> Result<Vec<MoveRow>, QueryError> {
    Ok(bucket_move::table
        .filter(bucket_move::state.eq_any(IN_MOTION))
        .order(bucket_move::id)
        .select(MoveRow::as_select())
        .load(connection)?)
}

/// Whether the owner of a bucket has changed since this time.
pub fn has_moved_since(connection: &mut Connection, since_ms: i64) -> Result<bool, QueryError> {
    let done =
        bucket_move::state.eq("done").and(bucket_move::finished_at.assume_not_null().ge(since_ms));
    let moved = bucket_move::table.filter(bucket_move::state.eq("committed").or(done));
    Ok(diesel::select(diesel::dsl::exists(moved)).get_result(connection)?)
}

/// The next move of a rebalance.
pub fn next_move(connection: &mut Connection, id: i64) -> Result<Option<MoveRow>, QueryError> {
    Ok(bucket_move::table
        .filter(bucket_move::rebalance_id.eq(id))
        .filter(bucket_move::state.eq("planned"))
        .order(bucket_move::id)
        .select(MoveRow::as_select())
        .first(connection)
        .optional()?)
}

/// Begins a move; false, and nothing happens, if the holder has lost the lease, or another move of
/// the bucket is in motion.
pub fn begin_move(
    connection: &mut Connection,
    planned: &MoveRow,
    holder: &str,
    now_ms: i64,
) -> Result<bool, QueryError> {
    let others = bucket_move::table
        .filter(bucket_move::bucket.eq(planned.bucket))
        .filter(bucket_move::state.eq_any(IN_MOTION));
    let leased = rebalance::table
        .find(planned.rebalance_id)
        .filter(rebalance::state.eq("running"))
        .filter(rebalance::lease_holder.eq(holder))
        .filter(rebalance::lease_until.ge(now_ms));
    if others.count().get_result::<i64>(connection)? > 0
        || leased.count().get_result::<i64>(connection)? == 0
    {
        return Ok(false);
    }
    let row = bucket_move::table.find(planned.id).filter(bucket_move::state.eq("planned"));
    let begun = diesel::update(row)
        .set((bucket_move::state.eq("running"), bucket_move::started_at.eq(now_ms)))
        .execute(connection)?;
    Ok(begun == 1)
}

/// Changes the state of a move; false, and nothing happens, unless it has this one.
pub fn change_move(
    connection: &mut Connection,
    id: i64,
    from: &str,
    to: &str,
    now_ms: i64,
) -> Result<bool, QueryError> {
    let row = bucket_move::table.find(id).filter(bucket_move::state.eq(from));
    let changed = match to {
        "done" | "aborted" => diesel::update(row)
            .set((bucket_move::state.eq(to), bucket_move::finished_at.eq(now_ms)))
            .execute(connection)?,
        _ => diesel::update(row).set(bucket_move::state.eq(to)).execute(connection)?,
    };
    Ok(changed == 1)
}

/// The decision: the target owns the bucket from now on. False, and nothing happens, unless the
/// move is running and the source owns the bucket.
pub fn commit_move(connection: &mut Connection, decided: &MoveRow) -> Result<bool, QueryError> {
    if !change_move(connection, decided.id, "running", "committed", 0)? {
        return Ok(false);
    }
    let broken = || QueryError::CorruptData(format!("a move of bucket {}", decided.bucket));
    let bucket = Bucket::new(decided.bucket).ok_or_else(broken)?;
    let owner = (decided.source.as_str(), decided.epoch);
    if cluster::change_owner(connection, bucket, owner, &decided.target)? {
        return Ok(true);
    }
    Err(broken())
}

/// Plans another attempt of an aborted move; forgets those before it.
pub fn plan_again(connection: &mut Connection, aborted: &MoveRow) -> Result<(), QueryError> {
    let earlier = bucket_move::table
        .filter(bucket_move::rebalance_id.eq(aborted.rebalance_id))
        .filter(bucket_move::bucket.eq(aborted.bucket))
        .filter(bucket_move::state.eq("aborted"));
    diesel::delete(earlier).execute(connection)?;
    let MoveRow { bucket, source, target, epoch, reviews, .. } = aborted.clone();
    let planned = NewMove { bucket, source, target, epoch, reviews };
    insert_move(connection, aborted.rebalance_id, &planned)
}

/// Gives up the moves of a rebalance that have not begun; returns how many.
pub fn give_up_planned(
    connection: &mut Connection,
    id: i64,
    now_ms: i64,
) -> Result<usize, QueryError> {
    let planned = bucket_move::table
        .filter(bucket_move::rebalance_id.eq(id))
        .filter(bucket_move::state.eq("planned"));
    Ok(diesel::update(planned)
        .set((bucket_move::state.eq("aborted"), bucket_move::finished_at.eq(now_ms)))
        .execute(connection)?)
}

/// What is known of a move as it goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = bucket_move)]
pub struct Progress {
    pub copied: i64,
    pub repaired: i64,
    pub write_pause_us: Option<i64>,
}

pub fn note_progress(
    connection: &mut Connection,
    id: i64,
    progress: &Progress,
) -> Result<(), QueryError> {
    diesel::update(bucket_move::table.find(id)).set(progress).execute(connection)?;
    Ok(())
}
