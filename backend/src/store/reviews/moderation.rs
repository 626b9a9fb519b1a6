//! Moderation: reports, decisions, and undoing decisions.
//!
//! A decision changes the status of a review with its rating and history (`update`), if the review
//! still has the version that the moderator saw.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use ostrakon_shared::{
    AccountId, Decision, DecisionResult, DecisionResultList, NewDecisions, NewReport, PageLimit,
    QueuePage, QueuedReview, Report, Review, ReviewAction, ReviewEvent, ReviewId, ReviewStatus,
    ReviewVersion, UndoDecisions,
};

use crate::db::moderation::{self, EventRow, ReportRow};
use crate::db::owner::{OwnedBuckets, WriteAccess};
use crate::db::reviews::ReviewRow;
use crate::db::{Connection, QueryError};
use crate::shard::Bucket;
use crate::store::actor::Actor;
use crate::store::error::{StoreError, TransactionError};
use crate::store::reviews::Reviews;
use crate::store::reviews::update::{ReviewUpdate, store_update};
use crate::store::routing::cursor::{self, ListScope, Position};

/// The maximum number of reports and of events of a review in the queue.
const MAX_HISTORY: usize = 20;

/// The reporter of a review, who can report it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// An account.
    Account(AccountId),
    /// A guest, by the HMAC of the network, which hides the address.
    Guest(String),
}

impl fmt::Display for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reporter::Account(id) => write!(f, "account {id}"),
            Reporter::Guest(network) => write!(f, "guest {network}"),
        }
    }
}

/// The parameters of a page of the moderation queue.
#[derive(Clone, Debug, Default)]
pub struct QueueQuery {
    /// The maximum number of reviews.
    pub limit: PageLimit,
    /// The start of the page.
    pub cursor: Option<String>,
    /// Whether a partial result is allowed, without databases that are down.
    pub allow_partial: bool,
}

/// A review in the queue, with its reports and history.
type QueueRow = (ReviewRow, Vec<Report>, Vec<ReviewEvent>);

impl Reviews<'_> {
    /// Reports a public review.
    pub fn report(
        &self,
        reporter: &Reporter,
        id: ReviewId,
        report: &NewReport,
    ) -> Result<(), StoreError> {
        let errors = report.validate();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        let reporter = reporter.to_string();
        self.update_review(id, |connection, access, row, review| {
            if review.status != ReviewStatus::Approved {
                return Err(StoreError::ReviewNotFound(id).into());
            }
            let bucket = Bucket::new(row.bucket).ok_or_else(|| corrupt(&row))?;
            if moderation::has_reported(connection, bucket, id, &reporter)? {
                return Err(StoreError::AlreadyReported.into());
            }
            let report = ReportRow {
                bucket: row.bucket,
                review_id: row.id,
                reader: reporter.clone(),
                reason: report.reason.to_string(),
                note: report.note.clone(),
                created_at: Timestamp::now().as_millisecond(),
                closed_by: None,
            };
            Ok(moderation::insert_report(connection, access, &report, review.product_id.get())?)
        })
    }

    /// A page of the moderation queue, the oldest review first.
    pub fn queue(&self, query: &QueueQuery) -> Result<QueuePage, StoreError> {
        let scope = ListScope::of(&["queue"]);
        let above = cursor::start(scope, query.cursor.as_deref(), 0)?;
        let limit = query.limit.get();
        let routing = self.routing();
        routing.with_current_map(|map| {
            let fetch = move |connection: &mut Connection, owned: &OwnedBuckets| {
                let rows = moderation::queue(connection, owned, above, limit + 1)?;
                let waiting = moderation::queue_counts(connection, owned)?;
                Ok((with_history(connection, rows)?, waiting.either))
            };
            let (gathered, watermark) =
                routing.scatter_gather_settled(map, Bucket::all(), query.allow_partial, fetch)?;
            let waiting = gathered.answers.iter().map(|(_, count)| count).sum();
            let mut rows: Vec<QueueRow> =
                gathered.answers.into_iter().flat_map(|(rows, _)| rows).collect();
            rows.sort_by_key(|(row, ..)| row.id);
            let more = rows.len() > limit;
            rows.truncate(limit);
            if more {
                watermark.cut(&mut rows, |(row, ..)| row.id);
            }
            let last = rows.last().map_or(above, |(row, ..)| row.id);
            let next = more.then(|| cursor::encode(scope, Position { group: 0, id: last }));
            let products: Vec<i64> = rows.iter().map(|(row, ..)| row.product_id).collect();
            let names = self.catalog().names(&products)?;
            let items: Result<Vec<_>, _> =
                rows.into_iter().map(|row| queued(row, &names)).collect();
            Ok(QueuePage {
                items: items.map_err(StoreError::from)?,
                next_cursor: next,
                waiting,
                missing_databases: routing.shards.names(&gathered.missing),
            })
        })
    }

    /// Decides about reviews, each in its own transaction. A review that has changed since the
    /// given version stays as it is.
    pub fn decide(
        &self,
        moderator: &Actor,
        decisions: &NewDecisions,
    ) -> Result<DecisionResultList, StoreError> {
        let errors = decisions.validate();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        let (status, action) = match decisions.decision {
            Decision::Approve => (ReviewStatus::Approved, ReviewAction::Approve),
            Decision::Reject => (ReviewStatus::Rejected, ReviewAction::Reject),
            Decision::Spam => (ReviewStatus::Spam, ReviewAction::Spam),
        };
        let reason = Some(decisions.reason.to_string());
        let update = ReviewUpdate { action, status, reason, note: decisions.note.clone() };
        self.update_each(moderator, &decisions.reviews, |connection, access, row| {
            moderation::close_reports(connection, access, &row, row.version + 1)?;
            let changed = ReviewRow { open_reports: 0, ..row.clone() };
            Ok(store_update(connection, access, moderator, &row, changed, &update)?)
        })
    }

    /// Undoes the last decision about each review: restores its status, and reopens the reports
    /// that the decision closed.
    pub fn undo(
        &self,
        moderator: &Actor,
        undo: &UndoDecisions,
    ) -> Result<DecisionResultList, StoreError> {
        let errors = undo.validate();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        self.update_each(moderator, &undo.reviews, |connection, access, row| {
            let Some(status) = status_before(moderation::find_event(connection, &row)?)? else {
                return Err(StoreError::NothingToUndo.into());
            };
            let open_reports = moderation::reopen_reports(connection, access, &row, row.version)?;
            let changed = ReviewRow { open_reports, ..row.clone() };
            let action = ReviewAction::Undo;
            let update = ReviewUpdate { action, status, reason: None, note: None };
            Ok(store_update(connection, access, moderator, &row, changed, &update)?)
        })
    }

    /// Changes each review that still has its version and is not the moderator's own.
    fn update_each(
        &self,
        moderator: &Actor,
        reviews: &[ReviewVersion],
        change: impl Fn(
            &mut Connection,
            &WriteAccess,
            ReviewRow,
        ) -> Result<Review, TransactionError<QueryError>>,
    ) -> Result<DecisionResultList, StoreError> {
        let decide = |seen: &ReviewVersion| {
            let changed =
                self.update_review(seen.id, |connection, access, row, review| {
                    match review.status {
                        ReviewStatus::Deleted => Err(StoreError::ReviewDeleted.into()),
                        _ if row.author_id == Some(moderator.id.get()) => {
                            Err(StoreError::OwnReview.into())
                        }
                        _ if review.version != seen.version => {
                            Err(StoreError::VersionConflict.into())
                        }
                        _ => change(connection, access, row),
                    }
                });
            decision_result(seen.id, changed)
        };
        Ok(DecisionResultList { items: reviews.iter().map(decide).collect::<Result<_, _>>()? })
    }
}

