//! Reporting a review to the moderators.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{MAX_NOTE_CHARS, NewReport, ProblemCode, ReportReason, ReviewId};

use crate::components::dialog::{Dialog, close_dialog};
use crate::components::field_group::FieldGroup;
use crate::components::form::{FormEnd, optional};
use crate::components::text_field::TextField;
use crate::net::api;
use crate::state::form_state::{FormState, missing};

const ID: &str = "report";

/// The button to report a review, and its dialog.
#[component]
pub fn ReportControl(review: ReviewId, author: String) -> impl IntoView {
    let open = RwSignal::new(false);
    let content = move || view! { <ReportForm review /> };
    view! {
        <button type="button" class="link-button quiet" on:click=move |_| open.set(true)>
            "Report"
            <span class="visually-hidden">" the review by "<bdi>{author}</bdi></span>
        </button>
        <Dialog id=ID open heading="Report this review" content=content.into() />
    }
}

#[component]
fn ReportForm(review: ReviewId) -> impl IntoView {
    let state = FormState::new(ID);
    let reason = RwSignal::new(None::<ReportReason>);
    let reason_error = state.error("reason");
    let note = RwSignal::new(String::new());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(reason) = reason.get_untracked() else {
            return state.refuse(vec![missing("reason", "Please choose a reason.")]);
        };
        let report = NewReport { reason, note: optional(note) };
        let errors = report.validate();
        let work = async move { api::report_review(review, &report).await };
        state.submit(errors, "Thank you. A moderator will look at it.", Box::pin(work));
    };
    let over = Memo::new(move |_| match state.problem() {
        Some(ProblemCode::AlreadyReported) => {
            Some("You have already reported this review. A moderator will look at it.")
        }
        _ => state.done(),
    });
    let form = move || {
        view! {
            <form class="form" novalidate on:submit=submit>
                {reason_field(reason, reason_error)}
                <TextField
                    id="report-note"
                    label="Note"
                    hint="required for “Other”"
                    text=note
                    max_chars=MAX_NOTE_CHARS
                    error=state.error("note")
                />
                <FormEnd state button="Send report" failure="The report was not sent" />
            </form>
        }
    };
    let thanks = move |text: &'static str| {
        view! {
            <p>{text}</p>
            <button type="button" class="button" on:click=move |_| close_dialog(ID)>
                "Close"
            </button>
        }
    };
    view! {
        <div aria-live="polite">
            {move || match over.get() {
                Some(text) => thanks(text).into_any(),
                None => form().into_any(),
            }}
        </div>
    }
}

fn reason_field(reason: RwSignal<Option<ReportReason>>, error: Signal<Option<String>>) -> AnyView {
    let choice = move |value: ReportReason| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="report-reason"
                    prop:checked=move || reason.get() == Some(value)
                    on:change=move |_| reason.set(Some(value))
                />
                {reason_label(value)}
            </label>
        }
    };
    view! {
        <FieldGroup id="report-reason" label="What is wrong with it?" error>
            {ReportReason::ALL.iter().map(|reason| choice(*reason)).collect_view()}
        </FieldGroup>
    }
    .into_any()
}

/// The label of a reason.
pub fn reason_label(reason: ReportReason) -> &'static str {
    match reason {
        ReportReason::Spam => "Advertising or spam",
        ReportReason::Offensive => "Offensive or hateful",
        ReportReason::OffTopic => "Not about this product",
        ReportReason::Other | ReportReason::Unknown => "Other",
    }
}
