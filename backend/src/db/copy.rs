//! Copying rows between databases of any engines, and comparing what they hold.
//!
//! Each table's rows are read and written in the order of its key, a batch to a transaction. So
//! the last row that is there tells how far a copy has come.

use std::collections::BTreeMap;

use diesel::dsl::{SqlTypeOf, sql};
use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use twox_hash::XxHash3_128;

use crate::db::connection::database::Database;
use crate::db::connection::request_context::Context;
use crate::db::dialect::engine::{Connection, MultiBackend, on_each_engine};
use crate::db::dialect::transaction::without_time_limit;
use crate::db::error::{DbError, QueryError};
use crate::db::migrate::Kind;
use crate::db::tables::schema::{
    account, api_token, audit_entry, bucket_owner, database, idempotency_key, product,
    product_rating, report, review, review_event, session, shard_map, verification,
};

/// Rows to a transaction.
const BATCH: usize = 1_000;

/// Hears how many rows have been dealt with since it was last called.
pub type ProgressFn<'a> = &'a dyn Fn(u64);

/// A table that is copied row by row.
pub struct Table {
    pub name: &'static str,
    count: fn(&mut Connection) -> Result<i64, QueryError>,
    copy: fn(&Database, &Database, ProgressFn<'_>) -> Result<(), DbError>,
    digests: fn(&mut Connection, ProgressFn<'_>) -> Result<Digests, QueryError>,
}

/// The tables of a database but `cluster` and `backfill`, each after those that it refers to.
pub fn tables(kind: Kind) -> &'static [Table] {
    match kind {
        Kind::Default => DEFAULT_TABLES,
        Kind::Reviews => REVIEWS_TABLES,
    }
}

impl Table {
    const fn of<R: Row>() -> Table {
        Table { name: R::TABLE, count: R::count, copy: copy::<R>, digests: digests::<R> }
    }

    pub fn count(&self, database: &Database) -> Result<u64, DbError> {
        let count = |connection: &mut Connection| {
            without_time_limit(connection)?;
            (self.count)(connection)
        };
        Ok(database.read_latest(&Context::default(), count)?.unsigned_abs())
    }

    /// Copies the rows that `target` lacks: all, or those that an interrupted copy did not reach.
    pub fn copy(
        &self,
        source: &Database,
        target: &Database,
        progress: ProgressFn<'_>,
    ) -> Result<(), DbError> {
        (self.copy)(source, target, progress)
    }

    /// What a database holds, by bucket where the table has buckets.
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

    /// The same, as this connection's transaction sees it.
    pub fn digests_in(
        &self,
        connection: &mut Connection,
        progress: ProgressFn<'_>,
    ) -> Result<Digests, QueryError> {
        (self.digests)(connection, progress)
    }
}

/// The number of rows and the sum of their hashes. It does not depend on their order, because engines
/// sort texts differently.
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

/// The rows of each bucket; of `None` in tables without buckets.
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

    /// A row before the first that may be missing. Its key is a place, but no row's: where two
    /// engines may sort the texts of keys in different ways, it lies before all of them.
    fn resume_after(connection: &mut Connection) -> Result<Option<Self>, QueryError>;

    /// Adds the rows that are not there yet.
    fn insert(connection: &mut Connection, rows: &[Self]) -> Result<(), QueryError>;

    fn bucket(&self) -> Option<i16>;

    fn encode(&self, to: &mut Vec<u8>);
}

/// A condition on a table's rows.
type Condition<T> = Box<dyn BoxableExpression<T, MultiBackend, SqlType = Bool>>;

