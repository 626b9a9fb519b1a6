//! Problems: the error responses of the API (RFC 9457, `application/problem+json`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;

/// An open enum of codes with texts for people.
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
                    $name::Unknown => "A code of a later version of the service.",
                }
            }
        }
    };
}

codes! {
    /// The kind of problem. Codes are stable: clients can rely on them.
    ProblemCode {
        MalformedJson => "malformed_json", "Malformed JSON",
            "The body is not JSON (RFC 8259) in UTF-8: cut short, a syntax error, or a lone surrogate in a string.";
        ValidationFailed => "validation_failed", "Validation failed",
            "The body is valid JSON but has invalid fields. `errors` names each by a JSON pointer.";
        BodyTooLarge => "body_too_large", "Body too large",
            "The body is larger than any valid body of this request; `detail` has the limit.";
        UnsupportedMediaType => "unsupported_media_type", "Unsupported media type",
            "Send the body as `Content-Type: application/json`, without `Content-Encoding`; PATCH also accepts `application/merge-patch+json` (RFC 7396).";
        ParameterInvalid => "parameter_invalid", "Invalid parameter",
            "A query parameter is unknown, repeated, or has an invalid value. `errors` names it.";
        IdInvalid => "id_invalid", "Invalid id",
            "The id in the path is malformed: a review id has 13 characters of Crockford base32, all others are whole numbers from 1.";
        CursorInvalid => "cursor_invalid", "Invalid cursor",
            "The cursor is not a value issued by this service. Pass `next_cursor` unchanged, or start at the first page.";
        CursorMismatch => "cursor_mismatch", "Cursor of another list",
            "The cursor belongs to another product, order, filter or search. Start at the first page of this list.";
        IdempotencyKeyInvalid => "idempotency_key_invalid", "Invalid Idempotency-Key",
            "An Idempotency-Key has 1 to 255 visible ASCII characters.";
        IdempotencyKeyReused => "idempotency_key_reused", "Idempotency-Key used before",
            "This Idempotency-Key was used for a review of this product with different content; `Location` is the path of that review. Use a new key for a new review.";
        ProductNotFound => "product_not_found", "Product not found",
            "There is no product with this id.";
        ReviewNotFound => "review_not_found", "Review not found",
            "There is no review with this id.";
        RouteNotFound => "route_not_found", "Route not found",
            "There is no route at this path. /api/openapi.json and /docs list all routes.";
        MethodNotAllowed => "method_not_allowed", "Method not allowed",
            "The path does not support this method. The `Allow` header lists those that it supports.";
        DatabaseUnavailable => "database_unavailable", "Database unavailable",
            "A database needed for the response is down; `detail` names it. Retry after the seconds in `Retry-After`. For lists of reviews and products, `allow_partial=true` returns a partial response.";
        Overloaded => "overloaded", "Overloaded",
            "The service receives more requests than it can answer in time. Nothing was changed. Retry after the seconds in `Retry-After`.";
        StorageFull => "storage_full", "Storage full",
            "The disk of a database is full; `detail` names it. Nothing was written; reads still work. Retry later.";
        RequestTimeout => "request_timeout", "Request timeout",
            "The body did not arrive in time. Nothing was changed.";
        DatabaseBusy => "database_busy", "Database busy",
            "The database receives more reviews than it can write, or another transaction holds a lock that this request needs; `detail` names the database. Nothing was written. Retry after the seconds in `Retry-After`.";
        ClockWrong => "clock_wrong", "Wrong clock",
            "The clock that dates new reviews is before 2000 or after 2069. Nothing was written. Retry after the seconds in `Retry-After`.";
        BucketMoved => "bucket_moved", "Bucket moving",
            "The bucket of this review is moving to another database. Retry after the seconds in `Retry-After`.";
        SignInRequired => "sign_in_required", "Sign-in required",
            "This request needs an account: sign in, or send an API token as `Authorization: Bearer`.";
        SessionInvalid => "session_invalid", "Session or token invalid",
            "The session or API token has expired, was revoked, or belongs to a disabled account.";
        AccountChanged => "account_changed", "Other account",
            "`Ostrakon-Account` names another account than the request is made by, or `guest`: the user has signed in or out since. Nothing was changed. `GET /api/session` tells who is signed in.";
        CredentialsWrong => "credentials_wrong", "Wrong name or password",
            "No enabled account has this name and password.";
        PasswordWrong => "password_wrong", "Wrong password",
            "The current password is wrong.";
        NotAllowed => "not_allowed", "Not allowed",
            "The role of this account does not allow this.";
        SessionRequired => "session_required", "Session required",
            "Managing roles, passwords, sessions and API tokens needs a session, not an API token.";
        ProofRequired => "proof_required", "Password required",
            "Changing accounts, roles or API tokens as an admin needs a password entered within the last 15 minutes: send it to `POST /api/session/proof`, then repeat the request.";
        InsufficientScope => "insufficient_scope", "Insufficient scope",
            "The API token lacks the required scope; `detail` names it.";
        OriginMismatch => "origin_mismatch", "Cross-origin request",
            "A browser sent this request from a page of another site.";
        RateLimited => "rate_limited", "Too many requests",
            "Too many of these requests in a short time. Retry after the seconds in `Retry-After`.";
        NameTaken => "name_taken", "Name taken",
            "An account has this name or one that looks like it.";
        SkuTaken => "sku_taken", "SKU taken",
            "Another product has this SKU.";
        AccountNotFound => "account_not_found", "Account not found",
            "There is no account with this id.";
        CredentialNotFound => "credential_not_found", "Session or token not found",
            "The account has no session or API token with this id.";
        LastAdmin => "last_admin", "Last admin",
            "This is the only admin; a service needs at least one.";
        ReviewExists => "review_exists", "Already reviewed",
            "This account has already reviewed this product; `Location` is the path of its review. Edit that instead.";
        ReviewDeleted => "review_deleted", "Review deleted",
            "The author has deleted this review, so there is nothing to decide.";
        OwnReview => "own_review", "Own review",
            "Moderators can't decide on their own reviews.";
        ProductArchived => "product_archived", "Product archived",
            "This product is archived: its reviews stay, new ones are refused.";
        AlreadyReported => "already_reported", "Already reported",
            "You have already reported this review.";
        NothingToUndo => "nothing_to_undo", "Nothing to undo",
            "There is no moderation decision to undo.";
        VersionMissing => "version_missing", "If-Match required",
            "Send the ETag of the version that you change as `If-Match`.";
        IfMatchInvalid => "if_match_invalid", "Invalid If-Match",
            "`If-Match` must be `*` or a comma-separated list of quoted ETags.";
        VersionConflict => "version_conflict", "Version conflict",
            "This has changed since you read it. Read it again before you change it.";
        DatabaseNotFound => "database_not_found", "Database not found",
            "There is no reviews database with this name.";
        VerifyRunning => "verify_running", "Verification running",
            "This database is already being verified.";
        RebalanceNotFound => "rebalance_not_found", "No rebalance",
            "There is no planned, running or paused rebalance.";
        RebalanceConflict => "rebalance_conflict", "Rebalance refused",
            "The state of the rebalance or of the databases does not allow this; `detail` says why.";
        Internal => "internal", "Internal error",
            "The service failed. Its log has the details under the request id of this response.";
    }
}

