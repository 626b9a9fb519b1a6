//! Extractors: what a request says, or a problem that says what is wrong with it.

use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::error::PathError;
use actix_web::http::header::{self, ContentType, Header};
use actix_web::web::{Bytes, BytesMut, PathConfig};
use actix_web::{FromRequest, HttpMessage, HttpRequest, mime};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use ostrakon_shared::{FieldErrorCode, MAX_SEARCH_CHARS, ProblemCode};
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

/// Bytes of a request's body at most.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Bytes of an Idempotency-Key at most.
const MAX_KEY_BYTES: usize = 255;

/// A path whose segments are no ids.
pub fn path_config() -> PathConfig {
    PathConfig::default().error_handler(|error, _| {
        let reason = match error {
            PathError::Deserialize(reason) => reason.to_string(),
            other => other.to_string(),
        };
        ApiError::new(ProblemCode::IdInvalid, sentence(&reason)).into()
    })
}

/// A parameter's value, from its text: it knows better than serde what is wrong with it.
pub fn from_text<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error>
where
    T::Err: Display,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// The same, of a parameter that may be left out.
pub fn from_optional_text<'de, D: Deserializer<'de>, T: FromStr>(
    deserializer: D,
) -> Result<Option<T>, D::Error>
where
    T::Err: Display,
{
    from_text(deserializer).map(Some)
}

/// Refuses a search that is too long to be looked for, or that nothing can hold.
pub fn check_search(search: &str) -> Result<(), ApiError> {
    if search.contains(char::is_control) {
        let reason = "a search has no control characters";
        return Err(ApiError::parameter("search", FieldErrorCode::ControlCharacter, reason));
    }
    let chars = search.chars().count();
    if chars <= MAX_SEARCH_CHARS {
        return Ok(());
    }
    let reason = format!("a search has {MAX_SEARCH_CHARS} characters at most, not {chars}");
    Err(ApiError::parameter("search", FieldErrorCode::TooLong, &reason))
}

fn sentence(reason: &str) -> String {
    let mut characters = reason.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

/// The query's parameters.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = ApiError;
    type Future = Ready<Result<Params<T>, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = form_urlencoded::parse(request.query_string().as_bytes());
        let parsed = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(query));
        ready(parsed.map(Params).map_err(|error| {
            let path = error.path().to_string();
            let reason = error.into_inner().to_string();
            let code = field_error_code(&reason);
            ApiError::parameter(named_in_words(code, &reason).unwrap_or(&path), code, &reason)
        }))
    }
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Body<T>, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            require_json(&request)?;
            let bytes = read_body(&mut payload).await?;
            parse(&bytes).map(Body)
        })
    }
}

fn require_json(request: &HttpRequest) -> Result<(), ApiError> {
    let json = ContentType::parse(request)
        .is_ok_and(|ContentType(found)| found.essence_str() == mime::APPLICATION_JSON.as_ref());
    if json {
        return Ok(());
    }
    let found = match request.content_type() {
        "" => "The body has no Content-Type.".to_owned(),
        found => format!("The body has Content-Type {found}."),
    };
    let detail = format!("{found} It must be application/json.");
    Err(ApiError::new(ProblemCode::UnsupportedMediaType, detail))
}

