//! The status of a review.

use leptos::prelude::*;
use ostrakon_shared::ReviewStatus;

/// The label of a status.
pub fn status_label(status: ReviewStatus) -> &'static str {
    match status {
        ReviewStatus::Pending => "Pending",
        ReviewStatus::Approved => "Published",
        ReviewStatus::Rejected => "Rejected",
        ReviewStatus::Spam => "Spam",
        ReviewStatus::Deleted => "Deleted",
        ReviewStatus::Unknown => "Unknown",
    }
}

/// The label with a colour.
pub fn status_chip(status: ReviewStatus) -> AnyView {
    view! { <span class=format!("status status-{status}")>{status_label(status)}</span> }.into_any()
}
