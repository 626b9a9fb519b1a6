//! Rebalances: moving buckets between the reviews databases.

use actix_web::web::{Json, Path};
use actix_web::{HttpResponse, get, post};
use ostrakon_shared::{
    NewRebalance, Rebalance, RebalanceAction, RebalanceChange, RebalanceList, RebalanceState,
};

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::Admin;
use crate::http::extract::body::Body;
use crate::http::openapi::{InvalidBody, NoRebalance, NotAllowed, RebalanceRefused, Unavailable};
use crate::http::response::json::JsonWithEtag;
use crate::http::response::problem::ApiError;
use crate::store::{Goal, StoreError};

/// List rebalances
///
/// Returns the last 20 rebalances, the newest first, and the current owner of each bucket.
#[utoipa::path(
    tag = "admin",
    responses(
        (status = 200, description = "The rebalances.", body = RebalanceList,
            headers(("ETag" = String, description = "The version of the response."))),
        NotAllowed, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/admin/rebalances")]
pub async fn list_rebalances(
    store: RequestStore,
    _: Admin,
) -> Result<JsonWithEtag<RebalanceList>, ApiError> {
    let list = run_blocking(store, |store| store.cluster().rebalances()).await?;
    Ok(JsonWithEtag::new(list).private())
}

/// Plan a rebalance
///
/// Stores which buckets would move, and replaces a plan that has not been started. Moves no
/// buckets.
#[utoipa::path(
    tag = "admin",
    request_body(content = NewRebalance, description = "The goal of the plan."),
    responses(
        (status = 201, description = "Planned.", body = Rebalance),
        InvalidBody, NotAllowed, RebalanceRefused, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[post("/api/admin/rebalances")]
pub async fn plan_rebalance(
    store: RequestStore,
    _: Admin,
    wanted: Body<NewRebalance>,
) -> Result<HttpResponse, ApiError> {
    let Body(wanted) = wanted;
    let errors = wanted.validate();
    if !errors.is_empty() {
        return Err(ApiError::fields(errors));
    }
    let goal = match (wanted.to_databases, wanted.drain) {
        (Some(number), _) => Goal::ToDatabases(number.unsigned_abs()),
        (None, Some(name)) => Goal::Drain(name),
        (None, None) => Goal::Even,
    };
    let planned = run_blocking(store, move |store| {
        let plan = store.cluster().plan_rebalance(&goal)?;
        if plan.moves.is_empty() {
            return Err(StoreError::RebalanceState("nothing has to move".to_owned()));
        }
        store.cluster().rebalance()
    });
    Ok(HttpResponse::Created().json(planned.await?))
}

/// Change a rebalance
///
/// Starts, pauses, resumes, throttles or aborts a rebalance that has not ended.
#[utoipa::path(
    tag = "admin",
    params(("id" = i64, Path, description = "The rebalance's number.", example = 1)),
    request_body(content = RebalanceChange, description = "The change."),
    responses(
        (status = 200, description = "Changed.", body = Rebalance),
        InvalidBody, NotAllowed, NoRebalance, RebalanceRefused, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[post("/api/admin/rebalances/{id}/changes")]
pub async fn change_rebalance(
    store: RequestStore,
    admin: Admin,
    id: Path<i64>,
    change: Body<RebalanceChange>,
) -> Result<Json<Rebalance>, ApiError> {
    let (Admin(source), id, Body(change)) = (admin, id.into_inner(), change);
    let errors = change.validate();
    if !errors.is_empty() {
        return Err(ApiError::fields(errors));
    }
    let (action, max_rate) = (change.action, change.max_rate.map(i32::unsigned_abs));
    let changed = run_blocking(store, move |store| {
        let cluster = store.cluster();
        let before = cluster.rebalance()?;
        if before.id != id {
            return Err(StoreError::NoRebalance);
        }
        match action {
            RebalanceAction::Start => cluster.start_rebalance(&source, max_rate)?,
            RebalanceAction::Pause => cluster.pause_rebalance(&source)?,
            RebalanceAction::Resume => cluster.resume_rebalance(&source)?,
            RebalanceAction::Throttle => cluster.throttle_rebalance(&source, max_rate)?,
            RebalanceAction::Abort => cluster.abort_rebalance(&source)?,
        }
        match cluster.rebalance() {
            Ok(after) if after.id == id => Ok(after),
            // Aborting a plan deletes it.
            _ => Ok(Rebalance { state: RebalanceState::Aborted, next_steps: Vec::new(), ..before }),
        }
    });
    Ok(Json(changed.await?))
}
