//! Looks up many rows, each by its bucket, its product and one more value: by one query on a
//! server, one by one on a file.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use ostrakon_shared::{AccountId, ProductId, ReviewStatus};

use crate::db::dialect::engine::Connection;
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::error::QueryError;
use crate::db::schema::{idempotency_key, review};
use crate::shard::Bucket;

/// For each bucket, product and account, the id of the account's review, unless it is deleted.
pub fn reviews_by_authors(
    connection: &mut Connection,
    routed_by_engine: bool,
    sought: &[(Bucket, ProductId, AccountId)],
) -> Result<Vec<Option<i64>>, QueryError> {
    match connection {
        Connection::Sqlite(sqlite) => sought
            .iter()
            .map(|(bucket, product, author)| {
                let review = review::table
                    .filter(review::bucket.eq(bucket.number()))
                    .filter(review::product_id.eq(product.get()))
                    .filter(review::author_id.eq(author.get()))
                    .filter(review::status.ne(ReviewStatus::Deleted.as_str()));
                Ok(review.select(review::id).first(sqlite).optional()?)
            })
            .collect(),
        Connection::Postgres(postgres) => {
            #[derive(QueryableByName)]
            struct FoundReview {
                #[diesel(sql_type = BigInt)]
                ordinal: i64,
                #[diesel(sql_type = BigInt)]
                id: i64,
            }
            if sought.is_empty() {
                return Ok(Vec::new());
            }
            let lookup = Lookup {
                columns: "id",
                table: "review",
                condition: "author_id = sought.value AND status <> 'deleted'",
            };
            let authors: Vec<i64> = sought.iter().map(|(_, _, author)| author.get()).collect();
            let query = lookup.query(sought, routed_by_engine).bind::<Array<BigInt>, _>(authors);
            let rows: Vec<FoundReview> = KeepPrepared(query).load(postgres)?;
            Ok(in_order(sought.len(), rows.into_iter().map(|row| (row.ordinal, row.id))))
        }
    }
}

/// A review that was created under an Idempotency-Key.
#[derive(Debug, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = idempotency_key)]
pub struct Replay {
    /// The hash of the request that created it.
    pub fingerprint: Vec<u8>,
    pub review_id: i64,
}

/// For each bucket, product and key, the review that was created under the key.
pub fn replays(
    connection: &mut Connection,
    routed_by_engine: bool,
    sought: &[(Bucket, ProductId, &str)],
) -> Result<Vec<Option<Replay>>, QueryError> {
    match connection {
        Connection::Sqlite(sqlite) => sought
            .iter()
            .map(|(bucket, product, key)| {
                let replay = idempotency_key::table.find((bucket.number(), product.get(), *key));
                Ok(replay.select(Replay::as_select()).first(sqlite).optional()?)
            })
            .collect(),
        Connection::Postgres(postgres) => {
            #[derive(QueryableByName)]
            struct FoundReplay {
                #[diesel(sql_type = BigInt)]
                ordinal: i64,
                #[diesel(embed)]
                replay: Replay,
            }
            if sought.is_empty() {
                return Ok(Vec::new());
            }
            let lookup = Lookup {
                columns: "fingerprint, review_id",
                table: "idempotency_key",
                condition: "key = sought.value",
            };
            let keys: Vec<&str> = sought.iter().map(|(_, _, key)| *key).collect();
            let query = lookup.query(sought, routed_by_engine).bind::<Array<Text>, _>(keys);
            let rows: Vec<FoundReplay> = KeepPrepared(query).load(postgres)?;
            Ok(in_order(sought.len(), rows.into_iter().map(|row| (row.ordinal, row.replay))))
        }
    }
}

/// A query for many rows.
struct Lookup {
    columns: &'static str,
    table: &'static str,
    /// Selects the row of a bucket and product, with `sought.value`.
    condition: &'static str,
}

impl Lookup {
    /// The query without its third bind, the values of `sought.value`.
    ///
    /// OFFSET 0 makes PostgreSQL look each row up separately; otherwise a plan that reads the
    /// whole of a small table stays in use when the table has grown. Citus refuses that, and needs
    /// the buckets as a condition; it plans each execution anew.
    fn query<'q, T>(
        &self,
        sought: &[(Bucket, ProductId, T)],
        routed_by_engine: bool,
    ) -> BoxedSqlQuery<'q, Pg, SqlQuery> {
        let Lookup { columns, table, condition } = self;
        let condition = format!(
            "{table}.bucket = sought.bucket AND {table}.product_id = sought.product_id
             AND {condition}"
        );
        let join = if routed_by_engine {
            format!("JOIN {table} ON {condition} WHERE {table}.bucket = ANY ($1)")
        } else {
            format!(
                "CROSS JOIN LATERAL (
                     SELECT {columns} FROM {table} WHERE {condition} OFFSET 0
                 ) AS {table}"
            )
        };
        let query = format!(
            "SELECT ordinal, {columns}
             FROM unnest($1, $2, $3) WITH ORDINALITY AS sought (bucket, product_id, value, ordinal)
             {join}"
        );
        let columns = sought.iter().map(|(bucket, product, _)| (bucket.number(), product.get()));
        let (buckets, products): (Vec<i16>, Vec<i64>) = columns.unzip();
        let query = diesel::sql_query(query).into_boxed();
        query.bind::<Array<SmallInt>, _>(buckets).bind::<Array<BigInt>, _>(products)
    }
}

/// The rows in the order in which they were sought; the query counts from 1.
fn in_order<T>(sought: usize, rows: impl Iterator<Item = (i64, T)>) -> Vec<Option<T>> {
    let mut in_order: Vec<Option<T>> = std::iter::repeat_with(|| None).take(sought).collect();
    for (ordinal, row) in rows {
        let index = usize::try_from(ordinal).ok().and_then(|ordinal| ordinal.checked_sub(1));
        if let Some(slot) = index.and_then(|index| in_order.get_mut(index)) {
            *slot = Some(row);
        }
    }
    in_order
}