async fn read_body(payload: &mut Payload) -> Result<Bytes, ApiError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            ApiError::new(ProblemCode::MalformedJson, format!("The body broke off: {error}."))
        })?;
        if bytes.len() + chunk.len() > MAX_BODY_BYTES {
            let detail = format!("The body has more than {MAX_BODY_BYTES} bytes.");
            return Err(ApiError::new(ProblemCode::BodyTooLarge, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Serde would take an array for an object, and its items for the fields in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| malformed(&error))?;
        let detail = "This must be a JSON object.".to_owned();
        return Err(ApiError::field(String::new(), FieldErrorCode::WrongType, detail));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().clone();
        let error = error.into_inner();
        if error.is_data() { wrong_field(&path, &error) } else { malformed(&error) }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(parsed)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(ProblemCode::MalformedJson, sentence(&error.to_string()))
}

fn wrong_field(path: &serde_path_to_error::Path, error: &serde_json::Error) -> ApiError {
    let reason = error.to_string();
    let code = field_error_code(&reason);
    let pointer =
        named_in_words(code, &reason).map_or_else(|| pointer(path), |name| format!("/{name}"));
    // People know whole numbers, and see the field: they need no place in the text.
    let reason = reason.replace("expected i32", "expected a whole number");
    let reason = reason.split(" at line ").next().unwrap_or_default();
    ApiError::field(pointer, code, sentence(reason))
}

/// The path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;

    path.iter()
        .map(|segment| match segment {
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            other => format!("/{other}"),
        })
        .collect()
}

/// Serde tells these apart only in words.
fn field_error_code(reason: &str) -> FieldErrorCode {
    if reason.starts_with("unknown field") {
        FieldErrorCode::UnknownField
    } else if reason.starts_with("missing field") {
        FieldErrorCode::MissingField
    } else if reason.starts_with("duplicate field") {
        FieldErrorCode::DuplicateField
    } else if reason.starts_with("invalid type") {
        FieldErrorCode::WrongType
    } else {
        FieldErrorCode::InvalidValue
    }
}

/// The name of a field that is missing or given twice: it is no part of the path that was read,
/// serde tells it in words only.
fn named_in_words(code: FieldErrorCode, reason: &str) -> Option<&str> {
    match code {
        FieldErrorCode::MissingField | FieldErrorCode::DuplicateField => reason.split('`').nth(1),
        _ => None,
    }
}

/// The request's Idempotency-Key, if it has one.
pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = ApiError;
    type Future = Ready<Result<IdempotencyKey, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let invalid = || {
            let code = ProblemCode::IdempotencyKeyInvalid;
            ApiError::new(code, code.explanation())
        };
        let mut values = request.headers().get_all("idempotency-key");
        let key = match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(key), None) => match key.to_str() {
                Ok(key) if (1..=MAX_KEY_BYTES).contains(&key.len()) && is_visible(key) => {
                    Ok(Some(key.to_owned()))
                }
                _ => Err(invalid()),
            },
            (Some(_), Some(_)) => Err(invalid()),
        };
        ready(key.map(IdempotencyKey))
    }
}

fn is_visible(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The version that a change is about: the ETag that came with it, in `If-Match` (RFC 9110).
pub struct IfMatch(Option<Expected>);

#[derive(Clone, Copy)]
enum Expected {
    Any,
    Version(i32),
    /// A tag that no version has.
    Other,
}

impl IfMatch {
    /// The version; `None` when any will do. A change without the header is refused.
    pub fn required(self) -> Result<Option<i32>, ApiError> {
        if self.0.is_none() {
            let code = ProblemCode::VersionMissing;
            return Err(ApiError::new(code, code.explanation()));
        }
        self.optional()
    }

    /// The version; `None` when any will do, or none is named.
    pub fn optional(self) -> Result<Option<i32>, ApiError> {
        match self.0 {
            None | Some(Expected::Any) => Ok(None),
            Some(Expected::Version(version)) => Ok(Some(version)),
            Some(Expected::Other) => {
                let code = ProblemCode::VersionConflict;
                Err(ApiError::new(code, code.explanation()))
            }
        }
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<IfMatch, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(header::IF_MATCH);
        let expected = header.map(|value| match value.to_str().map(str::trim) {
            Ok("*") => Expected::Any,
            Ok(tag) => {
                let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                let version = version.and_then(|version| version.parse().ok());
                version.map_or(Expected::Other, Expected::Version)
            }
            Err(_) => Expected::Other,
        });
        ready(Ok(IfMatch(expected)))
    }
}
