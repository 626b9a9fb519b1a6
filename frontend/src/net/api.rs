//! The API's endpoints, one function each.

mod account;
mod admin;
mod moderation;

use ostrakon_shared::preloaded::{PRODUCTS_PER_PAGE, REVIEWS_PER_PAGE};
use ostrakon_shared::{
    NewReport, NewReview, ProblemCode, Product, ProductId, ProductPage, ProductRating, Review,
    ReviewEdit, ReviewId, ReviewLocation, ReviewPage,
};
use reqwest::Method;

pub use account::*;
pub use admin::*;
pub use moderation::*;

use crate::net::http::{ApiError, RequestBuilder};
use crate::routing::review_query::ReviewQuery;

/// A page of the products whose name holds `search`.
pub async fn products(search: &str, cursor: Option<&str>) -> Result<ProductPage, ApiError> {
    RequestBuilder::get("/api/products")
        .with("search", search)
        .page(PRODUCTS_PER_PAGE, cursor)
        .answer()
        .await
}

/// The product, if it exists; without its rating while a database with its reviews is down.
pub async fn product(id: ProductId) -> Result<Option<Product>, ApiError> {
    let call = RequestBuilder::get(format!("/api/products/{id}")).with("allow_partial", "true");
    found(call.answer().await, ProblemCode::ProductNotFound)
}

/// The product's rating.
pub async fn rating(id: ProductId) -> Result<ProductRating, ApiError> {
    RequestBuilder::get(format!("/api/products/{id}/rating")).answer().await
}

/// A page of the product's reviews.
pub async fn reviews(
    id: ProductId,
    list: ReviewQuery,
    cursor: Option<&str>,
) -> Result<ReviewPage, ApiError> {
    let rating = list.rating.map(|rating| rating.stars().to_string()).unwrap_or_default();
    RequestBuilder::get(format!("/api/products/{id}/reviews"))
        .with("sort", list.sort.as_str())
        .with("rating", &rating)
        .page(REVIEWS_PER_PAGE, cursor)
        .answer()
        .await
}

/// Posts a review, once for each `idempotency_key`.
pub async fn post_review(
    id: ProductId,
    review: &NewReview,
    idempotency_key: String,
) -> Result<Review, ApiError> {
    RequestBuilder::new(Method::POST, format!("/api/products/{id}/reviews"))
        .header("Idempotency-Key", idempotency_key)
        .json(review)
        .answer()
        .await
}

/// The review, if it exists.
pub async fn review(id: ReviewId) -> Result<Option<Review>, ApiError> {
    let review = RequestBuilder::get(format!("/api/reviews/{id}")).answer().await;
    found(review, ProblemCode::ReviewNotFound)
}

/// The bucket and database of the review.
pub async fn location(id: ReviewId) -> Result<ReviewLocation, ApiError> {
    RequestBuilder::get(format!("/api/reviews/{id}/location")).answer().await
}

/// Edits the user's own review, if it still has this version.
pub async fn edit_review(
    id: ReviewId,
    version: i32,
    edit: &ReviewEdit,
) -> Result<Review, ApiError> {
    RequestBuilder::new(Method::PATCH, format!("/api/reviews/{id}"))
        .if_match(version)
        .json(edit)
        .answer()
        .await
}

/// Deletes the user's own review, if it still has this version.
pub async fn delete_review(id: ReviewId, version: i32) -> Result<(), ApiError> {
    RequestBuilder::new(Method::DELETE, format!("/api/reviews/{id}")).if_match(version).done().await
}

/// Reports a review to the moderators.
pub async fn report_review(id: ReviewId, report: &NewReport) -> Result<(), ApiError> {
    RequestBuilder::new(Method::POST, format!("/api/reviews/{id}/reports"))
        .json(report)
        .done()
        .await
}

/// Turns "not found" into `None`.
fn found<T>(answer: Result<T, ApiError>, not_found: ProblemCode) -> Result<Option<T>, ApiError> {
    match answer {
        Err(error) if error.code() == Some(not_found) => Ok(None),
        answer => answer.map(Some),
    }
}
