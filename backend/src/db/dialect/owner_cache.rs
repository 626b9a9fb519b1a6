//! Owner rows in memory. SQLite keeps a version of them, so that a file's rows are read only after
//! a change; servers keep none.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use diesel::prelude::*;

use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;
use crate::db::schema::owner_version;
use crate::shard::Bucket;

/// What a reviews database does with a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerState {
    /// It has the bucket's reviews and changes them.
    Owned,
    /// The same, while they are copied away: each change leaves a mark.
    Moving,
    /// It has the bucket's reviews; they don't change, because their owner is about to change.
    Frozen,
    /// They are being copied to it.
    Importing,
    /// Another database has them; rows that are still here are to be removed.
    Gone,
}

impl OwnerState {
    pub const fn as_str(self) -> &'static str {
        match self {
            OwnerState::Owned => "owned",
            OwnerState::Moving => "moving",
            OwnerState::Frozen => "frozen",
            OwnerState::Importing => "importing",
            OwnerState::Gone => "gone",
        }
    }

    pub(in crate::db) fn parse(text: &str) -> Result<OwnerState, QueryError> {
        use OwnerState::{Frozen, Gone, Importing, Moving, Owned};
        [Owned, Moving, Frozen, Importing, Gone]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| {
                QueryError::CorruptData(format!("a bucket with the unknown state {text}"))
            })
    }

    /// Whether the database has all acknowledged reviews of the bucket.
    pub const fn is_readable(self) -> bool {
        matches!(self, OwnerState::Owned | OwnerState::Moving | OwnerState::Frozen)
    }
}

/// A database's row of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerRow {
    pub state: OwnerState,
    /// Counts the bucket's moves; the shard map must agree.
    pub epoch: i64,
    /// The last move that has changed the row. Moves with lower ids can't change it any more.
    pub move_id: Option<i64>,
}

/// The cached owner rows of a SQLite file. A page of reviews needs several of them per file;
/// checking their version is faster than reading them.
#[derive(Default)]
pub struct OwnerCache(ArcSwapOption<OwnerRows>);

impl OwnerCache {
    /// The cached rows if they have this version.
    pub(in crate::db) fn get(&self, version: i64) -> Option<Arc<OwnerRows>> {
        let rows = self.0.load();
        rows.as_ref().filter(|rows| rows.version == version).cloned()
    }

    pub(in crate::db) fn set(&self, rows: Arc<OwnerRows>) {
        self.0.store(Some(rows));
    }
}

pub(in crate::db) struct OwnerRows {
    /// The version of these rows.
    pub version: i64,
    pub by_bucket: HashMap<i16, OwnerRow>,
}

impl OwnerRows {
    pub fn of(&self, bucket: Bucket) -> Option<OwnerRow> {
        self.by_bucket.get(&bucket.number()).copied()
    }
}

/// The version of the owner rows. `None`: the engine keeps none, so the rows are read each time.
pub(in crate::db) fn owner_rows_version(connection: &mut Connection) -> QueryResult<Option<i64>> {
    let Connection::Sqlite(sqlite) = connection else { return Ok(None) };
    Ok(Some(owner_version::table.select(owner_version::version).first(sqlite)?))
}
