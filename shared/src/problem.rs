//! Problems: how the API says no (RFC 9457, `application/problem+json`).

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal, $title:literal, $explanation:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = $explanation] $variant,)*
        }

        impl $name {
            /// Every code.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The code as it stands in JSON and in URLs.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }

            /// A few words for people; the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $($name::$variant => $title),* }
            }

            /// When it happens and what to do about it.
            pub const fn explanation(self) -> &'static str {
                match self { $($name::$variant => $explanation),* }
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
            "A request's body may have 64 KiB.";
        UnsupportedMediaType => "unsupported_media_type", "Unsupported media type",
            "The body must be sent as `Content-Type: application/json`.";
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
        DatabaseBusy => "database_busy", "Database busy",
            "More reviews arrive than this database can write; `detail` names it. Nothing was written. Try again after the seconds in `Retry-After`.";
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
            "Passwords, sessions and API tokens can be managed only by who is signed in with the password.";
        OriginMismatch => "origin_mismatch", "From another site",
            "A browser sent this request from a page of another site.";
        RateLimited => "rate_limited", "Too many requests",
            "Too many of these requests in a short time. Try again after the seconds in `Retry-After`.";
        NameTaken => "name_taken", "Name taken",
            "There is an account with this name.";
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
        ProductArchived => "product_archived", "Product archived",
            "This product has left the catalogue: its reviews stay, new ones are refused.";
        AlreadyReported => "already_reported", "Reported already",
            "This reader has reported this review already.";
        NothingToUndo => "nothing_to_undo", "Nothing to undo",
            "The last thing that happened to this review was no decision.";
        VersionMissing => "version_missing", "Which version?",
            "A change needs the version that it is about: send the ETag as `If-Match`.";
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
        InvalidValue => "invalid_value", "Invalid value", "The value can't be used here.";
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with one field of the body, or with one parameter of the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// The field of the body, as a JSON pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "/rating"))]
    pub pointer: Option<String>,
    /// The parameter of the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "limit"))]
    pub parameter: Option<String>,
    /// What is wrong, for programs.
    pub code: FieldErrorCode,
    /// What is wrong, for people.
    #[cfg_attr(feature = "openapi", schema(example = "A rating is a whole number from 1 to 5."))]
    pub detail: String,
}

impl FieldError {
    /// An error of the body's top-level field `field`.
    pub fn at_field(field: &str, code: FieldErrorCode, detail: String) -> FieldError {
        FieldError { pointer: Some(format!("/{field}")), parameter: None, code, detail }
    }

    /// An error of the query parameter `parameter`.
    pub fn at_parameter(parameter: &str, code: FieldErrorCode, detail: String) -> FieldError {
        FieldError { pointer: None, parameter: Some(parameter.to_owned()), code, detail }
    }
}

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
}