/// `Row = table (key) in bucket { columns }`, in the order of [`crate::db::tables::schema`].
macro_rules! rows {
    ($(
        $row:ident = $table:ident ($first:ident $(, $rest:ident)*) $(in $bucket:ident)? {
            $($column:ident: $type:ty,)*
        }
    )*) => { $(
        #[derive(Queryable, Selectable, Insertable)]
        #[diesel(table_name = $table, treat_none_as_default_value = false)]
        struct $row {
            $($column: $type,)*
        }

        // No column is forgotten.
        const _: fn() -> <$table::table as diesel::Table>::AllColumns =
            || ($($table::$column,)*);

        impl $row {
            /// By one comparison of the whole key, which both engines answer from its index.
            fn after(&self) -> Condition<$table::table> {
                let key = concat!("(", stringify!($first) $(, ", ", stringify!($rest))*, ") > (");
                let condition = sql::<Bool>(key)
                    .bind::<SqlTypeOf<$table::$first>, _>(self.$first.clone())
                    $(.sql(", ").bind::<SqlTypeOf<$table::$rest>, _>(self.$rest.clone()))*
                    .sql(")");
                Box::new(condition)
            }
        }

        impl Row for $row {
            const TABLE: &'static str = stringify!($table);

            fn count(connection: &mut Connection) -> Result<i64, QueryError> {
                Ok($table::table.count().get_result(connection)?)
            }

            fn page(
                connection: &mut Connection,
                after: Option<&$row>,
            ) -> Result<Vec<$row>, QueryError> {
                let mut query = $table::table
                    .select($row::as_select())
                    .order(($table::$first, $($table::$rest,)*))
                    .limit(BATCH as i64)
                    .into_boxed::<MultiBackend>();
                if let Some(after) = after {
                    query = query.filter(after.after());
                }
                Ok(query.load(connection)?)
            }

            fn resume_after(connection: &mut Connection) -> Result<Option<$row>, QueryError> {
                let last: Option<$row> = $table::table
                    .select($row::as_select())
                    .order(($table::$first.desc(), $($table::$rest.desc(),)*))
                    .first(connection)
                    .optional()?;
                Ok(last.map(|row| $row {
                    $first: row.$first.floor(),
                    $($rest: row.$rest.floor(),)*
                    ..row
                }))
            }

            fn insert(connection: &mut Connection, rows: &[$row]) -> Result<(), QueryError> {
                on_each_engine!(connection, c => {
                    diesel::insert_into($table::table)
                        .values(rows)
                        .on_conflict_do_nothing()
                        .execute(c)
                })?;
                Ok(())
            }

            fn bucket(&self) -> Option<i16> {
                let bucket: &[i16] = &[$(self.$bucket)?];
                bucket.first().copied()
            }

            fn encode(&self, to: &mut Vec<u8>) {
                $(self.$column.encode(to);)*
            }
        }
    )* };
}

const DEFAULT_TABLES: &[Table] = &[
    Table::of::<DatabaseRow>(),
    Table::of::<ShardMapRow>(),
    Table::of::<ProductRow>(),
    Table::of::<AccountRow>(),
    Table::of::<SessionRow>(),
    Table::of::<ApiTokenRow>(),
    Table::of::<AuditEntryRow>(),
    Table::of::<VerificationRow>(),
];

const REVIEWS_TABLES: &[Table] = &[
    Table::of::<BucketOwnerRow>(),
    Table::of::<ReviewRow>(),
    Table::of::<ProductRatingRow>(),
    Table::of::<ReportRow>(),
    Table::of::<ReviewEventRow>(),
    Table::of::<IdempotencyKeyRow>(),
];

