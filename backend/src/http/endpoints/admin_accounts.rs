//! Accounts, with their sessions and API tokens, for admins.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get};
use ostrakon_shared::{Account, AccountId, CredentialId, SessionList, TokenList};

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::{Admin, AdminSession, ReauthenticatedAdmin};
use crate::http::openapi::{
    AdminSessionOnly, InvalidId, NoSuchAccount, NoSuchCredential, NotAllowed,
    ReauthenticatedAdminOnly, Unavailable,
};
use crate::http::response::json::{NoStoreJson, no_content};
use crate::http::response::problem::ApiError;

/// Get an account
///
/// For admins.
#[utoipa::path(
    tag = "accounts",
    security(("session" = []), ("token" = [])),
    params(("id" = AccountId, Path, description = "The account's id.")),
    responses(
        (status = 200, description = "The account.", body = Account),
        InvalidId, NotAllowed, NoSuchAccount, Unavailable
    )
)]
#[get("/api/admin/accounts/{id}")]
pub async fn get_account(
    _admin: Admin,
    store: RequestStore,
    id: Path<AccountId>,
) -> Result<NoStoreJson<Account>, ApiError> {
    Ok(NoStoreJson::ok(run_blocking(store, move |store| store.accounts().get(*id)).await?))
}

/// List an account's sessions
///
/// For admins. The newest session comes first.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    params(("id" = AccountId, Path, description = "The account's id.")),
    responses(
        (status = 200, description = "The sessions.", body = SessionList),
        InvalidId, AdminSessionOnly, NoSuchAccount, Unavailable
    )
)]
#[get("/api/admin/accounts/{id}/sessions")]
pub async fn list_account_sessions(
    _admin: AdminSession,
    store: RequestStore,
    id: Path<AccountId>,
) -> Result<NoStoreJson<SessionList>, ApiError> {
    Ok(NoStoreJson::ok(run_blocking(store, move |store| store.accounts().sessions_of(*id)).await?))
}

/// End an account's session
///
/// For admins. Signs its browser out.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    params(
        ("id" = AccountId, Path, description = "The account's id."),
        ("credential_id" = CredentialId, Path, description = "The session's id.")
    ),
    responses(
        (status = 204, description = "Ended."),
        ReauthenticatedAdminOnly, NoSuchCredential, Unavailable
    )
)]
#[delete("/api/admin/accounts/{id}/sessions/{credential_id}")]
pub async fn end_account_session(
    admin: ReauthenticatedAdmin,
    store: RequestStore,
    path: Path<(AccountId, CredentialId)>,
) -> Result<HttpResponse, ApiError> {
    let (id, session) = *path;
    run_blocking(store, move |store| store.accounts().end_session(&admin.0, id, session)).await?;
    Ok(no_content())
}

/// List an account's API tokens
///
/// For admins. The newest token comes first; secrets are never returned.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    params(("id" = AccountId, Path, description = "The account's id.")),
    responses(
        (status = 200, description = "The tokens.", body = TokenList),
        InvalidId, AdminSessionOnly, NoSuchAccount, Unavailable
    )
)]
#[get("/api/admin/accounts/{id}/tokens")]
pub async fn list_account_tokens(
    _admin: AdminSession,
    store: RequestStore,
    id: Path<AccountId>,
) -> Result<NoStoreJson<TokenList>, ApiError> {
    Ok(NoStoreJson::ok(run_blocking(store, move |store| store.accounts().tokens_of(*id)).await?))
}

/// Revoke an account's API token
///
/// For admins. Requests with it are refused afterwards.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    params(
        ("id" = AccountId, Path, description = "The account's id."),
        ("credential_id" = CredentialId, Path, description = "The token's id.")
    ),
    responses(
        (status = 204, description = "Revoked."),
        ReauthenticatedAdminOnly, NoSuchCredential, Unavailable
    )
)]
#[delete("/api/admin/accounts/{id}/tokens/{credential_id}")]
pub async fn revoke_account_token(
    admin: ReauthenticatedAdmin,
    store: RequestStore,
    path: Path<(AccountId, CredentialId)>,
) -> Result<HttpResponse, ApiError> {
    let (id, token) = *path;
    run_blocking(store, move |store| store.accounts().revoke_token(&admin.0, id, token)).await?;
    Ok(no_content())
}

/// End all sessions and API tokens of an account
///
/// For admins, when an account is compromised. Its password stays, so also disable the account or have
/// an operator set a new password (`ostrakon account password`).
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    params(("id" = AccountId, Path, description = "The account's id.")),
    responses(
        (status = 204, description = "Ended."),
        InvalidId, ReauthenticatedAdminOnly, NoSuchAccount, Unavailable
    )
)]
#[delete("/api/admin/accounts/{id}/credentials")]
pub async fn revoke_all_credentials(
    admin: ReauthenticatedAdmin,
    store: RequestStore,
    id: Path<AccountId>,
) -> Result<HttpResponse, ApiError> {
    run_blocking(store, move |store| store.accounts().revoke_all(&admin.0, *id)).await?;
    Ok(no_content())
}
