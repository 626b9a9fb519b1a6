//! The cookies: session, known device, and consistency token.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::HeaderValue;

use crate::http::settings::Settings;

const SESSION: &str = "ostrakon_session";
const DEVICE: &str = "ostrakon_device";
const POSITION: &str = "ostrakon_position";

/// The lifetime of the device cookie: the maximum in browsers.
const DEVICE_AGE: Duration = Duration::days(400);

/// The lifetime of the consistency token: longer than the maximum lag of a replica.
const POSITION_AGE: Duration = Duration::minutes(5);

/// The cookie's name; over HTTPS with the prefix `__Host-`, which browsers only accept from this
/// host.
fn name(settings: &Settings, name: &str) -> String {
    if settings.is_https() { format!("__Host-{name}") } else { name.to_owned() }
}

pub fn session_secret(request: &HttpRequest, settings: &Settings) -> Option<String> {
    value(request, settings, SESSION)
}

/// `Set-Cookie` with the secret of a session.
pub fn set_session(settings: &Settings, secret: &str, max_age_s: i64) -> HeaderValue {
    header(settings, SESSION, secret, Duration::seconds(max_age_s))
}

/// `Set-Cookie` that removes the session.
pub fn clear_session(settings: &Settings) -> HeaderValue {
    header(settings, SESSION, "", Duration::ZERO)
}

/// The device cookie, unverified.
pub fn device(request: &HttpRequest, settings: &Settings) -> Option<String> {
    value(request, settings, DEVICE)
}

/// `Set-Cookie` with the device.
pub fn set_device(settings: &Settings, value: &str) -> HeaderValue {
    header(settings, DEVICE, value, DEVICE_AGE)
}

/// The consistency token, unverified.
pub fn consistency_token(request: &HttpRequest, settings: &Settings) -> Option<String> {
    value(request, settings, POSITION)
}

/// `Set-Cookie` with the consistency token.
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
