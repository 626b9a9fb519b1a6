//! Reporting a review to the moderators.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{MAX_NOTE_CHARS, NewReport, ProblemCode, ReportReason, ReviewId};

use crate::components::dialog::{Dialog, close_dialog};
use crate::components::form::{FormEnd, given};
use crate::components::text_field::TextField;
use crate::dom::document::focus_soon;
use crate::net::api;
use crate::state::submission::Submission;

const ID: &str = "report";

/// A button, and the dialog that it opens.
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
    let submission = Submission::new();
    let reason = RwSignal::new(None::<ReportReason>);
    let unchosen = RwSignal::new(false);
    let note = RwSignal::new(String::new());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let reason = reason.get_untracked();
        unchosen.set(reason.is_none());
        if reason.is_none() {
            focus_soon("report-reason".to_owned());
        }
        if let Some(reason) = reason {
            let report = NewReport { reason, note: given(note) };
            let errors = report.errors();
            let work = async move { api::report_review(review, &report).await };
            submission.submit(
                ID,
                errors,
                "Thank you. A moderator will look at it.",
                Box::pin(work),
            );
        }
    };
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
    let over = move || match submission.problem() {
        Some(ProblemCode::AlreadyReported) => {
            Some("You have reported this review already. A moderator will look at it.")
        }
        _ => submission.done(),
    };
    let form = move || {
        view! {
            <form class="form" novalidate on:submit=submit>
                <fieldset
                    class="field"
                    id="report-reason"
                    tabindex="-1"
                    aria-describedby="report-reason-error"
                >
                    <legend>"What is wrong with it?"</legend>
                    {ReportReason::ALL.iter().map(|reason| choice(*reason)).collect_view()}
                    <p class="field-error" id="report-reason-error" role="alert">
                        {move || unchosen.get().then_some("Please choose a reason.")}
                    </p>
                </fieldset>
                <TextField
                    id="report-note"
                    label="Note"
                    hint="a few words, needed with “Something else”"
                    text=note
                    max_chars=MAX_NOTE_CHARS
                    error=submission.error("note")
                />
                <FormEnd submission button="Send report" failure="The report is not sent" />
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
            {move || match over() {
                Some(text) => thanks(text).into_any(),
                None => form().into_any(),
            }}
        </div>
    }
}

/// The reason in words.
pub fn reason_label(reason: ReportReason) -> &'static str {
    match reason {
        ReportReason::Spam => "Advertising or spam",
        ReportReason::Offensive => "Insults or hatred",
        ReportReason::OffTopic => "Not about this product",
        ReportReason::Other | ReportReason::Unknown => "Something else",
    }
}
