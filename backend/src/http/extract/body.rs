//! Extractors: what a request says, or a problem that says what is wrong with it.

use std::fmt;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::error::PathError;
use actix_web::http::Method;
use actix_web::http::header::{self, ContentType, Header, HeaderName, HeaderValue};
use actix_web::web::{Bytes, BytesMut, PathConfig};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use ostrakon_shared::{
    FieldError, FieldErrorCode, FieldErrorParams, MAX_SEARCH_CHARS, ProblemCode, RequestBody,
    ValueError,
};
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::http::app_data::app_data;
use crate::http::deadlines::Deadlines;
use crate::http::response::problem::ApiError;
use crate::store::ExpectedVersion;

/// The media types of a body, and that of a change beside it (RFC 7396).
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
/// What a resource takes for a PATCH (RFC 5789).
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
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
    T::Err: Into<ValueError>,
{
    let parsed = String::deserialize(deserializer)?.parse();
    parsed.map_err(|error: T::Err| D::Error::custom(EncodedError(error.into())))
}

/// The same, of a parameter that may be left out.
pub fn from_optional_text<'de, D: Deserializer<'de>, T: FromStr>(
    deserializer: D,
) -> Result<Option<T>, D::Error>
where
    T::Err: Into<ValueError>,
{
    from_text(deserializer).map(Some)
}

/// An error on its way through serde, which takes nothing but text: as JSON.
struct EncodedError(ValueError);

impl fmt::Display for EncodedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

/// What is wrong with a value, from what serde says of it: [`EncodedError`], or serde's own words.
fn value_error(reason: &str) -> ValueError {
    if let Ok(error) = serde_json::from_str(reason) {
        return error;
    }
    let (code, params) = error_code(reason);
    ValueError::new(code, reason).with(params)
}

/// Refuses a search that is too long to be looked for, or that nothing can hold.
pub fn check_search(search: &str) -> Result<(), ApiError> {
    if let Some(control) = search.chars().find(|c| c.is_control()) {
        let detail = "a search has no control characters";
        let error = ValueError::new(FieldErrorCode::ControlCharacter, detail);
        return Err(ApiError::parameter(
            "search",
            error.with(FieldErrorParams::character(control)),
        ));
    }
    let chars = search.chars().count();
    if chars <= MAX_SEARCH_CHARS {
        return Ok(());
    }
    let detail = format!("a search has {MAX_SEARCH_CHARS} characters at most, not {chars}");
    let error = ValueError::new(FieldErrorCode::TooLong, detail);
    Err(ApiError::parameter("search", error.with(FieldErrorParams::limit(MAX_SEARCH_CHARS, chars))))
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
        ready(parse_query(request.query_string(), &[]).map(Params))
    }
}

/// The parameters of a query, of which the caller has taken out those with the names `taken`.
pub fn parse_query<T: DeserializeOwned>(query: &str, taken: &[&str]) -> Result<T, ApiError> {
    let query = form_urlencoded::parse(query.as_bytes());
    let parsed = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(query));
    parsed.map_err(|error| {
        let path = error.path().to_string();
        let reason = with_names(error.into_inner().to_string(), taken);
        let error = value_error(&reason);
        ApiError::parameter(field_in_message(error.code, &reason).unwrap_or(&path), error)
    })
}

/// What serde says of an unknown field, with these names among those that it expects.
fn with_names(reason: String, names: &[&str]) -> String {
    if names.is_empty() || !reason.starts_with("unknown field") {
        return reason;
    }
    let known = reason.rsplit_once(", expected ");
    let unknown = known.map_or(reason.trim_end_matches(", there are no fields"), |(it, _)| it);
    let known = known.map_or("", |(_, known)| known).split('`').skip(1).step_by(2);
    let expected: Vec<_> =
        known.chain(names.iter().copied()).map(|name| format!("`{name}`")).collect();
    format!("{unknown}, expected one of {}", expected.join(", "))
}

/// A JSON body.
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

/// Refuses a body in a content coding: none is decoded here (RFC 9110, sections 8.4 and 15.5.16).
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
            ApiError::new(ProblemCode::MalformedJson, format!("The body broke off: {error}."))
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
    // Serde would take an array for an object, and its items for the fields in their order.
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
    // People see the field: they need no place in the text.
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

/// Serde tells these apart only in words.
fn error_code(reason: &str) -> (FieldErrorCode, FieldErrorParams) {
    // "unknown …, expected one of `a`, `b`": the second of each pair of quotes ends a word.
    let allowed = || {
        let words = reason.rsplit_once(", expected ").map_or("", |(_, words)| words);
        FieldErrorParams::allowed(words.split('`').skip(1).step_by(2))
    };
    let none = FieldErrorParams::default();
    if reason.starts_with("unknown field") {
        (FieldErrorCode::UnknownField, allowed())
    } else if reason.starts_with("unknown variant") {
        (FieldErrorCode::InvalidValue, allowed())
    } else if reason.starts_with("missing field") {
        (FieldErrorCode::MissingField, none)
    } else if reason.starts_with("duplicate field") {
        (FieldErrorCode::DuplicateField, none)
    } else if reason.starts_with("invalid type") {
        (FieldErrorCode::WrongType, none)
    } else if let Some(range) = out_of_range(reason) {
        (FieldErrorCode::OutOfRange, range)
    } else {
        (FieldErrorCode::InvalidValue, none)
    }
}