codes! {
    /// The kind of error in a field or parameter. Codes are stable.
    FieldErrorCode {
        Blank => "blank", "Blank", "It must contain something other than white space.";
        TooLong => "too_long", "Too long", "It has too many characters.";
        TooShort => "too_short", "Too short", "It has too few characters.";
        OutOfRange => "out_of_range", "Out of range", "The number is too small or too large.";
        ControlCharacter => "control_character", "Control character", "It contains a control character.";
        WrongType => "wrong_type", "Wrong type", "The JSON value has the wrong type.";
        UnknownField => "unknown_field", "Unknown field", "There is no such field.";
        MissingField => "missing_field", "Missing field", "The field is required.";
        DuplicateField => "duplicate_field", "Duplicate field", "The field is given twice.";
        Guessable => "guessable", "Easy to guess", "The password is a common one, the name, or easy to guess.";
        InvalidValue => "invalid_value", "Invalid value", "The value is not allowed here.";
        Reserved => "reserved", "Reserved name", "The name is reserved for the operators of the service.";
        Taken => "taken", "Name taken", "It is the name of another account, or looks like it.";
    }
}

/// An error in a field of the body or a parameter of the query.
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
    /// The kind of error, for programs.
    pub code: FieldErrorCode,
    /// A description for people.
    #[cfg_attr(feature = "openapi", schema(example = "A rating is a whole number from 1 to 5."))]
    pub detail: String,
    /// The values in `detail`, for clients that use their own wording.
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

