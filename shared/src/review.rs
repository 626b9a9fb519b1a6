//! Reviews: their fields, the validation of new ones, and the parameters of lists.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json::{
    RequestBody, max_bytes, optional_integer, optional_text, present, removable_integer,
    removable_text,
};
use crate::problem::{FieldError, FieldErrorCode, FieldErrorParams};
use crate::string_enum::string_enum;
use crate::text::{Lines, line_error, name_error, text_error};
use crate::{DecisionReason, Page, ProductId, Rating, ReviewId};

/// The lowest rating, in stars.
pub const MIN_RATING: i32 = 1;
/// The highest rating, in stars.
pub const MAX_RATING: i32 = 5;
/// The maximum number of characters (Unicode scalar values) of a title.
pub const MAX_TITLE_CHARS: usize = 255;
/// The maximum number of characters (Unicode scalar values) of a body.
pub const MAX_BODY_CHARS: usize = 10_000;
/// The maximum number of characters (Unicode scalar values) of an author's name.
pub const MAX_AUTHOR_NAME_CHARS: usize = 80;

string_enum! {
    /// The status of a review. Only approved reviews are public and counted.
    open ReviewStatus like "approved" {
        /// Waits for a moderator.
        Pending => "pending",
        /// Published.
        Approved => "approved",
        /// A moderator rejected it: it breaks a rule.
        Rejected => "rejected",
        /// A moderator marked it as spam.
        Spam => "spam",
        /// Its author deleted it.
        Deleted => "deleted",
    }
}

/// A review of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Review {
    /// The review's id.
    pub id: ReviewId,
    /// The reviewed product.
    pub product_id: ProductId,
    /// Stars from 1 to 5; null if the author gave none.
    pub rating: Option<Rating>,
    /// A headline.
    #[cfg_attr(feature = "openapi", schema(example = "A friend for life"))]
    pub title: Option<String>,
    /// The text as entered: plain text, never HTML.
    #[cfg_attr(feature = "openapi", schema(example = "Survived three children and a dog."))]
    pub body: String,
    /// The name under the review.
    #[cfg_attr(feature = "openapi", schema(example = "Aspasia"))]
    pub author_name: Option<String>,
    /// Whether an account wrote it under its own name. Guests, and members with a pen name, sign
    /// with a name that belonged to no account at that time.
    pub member: bool,
    /// Its status; always `approved` in public lists.
    pub status: ReviewStatus,
    /// Counts its changes, from 1; `If-Match` compares it.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub version: i32,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub created_at: Timestamp,
    /// The author's last edit; null if there was none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-03-02T12:00:00Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub edited_at: Option<Timestamp>,
    /// Why a moderator has hidden it. Only its author gets this, and only while it is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Rejection, required = false))]
    pub rejection: Option<Rejection>,
}

/// Why a moderator has hidden a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rejection {
    /// The reason.
    pub reason: DecisionReason,
    /// The moderator's note.
    #[cfg_attr(feature = "openapi", schema(example = "Quotes a phone number."))]
    pub note: Option<String>,
}

/// A page of a product's reviews.
pub type ReviewPage = Page<Review>;

/// Where a review is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReviewLocation {
    /// The review's id.
    pub id: ReviewId,
    /// Its bucket, which follows from the hash of the id.
    #[cfg_attr(feature = "openapi", schema(example = 421, minimum = 0, maximum = 1023))]
    pub bucket: u16,
    /// The database that owns this bucket now.
    #[cfg_attr(feature = "openapi", schema(example = "reviews-2"))]
    pub database: String,
}

/// The order of a product's reviews. Among equals, and among reviews with the same rating, the
/// newest come first; reviews without a rating come last in `highest` and in `lowest`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReviewSort {
    /// Latest first.
    #[default]
    Newest,
    /// Earliest first.
    Oldest,
    /// Best rating first.
    Highest,
    /// Worst rating first.
    Lowest,
}

impl ReviewSort {
    /// All orders, in the order of a menu.
    pub const ALL: [ReviewSort; 4] =
        [ReviewSort::Newest, ReviewSort::Oldest, ReviewSort::Highest, ReviewSort::Lowest];

    /// The name in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReviewSort::Newest => "newest",
            ReviewSort::Oldest => "oldest",
            ReviewSort::Highest => "highest",
            ReviewSort::Lowest => "lowest",
        }
    }

    /// The order with this name in URLs.
    pub fn from_name(name: &str) -> Option<ReviewSort> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == name)
    }
}

impl fmt::Display for ReviewSort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A new review. Text is stored as entered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// Stars from 1 to 5; optional.
    #[serde(
        default,
        deserialize_with = "optional_integer::<_, MIN_RATING, MAX_RATING>",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5, example = 5))]
    pub rating: Option<i32>,
    /// A headline. Blank text counts as none.
    #[serde(default, deserialize_with = "optional_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 255, example = "A friend for life")
    )]
    pub title: Option<String>,
    /// The text; not blank. Line breaks and tabs are allowed, other control characters are not.
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 10_000,
            example = "Survived three children and a dog."
        )
    )]
    pub body: String,
    /// The name to sign with; it must neither be nor look like the name of another account. If it
    /// is absent or blank, a guest's review has no name and a member's has the account's name.
    #[serde(default, deserialize_with = "optional_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 80, example = "Aspasia"))]
    pub author_name: Option<String>,
}

