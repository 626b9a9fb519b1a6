//! Reviews: reading and writing them.

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use ostrakon_shared::{
    NewReview, PageLimit, ProductId, Rating, Review, ReviewId, ReviewLocation, ReviewPage,
    ReviewSort,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::blocking;
use super::error::ApiError;
use super::extract::{Body, IdempotencyKey, Params, from_optional_text, from_text};
use super::openapi::{
    InvalidId, InvalidList, InvalidReview, NoSuchProduct, NoSuchReview, Unavailable,
};
use super::respond::Fresh;
use crate::store::{ReviewQuery, Store};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListReviews {
    /// The order, `newest` unless given. Reviews with the same rating come newest first, those
    /// without a rating last.
    #[serde(default)]
    #[param(inline, required = false)]
    sort: ReviewSort,
    /// Only reviews with this rating.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 5)]
    rating: Option<Rating>,
    /// Reviews on the page at most.
    #[serde(default, deserialize_with = "from_text")]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 20)]
    limit: PageLimit,
    /// Where the page starts: `next_cursor` of the page before.
    cursor: Option<String>,
    /// Answer without the reviews that are in databases that are down, rather than not at all.
    #[serde(default)]
    #[param(required = false, default = false)]
    allow_partial: bool,
}

/// List a product's reviews
///
/// A page may hold fewer reviews than `limit`, even none, while others are being written; the
/// list ends where `next_cursor` is null.
#[utoipa::path(
    tag = "reviews",
    params(("id" = ProductId, Path, description = "The product's id."), ListReviews),
    responses(
        (status = 200, description = "A page of reviews.", body = ReviewPage,
            headers(("ETag" = String, description = "The version of this answer."),
                    ("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidList, NoSuchProduct, Unavailable
    )
)]
#[get("/api/products/{id}/reviews")]
pub async fn list_product_reviews(
    store: Data<Store>,
    id: Path<ProductId>,
    params: Params<ListReviews>,
) -> Result<Fresh<ReviewPage>, ApiError> {
    let ListReviews { sort, rating, limit, cursor, allow_partial } = params.0;
    let query = ReviewQuery { sort, rating, limit, cursor, allow_partial };
    let page = blocking(store, move |store| store.list_reviews(*id, &query)).await?;
    let (next, partial) = (page.next_cursor.clone(), !page.missing_databases.is_empty());
    Ok(Fresh::page(page, next, partial))
}

/// Review a product
///
/// The review is in every list from the moment it is answered. A request that may be repeated
/// carries an `Idempotency-Key`: the same key and review answer with the same review.
#[utoipa::path(
    tag = "reviews",
    params(
        ("id" = ProductId, Path, description = "The product's id."),
        ("Idempotency-Key" = Option<String>, Header,
            description = "1 to 255 visible ASCII characters, for this product and review alone.",
            max_length = 255, example = "0e7c1d9c-6a3f-4a53-9f0e-8f5c6f1b2a77")
    ),
    request_body(content = NewReview, description = "The review. At most 64 KiB."),
    responses(
        (status = 201, description = "The review.", body = Review,
            headers(("Location" = String, description = "The path of the review."),
                    ("Idempotency-Replayed" = Option<bool>, description = "`true` when an earlier request with this key made it."))),
        InvalidReview, NoSuchProduct, Unavailable
    )
)]
#[post("/api/products/{id}/reviews")]
pub async fn create_review(
    store: Data<Store>,
    id: Path<ProductId>,
    key: IdempotencyKey,
    review: Body<NewReview>,
) -> Result<HttpResponse, ApiError> {
    let (IdempotencyKey(key), Body(review)) = (key, review);
    let created =
        blocking(store, move |store| store.create_review(*id, &review, key.as_deref())).await?;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/api/reviews/{}", created.review.id)));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if created.replayed {
        response.insert_header(("Idempotency-Replayed", "true"));
    }
    Ok(response.json(created.review))
}

/// Get a review
///
/// The review as it stands in lists.
#[utoipa::path(
    tag = "reviews",
    params(("id" = ReviewId, Path, description = "The review's id.")),
    responses(
        (status = 200, description = "The review.", body = Review,
            headers(("ETag" = String, description = "The version of this answer."))),
        InvalidId, NoSuchReview, Unavailable
    )
)]
#[get("/api/reviews/{id}")]
pub async fn get_review(store: Data<Store>, id: Path<ReviewId>) -> Result<Fresh<Review>, ApiError> {
    Ok(Fresh::new(blocking(store, move |store| store.review(*id)).await?))
}

/// Get where a review lives
///
/// The bucket that the hash of its id puts it in, and the database that owns this bucket now.
#[utoipa::path(
    tag = "reviews",
    params(("id" = ReviewId, Path, description = "The review's id.")),
    responses(
        (status = 200, description = "The place.", body = ReviewLocation,
            headers(("ETag" = String, description = "The version of this answer."))),
        InvalidId, NoSuchReview, Unavailable
    )
)]
#[get("/api/reviews/{id}/location")]
pub async fn get_review_location(
    store: Data<Store>,
    id: Path<ReviewId>,
) -> Result<Fresh<ReviewLocation>, ApiError> {
    Ok(Fresh::new(blocking(store, move |store| store.review_location(*id)).await?))
}
