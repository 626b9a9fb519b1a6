//! Requests of the account that is signed in, and of who is about to be.

use ostrakon_shared::{
    CreatedToken, CredentialId, Credentials, NewToken, PasswordChange, ProductId, ReviewPage,
    Session, SessionList, TokenList,
};

use crate::http::{ApiError, Call};

/// Who is signed in.
pub async fn session() -> Result<Session, ApiError> {
    Call::get("/api/session").answer().await
}

/// Signs in.
pub async fn sign_in(credentials: &Credentials) -> Result<Session, ApiError> {
    Call::new("POST", "/api/session").json(credentials).answer().await
}

/// Signs out.
pub async fn sign_out() -> Result<(), ApiError> {
    Call::new("DELETE", "/api/session").done().await
}

/// Creates an account, and signs it in.
pub async fn register(credentials: &Credentials) -> Result<Session, ApiError> {
    Call::new("POST", "/api/accounts").json(credentials).answer().await
}

/// Changes the own password; all other sessions end.
pub async fn change_password(change: &PasswordChange) -> Result<(), ApiError> {
    Call::new("PUT", "/api/accounts/me/password").json(change).done().await
}

/// The own sessions.
pub async fn sessions() -> Result<SessionList, ApiError> {
    Call::get("/api/accounts/me/sessions").answer().await
}

/// Ends one of them.
pub async fn end_session(id: CredentialId) -> Result<(), ApiError> {
    Call::new("DELETE", format!("/api/accounts/me/sessions/{id}")).done().await
}

/// The own API tokens.
pub async fn tokens() -> Result<TokenList, ApiError> {
    Call::get("/api/accounts/me/tokens").answer().await
}

/// Creates an API token.
pub async fn create_token(token: &NewToken) -> Result<CreatedToken, ApiError> {
    Call::new("POST", "/api/accounts/me/tokens").json(token).answer().await
}

/// Revokes one.
pub async fn revoke_token(id: CredentialId) -> Result<(), ApiError> {
    Call::new("DELETE", format!("/api/accounts/me/tokens/{id}")).done().await
}

/// A page of the own reviews, whatever their status; of one product or of all.
pub async fn own_reviews(
    product: Option<ProductId>,
    cursor: Option<&str>,
) -> Result<ReviewPage, ApiError> {
    let product = product.map(|id| id.to_string()).unwrap_or_default();
    Call::get("/api/accounts/me/reviews")
        .with("product_id", &product)
        .page(super::REVIEWS_PER_PAGE, cursor)
        .answer()
        .await
}
