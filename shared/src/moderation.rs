//! Moderation: reports, decisions, and the history of a review.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json::{RequestBody, integer, max_bytes, optional_text};
use crate::problem::{FieldError, FieldErrorCode, FieldErrorParams, ProblemCode};
use crate::string_enum::string_enum;
use crate::text::line_error;
use crate::{ProductId, ReviewId, ReviewStatus};

/// The maximum number of characters of a note.
pub const MAX_NOTE_CHARS: usize = 100;
/// The maximum number of reviews in a request.
pub const MAX_DECISIONS: usize = 100;

string_enum! {
    /// Why a reader reports a review.
    open ReportReason {
        /// Advertising, or posted by a machine.
        Spam => "spam",
        /// Insults or hatred.
        Offensive => "offensive",
        /// Not about this product.
        OffTopic => "off_topic",
        /// Another reason, given in the note.
        Other => "other",
    }
}

/// A new report of a review.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// The reason for the report.
    #[serde(deserialize_with = "ReportReason::known")]
    pub reason: ReportReason,
    /// A short note; required with `other`.
    #[serde(default, deserialize_with = "optional_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 100, example = "It is about another bear.")
    )]
    pub note: Option<String>,
}

impl RequestBody for NewReport {
    const MAX_BYTES: usize = max_bytes(MAX_NOTE_CHARS);
}

impl NewReport {
    /// The errors of this report.
    pub fn validate(&self) -> Vec<FieldError> {
        let missing = self.reason == ReportReason::Other && self.note.is_none();
        let missing = missing.then(|| {
            let detail = "Please say what is wrong with the review.".to_owned();
            FieldError::at_field("note", FieldErrorCode::MissingField, detail)
        });
        missing
            .or_else(|| line_error("note", self.note.as_deref(), MAX_NOTE_CHARS))
            .into_iter()
            .collect()
    }
}

/// A report of a review as moderators see it, without the reporter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// The reporter's reason.
    pub reason: ReportReason,
    /// A short note.
    #[cfg_attr(feature = "openapi", schema(example = "It is about another bear."))]
    pub note: Option<String>,
    /// Whether it awaits a decision.
    pub open: bool,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub created_at: Timestamp,
}

string_enum! {
    /// A moderator's decision about a review.
    Decision {
        /// Publish it, or keep it published.
        Approve => "approve",
        /// Hide it: it breaks a rule.
        Reject => "reject",
        /// Hide it: it is spam.
        Spam => "spam",
    }
}

string_enum! {
    /// The reason for a decision. Never the rating, which moderators don't see.
    open DecisionReason {
        /// It follows the rules.
        WithinRules => "within_rules",
        /// Not about the product.
        OffTopic => "off_topic",
        /// Insults or hatred.
        Offensive => "offensive",
        /// Names, addresses or numbers of people.
        PersonalData => "personal_data",
        /// Advertising, or posted by a machine.
        Advertising => "advertising",
        /// The same text as another one.
        Duplicate => "duplicate",
        /// Against the law.
        Illegal => "illegal",
        /// Another reason, given in the note.
        Other => "other",
    }
}

/// The greatest version that a review can have.
const MAX_VERSION: i32 = i32::MAX;

/// A review at a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReviewVersion {
    /// The review's id.
    pub id: ReviewId,
    /// The version that the moderator saw; if it has changed since, nothing is decided.
    #[serde(deserialize_with = "integer::<_, 1, MAX_VERSION>")]
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub version: i32,
}

/// One decision about up to 100 reviews.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewDecisions {
    /// The decision.
    pub decision: Decision,
    /// The reason.
    #[serde(deserialize_with = "DecisionReason::known")]
    pub reason: DecisionReason,
    /// A short note; required with `other`.
    #[serde(default, deserialize_with = "optional_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 100, example = "Quotes a phone number.")
    )]
    pub note: Option<String>,
    /// The reviews.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    pub reviews: Vec<ReviewVersion>,
}

