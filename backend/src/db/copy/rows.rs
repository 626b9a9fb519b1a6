//! The rows of each table that is copied, with all columns.

use diesel::dsl::{SqlTypeOf, sql};
use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::db::copy::by_review::{ReviewRows, SomeReviews};
use crate::db::copy::encoding::{Encode, KeyPart};
use crate::db::copy::{BATCH, Row, Table};
use crate::db::dialect::engine::{Connection, MultiBackend, on_each_engine};
use crate::db::error::QueryError;
use crate::db::schema::{
    account, api_token, audit_entry, bucket_change, bucket_move, bucket_owner, database,
    idempotency_key, product, product_rating, rebalance, report, review, review_event, session,
    shard_map, verification,
};

/// A condition on a table's rows.
type Condition<T> = Box<dyn BoxableExpression<T, MultiBackend, SqlType = Bool>>;

/// `Row = table (key) in bucket of review under product { columns }`, in the order of
/// [`crate::db::schema`]. `of` names the column with the review's id, `under` the one with
/// its product's, if it is needed to find the rows.
macro_rules! rows {
    ($(
        $row:ident = $table:ident ($first:ident $(, $rest:ident)*)
            $(in $bucket:ident $(of $review:ident $(under $product:ident)?)?)? {
            $($column:ident: $type:ty,)*
        }
    )*) => { $(
        #[derive(Queryable, Selectable, Insertable)]
        #[diesel(table_name = $table, treat_none_as_default_value = false)]
        struct $row {
            $($column: $type,)*
        }

        // Fails to compile if a column is missing.
        const _: fn() -> <$table::table as diesel::Table>::AllColumns =
            || ($($table::$column,)*);

        impl $row {
            /// One comparison of the whole key, which both engines answer from its index.
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

        $($(
            impl ReviewRows for $row {
                fn of(connection: &mut Connection, of: &SomeReviews) -> Result<Vec<$row>, QueryError> {
                    Ok($table::table
                        .filter($table::$bucket.eq(of.bucket))
                        $(.filter($table::$product.eq_any(&of.products)))?
                        .filter($table::$review.eq_any(&of.ids))
                        .select($row::as_select())
                        .load(connection)?)
                }

                fn delete_of(connection: &mut Connection, of: &SomeReviews) -> Result<(), QueryError> {
                    let rows = $table::table
                        .filter($table::$bucket.eq(of.bucket))
                        $(.filter($table::$product.eq_any(&of.products)))?
                        .filter($table::$review.eq_any(&of.ids));
                    diesel::delete(rows).execute(connection)?;
                    Ok(())
                }

                fn review_id(&self) -> i64 {
                    self.$review
                }
            }
        )?)?
    )* };
}

pub(super) const DEFAULT_TABLES: &[Table] = &[
    Table::of::<DatabaseRow>(),
    Table::of::<ShardMapRow>(),
    Table::of::<RebalanceRow>(),
    Table::of::<BucketMoveRow>(),
    Table::of::<ProductRow>(),
    Table::of::<AccountRow>(),
    Table::of::<SessionRow>(),
    Table::of::<ApiTokenRow>(),
    Table::of::<AuditEntryRow>(),
    Table::of::<VerificationRow>(),
];

pub(super) const REVIEWS_TABLES: &[Table] = &[
    Table::of::<BucketOwnerRow>(),
    Table::of_reviews::<ReviewRow>(),
    Table::of::<ProductRatingRow>(),
    Table::of_reviews::<ReportRow>(),
    Table::of_reviews::<ReviewEventRow>(),
    Table::of_reviews::<IdempotencyKeyRow>(),
    Table::of::<BucketChangeRow>(),
];

rows! {
    DatabaseRow = database (name) {
        name: String,
        position: i32,
        state: String,
        retired: bool,
    }
    ShardMapRow = shard_map (bucket) in bucket {
        bucket: i16,
        database: String,
        epoch: i64,
    }
    RebalanceRow = rebalance (id) {
        id: i64,
        goal: String,
        state: String,
        planned_for: i64,
        max_rate: Option<i64>,
        created_at: i64,
        started_at: Option<i64>,
        finished_at: Option<i64>,
        lease_holder: Option<String>,
        lease_until: Option<i64>,
        waits_for: Option<String>,
        waits_since: Option<i64>,
    }
    BucketMoveRow = bucket_move (id) in bucket {
        id: i64,
        rebalance_id: i64,
        bucket: i16,
        source: String,
        target: String,
        epoch: i64,
        state: String,
        reviews: i64,
        copied: i64,
        repaired: i64,
        write_pause_us: Option<i64>,
        started_at: Option<i64>,
        finished_at: Option<i64>,
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
        move_id: Option<i64>,
    }
    BucketChangeRow = bucket_change (bucket, review_id, mark) in bucket {
        bucket: i16,
        review_id: i64,
        mark: i64,
        product_id: i64,
    }
    ReviewRow = review (product_id, id, bucket) in bucket of id under product_id {
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
    ReportRow = report (bucket, review_id, reader) in bucket of review_id {
        bucket: i16,
        review_id: i64,
        reader: String,
        reason: String,
        note: Option<String>,
        created_at: i64,
        closed_by: Option<i32>,
    }
    ReviewEventRow = review_event (bucket, review_id, version) in bucket of review_id {
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
    IdempotencyKeyRow = idempotency_key (bucket, product_id, key)
        in bucket of review_id under product_id {
        bucket: i16,
        product_id: i64,
        key: String,
        fingerprint: Vec<u8>,
        review_id: i64,
    }
}