/// From "invalid value: integer `7`, expected a whole number from 1 to 5": the number that was sent,
/// if 64 bits hold it, and those that the field takes.
fn out_of_range(reason: &str) -> Option<FieldErrorParams> {
    let (found, range) = reason.split_once(", expected a whole number from ")?;
    let (minimum, maximum) = range.split_once(" to ")?;
    let actual = found.split('`').nth(1).and_then(|number| number.parse().ok());
    Some(FieldErrorParams::range(minimum.parse().ok()?, maximum.parse().ok()?, actual))
}

/// The name of a field that is missing or given twice: it is no part of the path that was read,
/// serde tells it in words only.
fn field_in_message(code: FieldErrorCode, reason: &str) -> Option<&str> {
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

/// The versions that a change may be about: the ETag that came with one, in `If-Match` (RFC 9110,
/// section 13.1.1).
///
/// Tags match by the version in them. A proxy that compresses answers weakens their tag (nginx:
/// `W/"1"`) or appends to it (Apache: `"1-gzip"`), but doesn't change what the client has read.
pub struct IfMatch(Option<ExpectedVersion>);

impl IfMatch {
    /// The versions. A change without the header is refused.
    pub fn required(self) -> Result<ExpectedVersion, ApiError> {
        self.0.ok_or_else(|| {
            let code = ProblemCode::VersionMissing;
            ApiError::new(code, code.explanation())
        })
    }

    /// The versions; without the header, any.
    pub fn optional(self) -> ExpectedVersion {
        self.0.unwrap_or(ExpectedVersion::Any)
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = Ready<Result<IfMatch, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let values = request.headers().get_all(header::IF_MATCH);
        let values: Vec<_> = values.map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
        if values.is_empty() {
            return ready(Ok(IfMatch(None)));
        }
        // A list may stand in several headers (RFC 9110, section 5.3).
        let invalid = || {
            let code = ProblemCode::IfMatchInvalid;
            ApiError::new(code, code.explanation())
        };
        let expected = expected_version(&values.join(",")).map(|expected| IfMatch(Some(expected)));
        ready(expected.ok_or_else(invalid))
    }
}

/// What a header expects; `None` if it is malformed.
fn expected_version(header: &str) -> Option<ExpectedVersion> {
    if header.trim() == "*" {
        return Some(ExpectedVersion::Any);
    }
    let versions = entity_tags(header)?.into_iter().filter_map(tagged_version).collect();
    Some(ExpectedVersion::OneOf(versions))
}

/// What stands between the quotes of each entity tag of a list (RFC 9110, sections 5.6.1 and 8.8.3);
/// `None` if it is malformed.
fn entity_tags(list: &str) -> Option<Vec<&str>> {
    let mut tags = Vec::new();
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(tags);
        }
        let opened = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (tag, after) = opened.split_once('"')?;
        if tag.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return None;
        }
        tags.push(tag);
        rest = after.trim_start_matches([' ', '\t']);
        if !(rest.is_empty() || rest.starts_with(',')) {
            return None;
        }
    }
}

/// The version in an entity tag: the digits it begins with, which a dot or a dash ends.
fn tagged_version(tag: &str) -> Option<i32> {
    let version = tag.split(['.', '-']).next()?;
    let is_plain = version.bytes().all(|byte| byte.is_ascii_digit());
    version.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_by_its_version() {
        for (header, versions) in [
            ("\"1\"", &[1][..]),
            (" W/\"12\" ", &[12]),
            ("\"3-gzip\"", &[3]),
            ("W/\"3.1-br\"", &[3]),
            ("\"3.2\"", &[3]),
            ("\"1\",W/\"2.1\" ,, \"3\"\t,", &[1, 2, 3]),
            ("", &[]),
            (" , ", &[]),
            ("\"\"", &[]),
            ("\"a,b\", \"7\"", &[7]),
            ("\"-3\", \"+3\", \"3x\"", &[]),
            ("\"99999999999\"", &[]),
            ("\"é\"", &[]),
            ("\"a4e10d51f9f0c0a7e8b6d3c2b1a09f8e\"", &[]),
        ] {
            let expected = Some(ExpectedVersion::OneOf(versions.to_vec()));
            assert_eq!(expected_version(header), expected, "{header}");
        }
        assert_eq!(expected_version(" * "), Some(ExpectedVersion::Any));
        for malformed in [
            "3",
            "\"21.1\" \"2\"",
            "\"1\"\"2\"",
            "\"1",
            "1\"",
            "w/\"3\"",
            "W/ \"3\"",
            "W/3",
            "*, \"1\"",
            "\"1\", *",
            "\"1 2\"",
            "'1'",
            "\"1\";\"2\"",
        ] {
            assert_eq!(expected_version(malformed), None, "{malformed}");
        }
    }
}
