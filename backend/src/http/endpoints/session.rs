//! Signing in and out, and the current session.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use ostrakon_shared::{Credentials, PasswordProof, Session};

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::cookie;
use crate::http::extract::auth::{SessionUser, SignedIn};
use crate::http::extract::body::Body;
use crate::http::extract::client_ip::Client;
use crate::http::extract::device::Device;
use crate::http::openapi::{
    CredentialsWrong, CrossOrigin, InvalidBody, PasswordOnly, RateLimited, SessionInvalid,
    Unavailable,
};
use crate::http::password_queue::{ClientKind, PasswordQueue, run_hashing};
use crate::http::rate_limit::{ClientKey, Limit, RateLimiters};
use crate::http::response::json::{NoStoreJson, no_content};
use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;
use crate::http::sign_in::{client_info, session_response, session_state};
use crate::store::Store;

/// Get the current session
///
/// The signed-in account, and what this service allows. Guests have no account.
#[utoipa::path(
    tag = "accounts",
    security((), ("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The session.", body = Session),
        SessionInvalid, Unavailable
    )
)]
#[get("/api/session")]
pub async fn get_session(store: RequestStore, signed_in: SignedIn) -> NoStoreJson<Session> {
    NoStoreJson::ok(session_state(signed_in.0, store.reviews().policy()))
}

/// Sign in
///
/// Sets the cookie of a new session and ends the previous session of this browser. A session
/// expires after 14 days without use, at most 30 days after signing in. A second cookie,
/// `ostrakon_device`, gives the browser its own rate limit, so that failed attempts by others don't
/// lock it out.
#[utoipa::path(
    tag = "accounts",
    security(()),
    request_body = Credentials,
    responses(
        (status = 201, description = "Signed in.", body = Session,
            headers(("Set-Cookie" = String, description = "The session cookie."))),
        InvalidBody, CredentialsWrong, CrossOrigin, RateLimited, Unavailable
    )
)]
#[post("/api/session")]
pub async fn sign_in(
    request: HttpRequest,
    client: Client,
    (store, settings): (RequestStore, Data<Settings>),
    (limiters, queue): (Data<RateLimiters>, Data<PasswordQueue>),
    credentials: Body<Credentials>,
) -> Result<NoStoreJson<Session>, ApiError> {
    let (name, device) = (&credentials.0.name, Device::of(&request, &settings));
    let device = device.as_ref().and_then(|device| device.id_for(name, &settings.secret_key));
    let kind = if device.is_some() { ClientKind::Known } else { ClientKind::Unknown };
    limiters.sign_in(&request, client.network(), name, device).await?;
    let client_info = client_info(&request, &client, &settings);
    let sign_in = move |store: &Store| store.accounts().sign_in(&credentials.0, &client_info);
    let started = run_hashing(queue, kind, store.clone(), sign_in).await?;
    session_response(&request, started, store.reviews().policy(), &settings)
}

/// Confirm your password
///
/// Admins need this before they change accounts, roles or API tokens if they last entered their
/// password more than 15 minutes ago (`proof_required`).
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    request_body = PasswordProof,
    responses(
        (status = 204, description = "Confirmed for 15 minutes."),
        InvalidBody, PasswordOnly, RateLimited, Unavailable
    )
)]
#[post("/api/session/proof")]
pub async fn prove_password(
    request: HttpRequest,
    user: SessionUser,
    (store, limiters, queue): (RequestStore, Data<RateLimiters>, Data<PasswordQueue>),
    proof: Body<PasswordProof>,
) -> Result<HttpResponse, ApiError> {
    limiters.check(&request, Limit::SignIn, &ClientKey::from(&user.actor))?;
    let prove = move |store: &Store| {
        store.accounts().prove(&user.source, user.actor.id, user.session, &proof.0.password)
    };
    run_hashing(queue, ClientKind::Known, store, prove).await?;
    Ok(no_content())
}

/// Sign out
///
/// Ends the session of the request's cookie, if any.
#[utoipa::path(
    tag = "accounts",
    security((), ("session" = [])),
    responses(
        (status = 204, description = "Signed out.",
            headers(("Set-Cookie" = String, description = "Removes the cookie."))),
        CrossOrigin, Unavailable
    )
)]
#[delete("/api/session")]
pub async fn sign_out(
    request: HttpRequest,
    client: Client,
    store: RequestStore,
    settings: Data<Settings>,
) -> Result<HttpResponse, ApiError> {
    if let Some(secret) = cookie::session_secret(&request, &settings) {
        let sign_out = move |store: &Store| store.accounts().sign_out(&secret, client.network());
        run_blocking(store, sign_out).await?;
    }
    let cleared = (header::SET_COOKIE, cookie::clear_session(&settings));
    let no_store = (header::CACHE_CONTROL, "no-store");
    Ok(HttpResponse::NoContent().insert_header(cleared).insert_header(no_store).finish())
}
