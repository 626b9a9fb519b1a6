//! Accounts, with their sessions and API tokens, for admins.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, patch};
use ostrakon_shared::{
    Account, AccountEdit, AccountId, AccountPage, CredentialId, SessionList, TokenList,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::{Admin, AdminSession, ReauthenticatedAdmin};
use crate::http::extract::body::Body;
use crate::http::extract::list_params::{ListParams, PageParams};
use crate::http::extract::query::check_search;
use crate::http::openapi::{
    AdminSessionOnly, InvalidEdit, InvalidId, InvalidParameter, LastAdmin, NoSuchAccount,
    NoSuchCredential, NotAllowed, ReauthenticatedAdminOnly, Unavailable,
};
use crate::http::response::json::{NoStoreJson, no_content};
use crate::http::response::problem::ApiError;
use crate::store::{AccountQuery, Store};

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAccounts {
    /// Only accounts whose name contains this text, ignoring case.
    #[serde(default)]
    #[param(required = false, max_length = 100, example = "aspa")]
    search: String,
}

/// List accounts
///
/// For admins. Accounts are sorted by id.
#[utoipa::path(
    tag = "accounts",
    security(("session" = []), ("token" = [])),
    params(ListAccounts, PageParams),
    responses(
        (status = 200, description = "A page of accounts.", body = AccountPage,
            headers(("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidParameter, NotAllowed, Unavailable
    )
)]
#[get("/api/admin/accounts")]
pub async fn list_accounts(
    _admin: Admin,
    store: RequestStore,
    params: ListParams<ListAccounts>,
) -> Result<NoStoreJson<AccountPage>, ApiError> {
    let ListAccounts { search } = params.list;
    let PageParams { limit, cursor } = params.page;
    check_search(&search)?;
    let query = AccountQuery { search, limit, cursor };
    let page = run_blocking(store, move |store| store.accounts().list(&query)).await?;
    Ok(NoStoreJson::from(page))
}

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

/// Edit an account
///
/// For admins with a session: changes the role, or disables or enables the account. Disabling it
/// ends its sessions and blocks its API tokens. The last admin who can sign in can't be demoted or
/// disabled.
#[utoipa::path(
    tag = "accounts",
    security(("session" = [])),
    params(("id" = AccountId, Path, description = "The account's id.")),
    request_body(content((AccountEdit = "application/json"), (AccountEdit = "application/merge-patch+json"))),
    responses(
        (status = 200, description = "The changed account.", body = Account),
        InvalidEdit, ReauthenticatedAdminOnly, NoSuchAccount, LastAdmin, Unavailable
    )
)]
#[patch("/api/admin/accounts/{id}")]
pub async fn edit_account(
    admin: ReauthenticatedAdmin,
    store: RequestStore,
    id: Path<AccountId>,
    edit: Body<AccountEdit>,
) -> Result<NoStoreJson<Account>, ApiError> {
    let edit = move |store: &Store| store.accounts().edit(&admin.0, *id, &edit.0);
    Ok(NoStoreJson::ok(run_blocking(store, edit).await?))
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
/// For admins, when an account is compromised. Its password stays, so also disable the account or
/// have an operator set a new password (`ostrakon account password`).
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
