//! Registration, and your own account: password, sessions and API tokens.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use ostrakon_shared::{
    CreatedToken, CredentialId, Credentials, NewToken, PasswordChange, Session, SessionList,
    TokenList,
};

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::{Reauthenticated, SessionUser};
use crate::http::extract::body::Body;
use crate::http::extract::client_ip::Client;
use crate::http::openapi::{
    CrossOrigin, InvalidBody, NameTaken, NoSuchCredential, PasswordOnly, RateLimited,
    ReauthenticatedOnly, SessionOnly, Unavailable,
};
use crate::http::password_queue::{ClientKind, PasswordQueue, run_hashing};
use crate::http::rate_limit::{ClientKey, Limit, RateLimiters};
use crate::http::response::json::{NoStoreJson, no_content};
use crate::http::response::problem::ApiError;
use crate::http::settings::Settings;
use crate::http::sign_in::{client_info, session_response};
use crate::store::Store;

/// Register
///
/// Creates an account with the role `member` and starts a session.
#[utoipa::path(
    tag = "accounts",
    security(()),
    request_body = Credentials,
    responses(
        (status = 201, description = "Registered and signed in.", body = Session,
            headers(("Set-Cookie" = String, description = "The session cookie."))),
        InvalidBody, CrossOrigin, NameTaken, RateLimited, Unavailable
    )
)]
#[post("/api/accounts")]
pub async fn register(
    request: HttpRequest,
    client: Client,
    (store, settings): (RequestStore, Data<Settings>),
    (limiters, queue): (Data<RateLimiters>, Data<PasswordQueue>),
    credentials: Body<Credentials>,
) -> Result<NoStoreJson<Session>, ApiError> {
    let errors = credentials.0.validate();
    if !errors.is_empty() {
        // Invalid input does not count towards the limit.
        return Err(ApiError::fields(errors));
    }
    limiters.check(&request, Limit::Registration, &ClientKey::from(&client))?;
    let client_info = client_info(&request, &client, &settings);
    let register = move |store: &Store| store.accounts().register(&credentials.0, &client_info);
    let started = run_hashing(queue, ClientKind::Unknown, store.clone(), register).await?;
    session_response(&request, started, store.reviews().policy(), &settings)
}

/// Change your password
///
/// Ends all other sessions of the account, and revokes its API tokens if `revoke_tokens` is true.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    request_body = PasswordChange,
    responses(
        (status = 204, description = "Changed."),
        InvalidBody, PasswordOnly, RateLimited, Unavailable
    )
)]
#[put("/api/accounts/me/password")]
pub async fn change_password(
    request: HttpRequest,
    user: SessionUser,
    store: RequestStore,
    (limiters, queue): (Data<RateLimiters>, Data<PasswordQueue>),
    change: Body<PasswordChange>,
) -> Result<HttpResponse, ApiError> {
    limiters.check(&request, Limit::SignIn, &ClientKey::from(&user.actor))?;
    let change = move |store: &Store| {
        store.accounts().change_password(&user.source, user.actor.id, user.session, &change.0)
    };
    run_hashing(queue, ClientKind::Known, store, change).await?;
    Ok(no_content())
}

/// List your sessions
///
/// The newest session comes first.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    responses(
        (status = 200, description = "The sessions.", body = SessionList),
        SessionOnly, Unavailable
    )
)]
#[get("/api/accounts/me/sessions")]
pub async fn list_sessions(
    user: SessionUser,
    store: RequestStore,
) -> Result<NoStoreJson<SessionList>, ApiError> {
    let list = move |store: &Store| store.accounts().sessions(user.actor.id, Some(user.session));
    Ok(NoStoreJson::ok(run_blocking(store, list).await?))
}

/// End one of your sessions
///
/// Its cookie becomes invalid.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    params(("id" = CredentialId, Path, description = "The session's id.")),
    responses((status = 204, description = "Ended."), SessionOnly, NoSuchCredential, Unavailable)
)]
#[delete("/api/accounts/me/sessions/{id}")]
pub async fn end_session(
    user: SessionUser,
    store: RequestStore,
    id: Path<CredentialId>,
) -> Result<HttpResponse, ApiError> {
    run_blocking(store, move |store| {
        store.accounts().end_session(&user.source, user.actor.id, *id)
    })
    .await?;
    Ok(no_content())
}

/// List your API tokens
///
/// The newest token comes first. Secrets are never returned again.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    responses(
        (status = 200, description = "The tokens.", body = TokenList),
        SessionOnly, Unavailable
    )
)]
#[get("/api/accounts/me/tokens")]
pub async fn list_tokens(
    user: SessionUser,
    store: RequestStore,
) -> Result<NoStoreJson<TokenList>, ApiError> {
    Ok(NoStoreJson::ok(
        run_blocking(store, move |store| store.accounts().tokens(user.actor.id)).await?,
    ))
}

/// Create an API token
///
/// Programs send it as `Authorization: Bearer`. It is limited to its scopes and to what the account
/// may do without a session. It expires after 90 days by default. Only this response contains the
/// secret.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    request_body = NewToken,
    responses(
        (status = 201, description = "The token, with its secret.", body = CreatedToken),
        InvalidBody, ReauthenticatedOnly, Unavailable
    )
)]
#[post("/api/accounts/me/tokens")]
pub async fn create_token(
    user: Reauthenticated,
    store: RequestStore,
    token: Body<NewToken>,
) -> Result<NoStoreJson<CreatedToken>, ApiError> {
    let create =
        move |store: &Store| store.accounts().create_token(&user.0.source, &user.0.actor, &token.0);
    let created = run_blocking(store, create).await?;
    Ok(NoStoreJson::ok(created).with_status(StatusCode::CREATED))
}

/// Revoke one of your API tokens
///
/// Its secret becomes invalid.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    params(("id" = CredentialId, Path, description = "The token's id.")),
    responses((status = 204, description = "Revoked."), ReauthenticatedOnly, NoSuchCredential, Unavailable)
)]
#[delete("/api/accounts/me/tokens/{id}")]
pub async fn revoke_token(
    Reauthenticated(user): Reauthenticated,
    store: RequestStore,
    id: Path<CredentialId>,
) -> Result<HttpResponse, ApiError> {
    run_blocking(store, move |store| {
        store.accounts().revoke_token(&user.source, user.actor.id, *id)
    })
    .await?;
    Ok(no_content())
}
