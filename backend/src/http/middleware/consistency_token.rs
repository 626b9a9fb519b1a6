//! Read your writes, even on replicas: the response to a write carries the positions of the
//! databases in their write-ahead logs, and a later request with this token reads from no older
//! state.
//!
//! Programs get the token in a header, browsers also in a cookie. Creates the [`Context`] of each
//! request.

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

/// The deadline of a request. A commit may wait indefinitely for an unavailable standby, and no
/// timeout of the server ends that.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);

/// Reads the token of the request, and adds the new one to the response.
pub async fn track(
    settings: Data<Settings>,
    (store, threads): (Data<Store>, Data<Threads>),
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let seen = match seen_positions(&request, &settings) {
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
    let sent = response.request().headers();
    let is_browser = [SEC_FETCH_SITE, header::ORIGIN, header::COOKIE]
        .iter()
        .any(|header| sent.contains_key(header));
    let headers = response.headers_mut();
    if is_browser {
        headers.append(header::SET_COOKIE, cookie::set_consistency_token(&settings, &text));
    }
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(POSITION, value);
    }
    Ok(response)
}

/// The positions of the request's token. An invalid header is an error; an invalid cookie is
/// ignored.
fn seen_positions(request: &ServiceRequest, settings: &Settings) -> Result<Positions, ApiError> {
    if let Some(header) = request.headers().get(POSITION) {
        let parsed = header.to_str().ok().and_then(|text| text.parse().ok());
        return parsed.ok_or_else(|| {
            let detail = "Header Ostrakon-Position: not a value issued by this service.";
            ApiError::new(ProblemCode::ParameterInvalid, detail)
        });
    }
    let cookie = cookie::consistency_token(request.request(), settings);
    Ok(cookie.and_then(|text| text.parse().ok()).unwrap_or_default())
}
