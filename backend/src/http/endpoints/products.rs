//! The public catalogue: products and their ratings.

use std::str::FromStr;

use actix_web::get;
use actix_web::web::Path;
use ostrakon_shared::{
    FieldErrorCode, FieldErrorParams, MAX_PRODUCTS_PER_BATCH, Product, ProductId, ProductPage,
    ProductRating, ProductRatingList, ValueError,
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::extract::list_params::{ListParams, PartialPageParams};
use crate::http::extract::query::{Params, check_search, from_text};
use crate::http::openapi::{
    InvalidId, InvalidParameter, InvalidProductRequest, NoSuchProduct, Unavailable,
};
use crate::http::response::cache::{CacheKey, PublicReader};
use crate::http::response::json::{EncodedJson, JsonWithEtag};
use crate::http::response::problem::ApiError;
use crate::store::{ProductQuery, Store};

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListProducts {
    /// Only products whose name or SKU contains all of these words, ignoring case and accents.
    #[serde(default)]
    #[param(required = false, max_length = 100, example = "bear")]
    search: String,
}

/// List products
///
/// Products are sorted by id; each has its rating.
#[utoipa::path(
    tag = "products",
    params(ListProducts, PartialPageParams),
    responses(
        (status = 200, description = "A page of products.", body = ProductPage,
            headers(("ETag" = String, description = "The version of the response."),
                    ("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidParameter, Unavailable
    )
)]
#[get("/api/products")]
pub async fn list_products(
    public: PublicReader,
    params: ListParams<ListProducts, PartialPageParams>,
) -> Result<EncodedJson, ApiError> {
    let ListProducts { search } = params.list;
    let PartialPageParams { limit, cursor, allow_partial } = params.page;
    check_search(&search)?;
    let query = ProductQuery { search, limit, cursor, allow_partial };
    let read = move |store: &Store| {
        let page = store.catalog().list(&query)?;
        Ok(JsonWithEtag::from(page))
    };
    public.read(read).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GetProduct {
    /// If a database with a part of the rating is down, return the product without its rating.
    #[serde(default)]
    #[param(required = false, default = false)]
    allow_partial: bool,
}

/// Get a product
///
/// Includes the rating.
#[utoipa::path(
    tag = "products",
    params(("id" = ProductId, Path, description = "The product's id."), GetProduct),
    responses(
        (status = 200, description = "The product.", body = Product,
            headers(("ETag" = String, description = "The version of the response."))),
        InvalidProductRequest, NoSuchProduct, Unavailable
    )
)]
#[get("/api/products/{id}")]
pub async fn get_product(
    public: PublicReader,
    id: Path<ProductId>,
    params: Params<GetProduct>,
) -> Result<EncodedJson, ApiError> {
    let (id, allow_partial) = (*id, params.0.allow_partial);
    let read = move |store: &Store| {
        let product = store.catalog().get(id, allow_partial)?;
        let partial = product.rating.is_none();
        Ok(JsonWithEtag::page(product, None, partial))
    };
    public.cached(CacheKey::Product(id), read).await
}

/// Get a product's rating
///
/// The number of reviews, the average, and the number of reviews per rating.
#[utoipa::path(
    tag = "products",
    params(("id" = ProductId, Path, description = "The product's id.")),
    responses(
        (status = 200, description = "The rating.", body = ProductRating,
            headers(("ETag" = String, description = "The version of the response."))),
        InvalidId, NoSuchProduct, Unavailable
    )
)]
#[get("/api/products/{id}/rating")]
pub async fn get_product_rating(
    public: PublicReader,
    id: Path<ProductId>,
) -> Result<EncodedJson, ApiError> {
    let id = *id;
    let read = move |store: &Store| store.catalog().rating(id).map(JsonWithEtag::new);
    public.cached(CacheKey::Rating(id), read).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListRatings {
    /// 1 to 100 comma-separated product ids.
    #[serde(deserialize_with = "from_text")]
    #[param(value_type = Vec<ProductId>, explode = false, style = Form, min_items = 1, max_items = 100, example = json!(["1", "2", "3"]))]
    product_ids: ProductIds,
}

struct ProductIds(Vec<ProductId>);

impl FromStr for ProductIds {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<ProductIds, ValueError> {
        let ids: Result<Vec<ProductId>, _> = text.split(',').map(str::parse).collect();
        let (ids, max) = (ids?, MAX_PRODUCTS_PER_BATCH);
        if ids.len() > max {
            let detail = format!("at most {max} products are allowed, not {}", ids.len());
            let error = ValueError::new(FieldErrorCode::TooLong, detail);
            return Err(error.with(FieldErrorParams::limit(max, ids.len())));
        }
        Ok(ProductIds(ids))
    }
}

/// Get the ratings of several products
///
/// Returns up to 100 ratings, for lists in a shop. Unknown products are left out.
#[utoipa::path(
    tag = "products",
    params(ListRatings),
    responses(
        (status = 200, description = "The ratings.", body = ProductRatingList,
            headers(("ETag" = String, description = "The version of the response."))),
        InvalidParameter, Unavailable
    )
)]
#[get("/api/ratings")]
pub async fn list_ratings(
    public: PublicReader,
    params: Params<ListRatings>,
) -> Result<EncodedJson, ApiError> {
    let ProductIds(ids) = params.0.product_ids;
    public.read(move |store| store.catalog().ratings(&ids).map(JsonWithEtag::new)).await
}
