//! Problems: how the API says no (RFC 9457, `application/problem+json`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;

/// An open enum of words with a text for people beside each.
macro_rules! codes {
    ($(#[doc = $doc:literal])* $name:ident { $($variant:ident => $text:literal, $title:literal, $explanation:literal;)* }) => {
        string_enum! {
            $(#[doc = $doc])*
            open $name {
                $(#[doc = $explanation] $variant => $text,)*
            }
        }

        impl $name {
            /// A few words for people; the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self {
                    $($name::$variant => $title,)*
                    $name::Unknown => "Unknown",
                }
            }

            /// When it happens and what to do about it.
            pub const fn explanation(self) -> &'static str {
                match self {
                    $($name::$variant => $explanation,)*
                    $name::Unknown => "A later version of the service knows what this is.",
                }
            }
        }
    };
}

codes! {
    /// What kind of problem it is. Codes are stable: programs may decide by them.
    ProblemCode {
        MalformedJson => "malformed_json", "Malformed JSON",
            "The body is not JSON (RFC 8259) in UTF-8: cut short, a syntax error, or a lone surrogate in a string.";
        ValidationFailed => "validation_failed", "Validation failed",
            "The body is JSON, but not what this request takes. `errors` names each field by a JSON pointer.";
        BodyTooLarge => "body_too_large", "Body too large",
            "The body has more bytes than the longest valid one of this request; `detail` says how many it may have.";
        UnsupportedMediaType => "unsupported_media_type", "Unsupported media type",
            "The body must be sent as `Content-Type: application/json`, that of a PATCH also as `application/merge-patch+json` (RFC 7396), and in no `Content-Encoding`.";
        ParameterInvalid => "parameter_invalid", "Invalid parameter",
            "A query parameter is unknown, given twice, or has a value that it can't have. `errors` names it.";
        IdInvalid => "id_invalid", "Invalid id",
            "The id in the path can't be an id: a review's has 13 characters of Crockford base32, all others are whole numbers from 1.";
        CursorInvalid => "cursor_invalid", "Invalid cursor",
            "The cursor was not made by this service. Take it unchanged from `next_cursor`, or start at the first page.";
        CursorMismatch => "cursor_mismatch", "Cursor of another list",
            "The cursor was made for another product, order, filter or search. Start at the first page of this list.";
        IdempotencyKeyInvalid => "idempotency_key_invalid", "Invalid Idempotency-Key",
            "An Idempotency-Key has 1 to 255 visible ASCII characters.";
        IdempotencyKeyReused => "idempotency_key_reused", "Idempotency-Key used before",
            "This Idempotency-Key was used for a review of this product with different content. Use a new key for a new review.";
        ProductNotFound => "product_not_found", "Product not found",
            "There is no product with this id.";
        ReviewNotFound => "review_not_found", "Review not found",
            "There is no review with this id.";
        RouteNotFound => "route_not_found", "No such route",
            "The API has nothing at this path. Its routes are listed in /api/openapi.json and shown at /docs.";
        MethodNotAllowed => "method_not_allowed", "Method not allowed",
            "This path exists, but not for this method. The `Allow` header lists the methods that it has.";
        DatabaseUnavailable => "database_unavailable", "Database unavailable",
            "A database that the answer needs is down; `detail` names it. Try again after the seconds in `Retry-After`. Lists of reviews and products can be had without it by `allow_partial=true`.";
        Overloaded => "overloaded", "Overloaded",
            "More requests arrive than the service can answer in time. Nothing was done. Try again after the seconds in `Retry-After`.";
        StorageFull => "storage_full", "Storage full",
            "The disk of a database is full; `detail` names it. Nothing was written; reading goes on. Try again later.";
        RequestTimeout => "request_timeout", "Request timeout",
            "The body did not arrive in time. Nothing was done.";
        DatabaseBusy => "database_busy", "Database busy",
            "More reviews arrive than this database can write, or another transaction keeps what this request changes locked; `detail` names the database. Nothing was written. Try again after the seconds in `Retry-After`.";
        ClockWrong => "clock_wrong", "Wrong clock",
            "The clock that dates new reviews is before 2000 or after 2069. Nothing was written. Try again after the seconds in `Retry-After`.";
        BucketMoved => "bucket_moved", "Review on the move",
            "The bucket of this review is moving to another database. Try again after the seconds in `Retry-After`.";
        SignInRequired => "sign_in_required", "Sign in first",
            "This needs an account: sign in, or send an API token as `Authorization: Bearer`.";
        SessionInvalid => "session_invalid", "Not signed in any more",
            "The session or API token that came along has ended, was revoked, or belongs to a disabled account.";
        CredentialsWrong => "credentials_wrong", "Wrong name or password",
            "There is no account with this name and this password that may sign in.";
        PasswordWrong => "password_wrong", "Wrong password",
            "The current password is another one.";
        NotAllowed => "not_allowed", "Not allowed",
            "The account that is signed in may not do this.";
        SessionRequired => "session_required", "Not with an API token",
            "Roles, passwords, sessions and API tokens are managed by accounts that are signed in, not with an API token.";
        ProofRequired => "proof_required", "Password required",
            "Admins who change accounts, roles or API tokens have typed their password within the last 15 minutes: send it to `POST /api/session/proof`, then repeat the request.";
        InsufficientScope => "insufficient_scope", "Insufficient scope",
            "The API token lacks the scope that this needs; `detail` names it.";
        OriginMismatch => "origin_mismatch", "From another site",
            "A browser sent this request from a page of another site.";
        RateLimited => "rate_limited", "Too many requests",
            "Too many of these requests in a short time. Try again after the seconds in `Retry-After`.";
        NameTaken => "name_taken", "Name taken",
            "There is an account with this name, or with one that looks like it.";
        SkuTaken => "sku_taken", "SKU taken",
            "There is a product with this SKU.";
        AccountNotFound => "account_not_found", "Account not found",
            "There is no account with this id.";
        CredentialNotFound => "credential_not_found", "Session or token not found",
            "The account has no session or API token with this id.";
        LastAdmin => "last_admin", "Last admin",
            "This is the only admin: there would be none left.";
        ReviewExists => "review_exists", "Reviewed already",
            "This account has reviewed this product already; `Location` leads to the review. Edit it instead.";
        ReviewDeleted => "review_deleted", "Review deleted",
            "Its author has deleted this review: there is nothing to decide.";
        OwnReview => "own_review", "Own review",
            "A review of your own: another moderator must decide about it.";
        ProductArchived => "product_archived", "Product archived",
            "This product has left the catalogue: its reviews stay, new ones are refused.";
        AlreadyReported => "already_reported", "Reported already",
            "This reader has reported this review already.";
        NothingToUndo => "nothing_to_undo", "Nothing to undo",
            "The last thing that happened to this review was no decision.";
        VersionMissing => "version_missing", "Which version?",
            "A change needs the version that it is about: send the ETag as `If-Match`.";
        IfMatchInvalid => "if_match_invalid", "Invalid If-Match",
            "`If-Match` is `*`, or a list of ETags in their quotes, with commas between them.";
        VersionConflict => "version_conflict", "Changed meanwhile",
            "Somebody else has changed this since it was read. Read it again, then decide.";
        DatabaseNotFound => "database_not_found", "No such database",
            "There is no reviews database with this name.";
        VerifyRunning => "verify_running", "Verifying already",
            "This database is being verified. One check at a time is enough.";
        Internal => "internal", "Internal error",
            "Something is wrong with the service. Its log has the details under the request id of this answer.";
    }
}

