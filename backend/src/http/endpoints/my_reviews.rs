//! The reviews of the signed-in account.

use actix_web::get;
use ostrakon_shared::{ProductId, ReviewPage};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::Member;
use crate::http::extract::list_params::{ListParams, PartialPageParams};
use crate::http::extract::query::from_optional_text;
use crate::http::openapi::{InvalidParameter, NotSignedIn, Unavailable};
use crate::http::response::json::JsonWithEtag;
use crate::http::response::problem::ApiError;
use crate::store::OwnReviewQuery;

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListOwnReviews {
    /// Only the review of this product.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<ProductId>)]
    product_id: Option<ProductId>,
}

/// List your reviews
///
/// Includes reviews of any status except deleted ones. The newest review comes first.
#[utoipa::path(
    tag = "accounts",
    params(ListOwnReviews, PartialPageParams),
    responses(
        (status = 200, description = "A page of reviews.", body = ReviewPage,
            headers(("ETag" = String, description = "The version of the response."),
                    ("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidParameter, NotSignedIn, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/accounts/me/reviews")]
pub async fn list_own_reviews(
    store: RequestStore,
    author: Member,
    params: ListParams<ListOwnReviews, PartialPageParams>,
) -> Result<JsonWithEtag<ReviewPage>, ApiError> {
    let ListOwnReviews { product_id } = params.list;
    let PartialPageParams { limit, cursor, allow_partial } = params.page;
    let query = OwnReviewQuery { product: product_id, limit, cursor, allow_partial };
    let page =
        run_blocking(store, move |store| store.reviews().list_own(&author.0, &query)).await?;
    Ok(JsonWithEtag::from(page).private())
}
