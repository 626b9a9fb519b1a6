//! Problems (RFC 9457): maps errors to statuses and details. `shared/src/problem.rs` has the codes.
//!
//! Look here for the status, `detail` or `Retry-After` of an error. `shared/src/problem.rs` has the
//! codes, `StoreError::code` chooses one.

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use ostrakon_shared::{FieldError, Problem, ProblemCode, ValueError};

use crate::store::StoreError;

/// The `Retry-After` of 503 responses, in seconds.
const RETRY_AFTER_S: u32 = 2;

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error response.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct ApiError {
    code: ProblemCode,
    detail: String,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> ApiError {
        ApiError { code, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> ApiError {
        self.headers.push((name, value));
        self
    }

    /// A body with invalid fields.
    pub fn fields(errors: Vec<FieldError>) -> ApiError {
        let names: Vec<_> = errors.iter().filter_map(|error| error.pointer.as_deref()).collect();
        let detail = match names.as_slice() {
            [] | [""] => "The body is not a JSON object.".to_owned(),
            names => format!("Invalid fields: {}.", names.join(", ")),
        };
        ApiError { errors, ..ApiError::new(ProblemCode::ValidationFailed, detail) }
    }

    /// An invalid query parameter.
    pub fn parameter(name: &str, error: ValueError) -> ApiError {
        let ValueError { code, detail, params } = error;
        let detail = format!("Parameter {name}: {detail}.");
        let errors = vec![FieldError::at_parameter(name, code, detail.clone()).with(params)];
        ApiError { errors, ..ApiError::new(ProblemCode::ParameterInvalid, detail) }
    }

    pub fn method_not_allowed(method: &Method, path: &str, allowed: &[Method]) -> ApiError {
        let allow = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let detail = format!("{method} is not allowed for {path}; use {allow}.");
        let refusal = ApiError::new(ProblemCode::MethodNotAllowed, detail);
        match HeaderValue::from_str(&allow) {
            Ok(allow) => refusal.with_header(header::ALLOW, allow),
            Err(_) => refusal,
        }
    }

    pub fn code(&self) -> ProblemCode {
        self.code
    }

    /// The body of the response.
    pub fn problem(self, request_id: String) -> Problem {
        Problem {
            r#type: format!("/problems/{}", self.code),
            title: self.code.title().to_owned(),
            status: status(self.code).as_u16(),
            detail: self.detail,
            code: self.code,
            request_id,
            errors: self.errors,
        }
    }
}

/// The HTTP status of a problem code.
pub fn status(code: ProblemCode) -> StatusCode {
    match code {
        ProblemCode::MalformedJson
        | ProblemCode::ParameterInvalid
        | ProblemCode::IdInvalid
        | ProblemCode::CursorInvalid
        | ProblemCode::CursorMismatch
        | ProblemCode::IdempotencyKeyInvalid
        | ProblemCode::IfMatchInvalid => StatusCode::BAD_REQUEST,
        ProblemCode::SignInRequired
        | ProblemCode::SessionInvalid
        | ProblemCode::CredentialsWrong => StatusCode::UNAUTHORIZED,
        ProblemCode::PasswordWrong
        | ProblemCode::NotAllowed
        | ProblemCode::OwnReview
        | ProblemCode::SessionRequired
        | ProblemCode::ProofRequired
        | ProblemCode::InsufficientScope
        | ProblemCode::OriginMismatch => StatusCode::FORBIDDEN,
        ProblemCode::ProductNotFound
        | ProblemCode::ReviewNotFound
        | ProblemCode::AccountNotFound
        | ProblemCode::CredentialNotFound
        | ProblemCode::DatabaseNotFound
        | ProblemCode::RebalanceNotFound
        | ProblemCode::RouteNotFound => StatusCode::NOT_FOUND,
        ProblemCode::NameTaken
        | ProblemCode::SkuTaken
        | ProblemCode::LastAdmin
        | ProblemCode::ReviewExists
        | ProblemCode::AccountChanged
        | ProblemCode::ReviewDeleted
        | ProblemCode::ProductArchived
        | ProblemCode::AlreadyReported
        | ProblemCode::NothingToUndo
        | ProblemCode::VerifyRunning
        | ProblemCode::RebalanceConflict => StatusCode::CONFLICT,
        ProblemCode::VersionConflict => StatusCode::PRECONDITION_FAILED,
        ProblemCode::VersionMissing => StatusCode::PRECONDITION_REQUIRED,
        ProblemCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ProblemCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ProblemCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ProblemCode::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ProblemCode::ValidationFailed | ProblemCode::IdempotencyKeyReused => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ProblemCode::DatabaseUnavailable
        | ProblemCode::DatabaseBusy
        | ProblemCode::Overloaded
        | ProblemCode::StorageFull
        | ProblemCode::ClockWrong
        | ProblemCode::BucketMoved => StatusCode::SERVICE_UNAVAILABLE,
        ProblemCode::Internal | ProblemCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> ApiError {
        let code = error.code();
        match error {
            StoreError::Invalid(errors) => ApiError::fields(errors),
            StoreError::ProductNotFound(id) => {
                ApiError::new(code, format!("There is no product {id}."))
            }
            StoreError::ReviewNotFound(id) => {
                ApiError::new(code, format!("There is no review {id}."))
            }
            StoreError::Unavailable(databases) => {
                ApiError::new(code, format!("{} is not answering.", databases.join(", ")))
            }
            StoreError::StorageFull(databases) => {
                ApiError::new(code, format!("The disk of {} is full.", databases.join(", ")))
            }
            StoreError::Busy(database) => {
                ApiError::new(code, format!("The write queue of {database} is full."))
            }
            StoreError::Locked(database) => {
                let detail = format!("Another transaction in {database} holds the lock.");
                ApiError::new(code, detail)
            }
            StoreError::RebalanceState(reason) => {
                ApiError::new(code, format!("Refused: {reason}."))
            }
            StoreError::ReadOnly(database) => {
                let detail = format!(
                    "{database} is read-only, because it is moving to another address or has moved."
                );
                ApiError::new(code, detail)
            }
            StoreError::Internal(reason) => {
                tracing::error!(reason, "internal error");
                ApiError::new(code, code.explanation())
            }
            StoreError::ReviewExists(id) | StoreError::IdempotencyKeyReused(id) => {
                let refusal = ApiError::new(code, code.explanation());
                match HeaderValue::from_str(&format!("/api/reviews/{id}")) {
                    Ok(path) => refusal.with_header(header::LOCATION, path),
                    Err(_) => refusal,
                }
            }
            StoreError::DatabaseNotFound(name) => {
                ApiError::new(code, format!("There is no reviews database {name}."))
            }
            _ => ApiError::new(code, code.explanation()),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        status(self.code)
    }

    /// The response without its body: `response_headers::finalize` adds that, with the request id.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::new(self.status_code());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status_code() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
        }
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}
