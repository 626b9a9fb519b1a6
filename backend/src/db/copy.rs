//! Copies rows between databases of any engine, and compares their contents.
//!
//! The rows of a table are copied in the order of its key, one batch per transaction. So the last
//! row shows how far an interrupted copy has come.

mod by_review;
mod encoding;
mod rows;

use std::collections::BTreeMap;

use twox_hash::XxHash3_128;

use crate::db::connection::database::Database;
use crate::db::connection::request_context::Context;
use crate::db::copy::rows::{DEFAULT_TABLES, REVIEWS_TABLES};
use crate::db::dialect::engine::Connection;
use crate::db::dialect::transaction::without_time_limit;
use crate::db::error::{DbError, QueryError};
use crate::db::migrate::Kind;

use by_review::{ByReview, ReviewRows};
pub(in crate::db) use by_review::{ReadRows, SomeReviews};

/// Rows per transaction.
const BATCH: usize = 1_000;

/// Gets the number of rows since its last call.
pub type ProgressFn<'a> = &'a dyn Fn(u64);

/// A table that is copied row by row.
pub struct Table {
    pub name: &'static str,
    count: fn(&mut Connection) -> Result<i64, QueryError>,
    copy: fn(&Database, &Database, ProgressFn<'_>) -> Result<(), DbError>,
    digests: fn(&mut Connection, ProgressFn<'_>) -> Result<Digests, QueryError>,
    /// How rows are read and removed by their review; None: they belong to no single review.
    pub(in crate::db) by_review: Option<ByReview>,
}

/// All tables of a database, each after the tables that it refers to. Except `cluster`, `backfill`
/// and `map_version`, whose rows migrations write, and `process`, whose rows don't last.
pub fn tables(kind: Kind) -> &'static [Table] {
    match kind {
        Kind::Default => DEFAULT_TABLES,
        Kind::Reviews => REVIEWS_TABLES,
    }
}

impl Table {
    const fn of<R: Row>() -> Table {
        Table {
            name: R::TABLE,
            count: R::count,
            copy: copy::<R>,
            digests: digests::<R>,
            by_review: None,
        }
    }

    const fn of_reviews<R: ReviewRows>() -> Table {
        let by_review = ByReview { read: by_review::read::<R>, delete: R::delete_of };
        Table { by_review: Some(by_review), ..Table::of::<R>() }
    }

    pub fn count(&self, database: &Database) -> Result<u64, DbError> {
        let count = |connection: &mut Connection| {
            without_time_limit(connection)?;
            (self.count)(connection)
        };
        Ok(database.read_latest(&Context::default(), count)?.unsigned_abs())
    }

    /// Copies the rows that `target` lacks: all, or the rest of an interrupted copy.
    pub fn copy(
        &self,
        source: &Database,
        target: &Database,
        progress: ProgressFn<'_>,
    ) -> Result<(), DbError> {
        (self.copy)(source, target, progress)
    }

    /// The digests of the table, by bucket if it has buckets.
    pub fn digests(
        &self,
        database: &Database,
        progress: ProgressFn<'_>,
    ) -> Result<Digests, DbError> {
        database.read_latest(&Context::default(), |connection| {
            without_time_limit(connection)?;
            self.digests_in(connection, progress)
        })
    }

    /// [`Table::digests`], as this connection's transaction sees the table.
    pub fn digests_in(
        &self,
        connection: &mut Connection,
        progress: ProgressFn<'_>,
    ) -> Result<Digests, QueryError> {
        (self.digests)(connection, progress)
    }
}

/// The number of rows and the sum of their hashes. A sum, because engines sort texts differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub rows: u64,
    sum: u128,
}

impl Digest {
    /// The sum of the rows' hashes (XXH3, 128 bits), as hexadecimal digits.
    pub fn hash(&self) -> String {
        format!("{:032x}", self.sum)
    }
}

/// The digest of each bucket; `None` stands for a table without buckets.
pub type Digests = BTreeMap<Option<i16>, Digest>;

fn copy<R: Row>(
    source: &Database,
    target: &Database,
    progress: ProgressFn<'_>,
) -> Result<(), DbError> {
    let mut after = target.read_latest(&Context::default(), R::resume_after)?;
    loop {
        let mut rows = source
            .read_latest(&Context::default(), |connection| R::page(connection, after.as_ref()))?;
        if !rows.is_empty() {
            target.write(&Context::default(), |connection| R::insert(connection, &rows))?;
        }
        progress(rows.len() as u64);
        if rows.len() < BATCH {
            return Ok(());
        }
        after = rows.pop();
    }
}

fn digests<R: Row>(
    connection: &mut Connection,
    progress: ProgressFn<'_>,
) -> Result<Digests, QueryError> {
    let mut digests = Digests::new();
    let mut encoded = Vec::new();
    let mut after = None;
    loop {
        let mut rows = R::page(connection, after.as_ref())?;
        for row in &rows {
            encoded.clear();
            row.encode(&mut encoded);
            let digest = digests.entry(row.bucket()).or_default();
            digest.rows += 1;
            digest.sum = digest.sum.wrapping_add(XxHash3_128::oneshot(&encoded));
        }
        progress(rows.len() as u64);
        if rows.len() < BATCH {
            return Ok(digests);
        }
        after = rows.pop();
    }
}

trait Row: Sized {
    const TABLE: &'static str;

    fn count(connection: &mut Connection) -> Result<i64, QueryError>;

    /// The first [`BATCH`] rows, or those after this one.
    fn page(connection: &mut Connection, after: Option<&Self>) -> Result<Vec<Self>, QueryError>;

    /// A row before the first that may be missing. Its key need not be stored: texts, which engines
    /// sort differently, are replaced by the lowest one.
    fn resume_after(connection: &mut Connection) -> Result<Option<Self>, QueryError>;

    /// Inserts the rows that are missing.
    fn insert(connection: &mut Connection, rows: &[Self]) -> Result<(), QueryError>;

    fn bucket(&self) -> Option<i16>;

    fn encode(&self, to: &mut Vec<u8>);
}
