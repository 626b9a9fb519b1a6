//! The cookies: of a session, of a device that has signed in, and of what a browser has written.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HeaderValue;

use crate::http::settings::Settings;

const SESSION: &str = "ostrakon_session";
const DEVICE: &str = "ostrakon_device";
const POSITION: &str = "ostrakon_position";

/// How long a device that has signed in is known: as long as browsers keep a cookie.
const DEVICE_AGE: Duration = Duration::days(400);

/// How long a browser brings along what it has written: longer than a replica may be behind.
const POSITION_AGE: Duration = Duration::minutes(5);

/// Over HTTPS the name says so: browsers take a `__Host-` cookie from this very host alone.
fn name(settings: &Settings, name: &str) -> String {
    if settings.is_https() { format!("__Host-{name}") } else { name.to_owned() }
}

pub fn session_secret(request: &HttpRequest, settings: &Settings) -> Option<String> {
    value(request, settings, SESSION)
}

/// `Set-Cookie` that gives the browser the secret of its session.
pub fn set_session(settings: &Settings, secret: &str, max_age_s: i64) -> HeaderValue {
    header(settings, SESSION, secret, Duration::seconds(max_age_s))
}

/// `Set-Cookie` that takes it away.
pub fn clear_session(settings: &Settings) -> HeaderValue {
    header(settings, SESSION, "", Duration::ZERO)
}

/// What makes a device known, as it says.
pub fn device(request: &HttpRequest, settings: &Settings) -> Option<String> {
    value(request, settings, DEVICE)
}

/// `Set-Cookie` that makes a device known.
pub fn set_device(settings: &Settings, value: &str) -> HeaderValue {
    header(settings, DEVICE, value, DEVICE_AGE)
}

/// What a browser has written, as it says.
pub fn consistency_token(request: &HttpRequest, settings: &Settings) -> Option<String> {
    value(request, settings, POSITION)
}

/// `Set-Cookie` that tells the browser what it has written.
pub fn set_consistency_token(settings: &Settings, position: &str) -> HeaderValue {
    header(settings, POSITION, position, POSITION_AGE)
}

fn value(request: &HttpRequest, settings: &Settings, cookie: &str) -> Option<String> {
    request.cookie(&name(settings, cookie)).map(|cookie| cookie.value().to_owned())
}

fn header(settings: &Settings, cookie: &str, value: &str, max_age: Duration) -> HeaderValue {
    let cookie = Cookie::build(name(settings, cookie), value)
        .path("/")
        .max_age(max_age)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(settings.is_https())
        .finish();
    HeaderValue::from_str(&cookie.to_string()).expect("names, positions and base64 make a header")
}
