//! Where a review stands, in a word.

use leptos::prelude::*;
use ostrakon_shared::ReviewStatus;

/// The word for a status.
pub fn status_label(status: ReviewStatus) -> &'static str {
    match status {
        ReviewStatus::Pending => "Waiting",
        ReviewStatus::Approved => "Published",
        ReviewStatus::Rejected => "Rejected",
        ReviewStatus::Spam => "Spam",
        ReviewStatus::Deleted => "Deleted",
        ReviewStatus::Unknown => "Another status",
    }
}

/// The word, with a colour beside it.
pub fn status_chip(status: ReviewStatus) -> AnyView {
    view! { <span class=format!("status status-{status}")>{status_label(status)}</span> }.into_any()
}