codes! {
    /// What is wrong with a field or a parameter. Codes are stable.
    FieldErrorCode {
        Blank => "blank", "Blank", "It must hold something besides white space.";
        TooLong => "too_long", "Too long", "It has too many characters.";
        TooShort => "too_short", "Too short", "It has too few characters.";
        OutOfRange => "out_of_range", "Out of range", "The number is too small or too large.";
        ControlCharacter => "control_character", "Control character", "It holds a control character.";
        WrongType => "wrong_type", "Wrong type", "The JSON value has another type than the field.";
        UnknownField => "unknown_field", "Unknown field", "There is no such field.";
        MissingField => "missing_field", "Missing field", "The field is required.";
        DuplicateField => "duplicate_field", "Duplicate field", "The field is given twice.";
        Guessable => "guessable", "Easy to guess", "The password is a common one, the name, or easy to guess.";
        InvalidValue => "invalid_value", "Invalid value", "The value can't be used here.";
        Reserved => "reserved", "Reserved name", "The name is reserved for those who run the service.";
        Taken => "taken", "Name taken", "It is the name of another account, or looks like it.";
    }
}

/// What is wrong with one field of the body, or with one parameter of the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field of the body, as a JSON pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false, example = "/rating"))]
    pub pointer: Option<String>,
    /// The parameter of the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false, example = "limit"))]
    pub parameter: Option<String>,
    /// What is wrong, for programs.
    pub code: FieldErrorCode,
    /// What is wrong, for people.
    #[cfg_attr(feature = "openapi", schema(example = "A rating is a whole number from 1 to 5."))]
    pub detail: String,
    /// The values in `detail`, so that clients can phrase it in their own words.
    #[serde(default, skip_serializing_if = "FieldErrorParams::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub params: FieldErrorParams,
}

impl FieldError {
    /// An error of the field at this JSON pointer.
    pub fn at_pointer(pointer: String, code: FieldErrorCode, detail: String) -> FieldError {
        let (pointer, params) = (Some(pointer), FieldErrorParams::default());
        FieldError { pointer, parameter: None, code, detail, params }
    }

    /// An error of the body's top-level field `field`.
    pub fn at_field(field: &str, code: FieldErrorCode, detail: String) -> FieldError {
        FieldError::at_pointer(format!("/{field}"), code, detail)
    }

