//! Products, for admins: list all, create, edit, archive.

use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch, post};
use ostrakon_shared::{AdminProduct, AdminProductPage, NewProduct, ProductEdit, ProductId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::Admin;
use crate::http::extract::body::Body;
use crate::http::extract::if_match::IfMatch;
use crate::http::extract::list_params::{ListParams, PageParams};
use crate::http::extract::query::check_search;
use crate::http::openapi::{
    InvalidChange, InvalidEdit, InvalidId, InvalidParameter, NoSuchProduct, NotAllowed, SkuTaken,
    Unavailable, VersionConflict, VersionMissing,
};
use crate::http::response::json::{JsonWithEtag, version_tag};
use crate::http::response::problem::ApiError;
use crate::store::{AdminProductQuery, Store};

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAllProducts {
    /// Only products whose name or SKU contains all of these words, ignoring case and accents.
    #[serde(default)]
    #[param(required = false, max_length = 100, example = "bear")]
    search: String,
    /// Only archived products (`true`), or only those in the catalogue (`false`).
    archived: Option<bool>,
}

/// List all products
///
/// Includes archived products. Products are sorted by id.
#[utoipa::path(
    tag = "admin",
    params(ListAllProducts, PageParams),
    responses(
        (status = 200, description = "A page of products.", body = AdminProductPage,
            headers(("ETag" = String, description = "The version of the response."),
                    ("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidParameter, NotAllowed, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/admin/products")]
pub async fn list_all_products(
    store: RequestStore,
    _: Admin,
    params: ListParams<ListAllProducts>,
) -> Result<JsonWithEtag<AdminProductPage>, ApiError> {
    let ListAllProducts { search, archived } = params.list;
    let PageParams { limit, cursor } = params.page;
    check_search(&search)?;
    let query = AdminProductQuery { search, archived, limit, cursor };
    let page = run_blocking(store, move |store| store.catalog().list_all(&query)).await?;
    Ok(JsonWithEtag::from(page).private())
}

/// Create a product
///
/// The product appears in the catalogue at once.
#[utoipa::path(
    tag = "admin",
    request_body(content = NewProduct, description = "The product."),
    responses(
        (status = 201, description = "The product.", body = AdminProduct,
            headers(("Location" = String, description = "The path of the product."),
                    ("ETag" = String, description = "The version, for `If-Match`."))),
        InvalidEdit, NotAllowed, SkuTaken, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[post("/api/admin/products")]
pub async fn create_product(
    store: RequestStore,
    admin: Admin,
    product: Body<NewProduct>,
) -> Result<HttpResponse, ApiError> {
    let Body(product) = product;
    let product =
        run_blocking(store, move |store| store.catalog().create(&admin.0, &product)).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/admin/products/{}", product.id)))
        .insert_header((header::ETAG, version_tag(product.version).to_string()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(product))
}

/// Get a product to edit
///
/// The ETag is the version that a change needs.
#[utoipa::path(
    tag = "admin",
    params(("id" = ProductId, Path, description = "The product's id.")),
    responses(
        (status = 200, description = "The product.", body = AdminProduct,
            headers(("ETag" = String, description = "The version, for `If-Match`."))),
        InvalidId, NotAllowed, NoSuchProduct, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/admin/products/{id}")]
pub async fn get_product_detail(
    store: RequestStore,
    _: Admin,
    id: Path<ProductId>,
) -> Result<JsonWithEtag<AdminProduct>, ApiError> {
    let product = run_blocking(store, move |store| store.catalog().detail(*id)).await?;
    let version = product.version;
    Ok(JsonWithEtag::versioned(product, version).private())
}

/// Edit or archive a product
///
/// Omitted fields stay, null removes them (RFC 7396). Products can be archived but not deleted,
/// because their reviews stay.
#[utoipa::path(
    tag = "admin",
    params(
        ("id" = ProductId, Path, description = "The product's id."),
        ("If-Match" = String, Header, description = "The product's ETag.", example = "\"1\"")
    ),
    request_body(content((ProductEdit = "application/json"), (ProductEdit = "application/merge-patch+json")), description = "The change."),
    responses(
        (status = 200, description = "The changed product.", body = AdminProduct,
            headers(("ETag" = String, description = "The version, for `If-Match`."))),
        InvalidChange, NotAllowed, NoSuchProduct, SkuTaken, VersionConflict, VersionMissing, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[patch("/api/admin/products/{id}")]
pub async fn edit_product(
    store: RequestStore,
    admin: Admin,
    id: Path<ProductId>,
    version: IfMatch,
    edit: Body<ProductEdit>,
) -> Result<HttpResponse, ApiError> {
    let (version, Body(edit)) = (version.required()?, edit);
    let edit = move |store: &Store| store.catalog().edit(&admin.0, *id, &version, &edit);
    let product = run_blocking(store, edit).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, version_tag(product.version).to_string()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(product))
}
