//! The query parameters of lists: those of the page, which lists share, and those of one list
//! alone.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use ostrakon_shared::PageLimit;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::http::extract::query::{from_text, parse_query};
use crate::http::response::problem::ApiError;

pub struct ListParams<T, P = PageParams> {
    pub list: T,
    pub page: P,
}

/// The page parameters that many lists share. Each is optional.
pub trait Paging: DeserializeOwned + Default {
    const NAMES: &'static [&'static str];
}

/// The page of a list from one database.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Maximum number of items on the page.
    #[serde(default, deserialize_with = "from_text")]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: PageLimit,
    /// The start of the page: `next_cursor` of the previous page.
    #[serde(default, deserialize_with = "cursor")]
    pub cursor: Option<String>,
}

/// The page of a list from several databases.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PartialPageParams {
    /// Maximum number of items on the page.
    #[serde(default, deserialize_with = "from_text")]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: PageLimit,
    /// The start of the page: `next_cursor` of the previous page.
    #[serde(default, deserialize_with = "cursor")]
    pub cursor: Option<String>,
    /// If databases are down, return a partial response without their items instead of an error.
    #[serde(default)]
    #[param(required = false, default = false)]
    pub allow_partial: bool,
}

impl Paging for PageParams {
    const NAMES: &'static [&'static str] = &["limit", "cursor"];
}

impl Paging for PartialPageParams {
    const NAMES: &'static [&'static str] = &["limit", "cursor", "allow_partial"];
}

/// No parameters besides those of the page.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

impl<T: DeserializeOwned + Default, P: Paging> FromRequest for ListParams<T, P> {
    type Error = ApiError;
    type Future = Ready<Result<ListParams<T, P>, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()))
    }
}

/// Splits the query by the names of its parameters, because serde's `flatten` would accept unknown
/// ones.
fn parse<T: DeserializeOwned + Default, P: Paging>(
    query: &str,
) -> Result<ListParams<T, P>, ApiError> {
    let (mut page, mut list) = (String::new(), String::new());
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let name = form_urlencoded::parse(parameter.as_bytes()).next().map(|(name, _)| name);
        let is_paging = name.is_some_and(|name| P::NAMES.contains(&name.as_ref()));
        let part = if is_paging { &mut page } else { &mut list };
        part.push_str(parameter);
        part.push('&');
    }
    let page = parse_part(&page, &[])?;
    Ok(ListParams { list: parse_part(&list, P::NAMES)?, page })
}

/// Skips the parser for an empty part: most requests lack one part, or both.
fn parse_part<T: DeserializeOwned + Default>(part: &str, taken: &[&str]) -> Result<T, ApiError> {
    if part.is_empty() { Ok(T::default()) } else { parse_query(part, taken) }
}

/// An empty cursor means the first page.
fn cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let cursor: Option<String> = Option::deserialize(deserializer)?;
    Ok(cursor.filter(|cursor| !cursor.is_empty()))
}
