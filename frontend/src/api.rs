//! What the app asks the API, one function a request.

use std::fmt;

use leptos::prelude::window;
use ostrakon_shared::{
    NewReview, Problem, ProblemCode, Product, ProductId, ProductPage, ProductRating, Review,
    ReviewId, ReviewLocation, ReviewPage,
};
use reqwest::{Client, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::review_query::ReviewQuery;

/// Products on a page: full rows of two, three, four and six.
const PRODUCTS_PER_PAGE: u32 = 24;
/// Reviews on a page: enough to read, quick to load.
const REVIEWS_PER_PAGE: u32 = 10;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ApiError {
    /// The server refused, and said why.
    Refused(Box<Problem>),
    /// The server was not reached.
    Unreachable,
    /// The answer, of this status if it had one, is none of ours: a proxy's page, say.
    Unreadable(Option<u16>),
}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> ApiError {
        if error.is_decode() {
            ApiError::Unreadable(error.status().map(|status| status.as_u16()))
        } else {
            ApiError::Unreachable
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::Refused(problem) => f.write_str(&problem.detail),
            ApiError::Unreachable => f.write_str("The server can’t be reached."),
            ApiError::Unreadable(None) => f.write_str("The server’s answer can’t be read."),
            ApiError::Unreadable(Some(status)) => {
                write!(f, "The server’s answer, of status {status}, can’t be read.")
            }
        }
    }
}

/// A page of the products whose name holds `search`.
pub async fn products(search: &str, cursor: Option<&str>) -> Result<ProductPage, ApiError> {
    #[derive(Serialize)]
    struct Query<'a> {
        #[serde(skip_serializing_if = "str::is_empty")]
        search: &'a str,
        limit: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
        allow_partial: bool,
    }
    let query = Query { search, limit: PRODUCTS_PER_PAGE, cursor, allow_partial: true };
    answer(get("/api/products").query(&query)).await
}

/// The product, if there is one; without its rating when a database that knows it is down.
pub async fn product(id: ProductId) -> Result<Option<Product>, ApiError> {
    let request = get(&format!("/api/products/{id}")).query(&[("allow_partial", true)]);
    found(answer(request).await, ProblemCode::ProductNotFound)
}

/// How the product is rated.
pub async fn rating(id: ProductId) -> Result<ProductRating, ApiError> {
    answer(get(&format!("/api/products/{id}/rating"))).await
}

/// A page of the product's reviews.
pub async fn reviews(
    id: ProductId,
    list: ReviewQuery,
    cursor: Option<&str>,
) -> Result<ReviewPage, ApiError> {
    #[derive(Serialize)]
    struct Query<'a> {
        #[serde(flatten)]
        list: ReviewQuery,
        limit: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
        allow_partial: bool,
    }
    let query = Query { list, limit: REVIEWS_PER_PAGE, cursor, allow_partial: true };
    answer(get(&format!("/api/products/{id}/reviews")).query(&query)).await
}

/// Posts a review. Sent again with the same `idempotency_key`, it is not posted twice.
pub async fn post_review(
    id: ProductId,
    review: &NewReview,
    idempotency_key: &str,
) -> Result<Review, ApiError> {
    let request = Client::new()
        .post(absolute(&format!("/api/products/{id}/reviews")))
        .header("Idempotency-Key", idempotency_key)
        .json(review);
    answer(request).await
}

/// The review, if there is one.
pub async fn review(id: ReviewId) -> Result<Option<Review>, ApiError> {
    found(answer(get(&format!("/api/reviews/{id}"))).await, ProblemCode::ReviewNotFound)
}

/// Where the review lives.
pub async fn location(id: ReviewId) -> Result<ReviewLocation, ApiError> {
    answer(get(&format!("/api/reviews/{id}/location"))).await
}

fn get(path: &str) -> RequestBuilder {
    Client::new().get(absolute(path))
}

/// Requests need absolute addresses; ours are all at the origin that the app came from.
fn absolute(path: &str) -> String {
    format!("{}{path}", window().origin())
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ApiError> {
    let response = request.header("Accept", "application/json").send().await?;
    if response.status().is_success() {
        Ok(response.json().await?)
    } else {
        Err(refusal(response).await)
    }
}

/// That something does not exist is an answer like any other.
fn found<T>(answer: Result<T, ApiError>, not_found: ProblemCode) -> Result<Option<T>, ApiError> {
    match answer {
        Err(ApiError::Refused(problem)) if problem.code == not_found => Ok(None),
        answer => answer.map(Some),
    }
}

async fn refusal(response: Response) -> ApiError {
    let status = response.status().as_u16();
    match response.json().await {
        Ok(problem) => ApiError::Refused(Box::new(problem)),
        Err(_) => ApiError::Unreadable(Some(status)),
    }
}
