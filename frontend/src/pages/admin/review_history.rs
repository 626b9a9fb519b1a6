//! The reports and the history of a review.

use leptos::prelude::*;
use ostrakon_shared::{DecisionReason, Report, ReviewAction, ReviewEvent};

use crate::components::{Ago, reason_label, status_label};

/// The reports, if any.
pub fn reports(reports: &[Report]) -> Option<AnyView> {
    let row = |report: &Report| {
        let open = if report.open { "" } else { " (decided)" };
        view! {
            <li>
                {reason_label(report.reason)} {open}
                {note(report.note.clone())} " · " <Ago at=report.created_at />
            </li>
        }
    };
    (!reports.is_empty()).then(|| {
        view! {
            <div class="record">
                <h3>"Reports"</h3>
                <ul role="list">{reports.iter().map(row).collect_view()}</ul>
            </div>
        }
        .into_any()
    })
}

/// The history, if any.
pub fn history(events: &[ReviewEvent]) -> Option<AnyView> {
    let row = |event: &ReviewEvent| {
        let actor = event.actor.clone().map(|actor| view! { " by " <bdi>{actor}</bdi> });
        let reason = event.reason.map(|reason| format!(": {}", decision_reason(reason)));
        let from_to = (event.from != event.to)
            .then(|| format!(" ({} → {})", status_label(event.from), status_label(event.to)));
        view! {
            <li>
                {action_label(event.action)} {actor} {reason}
                {note(event.note.clone())} {from_to} " · " <Ago at=event.created_at />
            </li>
        }
    };
    (!events.is_empty()).then(|| {
        view! {
            <div class="record">
                <h3>"History"</h3>
                <ul role="list">{events.iter().map(row).collect_view()}</ul>
            </div>
        }
        .into_any()
    })
}

fn note(note: Option<String>) -> Option<AnyView> {
    note.map(|note| view! { ", “" <bdi>{note}</bdi> "”" }.into_any())
}

fn action_label(action: ReviewAction) -> &'static str {
    match action {
        ReviewAction::Edit => "Edited",
        ReviewAction::Delete => "Deleted",
        ReviewAction::Approve => "Approved",
        ReviewAction::Reject => "Rejected",
        ReviewAction::Spam => "Marked as spam",
        ReviewAction::Undo => "Decision undone",
        ReviewAction::Unknown => "Other",
    }
}

/// The label of a reason.
pub fn decision_reason(reason: DecisionReason) -> &'static str {
    match reason {
        DecisionReason::WithinRules => "within the rules",
        DecisionReason::OffTopic => "not about the product",
        DecisionReason::Offensive => "offensive or hateful",
        DecisionReason::PersonalData => "personal data",
        DecisionReason::Advertising => "advertising or spam",
        DecisionReason::Duplicate => "duplicate",
        DecisionReason::Illegal => "illegal",
        DecisionReason::Other | DecisionReason::Unknown => "other",
    }
}
