//! The reviews databases.

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
/// What each holds, its share of all reviews, and what its last verification found.
#[utoipa::path(
    tag = "admin",
    responses(
        (status = 200, description = "The databases.", body = DatabaseList,
            headers(("ETag" = String, description = "The version of this answer."))),
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
/// Recounts every rating and looks at every row for its place. This begins it; how far it has
/// come, and what it found, stands in the list of databases.
#[utoipa::path(
    tag = "admin",
    params(("name" = String, Path, description = "The database's name.", example = "reviews-2")),
    responses(
        (status = 202, description = "It has begun.", body = Verification),
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
    // Nobody waits for it: the list of databases shows how it goes.
    let store = store.with(Context::default());
    drop(actix_web::rt::task::spawn_blocking(move || store.cluster().run_verification(index)));
    Ok(HttpResponse::Accepted().json(begun))
}
