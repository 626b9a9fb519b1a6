//! Endpoints for admins.

use ostrakon_shared::{
    Account, AccountEdit, AccountId, AccountPage, AdminProduct, AdminProductPage,
    AdminReviewDetail, AdminReviewPage, AuditPage, DatabaseList, NewProduct, NewRebalance,
    Overview, ProblemCode, ProductEdit, ProductId, Rebalance, RebalanceChange, RebalanceList,
    ReviewId, Verification,
};
use reqwest::Method;

use crate::net::http::{ApiError, RequestBuilder};

/// The number of rows on a page of a table.
const ROWS_PER_PAGE: u32 = 50;

/// The figures of the overview.
pub async fn overview() -> Result<Overview, ApiError> {
    RequestBuilder::get("/api/admin/overview").answer().await
}

/// A page of all reviews that match the filter's query parameters.
pub async fn all_reviews(
    filter: &[(&'static str, String)],
    cursor: Option<&str>,
) -> Result<AdminReviewPage, ApiError> {
    let mut call = RequestBuilder::get("/api/admin/reviews");
    for (name, value) in filter {
        call = call.with(name, value);
    }
    call.page(ROWS_PER_PAGE, cursor).answer().await
}

/// A review with its reports and history, if it exists.
pub async fn review_detail(id: ReviewId) -> Result<Option<AdminReviewDetail>, ApiError> {
    let detail = RequestBuilder::get(format!("/api/admin/reviews/{id}")).answer().await;
    crate::net::api::found(detail, ProblemCode::ReviewNotFound)
}

/// A page of all products, including archived ones.
pub async fn all_products(
    search: &str,
    cursor: Option<&str>,
) -> Result<AdminProductPage, ApiError> {
    rows("/api/admin/products", search, cursor).answer().await
}

/// The current product.
pub async fn product_detail(id: ProductId) -> Result<AdminProduct, ApiError> {
    RequestBuilder::get(format!("/api/admin/products/{id}")).answer().await
}

/// Creates a product.
pub async fn create_product(product: &NewProduct) -> Result<AdminProduct, ApiError> {
    RequestBuilder::new(Method::POST, "/api/admin/products").json(product).answer().await
}

/// Edits a product, if it still has this version.
pub async fn edit_product(
    id: ProductId,
    version: i32,
    edit: &ProductEdit,
) -> Result<AdminProduct, ApiError> {
    let call = RequestBuilder::new(Method::PATCH, format!("/api/admin/products/{id}"));
    call.if_match(version).json(edit).answer().await
}

/// A page of the audit trail, for one action and one account unless these are empty.
pub async fn audit(
    action: &str,
    account: &str,
    cursor: Option<&str>,
) -> Result<AuditPage, ApiError> {
    let call = rows("/api/admin/audit", "", cursor);
    call.with("action", action).with("account_id", account).answer().await
}

/// A page of the accounts.
pub async fn accounts(search: &str, cursor: Option<&str>) -> Result<AccountPage, ApiError> {
    rows("/api/admin/accounts", search, cursor).answer().await
}

/// The account, if it exists.
pub async fn account(id: AccountId) -> Result<Option<Account>, ApiError> {
    let account = RequestBuilder::get(format!("/api/admin/accounts/{id}")).answer().await;
    crate::net::api::found(account, ProblemCode::AccountNotFound)
}

/// Ends all sessions and API tokens of an account.
pub async fn revoke_all_credentials(id: AccountId) -> Result<(), ApiError> {
    RequestBuilder::new(Method::DELETE, format!("/api/admin/accounts/{id}/credentials"))
        .done()
        .await
}

/// Changes an account.
pub async fn edit_account(id: AccountId, edit: &AccountEdit) -> Result<Account, ApiError> {
    RequestBuilder::new(Method::PATCH, format!("/api/admin/accounts/{id}"))
        .json(edit)
        .answer()
        .await
}

/// All reviews databases.
pub async fn databases() -> Result<DatabaseList, ApiError> {
    RequestBuilder::get("/api/databases").answer().await
}

/// Starts the verification of a database.
pub async fn verify_database(name: &str) -> Result<Verification, ApiError> {
    RequestBuilder::new(Method::POST, format!("/api/databases/{name}/verification")).answer().await
}

/// The last rebalances, and the owner of each bucket.
pub async fn rebalances() -> Result<RebalanceList, ApiError> {
    RequestBuilder::get("/api/admin/rebalances").answer().await
}

/// Plans a rebalance.
pub async fn plan_rebalance(goal: &NewRebalance) -> Result<Rebalance, ApiError> {
    RequestBuilder::new(Method::POST, "/api/admin/rebalances").json(goal).answer().await
}

/// Starts, pauses, resumes, throttles or aborts a rebalance.
pub async fn change_rebalance(id: i64, change: &RebalanceChange) -> Result<Rebalance, ApiError> {
    RequestBuilder::new(Method::POST, format!("/api/admin/rebalances/{id}/changes"))
        .json(change)
        .answer()
        .await
}

/// A page of a list from the `default` database. Such a list is never partial.
fn rows(path: &str, search: &str, cursor: Option<&str>) -> RequestBuilder {
    RequestBuilder::get(path)
        .with("search", search)
        .with("limit", &ROWS_PER_PAGE.to_string())
        .with("cursor", cursor.unwrap_or_default())
}