impl RequestBody for NewReview {
    const MAX_BYTES: usize = max_bytes(MAX_TITLE_CHARS + MAX_BODY_CHARS + MAX_AUTHOR_NAME_CHARS);
}

impl NewReview {
    /// The errors of this review, at most one per field.
    pub fn validate(&self) -> Vec<FieldError> {
        let title = line_error("title", self.title.as_deref(), MAX_TITLE_CHARS);
        let body = text_error("body", &self.body, MAX_BODY_CHARS, Lines::Many);
        let author_name =
            name_error("author_name", self.author_name.as_deref(), MAX_AUTHOR_NAME_CHARS);
        [rating_error(self.rating), title, body, author_name].into_iter().flatten().collect()
    }
}

fn rating_error(rating: Option<i32>) -> Option<FieldError> {
    let rating = rating.filter(|rating| !(MIN_RATING..=MAX_RATING).contains(rating))?;
    let detail = format!("A rating is a whole number from {MIN_RATING} to {MAX_RATING}.");
    let error = FieldError::at_field("rating", FieldErrorCode::OutOfRange, detail);
    Some(error.with(rating_params(Some(rating.into()))))
}

/// The error of a rating that is out of range.
pub(crate) fn rating_params(actual: Option<i64>) -> FieldErrorParams {
    FieldErrorParams::range(MIN_RATING.into(), MAX_RATING.into(), actual)
}

/// A change of a review by its author (RFC 7396): omitted fields stay, null removes them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReviewEdit {
    /// Stars from 1 to 5.
    #[serde(
        default,
        deserialize_with = "removable_integer::<_, MIN_RATING, MAX_RATING>",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<i32>, minimum = 1, maximum = 5, example = 4))]
    pub rating: Option<Option<i32>>,
    /// A headline.
    #[serde(default, deserialize_with = "removable_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, min_length = 1, max_length = 255, example = "Still a friend"))]
    pub title: Option<Option<String>>,
    /// The text.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 10_000, example = "One eye is gone; he sees.")
    )]
    pub body: Option<String>,
    /// The name to sign with; it must neither be nor look like the name of another account. null
    /// stands for the account's name.
    #[serde(default, deserialize_with = "removable_text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, min_length = 1, max_length = 80, example = "Aspasia"))]
    pub author_name: Option<Option<String>>,
}

impl RequestBody for ReviewEdit {
    const MAX_BYTES: usize = NewReview::MAX_BYTES;
}

impl ReviewEdit {
    /// The review after the change, in the form of a new one.
    pub fn applied_to(&self, review: &Review) -> NewReview {
        let rating = review.rating.map(|rating| rating.stars().into());
        NewReview {
            rating: self.rating.unwrap_or(rating),
            title: self.title.clone().unwrap_or_else(|| review.title.clone()),
            body: self.body.clone().unwrap_or_else(|| review.body.clone()),
            author_name: self.author_name.clone().unwrap_or_else(|| review.author_name.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(review: NewReview, expected: &[(&str, FieldErrorCode)]) {
        let errors = review.validate();
        let found: Vec<_> =
            errors.iter().map(|e| (e.pointer.as_deref().unwrap_or(""), e.code)).collect();
        assert_eq!(found, expected, "{review:?}");
    }

    fn with_body(body: &str) -> NewReview {
        NewReview { body: body.to_owned(), ..NewReview::default() }
    }

    #[test]
    fn only_the_body_is_required() {
        check(with_body("fine"), &[]);
        check(with_body("two\r\nlines,\tone tab"), &[]);
        check(with_body(""), &[("/body", FieldErrorCode::Blank)]);
        check(with_body(" \n\u{3000}"), &[("/body", FieldErrorCode::Blank)]);
        check(with_body("bell \u{7}"), &[("/body", FieldErrorCode::ControlCharacter)]);
        check(with_body("nul \0"), &[("/body", FieldErrorCode::ControlCharacter)]);
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        check(with_body(&"🏺".repeat(MAX_BODY_CHARS)), &[]);
        check(with_body(&"a".repeat(MAX_BODY_CHARS + 1)), &[("/body", FieldErrorCode::TooLong)]);
        let title = |chars| NewReview { title: Some("é".repeat(chars)), ..with_body("b") };
        check(title(MAX_TITLE_CHARS), &[]);
        check(title(MAX_TITLE_CHARS + 1), &[("/title", FieldErrorCode::TooLong)]);
        let name = |chars| NewReview { author_name: Some("ы".repeat(chars)), ..with_body("b") };
        check(name(MAX_AUTHOR_NAME_CHARS), &[]);
        check(name(MAX_AUTHOR_NAME_CHARS + 1), &[("/author_name", FieldErrorCode::TooLong)]);
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let review = NewReview {
            rating: Some(6),
            title: Some("two\nlines".into()),
            body: " ".into(),
            author_name: Some(String::new()),
        };
        check(
            review,
            &[
                ("/rating", FieldErrorCode::OutOfRange),
                ("/title", FieldErrorCode::ControlCharacter),
                ("/body", FieldErrorCode::Blank),
                ("/author_name", FieldErrorCode::Blank),
            ],
        );
    }
}