/// The result for one review. Only faults of the service fail the whole request.
fn decision_result(
    id: ReviewId,
    changed: Result<Review, StoreError>,
) -> Result<DecisionResult, StoreError> {
    let problem = match changed {
        Ok(review) => {
            let (status, version) = (Some(review.status), Some(review.version));
            return Ok(DecisionResult { id, status, version, problem: None, detail: None });
        }
        Err(
            error @ (StoreError::ReviewNotFound(_)
            | StoreError::ReviewDeleted
            | StoreError::OwnReview
            | StoreError::VersionConflict
            | StoreError::NothingToUndo
            | StoreError::Unavailable(_)
            | StoreError::Unusable(_)
            | StoreError::ReadOnly(_)
            | StoreError::Busy(_)
            | StoreError::Locked(_)
            | StoreError::BucketMoved
            | StoreError::BucketFrozen),
        ) => error.code(),
        Err(error) => return Err(error),
    };
    let detail = Some(problem.explanation().to_owned());
    Ok(DecisionResult { id, status: None, version: None, problem: Some(problem), detail })
}

/// The status before a decision; `None` if the event is not a decision.
fn status_before(event: Option<EventRow>) -> Result<Option<ReviewStatus>, QueryError> {
    let event = event.map(ReviewEvent::try_from).transpose()?;
    let is_decision = |event: &ReviewEvent| {
        matches!(event.action, ReviewAction::Approve | ReviewAction::Reject | ReviewAction::Spam)
    };
    Ok(event.filter(is_decision).map(|event| event.from))
}

fn with_history(
    connection: &mut Connection,
    rows: Vec<ReviewRow>,
) -> Result<Vec<QueueRow>, QueryError> {
    let mut reports: HashMap<i64, Vec<Report>> = HashMap::new();
    for row in moderation::reports_of(connection, &rows, MAX_HISTORY)? {
        reports.entry(row.review_id).or_default().push(Report::try_from(row)?);
    }
    let mut events: HashMap<i64, Vec<ReviewEvent>> = HashMap::new();
    for row in moderation::events_of(connection, &rows, MAX_HISTORY)? {
        events.entry(row.review_id).or_default().push(ReviewEvent::try_from(row)?);
    }
    let queue_row = |row: ReviewRow| {
        let reports = reports.remove(&row.id).unwrap_or_default();
        let events = events.remove(&row.id).unwrap_or_default();
        (row, reports, events)
    };
    Ok(rows.into_iter().map(queue_row).collect())
}

fn queued(row: QueueRow, names: &HashMap<i64, String>) -> Result<QueuedReview, QueryError> {
    let (row, reports, history) = row;
    let review = Review::try_from(row)?;
    Ok(QueuedReview {
        id: review.id,
        version: review.version,
        product_id: review.product_id,
        product_name: names.get(&review.product_id.get()).cloned(),
        status: review.status,
        title: review.title,
        body: review.body,
        author_name: review.author_name,
        member: review.member,
        created_at: review.created_at,
        edited_at: review.edited_at,
        reports,
        history,
    })
}

fn corrupt(row: &ReviewRow) -> QueryError {
    QueryError::CorruptData(format!("review {} in bucket {}", row.id, row.bucket))
}
