//! The query of a list: which page of it, beside the parameters that only this list has.

use std::borrow::Cow;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use ostrakon_shared::PageLimit;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::http::extract::query::{from_text, parse_query};
use crate::http::response::problem::ApiError;

/// The parameters of a list, and of its page.
pub struct ListParams<T, P = PageParams> {
    pub list: T,
    pub page: P,
}

/// Parameters that many lists have.
pub trait Paging: DeserializeOwned {
    const NAMES: &'static [&'static str];
}

/// The page of a list that is in one database.
#[derive(Deserialize, IntoParams)]
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

/// The page of a list that is spread over databases.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PartialPageParams {
    /// Maximum number of items on the page.
    #[serde(default, deserialize_with = "from_text")]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: PageLimit,
    /// The start of the page: `next_cursor` of the previous page.
    #[serde(default, deserialize_with = "cursor")]
    pub cursor: Option<String>,
    /// Answer without what is in databases that are down, rather than not at all.
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

/// No parameters but those of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

impl<T: DeserializeOwned, P: Paging> FromRequest for ListParams<T, P> {
    type Error = ApiError;
    type Future = Ready<Result<ListParams<T, P>, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()))
    }
}

/// Serde's `flatten` would let unknown parameters pass, so the query is divided first.
fn parse<T: DeserializeOwned, P: Paging>(query: &str) -> Result<ListParams<T, P>, ApiError> {
    let (page, list): (Vec<_>, Vec<_>) = form_urlencoded::parse(query.as_bytes())
        .partition(|(name, _)| P::NAMES.contains(&name.as_ref()));
    let page = parse_query(&encode(page), &[])?;
    Ok(ListParams { list: parse_query(&encode(list), P::NAMES)?, page })
}

fn encode(parameters: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// An empty cursor is that of the first page.
fn cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let cursor: Option<String> = Option::deserialize(deserializer)?;
    Ok(cursor.filter(|cursor| !cursor.is_empty()))
}
