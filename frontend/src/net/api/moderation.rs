//! Endpoints for moderators.

use ostrakon_shared::{DecisionResultList, NewDecisions, QueuePage, UndoDecisions};
use reqwest::Method;

use crate::net::http::{ApiError, RequestBuilder};

/// The number of reviews on a page of the queue; at most `MAX_DECISIONS`.
const QUEUE_PER_PAGE: u32 = 20;

/// A page of the queue.
pub async fn queue(cursor: Option<&str>) -> Result<QueuePage, ApiError> {
    RequestBuilder::get("/api/moderation/queue").page(QUEUE_PER_PAGE, cursor).answer().await
}

/// Decides about some reviews.
pub async fn decide(decisions: &NewDecisions) -> Result<DecisionResultList, ApiError> {
    RequestBuilder::new(Method::POST, "/api/moderation/decisions").json(decisions).answer().await
}

/// Undoes decisions.
pub async fn undo_decisions(undo: &UndoDecisions) -> Result<DecisionResultList, ApiError> {
    RequestBuilder::new(Method::POST, "/api/moderation/undo").json(undo).answer().await
}
