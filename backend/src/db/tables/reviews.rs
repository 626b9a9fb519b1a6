//! Reviews as rows, and the keys under which retried requests find theirs.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use jiff::Timestamp;
use ostrakon_shared::{AccountId, ProductId, Rating, Review, ReviewId, ReviewStatus};

use crate::db::dialect::engine::{
    Connection, MultiBackend, in_home_buckets, insert_rows, on_each_engine, unlikely,
};
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::error::QueryError;
use crate::db::tables::owner::OwnedBuckets;
use crate::db::tables::ratings::Visibility;
use crate::db::tables::schema::{idempotency_key, review};
use crate::shard::Bucket;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = review, primary_key(product_id, id, bucket), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
pub struct ReviewRow {
    /// `bucket_of(id)`.
    pub bucket: i16,
    pub id: i64,
    pub product_id: i64,
    /// 1 to 5.
    pub rating: Option<i16>,
    pub title: Option<String>,
    pub body: String,
    pub author_name: Option<String>,
    /// The account that wrote it; null for a guest.
    pub author_id: Option<i64>,
    /// A [`ReviewStatus`].
    pub status: String,
    /// Counts its changes, from 1.
    pub version: i32,
    /// When its author changed it last, in milliseconds since the Unix epoch.
    pub edited_at: Option<i64>,
    /// Reports that nobody has decided about.
    pub open_reports: i32,
    /// Whether an account signed with another name than its own.
    pub pen_name: bool,
}

impl TryFrom<ReviewRow> for Review {
    type Error = QueryError;

    fn try_from(row: ReviewRow) -> Result<Review, QueryError> {
        let broken = || QueryError::CorruptData(format!("review {} of {}", row.id, row.product_id));
        let rating =
            |stars| u8::try_from(stars).ok().and_then(|stars| Rating::try_from(stars).ok());
        let rating = row.rating.map(|stars| rating(stars).ok_or_else(broken)).transpose()?;
        let edited_at = row.edited_at.map(Timestamp::from_millisecond).transpose();
        let edited_at = edited_at.map_err(|_| broken())?;
        let id = ReviewId::new(row.id).ok_or_else(broken)?;
        let product_id = ProductId::new(row.product_id).ok_or_else(broken)?;
        let status = row.status.parse().map_err(|_| broken())?;
        Ok(Review {
            id,
            product_id,
            rating,
            title: row.title,
            body: row.body,
            author_name: row.author_name,
            member: row.author_id.is_some() && !row.pen_name,
            status,
            version: row.version,
            created_at: id.created_at(),
            edited_at,
        })
    }
}

impl ReviewRow {
    pub fn visibility(&self) -> Result<Visibility, QueryError> {
        let review = Review::try_from(self.clone())?;
        Ok(Visibility::of(review.status, review.rating))
    }
}

/// Adds reviews; [`crate::db::DbError::Conflict`] when an id is taken, or when an author has reviewed
/// the product.
pub fn insert(connection: &mut Connection, rows: &[ReviewRow]) -> Result<(), QueryError> {
    insert_rows!(connection, review::table, rows);
    Ok(())
}

/// Writes all of a review's columns anew.
pub fn update(connection: &mut Connection, row: &ReviewRow) -> Result<(), QueryError> {
    let place = review::table.filter(review::bucket.eq(row.bucket)).filter(review::id.eq(row.id));
    diesel::update(place).set(row).execute(connection)?;
    Ok(())
}

/// The review with this id, whatever its status.
pub fn find(
    connection: &mut Connection,
    bucket: Bucket,
    id: ReviewId,
) -> Result<Option<ReviewRow>, QueryError> {
    let review =
        review::table.filter(review::bucket.eq(bucket.number())).filter(review::id.eq(id.get()));
    let found = on_each_engine!(connection, c => review.select(ReviewRow::as_select()).first(c));
    Ok(found.optional()?)
}

/// The highest ids that are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastIds {
    /// Below a bound; 0 when there are none.
    pub below: i64,
    /// From the bound on.
    pub above: Option<i64>,
    /// How many there are from the bound on.
    pub number_above: i64,
}

/// The highest ids that are stored, below `bound` and from there on.
pub fn last_ids(connection: &mut Connection, bound: i64) -> Result<LastIds, QueryError> {
    use diesel::dsl::{count_star, max};

    let below: Option<i64> =
        review::table.filter(review::id.lt(bound)).select(max(review::id)).first(connection)?;
    let from = review::table.filter(review::id.ge(bound));
    let (above, number_above) = from.select((max(review::id), count_star())).first(connection)?;
    Ok(LastIds { below: below.unwrap_or_default(), above, number_above })
}

