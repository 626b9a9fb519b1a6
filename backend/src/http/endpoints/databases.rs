//! The reviews databases, for admins: their state, and verifying them.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use ostrakon_shared::{DatabaseList, Verification};

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::Admin;
use crate::http::openapi::{NoSuchDatabase, NotAllowed, Unavailable, VerifyRunning};
use crate::http::response::json::JsonWithEtag;
use crate::http::response::problem::ApiError;
use crate::store::Context;

/// List the reviews databases
///
/// Returns the engine, health, number and share of reviews, and last verification of each database.
#[utoipa::path(
    tag = "admin",
    responses(
        (status = 200, description = "The databases.", body = DatabaseList,
            headers(("ETag" = String, description = "The version of the response."))),
        NotAllowed, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/databases")]
pub async fn list_databases(
    store: RequestStore,
    _: Admin,
) -> Result<JsonWithEtag<DatabaseList>, ApiError> {
    Ok(JsonWithEtag::new(run_blocking(store, |store| store.cluster().databases()).await?).private())
}

/// Verify a reviews database
///
/// Starts a verification, which recounts all ratings and checks the bucket and database of each
/// row. The list of databases shows its progress and result.
#[utoipa::path(
    tag = "admin",
    params(("name" = String, Path, description = "The database's name.", example = "reviews-2")),
    responses(
        (status = 202, description = "Started.", body = Verification),
        NotAllowed, NoSuchDatabase, VerifyRunning, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[post("/api/databases/{name}/verification")]
pub async fn verify_database(
    store: RequestStore,
    _: Admin,
    name: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let index = store.cluster().database_index(&name)?;
    let begun = store.cluster().begin_verification(index)?;
    // The request doesn't wait for it: the list of databases shows its progress.
    let store = store.with(Context::default());
    drop(actix_web::rt::task::spawn_blocking(move || store.cluster().run_verification(index)));
    Ok(HttpResponse::Accepted().json(begun))
}