/// The maximum length in bytes of the reviews of a request: the id and version of each, with names
/// that may be escaped, and white space.
const MAX_REVIEWS_BYTES: usize = MAX_DECISIONS * 256;

impl RequestBody for NewDecisions {
    const MAX_BYTES: usize = max_bytes(MAX_NOTE_CHARS) + MAX_REVIEWS_BYTES;
}

impl NewDecisions {
    /// The errors of these decisions, at most one per field.
    pub fn validate(&self) -> Vec<FieldError> {
        let missing = self.reason == DecisionReason::Other && self.note.is_none();
        let missing = missing.then(|| {
            let detail = "Please say why.".to_owned();
            FieldError::at_field("note", FieldErrorCode::MissingField, detail)
        });
        let note = missing.or_else(|| line_error("note", self.note.as_deref(), MAX_NOTE_CHARS));
        note.into_iter().chain(reviews_error(&self.reviews)).collect()
    }
}

/// Up to 100 reviews whose last decisions are undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UndoDecisions {
    /// The reviews, at the versions that the decisions produced.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    pub reviews: Vec<ReviewVersion>,
}

impl RequestBody for UndoDecisions {
    const MAX_BYTES: usize = max_bytes(0) + MAX_REVIEWS_BYTES;
}

impl UndoDecisions {
    /// The errors of this request.
    pub fn validate(&self) -> Vec<FieldError> {
        reviews_error(&self.reviews).into_iter().collect()
    }
}

fn reviews_error(reviews: &[ReviewVersion]) -> Option<FieldError> {
    let number = reviews.len();
    if number == 0 || number > MAX_DECISIONS {
        let detail = format!("One request decides about 1 to {MAX_DECISIONS} reviews.");
        let error = FieldError::at_field("reviews", FieldErrorCode::OutOfRange, detail);
        return Some(error.with(FieldErrorParams::range(
            1,
            MAX_DECISIONS as i64,
            i64::try_from(number).ok(),
        )));
    }
    let mut ids: Vec<_> = reviews.iter().map(|review| review.id).collect();
    ids.sort();
    ids.windows(2).any(|pair| pair[0] == pair[1]).then(|| {
        let detail = "A review is named twice.".to_owned();
        FieldError::at_field("reviews", FieldErrorCode::InvalidValue, detail)
    })
}

/// The result for one review of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionResult {
    /// The review's id.
    pub id: ReviewId,
    /// Its new status; null if it was not found or its database is down.
    pub status: Option<ReviewStatus>,
    /// Its new version, for undoing the decision.
    #[cfg_attr(feature = "openapi", schema(example = 2))]
    pub version: Option<i32>,
    /// Why nothing was decided; null on success.
    pub problem: Option<ProblemCode>,
    /// A description of the problem for people.
    #[cfg_attr(
        feature = "openapi",
        schema(
            example = "This has changed since you read it. Read it again before you change it."
        )
    )]
    pub detail: Option<String>,
}

/// The results for the reviews of the request, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DecisionResultList {
    /// One for each review.
    pub items: Vec<DecisionResult>,
}

string_enum! {
    /// A change of a review.
    open ReviewAction {
        /// Its author changed it.
        Edit => "edit",
        /// Its author deleted it.
        Delete => "delete",
        /// A moderator approved it.
        Approve => "approve",
        /// A moderator rejected it.
        Reject => "reject",
        /// A moderator marked it as spam.
        Spam => "spam",
        /// A moderator undid a decision.
        Undo => "undo",
    }
}

/// An entry of a review's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReviewEvent {
    /// The review's version after the change.
    #[cfg_attr(feature = "openapi", schema(example = 2))]
    pub version: i32,
    /// The change.
    pub action: ReviewAction,
    /// The status before it.
    pub from: ReviewStatus,
    /// The status after it.
    pub to: ReviewStatus,
    /// The name of the acting account; null if hidden.
    #[cfg_attr(feature = "openapi", schema(example = "pericles"))]
    pub actor: Option<String>,
    /// The moderator's reason; null without one.
    pub reason: Option<DecisionReason>,
    /// A short note.
    #[cfg_attr(feature = "openapi", schema(example = "Quotes a phone number."))]
    pub note: Option<String>,
    /// The time of the change.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub created_at: Timestamp,
}

