//! The cookie of a session.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HeaderValue;

use super::Settings;

/// Over HTTPS the name says so: browsers take a `__Host-` cookie from this very host alone.
fn name(settings: &Settings) -> &'static str {
    if settings.is_https() { "__Host-ostrakon_session" } else { "ostrakon_session" }
}

/// The secret that a browser sent.
pub fn secret(request: &HttpRequest, settings: &Settings) -> Option<String> {
    request.cookie(name(settings)).map(|cookie| cookie.value().to_owned())
}

/// `Set-Cookie` that gives the browser the secret of its session.
pub fn given(settings: &Settings, secret: &str, max_age_s: i64) -> HeaderValue {
    header(settings, secret, Duration::seconds(max_age_s))
}

/// `Set-Cookie` that takes it away.
pub fn cleared(settings: &Settings) -> HeaderValue {
    header(settings, "", Duration::ZERO)
}

fn header(settings: &Settings, value: &str, max_age: Duration) -> HeaderValue {
    let cookie = Cookie::build(name(settings), value)
        .path("/")
        .max_age(max_age)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(settings.is_https())
        .finish();
    HeaderValue::from_str(&cookie.to_string()).expect("names and base64 make a header")
}
