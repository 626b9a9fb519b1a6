//! Reports and the history of reviews as rows.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use jiff::Timestamp;
use ostrakon_shared::{Report, ReviewEvent, ReviewId};

use crate::db::dialect::buckets::in_buckets;
use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;
use crate::db::schema::{report, review, review_event};
use crate::db::tables::owner::{OwnedBuckets, WriteAccess};
use crate::db::tables::reviews::ReviewRow;
use crate::shard::Bucket;

#[derive(Clone, Debug, QueryableByName, Insertable)]
#[diesel(table_name = report)]
pub struct ReportRow {
    pub bucket: i16,
    pub review_id: i64,
    /// The reporter: an account, or the salted hash of an address.
    pub reader: String,
    /// A [`ostrakon_shared::ReportReason`].
    pub reason: String,
    /// In a few words.
    pub note: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// The version of the review after the decision about this report; null while it is open.
    pub closed_by: Option<i32>,
}

impl TryFrom<ReportRow> for Report {
    type Error = QueryError;

    fn try_from(row: ReportRow) -> Result<Report, QueryError> {
        let broken = || QueryError::CorruptData(format!("a report of review {}", row.review_id));
        Ok(Report {
            reason: row.reason.parse().map_err(|_| broken())?,
            created_at: Timestamp::from_millisecond(row.created_at).map_err(|_| broken())?,
            open: row.closed_by.is_none(),
            note: row.note,
        })
    }
}

/// A change of a review.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = review_event)]
pub struct EventRow {
    pub bucket: i16,
    pub review_id: i64,
    /// The review's version after the change.
    pub version: i32,
    /// A [`ostrakon_shared::ReviewAction`].
    pub action: String,
    /// The [`ostrakon_shared::ReviewStatus`] before.
    pub from_status: String,
    pub to_status: String,
    /// The acting account.
    pub actor_id: i64,
    pub actor_name: String,
    /// A [`ostrakon_shared::DecisionReason`].
    pub reason: Option<String>,
    /// In a few words.
    pub note: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
}

impl TryFrom<EventRow> for ReviewEvent {
    type Error = QueryError;

    fn try_from(row: EventRow) -> Result<ReviewEvent, QueryError> {
        let broken = || QueryError::CorruptData(format!("an event of review {}", row.review_id));
        Ok(ReviewEvent {
            version: row.version,
            action: row.action.parse().map_err(|_| broken())?,
            from: row.from_status.parse().map_err(|_| broken())?,
            to: row.to_status.parse().map_err(|_| broken())?,
            reason: row.reason.map(|r| r.parse().map_err(|_| broken())).transpose()?,
            created_at: Timestamp::from_millisecond(row.created_at).map_err(|_| broken())?,
            actor: Some(row.actor_name),
            note: row.note,
        })
    }
}

/// Fails with [`crate::db::DbError::Conflict`] if this reader has reported the review.
pub fn insert_report(
    connection: &mut Connection,
    access: &WriteAccess,
    row: &ReportRow,
    product_id: i64,
) -> Result<(), QueryError> {
    access.note(connection, std::iter::once((row.bucket, row.review_id, product_id)))?;
    diesel::insert_into(report::table).values(row).execute(connection)?;
    diesel::update(review::table)
        .filter(review::bucket.eq(row.bucket))
        .filter(review::id.eq(row.review_id))
        .set(review::open_reports.eq(review::open_reports + 1))
        .execute(connection)?;
    Ok(())
}

/// Whether this reader has reported the review.
pub fn has_reported(
    connection: &mut Connection,
    bucket: Bucket,
    id: ReviewId,
    reader: &str,
) -> Result<bool, QueryError> {
    let made = report::table.find((bucket.number(), id.get(), reader));
    Ok(diesel::select(diesel::dsl::exists(made)).get_result(connection)?)
}

/// Closes the open reports of a review, by the decision that produces `version`.
pub fn close_reports(
    connection: &mut Connection,
    access: &WriteAccess,
    row: &ReviewRow,
    version: i32,
) -> Result<(), QueryError> {
    access.note(connection, std::iter::once((row.bucket, row.id, row.product_id)))?;
    diesel::update(report::table)
        .filter(report::bucket.eq(row.bucket))
        .filter(report::review_id.eq(row.id))
        .filter(report::closed_by.is_null())
        .set(report::closed_by.eq(version))
        .execute(connection)?;
    Ok(())
}

