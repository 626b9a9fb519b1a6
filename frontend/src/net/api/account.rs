//! Requests of the account that is signed in, and of who is about to be.

use ostrakon_shared::{
    AccountId, CreatedToken, CredentialId, Credentials, NewToken, PasswordChange, PasswordProof,
    ProductId, ReviewPage, Session, SessionList, TokenList,
};

use crate::net::http::{ApiError, RequestBuilder};

/// Who is signed in.
pub async fn session() -> Result<Session, ApiError> {
    RequestBuilder::get("/api/session").answer().await
}

/// Signs in.
pub async fn sign_in(credentials: &Credentials) -> Result<Session, ApiError> {
    RequestBuilder::new("POST", "/api/session").json(credentials).answer().await
}

/// Signs out.
pub async fn sign_out() -> Result<(), ApiError> {
    RequestBuilder::new("DELETE", "/api/session").done().await
}

/// Creates an account, and signs it in.
pub async fn register(credentials: &Credentials) -> Result<Session, ApiError> {
    RequestBuilder::new("POST", "/api/accounts").json(credentials).answer().await
}

/// Changes the own password; all other sessions end.
pub async fn change_password(change: &PasswordChange) -> Result<(), ApiError> {
    RequestBuilder::new("PUT", "/api/accounts/me/password").json(change).done().await
}

/// Types the password once more.
pub async fn prove_password(proof: &PasswordProof) -> Result<(), ApiError> {
    RequestBuilder::new("POST", "/api/session/proof").json(proof).done().await
}

/// Where something of an account is, or of your own.
fn place(of: Option<AccountId>, rest: &str) -> String {
    match of {
        None => format!("/api/accounts/me/{rest}"),
        Some(id) => format!("/api/admin/accounts/{id}/{rest}"),
    }
}

/// The sessions of an account, or your own.
pub async fn sessions(of: Option<AccountId>) -> Result<SessionList, ApiError> {
    RequestBuilder::get(place(of, "sessions")).answer().await
}

/// Ends one of them.
pub async fn end_session(of: Option<AccountId>, id: CredentialId) -> Result<(), ApiError> {
    RequestBuilder::new("DELETE", place(of, &format!("sessions/{id}"))).done().await
}

/// The API tokens of an account, or your own.
pub async fn tokens(of: Option<AccountId>) -> Result<TokenList, ApiError> {
    RequestBuilder::get(place(of, "tokens")).answer().await
}

/// Creates an API token.
pub async fn create_token(token: &NewToken) -> Result<CreatedToken, ApiError> {
    RequestBuilder::new("POST", "/api/accounts/me/tokens").json(token).answer().await
}

/// Revokes a token of an account, or your own.
pub async fn revoke_token(of: Option<AccountId>, id: CredentialId) -> Result<(), ApiError> {
    RequestBuilder::new("DELETE", place(of, &format!("tokens/{id}"))).done().await
}

/// A page of the own reviews, whatever their status; of one product or of all.
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
