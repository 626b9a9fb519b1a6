//! Whoever wrote sees the write, even when replicas answer: the answer to a write says how far the
//! databases had come, and a later request that brings this along reads from nothing older.
//!
//! Programs get it in a header, browsers in a cookie too.

use std::cell::RefCell;

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use ostrakon_shared::ProblemCode;

use super::error::ApiError;
use super::{Settings, cookie};
use crate::store::Positions;

const POSITION: HeaderName = HeaderName::from_static("ostrakon-position");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

tokio::task_local! {
    static SEEN: RefCell<Positions>;
}

/// Around every request: takes what the client has seen, and gives it what it has written.
pub async fn keep(
    settings: Data<Settings>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let known = match known(&request, &settings) {
        Ok(known) => known,
        Err(problem) => return Ok(request.error_response(problem)),
    };
    let headers = request.headers();
    let is_browser = [SEC_FETCH_SITE, header::ORIGIN, header::COOKIE]
        .iter()
        .any(|header| headers.contains_key(header));
    let answer = SEEN.scope(RefCell::new(known.clone()), async {
        let answer = next.call(request).await;
        (answer, SEEN.with(|seen| seen.borrow().clone()))
    });
    let (response, seen) = answer.await;
    let mut response = response?.map_into_boxed_body();
    if seen != known {
        let text = seen.to_string();
        let headers = response.headers_mut();
        if is_browser {
            headers.append(header::SET_COOKIE, cookie::position(&settings, &text));
        }
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(POSITION, value);
        }
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
    let cookie = cookie::known_position(request.request(), settings);
    Ok(cookie.and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// What the client of this task has seen.
pub fn seen() -> Positions {
    SEEN.try_with(|seen| seen.borrow().clone()).unwrap_or_default()
}

/// The client of this task has seen, or written, this too.
pub fn note(positions: &Positions) {
    // Outside of a request nobody asks again.
    SEEN.try_with(|seen| seen.borrow_mut().merge(positions)).ok();
}
