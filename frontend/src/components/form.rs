//! What forms have in common.

use leptos::prelude::*;
use ostrakon_shared::text::is_blank;

use crate::state::submission::Submission;

/// The end of a form: why it was refused, the button, and that it worked.
#[component]
pub fn FormEnd(
    submission: Submission,
    /// What the button says.
    button: &'static str,
    /// What is said over the reason of a failure.
    failure: &'static str,
    /// Whether the focus is on the button from the start.
    #[prop(optional)]
    autofocus: bool,
    /// What else can be done about a failure.
    #[prop(optional, into)]
    remedy: Option<ViewFn>,
) -> impl IntoView {
    let refusal = move || {
        let remedy = remedy.clone();
        submission.failure().map(|text| {
            view! {
                <div class="notice notice-error" role="alert">
                    <h3>{failure}</h3>
                    <p>{text}</p>
                    {remedy.map(|remedy| remedy.run())}
                </div>
            }
        })
    };
    view! {
        {refusal}
        <div class="write-end">
            <button
                type="submit"
                class="button button-primary"
                autofocus=autofocus
                class:is-pending=move || submission.pending()
                aria-disabled=move || submission.pending().to_string()
            >
                {button}
            </button>
            <p role="status" class="write-status">
                {move || submission.done()}
            </p>
        </div>
    }
}

/// What was written into a field that may be left empty.
pub fn given(text: RwSignal<String>) -> Option<String> {
    Some(text.get_untracked()).filter(|text| !is_blank(text))
}

/// What went wrong with a button, beside it.
pub fn failure_line(submission: Submission) -> AnyView {
    view! {
        <p class="field-error" role="alert">
            {move || submission.failure()}
        </p>
    }
    .into_any()
}
