//! Shared by sign-in and registration: the client's data and the session response.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use ostrakon_shared::{Account, Session};

use crate::http::cookie;
use crate::http::extract::client_ip::Client;
use crate::http::extract::device::Device;
use crate::http::response::json::NoStoreJson;
use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;
use crate::store::{ClientInfo, Policy, SESSION_S, StartedSession, StoreError};

/// The client of a sign-in.
pub fn client_info(request: &HttpRequest, client: &Client, settings: &Settings) -> ClientInfo {
    let user_agent = request.headers().get(header::USER_AGENT);
    let user_agent = user_agent.map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
    ClientInfo {
        user_agent,
        session: cookie::session_secret(request, settings),
        local: client.local,
        network: Some(client.network()),
    }
}

/// The response that sets the cookies of the session and the known device.
pub fn session_response(
    request: &HttpRequest,
    started: StartedSession,
    policy: Policy,
    settings: &Settings,
) -> Result<NoStoreJson<Session>, ApiError> {
    let cookie = cookie::set_session(settings, &started.secret, SESSION_S);
    let device = Device::remember(request, settings, &started.account.name);
    let device = device.map_err(|error| StoreError::Internal(error.to_string()))?;
    let session = session_state(Some(started.account), policy);
    Ok(NoStoreJson::ok(session)
        .with_status(StatusCode::CREATED)
        .with_header(header::SET_COOKIE, cookie)
        .with_header(header::SET_COOKIE, device))
}

/// The signed-in account and the policy.
pub fn session_state(account: Option<Account>, policy: Policy) -> Session {
    let Policy { guest_reviews, pre_moderation } = policy;
    Session { account, guest_reviews, pre_moderation }
}
