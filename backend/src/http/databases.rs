//! The reviews databases.

use actix_web::get;
use actix_web::web::Data;
use ostrakon_shared::DatabaseList;

use super::blocking;
use super::error::ApiError;
use super::openapi::Unavailable;
use super::respond::Fresh;
use crate::store::Store;

/// List the reviews databases
///
/// What each holds, and its share of all reviews.
#[utoipa::path(
    tag = "operations",
    responses(
        (status = 200, description = "The databases.", body = DatabaseList,
            headers(("ETag" = String, description = "The version of this answer."))),
        Unavailable
    )
)]
#[get("/api/databases")]
pub async fn list_databases(store: Data<Store>) -> Result<Fresh<DatabaseList>, ApiError> {
    Ok(Fresh::new(blocking(store, Store::databases).await?))
}
