//! Is the process alive, and can it do its work?

use actix_web::web::Json;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::openapi::Unavailable;
use super::threads::blocking;
use crate::store::{Store, StoreError};

/// A service that is well.
#[derive(Serialize, ToSchema)]
struct Status {
    /// Always `ok`: anything else is a problem.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Status = Status { status: "ok" };

/// Is the process alive?
///
/// For whoever restarts it otherwise. It asks no database.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "It is.", body = Status))
)]
#[get("/healthz")]
pub async fn get_health() -> Json<Status> {
    Json(OK)
}

/// Does every database answer?
///
/// For whoever sends requests here, or elsewhere.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "They do.", body = Status), Unavailable)
)]
#[get("/readyz")]
pub async fn get_readiness(store: Store) -> Result<HttpResponse, ApiError> {
    let ready = |store: &Store| match store.down() {
        down if down.is_empty() => Ok(()),
        down => Err(StoreError::Unavailable(down)),
    };
    blocking(store, ready).await?;
    Ok(HttpResponse::Ok().json(OK))
}