/// The values of a field error. Its code determines which are present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldErrorParams {
    /// With `too_long`: the maximum number of characters or items; with `too_short`: the minimum.
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
    /// With `too_long`, `too_short` and `out_of_range`: the value in the request; absent if it does
    /// not fit into 64 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false, example = 300))]
    pub actual: Option<i64>,
    /// With `control_character`, and with `invalid_value` for a character: the character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false, example = "U+0007"))]
    pub character: Option<String>,
    /// With `unknown_field`, and with `invalid_value` for an enum: the allowed values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, example = json!(["spam", "other"])))]
    pub allowed: Vec<String>,
}

impl FieldErrorParams {
    /// The parameters of a length that is over or under its limit.
    pub fn limit(limit: usize, actual: usize) -> FieldErrorParams {
        let actual = i64::try_from(actual).ok();
        FieldErrorParams { limit: Some(limit as u64), actual, ..FieldErrorParams::default() }
    }

    /// The parameters of a number that is out of range; `actual` is `None` if it is unknown.
    pub fn range(minimum: i64, maximum: i64, actual: Option<i64>) -> FieldErrorParams {
        let (minimum, maximum) = (Some(minimum), Some(maximum));
        FieldErrorParams { minimum, maximum, actual, ..FieldErrorParams::default() }
    }

    /// The parameters of a character that is not allowed.
    pub fn character(character: char) -> FieldErrorParams {
        let character = Some(format!("U+{:04X}", u32::from(character)));
        FieldErrorParams { character, ..FieldErrorParams::default() }
    }

    /// The parameters of a value that must be one of these words.
    pub fn allowed<'a>(words: impl IntoIterator<Item = &'a str>) -> FieldErrorParams {
        let allowed = words.into_iter().map(str::to_owned).collect();
        FieldErrorParams { allowed, ..FieldErrorParams::default() }
    }

    /// Whether no parameter is present.
    pub fn is_empty(&self) -> bool {
        *self == FieldErrorParams::default()
    }
}

/// Why a text is not a value of a type: a field error without its field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueError {
    /// The kind of error, for programs.
    pub code: FieldErrorCode,
    /// A description for people, as the rest of a sentence.
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

/// An error response (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The path of the explanation of this kind of problem.
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
    /// A description of this occurrence.
    #[cfg_attr(feature = "openapi", schema(example = "There is no review 0R7VX8GB30ESM."))]
    pub detail: String,
    /// The kind of problem, for programs.
    pub code: ProblemCode,
    /// The id of this request in the service's log; quote it to the operator.
    #[cfg_attr(feature = "openapi", schema(example = "0194e2f0-6d4a-7a3b-9c1d-2f4e5a6b7c8d"))]
    pub request_id: String,
    /// The invalid fields or parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub errors: Vec<FieldError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_same_in_text_and_in_json() {
        for code in ProblemCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
        }
        for code in FieldErrorCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{}\"", code.as_str()));
        }
    }

    #[test]
    fn unknown_codes_keep_their_texts() {
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
