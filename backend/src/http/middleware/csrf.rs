//! CSRF protection: refuses changes from pages of other origins.
//!
//! Cookies are `SameSite=Lax`; this check also covers other origins of the same site, and pages
//! that would sign a visitor in to another account.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::middleware::Next;
use actix_web::web::Data;
use ostrakon_shared::ProblemCode;

use crate::http::response::problem::ApiError;
use crate::http::settings::{PublicUrl, Settings};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The maximum number of logged origins, and their maximum length.
const MAX_LOGGED: usize = 16;
const MAX_LOGGED_LENGTH: usize = 200;

/// Refuses changes from pages of other sites.
pub async fn check(
    settings: Data<Settings>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if !is_read && is_foreign(request.headers(), settings.public_url.as_ref()) {
        log_once(request.headers(), settings.public_url.as_ref());
        let code = ProblemCode::OriginMismatch;
        return Ok(request.error_response(ApiError::new(code, code.explanation())));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Whether a page of another site sent this request. Programs other than browsers send no `Origin`.
fn is_foreign(headers: &HeaderMap, public_url: Option<&PublicUrl>) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).peekable();
    if origins.peek().is_none() {
        let site = headers.get(SEC_FETCH_SITE).map(|site| site.as_bytes());
        return matches!(site, Some(b"cross-site" | b"same-site"));
    }
    let host = host(headers);
    !origins.all(|origin| match (origin.to_str(), public_url) {
        (Ok(origin), Some(url)) => origin.eq_ignore_ascii_case(url.origin()),
        (Ok(origin), None) => host.is_some_and(|host| is_of_host(origin, host)),
        (Err(_), _) => false,
    })
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).and_then(|host| host.to_str().ok())
}

/// Logs each refused origin once, for the operator: behind a proxy that changes `Host`, all changes
/// are refused.
fn log_once(headers: &HeaderMap, public_url: Option<&PublicUrl>) {
    static LOGGED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some(origin) = origin.filter(|origin| origin.len() <= MAX_LOGGED_LENGTH) else { return };
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    if logged.len() == MAX_LOGGED || !logged.insert(origin.to_owned()) {
        return;
    }
    let expected = match public_url {
        Some(url) => format!("{}, which is public_url", url.origin()),
        None => format!("{}, which is the request's Host", host(headers).unwrap_or("none")),
    };
    tracing::warn!(
        "refused a change from a page of {origin}; expected {expected}. If browsers reach this \
         service as {origin}, set public_url = \"{origin}\" (OSTRAKON_PUBLIC_URL)"
    );
}

/// Whether `origin` has this host and port. Any scheme is accepted, because a proxy may terminate
/// TLS.
fn is_of_host(origin: &str, host: &str) -> bool {
    let (rest, default_port) = if let Some(rest) = origin.strip_prefix("https://") {
        (rest, ":443")
    } else if let Some(rest) = origin.strip_prefix("http://") {
        (rest, ":80")
    } else {
        return false;
    };
    rest.eq_ignore_ascii_case(host.strip_suffix(default_port).unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn foreign(headers: &[(&'static str, &'static str)], public_url: Option<&str>) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        is_foreign(&map, public_url.map(|url| url.parse().unwrap()).as_ref())
    }

    #[test]
    fn origins_are_compared_with_the_host() {
        for (origin, host, expected) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", false),
            ("https://a.example", "a.example", false),
            ("https://a.example", "A.example:443", false),
            ("http://a.example", "a.example:80", false),
            ("http://[::1]:8080", "[::1]:8080", false),
            ("http://a.example", "a.example:443", true),
            ("http://127.0.0.1:8081", "127.0.0.1:8080", true),
            ("http://a.example", "a.example:8080", true),
            ("http://a.example.evil.example", "a.example", true),
            ("http://b.a.example", "a.example", true),
            ("null", "null", true),
            ("", "", true),
            ("file://a.example", "a.example", true),
            ("a.example", "a.example", true),
        ] {
            assert_eq!(foreign(&[("origin", origin), ("host", host)], None), expected, "{origin}");
        }
        assert!(foreign(&[("origin", "http://a.example")], None), "no host to compare with");
    }

    #[test]
    fn a_public_url_is_the_only_origin() {
        let url = Some("https://a.example");
        for (origin, expected) in [
            ("https://a.example", false),
            ("http://a.example", true),
            ("https://127.0.0.1:8080", true),
            ("https://a.example:8443", true),
            ("null", true),
        ] {
            let headers = [("origin", origin), ("host", "127.0.0.1:8080")];
            assert_eq!(foreign(&headers, url), expected, "{origin}");
        }
    }

    #[test]
    fn without_an_origin_sec_fetch_site_decides() {
        for (site, expected) in
            [("cross-site", true), ("same-site", true), ("same-origin", false), ("none", false)]
        {
            assert_eq!(foreign(&[("sec-fetch-site", site), ("host", "a")], None), expected);
        }
        assert!(!foreign(&[("host", "a.example")], None), "curl");
        let two = [("origin", "http://a"), ("origin", "http://b"), ("host", "a")];
        assert!(foreign(&two, None));
    }
}
