//! Endpoints for accounts, sessions and tokens.

use ostrakon_shared::{
    AccountId, CreatedToken, CredentialId, Credentials, NewToken, PasswordChange, PasswordProof,
    ProductId, ReviewPage, Session, SessionList, TokenList,
};
use reqwest::Method;

use crate::net::http::{ApiError, RequestBuilder};

/// The current session.
pub async fn session() -> Result<Session, ApiError> {
    RequestBuilder::get("/api/session").answer().await
}

pub async fn sign_in(credentials: &Credentials) -> Result<Session, ApiError> {
    RequestBuilder::new(Method::POST, "/api/session").json(credentials).answer().await
}

pub async fn sign_out() -> Result<(), ApiError> {
    RequestBuilder::new(Method::DELETE, "/api/session").done().await
}

/// Creates an account and signs in.
pub async fn register(credentials: &Credentials) -> Result<Session, ApiError> {
    RequestBuilder::new(Method::POST, "/api/accounts").json(credentials).answer().await
}

/// Changes the user's password and ends all other sessions.
pub async fn change_password(change: &PasswordChange) -> Result<(), ApiError> {
    RequestBuilder::new(Method::PUT, "/api/accounts/me/password").json(change).done().await
}

/// Confirms the password for the current session.
pub async fn prove_password(proof: &PasswordProof) -> Result<(), ApiError> {
    RequestBuilder::new(Method::POST, "/api/session/proof").json(proof).done().await
}

/// The path of something that belongs to an account, or to the user's own account.
fn path(of: Option<AccountId>, rest: &str) -> String {
    match of {
        None => format!("/api/accounts/me/{rest}"),
        Some(id) => format!("/api/admin/accounts/{id}/{rest}"),
    }
}

/// The sessions of an account, or of the user.
pub async fn sessions(of: Option<AccountId>) -> Result<SessionList, ApiError> {
    RequestBuilder::get(path(of, "sessions")).answer().await
}

/// Ends a session.
pub async fn end_session(of: Option<AccountId>, id: CredentialId) -> Result<(), ApiError> {
    RequestBuilder::new(Method::DELETE, path(of, &format!("sessions/{id}"))).done().await
}

/// The API tokens of an account, or of the user.
pub async fn tokens(of: Option<AccountId>) -> Result<TokenList, ApiError> {
    RequestBuilder::get(path(of, "tokens")).answer().await
}

/// Creates an API token.
pub async fn create_token(token: &NewToken) -> Result<CreatedToken, ApiError> {
    RequestBuilder::new(Method::POST, "/api/accounts/me/tokens").json(token).answer().await
}

/// Revokes a token of an account, or of the user.
pub async fn revoke_token(of: Option<AccountId>, id: CredentialId) -> Result<(), ApiError> {
    RequestBuilder::new(Method::DELETE, path(of, &format!("tokens/{id}"))).done().await
}

/// A page of the user's own reviews with any status, of one product or of all.
pub async fn own_reviews(
    product: Option<ProductId>,
    cursor: Option<&str>,
) -> Result<ReviewPage, ApiError> {
    let product = product.map(|id| id.to_string()).unwrap_or_default();
    RequestBuilder::get("/api/accounts/me/reviews")
        .with("product_id", &product)
        .page(crate::net::api::REVIEWS_PER_PAGE, cursor)
        .answer()
        .await
}
