//! For admins: searching all reviews, and the overview.

use actix_web::get;
use actix_web::web::Path;
use ostrakon_shared::{
    AccountId, AdminReviewDetail, AdminReviewPage, Overview, ProductId, Rating, ReviewId,
    ReviewStatus,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::Admin;
use crate::http::extract::list_params::{ListParams, PartialPageParams};
use crate::http::extract::query::{check_search, from_optional_text};
use crate::http::openapi::{
    InvalidId, InvalidParameter, NoSuchDatabase, NoSuchReview, NotAllowed, Unavailable,
};
use crate::http::response::json::JsonWithEtag;
use crate::http::response::problem::ApiError;
use crate::store::AdminReviewQuery;

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAllReviews {
    /// Only reviews in this database.
    #[param(example = "reviews-2")]
    database: Option<String>,
    /// Only reviews of this product.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<ProductId>)]
    product_id: Option<ProductId>,
    /// Only reviews by this account.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<AccountId>)]
    author_id: Option<AccountId>,
    /// Only reviews with this rating.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 5)]
    rating: Option<Rating>,
    /// Only reviews with this status.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<ReviewStatus>, inline)]
    status: Option<ReviewStatus>,
    /// Only reviews whose text or author's name contain all of these words, ignoring the case of
    /// ASCII letters. The id of a review, as text or as the number in the database, finds that
    /// review.
    #[serde(default)]
    #[param(required = false, max_length = 100, example = "bear")]
    search: String,
}

/// List all reviews
///
/// Includes reviews of any product and status. The newest review comes first.
#[utoipa::path(
    tag = "admin",
    params(ListAllReviews, PartialPageParams),
    responses(
        (status = 200, description = "A page of reviews.", body = AdminReviewPage,
            headers(("ETag" = String, description = "The version of the response."),
                    ("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidParameter, NotAllowed, NoSuchDatabase, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/admin/reviews")]
pub async fn list_all_reviews(
    store: RequestStore,
    _: Admin,
    params: ListParams<ListAllReviews, PartialPageParams>,
) -> Result<JsonWithEtag<AdminReviewPage>, ApiError> {
    let ListParams { list, page } = params;
    check_search(&list.search)?;
    let query = AdminReviewQuery {
        database: list.database,
        product: list.product_id,
        author: list.author_id,
        rating: list.rating,
        status: list.status,
        search: list.search,
        limit: page.limit,
        cursor: page.cursor,
        allow_partial: page.allow_partial,
    };
    let page = run_blocking(store, move |store| store.reviews().list_all(&query)).await?;
    Ok(JsonWithEtag::from(page).private())
}

/// Get a review with its reports and history
///
/// Includes reviews of any status, and where the review is stored.
#[utoipa::path(
    tag = "admin",
    params(("id" = ReviewId, Path, description = "The review's id.")),
    responses(
        (status = 200, description = "The review.", body = AdminReviewDetail,
            headers(("ETag" = String, description = "The version of the response."))),
        InvalidId, NotAllowed, NoSuchReview, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/admin/reviews/{id}")]
pub async fn get_review_detail(
    store: RequestStore,
    _: Admin,
    id: Path<ReviewId>,
) -> Result<JsonWithEtag<AdminReviewDetail>, ApiError> {
    Ok(JsonWithEtag::new(run_blocking(store, move |store| store.reviews().detail(*id)).await?)
        .private())
}

/// Get the overview
///
/// Reviews per day, the size of the moderation queue, and the reviews databases.
#[utoipa::path(
    tag = "admin",
    responses(
        (status = 200, description = "The overview.", body = Overview,
            headers(("ETag" = String, description = "The version of the response."))),
        NotAllowed, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/admin/overview")]
pub async fn get_overview(
    store: RequestStore,
    _: Admin,
) -> Result<JsonWithEtag<Overview>, ApiError> {
    Ok(JsonWithEtag::new(run_blocking(store, |store| store.cluster().overview()).await?).private())
}