/// Reopens the reports that the decision of `version` closed; returns the number of open reports.
pub fn reopen_reports(
    connection: &mut Connection,
    access: &WriteAccess,
    row: &ReviewRow,
    version: i32,
) -> Result<i32, QueryError> {
    access.note(connection, std::iter::once((row.bucket, row.id, row.product_id)))?;
    diesel::update(report::table)
        .filter(report::bucket.eq(row.bucket))
        .filter(report::review_id.eq(row.id))
        .filter(report::closed_by.eq(version))
        .set(report::closed_by.eq(None::<i32>))
        .execute(connection)?;
    let open: i64 = report::table
        .filter(report::bucket.eq(row.bucket))
        .filter(report::review_id.eq(row.id))
        .filter(report::closed_by.is_null())
        .count()
        .get_result(connection)?;
    i32::try_from(open).map_err(|_| QueryError::CorruptData(format!("{open} reports")))
}

/// Adds an entry to the history of a review, whose own change leaves the mark.
pub fn insert_event(
    connection: &mut Connection,
    access: &WriteAccess,
    row: &EventRow,
) -> Result<(), QueryError> {
    access.require_number(row.bucket)?;
    diesel::insert_into(review_event::table).values(row).execute(connection)?;
    Ok(())
}

/// The change that produced this version of a review.
pub fn find_event(
    connection: &mut Connection,
    row: &ReviewRow,
) -> Result<Option<EventRow>, QueryError> {
    Ok(review_event::table
        .find((row.bucket, row.id, row.version))
        .select(EventRow::as_select())
        .first(connection)
        .optional()?)
}

/// The newest `limit` reports of each of these reviews, the newest first.
pub fn reports_of(
    connection: &mut Connection,
    reviews: &[ReviewRow],
    limit: usize,
) -> Result<Vec<ReportRow>, QueryError> {
    let Some(newest) = newest_of("report", "created_at", reviews, limit) else {
        return Ok(Vec::new());
    };
    Ok(diesel::sql_query(newest).load(connection)?)
}

/// The last `limit` entries in the history of each of these reviews, the newest first.
pub fn events_of(
    connection: &mut Connection,
    reviews: &[ReviewRow],
    limit: usize,
) -> Result<Vec<EventRow>, QueryError> {
    let Some(newest) = newest_of("review_event", "version", reviews, limit) else {
        return Ok(Vec::new());
    };
    Ok(diesel::sql_query(newest).load(connection)?)
}

/// A query of the newest `limit` rows of each of these reviews in a table, by a column. The limit
/// matters: a review may have been reported from a million addresses.
fn newest_of(table: &str, column: &str, reviews: &[ReviewRow], limit: usize) -> Option<String> {
    let list = |number: fn(&ReviewRow) -> String| {
        reviews.iter().map(number).collect::<Vec<_>>().join(", ")
    };
    let (buckets, ids) = (list(|it| it.bucket.to_string()), list(|it| it.id.to_string()));
    (!reviews.is_empty()).then(|| {
        format!(
            "SELECT * FROM (
                 SELECT *, row_number()
                     OVER (PARTITION BY bucket, review_id ORDER BY {column} DESC) AS place
                 FROM {table} WHERE bucket IN ({buckets}) AND review_id IN ({ids})
             ) AS placed WHERE place <= {limit} ORDER BY {column} DESC"
        )
    })
}

/// Pending or reported, in the same words as the partial index.
const WAITS: &str = "(status = 'pending' OR open_reports > 0)";

/// Up to `limit` reviews that wait for a moderator, with ids above `above`, the oldest first.
pub fn queue(
    connection: &mut Connection,
    owned: &OwnedBuckets,
    above: i64,
    limit: usize,
) -> Result<Vec<ReviewRow>, QueryError> {
    Ok(review::table
        .filter(sql::<Bool>(WAITS))
        .filter(review::id.gt(above))
        .filter(in_buckets(connection, owned))
        .order(review::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ReviewRow::as_select())
        .load(connection)?)
}

/// How many reviews are pending, how many have open reports, and how many wait for either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    pub pending: u64,
    pub reported: u64,
    /// Those that are one or both.
    pub either: u64,
}

/// How many reviews in these buckets wait for a moderator.
pub fn queue_counts(
    connection: &mut Connection,
    owned: &OwnedBuckets,
) -> Result<QueueCounts, QueryError> {
    let count = |of: &str| sql::<BigInt>(&format!("count(*) FILTER (WHERE {of})"));
    let counts: (i64, i64, i64) = review::table
        .filter(sql::<Bool>(WAITS))
        .filter(in_buckets(connection, owned))
        .select((count("status = 'pending'"), count("open_reports > 0"), count("TRUE")))
        .first(connection)?;
    let (pending, reported, either) = counts;
    Ok(QueueCounts {
        pending: pending.unsigned_abs(),
        reported: reported.unsigned_abs(),
        either: either.unsigned_abs(),
    })
}