/// A review in the moderators' queue, without its rating.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuedReview {
    /// The review's id.
    pub id: ReviewId,
    /// Its version.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub version: i32,
    /// The reviewed product.
    pub product_id: ProductId,
    /// The name of the product.
    #[cfg_attr(feature = "openapi", schema(example = "Brown teddy bear"))]
    pub product_name: Option<String>,
    /// Its status.
    pub status: ReviewStatus,
    /// The headline.
    #[cfg_attr(feature = "openapi", schema(example = "A friend for life"))]
    pub title: Option<String>,
    /// The text.
    #[cfg_attr(feature = "openapi", schema(example = "Survived three children and a dog."))]
    pub body: String,
    /// The name under the review.
    #[cfg_attr(feature = "openapi", schema(example = "Aspasia"))]
    pub author_name: Option<String>,
    /// Whether an account wrote it under its own name.
    pub member: bool,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub created_at: Timestamp,
    /// The author's last edit; null if there was none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-03-02T12:00:00Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub edited_at: Option<Timestamp>,
    /// Its reports, the newest first; at most 20.
    pub reports: Vec<Report>,
    /// Its history, the newest entry first; at most 20.
    pub history: Vec<ReviewEvent>,
}

/// A page of the moderators' queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuePage {
    /// Pending and reported reviews, the oldest first.
    pub items: Vec<QueuedReview>,
    /// The cursor of the next page; null on the last page.
    #[cfg_attr(feature = "openapi", schema(example = "AAxT1zcsVkTQAAAAAAAAABQAtSOi"))]
    pub next_cursor: Option<String>,
    /// The number of waiting reviews on all pages.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub waiting: u64,
    /// Only in a partial response: databases that were down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, example = json!([])))]
    pub missing_databases: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_other_requires_a_note() {
        let report = |reason, note: Option<&str>| {
            NewReport { reason, note: note.map(str::to_owned) }.validate().len()
        };
        assert_eq!(report(ReportReason::Spam, None), 0);
        assert_eq!(report(ReportReason::Other, None), 1);
        assert_eq!(report(ReportReason::Other, Some("why")), 0);
        assert_eq!(report(ReportReason::Spam, Some(&"n".repeat(100))), 0);
        assert_eq!(report(ReportReason::Spam, Some(&"n".repeat(101))), 1);
        assert_eq!(report(ReportReason::Spam, Some(" ")), 1);
    }

    #[test]
    fn unknown_values_are_read_in_responses_and_refused_in_requests() {
        let report = |reason: &str| serde_json::json!({ "reason": reason });
        let read = serde_json::from_value::<NewReport>;
        assert_eq!(read(report("off_topic")).unwrap().reason, ReportReason::OffTopic);
        for unknown in ["boring", "unknown", ""] {
            let error = read(report(unknown)).unwrap_err().to_string();
            assert!(error.starts_with("unknown variant"), "{error}");
        }
        let reason = serde_json::from_value::<ReportReason>;
        assert_eq!(reason("boring".into()).unwrap(), ReportReason::Unknown);
        assert!(reason(7.into()).is_err());
        assert!(serde_json::from_value::<Decision>("ponder".into()).is_err());
    }

    #[test]
    fn a_request_names_each_review_once() {
        let review = |number| ReviewVersion { id: ReviewId::new(number).unwrap(), version: 1 };
        let errors = |reviews| UndoDecisions { reviews }.validate().len();
        assert_eq!(errors(vec![review(1), review(2)]), 0);
        assert_eq!(errors(vec![]), 1);
        assert_eq!(errors(vec![review(1), review(2), review(1)]), 1);
        assert_eq!(errors((1..=101).map(review).collect()), 1);
    }
}