/// Of each bucket, product and account, the id of the account's review, unless it has deleted it.
pub fn find_by_authors(
    connection: &mut Connection,
    routed_by_engine: bool,
    places: &[(Bucket, ProductId, AccountId)],
) -> Result<Vec<Option<i64>>, QueryError> {
    match connection {
        Connection::Sqlite(sqlite) => places
            .iter()
            .map(|(bucket, product, author)| {
                let found = review::table
                    .filter(review::bucket.eq(bucket.number()))
                    .filter(review::product_id.eq(product.get()))
                    .filter(review::author_id.eq(author.get()))
                    .filter(review::status.ne(ReviewStatus::Deleted.as_str()));
                Ok(found.select(review::id).first(sqlite).optional()?)
            })
            .collect(),
        Connection::Postgres(postgres) => {
            #[derive(QueryableByName)]
            struct Found {
                #[diesel(sql_type = BigInt)]
                place: i64,
                #[diesel(sql_type = BigInt)]
                id: i64,
            }
            if places.is_empty() {
                return Ok(Vec::new());
            }
            let lookup = Lookup {
                columns: "id",
                table: "review",
                condition: "author_id = places.sought AND status <> 'deleted'",
            };
            let authors: Vec<i64> = places.iter().map(|(_, _, author)| author.get()).collect();
            let query = lookup.at(places, routed_by_engine).bind::<Array<BigInt>, _>(authors);
            let found: Vec<Found> = KeepPrepared(query).load(postgres)?;
            Ok(in_order(places.len(), found.into_iter().map(|found| (found.place, found.id))))
        }
    }
}

/// What is looked up in a table of a server at many places at once, by one query.
struct Lookup {
    /// What is wanted of a row.
    columns: &'static str,
    table: &'static str,
    /// Which row of a bucket and product it is, by `places.sought`.
    condition: &'static str,
}

impl Lookup {
    /// The query; its third bind is what is sought at each place.
    ///
    /// A server looks each place up by itself (OFFSET 0): a plan to read a table that is small keeps
    /// being used when it has grown. An engine that routes by buckets refuses that, and needs to be
    /// told them: it plans anew each time.
    fn at<'q, T>(
        &self,
        places: &[(Bucket, ProductId, T)],
        routed_by_engine: bool,
    ) -> BoxedSqlQuery<'q, Pg, SqlQuery> {
        let Lookup { columns, table, condition } = self;
        let condition = format!(
            "{table}.bucket = places.bucket AND {table}.product_id = places.product_id
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
            "SELECT place, {columns}
             FROM unnest($1, $2, $3) WITH ORDINALITY AS places (bucket, product_id, sought, place)
             {join}"
        );
        let columns = places.iter().map(|(bucket, product, _)| (bucket.number(), product.get()));
        let (buckets, products): (Vec<i16>, Vec<i64>) = columns.unzip();
        let query = diesel::sql_query(query).into_boxed();
        query.bind::<Array<SmallInt>, _>(buckets).bind::<Array<BigInt>, _>(products)
    }
}

/// What was found for each of so many places, which are counted from 1.
fn in_order<T>(places: usize, found: impl Iterator<Item = (i64, T)>) -> Vec<Option<T>> {
    let mut in_order: Vec<Option<T>> = std::iter::repeat_with(|| None).take(places).collect();
    for (place, what) in found {
        let place = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
        if let Some(slot) = place.and_then(|place| in_order.get_mut(place)) {
            *slot = Some(what);
        }
    }
    in_order
}

/// Which reviews of a product, by their rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatingClass {
    Any,
    Rated(Rating),
    Unrated,
}

/// From which id, and in which direction of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ids below this one, the newest first.
    NewestBelow(i64),
    /// Ids above this one, the oldest first.
    OldestAbove(i64),
}

impl Direction {
    /// The same direction, from this id on.
    fn beyond(self, id: i64) -> Direction {
        match self {
            Direction::NewestBelow(_) => Direction::NewestBelow(id),
            Direction::OldestAbove(_) => Direction::OldestAbove(id),
        }
    }
}

/// What is read of an approved review of a known product: no column that its readers don't see, for
/// each takes time.
#[derive(Queryable, Selectable)]
#[diesel(table_name = review)]
struct ListedRow {
    bucket: i16,
    id: i64,
    rating: Option<i16>,
    title: Option<String>,
    body: String,
    author_name: Option<String>,
    author_id: Option<i64>,
    version: i32,
    edited_at: Option<i64>,
    pen_name: bool,
}

impl ListedRow {
    fn of(self, product: ProductId) -> ReviewRow {
        ReviewRow {
            bucket: self.bucket,
            id: self.id,
            product_id: product.get(),
            rating: self.rating,
            title: self.title,
            body: self.body,
            author_name: self.author_name,
            author_id: self.author_id,
            status: ReviewStatus::Approved.to_string(),
            version: self.version,
            edited_at: self.edited_at,
            // Nobody is told.
            open_reports: 0,
            pen_name: self.pen_name,
        }
    }
}

