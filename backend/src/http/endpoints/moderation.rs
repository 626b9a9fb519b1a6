//! The moderation queue, decisions, and undoing them.

use actix_web::web::Json;
use actix_web::{get, post};
use ostrakon_shared::{DecisionResultList, NewDecisions, QueuePage, UndoDecisions};

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::Moderator;
use crate::http::extract::body::Body;
use crate::http::extract::list_params::{ListParams, NoFilter, PartialPageParams};
use crate::http::openapi::{InvalidEdit, InvalidParameter, NotAllowed, Unavailable};
use crate::http::response::json::JsonWithEtag;
use crate::http::response::problem::ApiError;
use crate::store::QueueQuery;

/// List the moderation queue
///
/// Pending and reported reviews, the oldest first. They have no ratings, so that decisions don't
/// depend on them.
#[utoipa::path(
    tag = "moderation",
    params(PartialPageParams),
    responses(
        (status = 200, description = "A page of the queue.", body = QueuePage,
            headers(("ETag" = String, description = "The version of the response."),
                    ("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidParameter, NotAllowed, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[get("/api/moderation/queue")]
pub async fn list_queue(
    store: RequestStore,
    _: Moderator,
    params: ListParams<NoFilter, PartialPageParams>,
) -> Result<JsonWithEtag<QueuePage>, ApiError> {
    let PartialPageParams { limit, cursor, allow_partial } = params.page;
    let query = QueueQuery { limit, cursor, allow_partial };
    let page = run_blocking(store, move |store| store.reviews().queue(&query)).await?;
    let (next, partial) = (page.next_cursor.clone(), !page.missing_databases.is_empty());
    Ok(JsonWithEtag::page(page, next, partial).private())
}

/// Decide about reviews
///
/// Applies one decision to up to 100 reviews, each in its own transaction. A review that has
/// changed since the given version stays as it is; its result says so.
#[utoipa::path(
    tag = "moderation",
    request_body(content = NewDecisions, description = "The decision."),
    responses(
        (status = 200, description = "The result for each review.", body = DecisionResultList),
        InvalidEdit, NotAllowed, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[post("/api/moderation/decisions")]
pub async fn decide(
    store: RequestStore,
    moderator: Moderator,
    decisions: Body<NewDecisions>,
) -> Result<Json<DecisionResultList>, ApiError> {
    let (Moderator(moderator), Body(decisions)) = (moderator, decisions);
    Ok(Json(
        run_blocking(store, move |store| store.reviews().decide(&moderator, &decisions)).await?,
    ))
}

/// Undo decisions
///
/// Restores the status of each review before its last decision, and reopens the reports that the
/// decision closed.
#[utoipa::path(
    tag = "moderation",
    request_body(content = UndoDecisions, description = "The reviews."),
    responses(
        (status = 200, description = "The result for each review.", body = DecisionResultList),
        InvalidEdit, NotAllowed, Unavailable
    ),
    security(("session" = []), ("token" = []))
)]
#[post("/api/moderation/undo")]
pub async fn undo_decisions(
    store: RequestStore,
    moderator: Moderator,
    undo: Body<UndoDecisions>,
) -> Result<Json<DecisionResultList>, ApiError> {
    let (Moderator(moderator), Body(undo)) = (moderator, undo);
    Ok(Json(run_blocking(store, move |store| store.reviews().undo(&moderator, &undo)).await?))
}
