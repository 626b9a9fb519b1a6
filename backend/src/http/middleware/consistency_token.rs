//! A client that wrote sees its write, even when replicas answer: the answer to a write says how far
//! the databases had come, and a later request that brings this along reads from nothing older.
//!
//! Programs get it in a header, browsers in a cookie too. Each request gets a [`Context`] here.

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use ostrakon_shared::ProblemCode;

use crate::http::blocking::{RequestStore, Threads, run_blocking};
use crate::http::cookie;
use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;
use crate::store::{Context, Positions, Store};

const POSITION: HeaderName = HeaderName::from_static("ostrakon-position");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How long a request may take: a commit may wait without end for a standby that is away, and no
/// timeout of the server ends that.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);

/// Around every request: takes what the client has seen, and gives it what it has written.
pub async fn track(
    settings: Data<Settings>,
    (store, threads): (Data<Store>, Data<Threads>),
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let seen = match known(&request, &settings) {
        Ok(seen) if seen.is_empty() => seen,
        Ok(seen) => store.cluster().known_positions(seen),
        Err(problem) => return Ok(request.error_response(problem)),
    };
    let context = Context::new(seen, Some(Instant::now() + LONGEST_REQUEST));
    let store = RequestStore::new(store.with(context), threads);
    request.extensions_mut().insert(store.clone());
    let mut response = next.call(request).await?.map_into_boxed_body();
    if store.context().written().is_empty() {
        return Ok(response);
    }
    let text = match store.cluster().positions(false) {
        Some(positions) => positions,
        None => run_blocking(store, |store| Ok(store.cluster().positions(true)))
            .await?
            .unwrap_or_default(),
    }
    .to_string();
    let asked = response.request().headers();
    let is_browser = [SEC_FETCH_SITE, header::ORIGIN, header::COOKIE]
        .iter()
        .any(|header| asked.contains_key(header));
    let headers = response.headers_mut();
    if is_browser {
        headers.append(header::SET_COOKIE, cookie::set_consistency_token(&settings, &text));
    }
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(POSITION, value);
    }
    Ok(response)
}

/// A header that we never gave is a mistake; a cookie may come from anywhere.
fn known(request: &ServiceRequest, settings: &Settings) -> Result<Positions, ApiError> {
    if let Some(header) = request.headers().get(POSITION) {
        let parsed = header.to_str().ok().and_then(|text| text.parse().ok());
        return parsed.ok_or_else(|| {
            let detail = "Header Ostrakon-Position: this service never gave such a one.";
            ApiError::new(ProblemCode::ParameterInvalid, detail)
        });
    }
    let cookie = cookie::consistency_token(request.request(), settings);
    Ok(cookie.and_then(|text| text.parse().ok()).unwrap_or_default())
}