/// Up to `limit` approved reviews of a product that lie in these buckets.
pub fn list(
    connection: &mut Connection,
    product: ProductId,
    owned: &OwnedBuckets,
    class: RatingClass,
    direction: Direction,
    limit: usize,
) -> Result<Vec<Review>, QueryError> {
    let (mut found, mut direction) = (Vec::with_capacity(limit), direction);
    loop {
        let wanted = limit - found.len();
        let rows = part_of_list(connection, product, owned, class, direction, wanted)?;
        let is_all = rows.len() < wanted;
        if let Some(last) = rows.last() {
            direction = direction.beyond(last.id);
        }
        for row in rows {
            // Rows of buckets that have moved away may still be here.
            if owned.has(row.bucket) {
                found.push(row.of(product).try_into()?);
            }
        }
        if is_all || found.len() == limit {
            return Ok(found);
        }
    }
}

/// The same, with reviews of other buckets among them where only the caller sorts them out.
fn part_of_list(
    connection: &mut Connection,
    product: ProductId,
    owned: &OwnedBuckets,
    class: RatingClass,
    direction: Direction,
    limit: usize,
) -> QueryResult<Vec<ListedRow>> {
    let reviews = review::table
        .filter(review::product_id.eq(product.get()))
        .filter(review::status.eq(ReviewStatus::Approved.as_str()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX));
    if let (Connection::Sqlite(sqlite), RatingClass::Any) = (&mut *connection, class) {
        // What is asked most: as a type, its statement is found without writing its text.
        let reviews = reviews.select(ListedRow::as_select());
        return match direction {
            Direction::NewestBelow(id) => {
                reviews.filter(review::id.lt(id)).order(review::id.desc()).load(sqlite)
            }
            Direction::OldestAbove(id) => {
                reviews.filter(review::id.gt(id)).order(review::id.asc()).load(sqlite)
            }
        };
    }
    let mut query = reviews.select(ListedRow::as_select()).into_boxed::<MultiBackend>();
    if let Some(condition) = in_home_buckets(connection, owned) {
        query = query.filter(condition);
    }
    query = match class {
        RatingClass::Any => query,
        RatingClass::Rated(rating) => {
            query.filter(unlikely(connection, &format!("review.rating = {}", rating.stars())))
        }
        RatingClass::Unrated => query.filter(unlikely(connection, "review.rating IS NULL")),
    };
    query = match direction {
        Direction::NewestBelow(id) => query.filter(review::id.lt(id)).order(review::id.desc()),
        Direction::OldestAbove(id) => query.filter(review::id.gt(id)).order(review::id.asc()),
    };
    KeepPrepared(query).load(connection)
}

/// What was made under an Idempotency-Key.
#[derive(Debug, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = idempotency_key)]
pub struct Replay {
    /// The hash of the request that made it.
    pub fingerprint: Vec<u8>,
    pub review_id: i64,
}

/// Of each bucket, product and key, what was made of the product under the key.
pub fn find_keys(
    connection: &mut Connection,
    routed_by_engine: bool,
    places: &[(Bucket, ProductId, &str)],
) -> Result<Vec<Option<Replay>>, QueryError> {
    match connection {
        Connection::Sqlite(sqlite) => places
            .iter()
            .map(|(bucket, product, key)| {
                let found = idempotency_key::table.find((bucket.number(), product.get(), *key));
                Ok(found.select(Replay::as_select()).first(sqlite).optional()?)
            })
            .collect(),
        Connection::Postgres(postgres) => {
            #[derive(QueryableByName)]
            struct Found {
                #[diesel(sql_type = BigInt)]
                place: i64,
                #[diesel(embed)]
                replay: Replay,
            }
            if places.is_empty() {
                return Ok(Vec::new());
            }
            let lookup = Lookup {
                columns: "fingerprint, review_id",
                table: "idempotency_key",
                condition: "key = places.sought",
            };
            let keys: Vec<&str> = places.iter().map(|(_, _, key)| *key).collect();
            let query = lookup.at(places, routed_by_engine).bind::<Array<Text>, _>(keys);
            let found: Vec<Found> = KeepPrepared(query).load(postgres)?;
            Ok(in_order(places.len(), found.into_iter().map(|found| (found.place, found.replay))))
        }
    }
}

/// Under which key a review was made.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = idempotency_key)]
pub struct KeyRow {
    pub bucket: i16,
    pub product_id: i64,
    pub key: String,
    pub fingerprint: Vec<u8>,
    pub review_id: i64,
}

/// Remembers under which keys reviews were made; [`crate::db::DbError::Conflict`] when one is known.
pub fn insert_keys(connection: &mut Connection, rows: &[KeyRow]) -> Result<(), QueryError> {
    insert_rows!(connection, idempotency_key::table, rows);
    Ok(())
}
