//! Path and query parameters.
//!
//! Look here for how parameters are read and which errors they get; those of lists are in
//! `list_params`.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::error::PathError;
use actix_web::web::PathConfig;
use actix_web::{FromRequest, HttpRequest};
use ostrakon_shared::{
    FieldErrorCode, FieldErrorParams, MAX_SEARCH_CHARS, ProblemCode, ValueError,
};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::http::extract::serde_errors::{
    EncodedError, field_in_message, sentence, value_error, with_names,
};
use crate::http::response::problem::ApiError;

/// Maps an invalid id in the path to a problem.
pub fn path_config() -> PathConfig {
    PathConfig::default().error_handler(|error, _| {
        let reason = match error {
            PathError::Deserialize(reason) => reason.to_string(),
            other => other.to_string(),
        };
        ApiError::new(ProblemCode::IdInvalid, sentence(&reason)).into()
    })
}

pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = ApiError;
    type Future = Ready<Result<Params<T>, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse_query(request.query_string(), &[]).map(Params))
    }
}

/// Parses a query from which the caller has taken the parameters named in `taken`; errors list
/// these as allowed too.
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

/// Parses a parameter with `FromStr`, whose errors are more precise than serde's.
pub fn from_text<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error>
where
    T::Err: Into<ValueError>,
{
    let parsed = String::deserialize(deserializer)?.parse();
    parsed.map_err(|error: T::Err| D::Error::custom(EncodedError(error.into())))
}

/// [`from_text`] for an optional parameter.
pub fn from_optional_text<'de, D: Deserializer<'de>, T: FromStr>(
    deserializer: D,
) -> Result<Option<T>, D::Error>
where
    T::Err: Into<ValueError>,
{
    from_text(deserializer).map(Some)
}

/// Refuses a search text that is too long or contains control characters.
pub fn check_search(search: &str) -> Result<(), ApiError> {
    if let Some(control) = search.chars().find(|c| c.is_control()) {
        let detail = "a search must not contain control characters";
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
    let detail = format!("a search may have {MAX_SEARCH_CHARS} characters; it has {chars}");
    let error = ValueError::new(FieldErrorCode::TooLong, detail);
    Err(ApiError::parameter("search", error.with(FieldErrorParams::limit(MAX_SEARCH_CHARS, chars))))
}
