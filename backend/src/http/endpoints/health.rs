//! Liveness and readiness probes.

use actix_web::web::Json;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::blocking::{RequestStore, run_unlimited};
use crate::http::openapi::Unavailable;
use crate::http::response::problem::ApiError;

/// A healthy service.
#[derive(Serialize, ToSchema)]
struct Status {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Status = Status { status: "ok" };

/// Check liveness
///
/// Liveness probe; queries no database.
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "Alive.", body = Status))
)]
#[get("/healthz")]
pub async fn get_health() -> Json<Status> {
    Json(OK)
}

/// Check readiness
///
/// Readiness probe: all databases answer, are writable and have disk space (otherwise
/// `storage_full`).
#[utoipa::path(
    tag = "operations",
    responses((status = 200, description = "Ready.", body = Status), Unavailable)
)]
#[get("/readyz")]
pub async fn get_readiness(store: RequestStore) -> Result<HttpResponse, ApiError> {
    run_unlimited(store, |store| store.cluster().readiness()).await?;
    Ok(HttpResponse::Ok().json(OK))
}