    /// An error of the query parameter `parameter`.
    pub fn at_parameter(parameter: &str, code: FieldErrorCode, detail: String) -> FieldError {
        let (parameter, params) = (Some(parameter.to_owned()), FieldErrorParams::default());
        FieldError { pointer: None, parameter, code, detail, params }
    }

    /// The same error with these values.
    pub fn with(self, params: FieldErrorParams) -> FieldError {
        FieldError { params, ..self }
    }
}

/// The values that a field error is about. Which of them are there depends on its code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldErrorParams {
    /// With `too_long`: characters or items at most; with `too_short`: at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = u64, required = false, example = 255))]
    pub limit: Option<u64>,
    /// With `out_of_range`: the least number, or number of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, example = 1))]
    pub minimum: Option<i64>,
    /// With `out_of_range`: the greatest number, or number of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, example = 5))]
    pub maximum: Option<i64>,
    /// With `too_long`, `too_short` and `out_of_range`: what the request has instead; left out when
    /// that is a number of more than 64 bits, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, example = 300))]
    pub actual: Option<i64>,
    /// With `control_character`, and where a character is an `invalid_value`: which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false, example = "U+0007"))]
    pub character: Option<String>,
    /// With `unknown_field`, and where words are an `invalid_value`: those that are allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, example = json!(["spam", "other"])))]
    pub allowed: Vec<String>,
}

impl FieldErrorParams {
    /// A length that is over or under its limit.
    pub fn limit(limit: usize, actual: usize) -> FieldErrorParams {
        let actual = i64::try_from(actual).ok();
        FieldErrorParams { limit: Some(limit as u64), actual, ..FieldErrorParams::default() }
    }

    /// A number that is out of its range; `actual` is `None` where there is no number.
    pub fn range(minimum: i64, maximum: i64, actual: Option<i64>) -> FieldErrorParams {
        let (minimum, maximum) = (Some(minimum), Some(maximum));
        FieldErrorParams { minimum, maximum, actual, ..FieldErrorParams::default() }
    }

    /// A character that can't be here.
    pub fn character(character: char) -> FieldErrorParams {
        let character = Some(format!("U+{:04X}", u32::from(character)));
        FieldErrorParams { character, ..FieldErrorParams::default() }
    }

    /// A word that is none of these.
    pub fn allowed<'a>(words: impl IntoIterator<Item = &'a str>) -> FieldErrorParams {
        let allowed = words.into_iter().map(str::to_owned).collect();
        FieldErrorParams { allowed, ..FieldErrorParams::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == FieldErrorParams::default()
    }
}

/// Why a text is no value of a type: a field error without its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueError {
    /// What is wrong, for programs.
    pub code: FieldErrorCode,
    /// What is wrong, for people: the rest of a sentence.
    pub detail: String,
    /// The values in `detail`.
    pub params: FieldErrorParams,
}

impl ValueError {
    /// An error without values.
    pub fn new(code: FieldErrorCode, detail: impl Into<String>) -> ValueError {
        ValueError { code, detail: detail.into(), params: FieldErrorParams::default() }
    }

    /// The same error with these values.
    pub fn with(self, params: FieldErrorParams) -> ValueError {
        ValueError { params, ..self }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for ValueError {}

/// Why a request was not served (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Where this kind of problem is explained, relative to the service's address.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "/problems/review_not_found", format = "uri-reference")
    )]
    pub r#type: String,
    /// The kind of problem in a few words.
    #[cfg_attr(feature = "openapi", schema(example = "Review not found"))]
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "openapi", schema(example = 404, minimum = 400, maximum = 599))]
    pub status: u16,
    /// What happened this time.
    #[cfg_attr(feature = "openapi", schema(example = "There is no review 0R7VX8GB30ESM."))]
    pub detail: String,
    /// The kind of problem, for programs.
    pub code: ProblemCode,
    /// What to quote when asking the operator: the log knows this request by it.
    #[cfg_attr(feature = "openapi", schema(example = "0194e2f0-6d4a-7a3b-9c1d-2f4e5a6b7c8d"))]
    pub request_id: String,
    /// What is wrong with which field or parameter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub errors: Vec<FieldError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_same_everywhere() {
        for code in ProblemCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
        }
        for code in FieldErrorCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{}\"", code.as_str()));
        }
    }

    #[test]
    fn codes_of_a_later_version_keep_their_words() {
        let problem: Problem = serde_json::from_value(serde_json::json!({
            "type": "/problems/teapot", "title": "I am a teapot", "status": 418,
            "detail": "Short and stout.", "code": "teapot", "request_id": "1",
            "errors": [{ "pointer": "/body", "code": "too_strong", "detail": "Add water." }]
        }))
        .unwrap();
        assert_eq!(problem.code, ProblemCode::Unknown);
        assert_eq!((problem.status, &*problem.detail), (418, "Short and stout."));
        assert_eq!(problem.errors[0].code, FieldErrorCode::Unknown);
        assert_eq!(problem.errors[0].detail, "Add water.");
    }
}
