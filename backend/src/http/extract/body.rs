//! The JSON body of a request.

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{self, ContentType, Header, HeaderName, HeaderValue};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use ostrakon_shared::{FieldError, FieldErrorCode, ProblemCode, RequestBody};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::http::app_data::app_data;
use crate::http::deadlines::Deadlines;
use crate::http::extract::serde_errors::{error_code, field_in_message, sentence};
use crate::http::response::problem::ApiError;

/// The media type of a body, and the additional one of a PATCH (RFC 7396).
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
/// The media types that a resource accepts in a PATCH (RFC 5789).
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

pub struct Body<T>(pub T);

impl<T: RequestBody + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Body<T>, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            require_json(&request)?;
            require_identity(&request)?;
            let deadlines = app_data::<Deadlines>(&request)?;
            let bytes = deadlines.for_body(read_body(&mut payload, T::MAX_BYTES)).await?;
            parse(&bytes).map(Body)
        })
    }
}

fn require_json(request: &HttpRequest) -> Result<(), ApiError> {
    let is_patch = request.method() == Method::PATCH;
    let json = ContentType::parse(request).is_ok_and(|ContentType(found)| {
        let found = found.essence_str();
        found == JSON || is_patch && found == MERGE_PATCH
    });
    if json {
        return Ok(());
    }
    let found = match request.content_type() {
        "" => "The body has no Content-Type.".to_owned(),
        found => format!("The body has Content-Type {found}."),
    };
    let code = ProblemCode::UnsupportedMediaType;
    if is_patch {
        let detail = format!("{found} It must be {JSON} or {MERGE_PATCH}.");
        let accepted = HeaderValue::from_static("application/json, application/merge-patch+json");
        return Err(ApiError::new(code, detail).with_header(ACCEPT_PATCH, accepted));
    }
    Err(ApiError::new(code, format!("{found} It must be {JSON}.")))
}

/// Refuses a body with a content coding; none is supported (RFC 9110, sections 8.4 and 15.5.16).
fn require_identity(request: &HttpRequest) -> Result<(), ApiError> {
    let values = request.headers().get_all(header::CONTENT_ENCODING);
    let values: Vec<_> = values.map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
    let mut codings = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    let is_other = |coding: &&str| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity");
    let Some(coding) = codings.find(is_other) else { return Ok(()) };
    let detail = format!("The body has Content-Encoding {coding}. It must have none.");
    let accepted = (header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Err(ApiError::new(ProblemCode::UnsupportedMediaType, detail)
        .with_header(accepted.0, accepted.1))
}

async fn read_body(payload: &mut Payload, max_bytes: usize) -> Result<Bytes, ApiError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            ApiError::new(ProblemCode::MalformedJson, format!("The body ended early: {error}."))
        })?;
        if bytes.len() + chunk.len() > max_bytes {
            let detail = format!("The body has more than {max_bytes} bytes.");
            return Err(ApiError::new(ProblemCode::BodyTooLarge, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // Serde would accept an array in place of an object, with its items as fields.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| malformed(&error))?;
        let detail = "This must be a JSON object.".to_owned();
        let error = FieldError::at_pointer(String::new(), FieldErrorCode::WrongType, detail);
        return Err(ApiError::fields(vec![error]));
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
    // The pointer names the field, so the position in the text is left out.
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let (code, params) = error_code(reason);
    let pointer =
        field_in_message(code, reason).map_or_else(|| pointer(path), |name| format!("/{name}"));
    let error = FieldError::at_pointer(pointer, code, sentence(reason));
    ApiError::fields(vec![error.with(params)])
}

/// The path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;

    path.iter()
        .map(|segment| match segment {
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Seq { index } => format!("/{index}"),
            other => format!("/{other}"),
        })
        .collect()
}