rows! {
    DatabaseRow = database (name) {
        name: String,
        position: i32,
        state: String,
    }
    ShardMapRow = shard_map (bucket) in bucket {
        bucket: i16,
        database: String,
        epoch: i64,
    }
    ProductRow = product (id) {
        id: i64,
        name: String,
        description: Option<String>,
        sku: Option<String>,
        picture_url: Option<String>,
        search_text: String,
        archived: bool,
        version: i32,
    }
    AccountRow = account (id) {
        id: i64,
        name: String,
        name_key: String,
        password_hash: String,
        role: String,
        disabled: bool,
        demo_password: bool,
        created_at: i64,
        name_skeleton: String,
        search_text: String,
    }
    SessionRow = session (id) {
        id: i64,
        account_id: i64,
        secret_hash: Vec<u8>,
        user_agent: Option<String>,
        created_at: i64,
        expires_at: i64,
        last_used_at: Option<i64>,
        proved_at: i64,
    }
    ApiTokenRow = api_token (id) {
        id: i64,
        account_id: i64,
        secret_hash: Vec<u8>,
        name: String,
        created_at: i64,
        expires_at: Option<i64>,
        scopes: String,
        last_used_at: Option<i64>,
    }
    AuditEntryRow = audit_entry (id) {
        id: i64,
        action: String,
        at: i64,
        last_at: i64,
        count: i32,
        actor_id: Option<i64>,
        actor_name: Option<String>,
        via: Option<String>,
        network: Option<String>,
        account_id: Option<i64>,
        account_name: Option<String>,
        product_id: Option<i64>,
        changes: String,
    }
    VerificationRow = verification (database) {
        database: String,
        started_at: i64,
        finished_at: i64,
        reviews: i64,
        problem_count: i64,
        problems: String,
    }
    BucketOwnerRow = bucket_owner (bucket) in bucket {
        bucket: i16,
        state: String,
        epoch: i64,
    }
    ReviewRow = review (product_id, id, bucket) in bucket {
        bucket: i16,
        id: i64,
        product_id: i64,
        rating: Option<i16>,
        title: Option<String>,
        body: String,
        author_name: Option<String>,
        author_id: Option<i64>,
        status: String,
        version: i32,
        edited_at: Option<i64>,
        open_reports: i32,
        pen_name: bool,
    }
    ProductRatingRow = product_rating (product_id, bucket) in bucket {
        bucket: i16,
        product_id: i64,
        unrated: i64,
        r1: i64,
        r2: i64,
        r3: i64,
        r4: i64,
        r5: i64,
        hidden: i64,
    }
    ReportRow = report (bucket, review_id, reader) in bucket {
        bucket: i16,
        review_id: i64,
        reader: String,
        reason: String,
        note: Option<String>,
        created_at: i64,
        closed_by: Option<i32>,
    }
    ReviewEventRow = review_event (bucket, review_id, version) in bucket {
        bucket: i16,
        review_id: i64,
        version: i32,
        action: String,
        from_status: String,
        to_status: String,
        actor_id: i64,
        actor_name: String,
        reason: Option<String>,
        note: Option<String>,
        created_at: i64,
    }
    IdempotencyKeyRow = idempotency_key (bucket, product_id, key) in bucket {
        bucket: i16,
        product_id: i64,
        key: String,
        fingerprint: Vec<u8>,
        review_id: i64,
    }
}

trait KeyPart {
    /// The same, or what lies before everything that an engine might sort in its own way.
    fn floor(self) -> Self;
}

impl KeyPart for i16 {
    fn floor(self) -> i16 {
        self
    }
}

impl KeyPart for i32 {
    fn floor(self) -> i32 {
        self
    }
}

impl KeyPart for i64 {
    fn floor(self) -> i64 {
        self
    }
}

impl KeyPart for String {
    fn floor(self) -> String {
        String::new()
    }
}

/// A column's value as bytes: two rows have the same ones only if they are the same.
trait Encode {
    fn encode(&self, to: &mut Vec<u8>);
}

impl Encode for i64 {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend(self.to_be_bytes());
    }
}

impl Encode for i32 {
    fn encode(&self, to: &mut Vec<u8>) {
        i64::from(*self).encode(to);
    }
}

impl Encode for i16 {
    fn encode(&self, to: &mut Vec<u8>) {
        i64::from(*self).encode(to);
    }
}

impl Encode for bool {
    fn encode(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }
}

impl Encode for Vec<u8> {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend((self.len() as u64).to_be_bytes());
        to.extend(self);
    }
}

impl Encode for String {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend((self.len() as u64).to_be_bytes());
        to.extend(self.as_bytes());
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, to: &mut Vec<u8>) {
        self.is_some().encode(to);
        if let Some(value) = self {
            value.encode(to);
        }
    }
}
