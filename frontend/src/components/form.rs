//! The parts that all forms share.

use leptos::prelude::*;
use ostrakon_shared::text::is_blank;

use crate::state::form_state::FormState;

/// The end of a form: the notice of a failure, the button, and the message of success.
#[component]
pub fn FormEnd(
    state: FormState,
    /// The button's label.
    button: &'static str,
    /// The heading of the notice.
    failure: &'static str,
    /// Whether the button has the focus from the start.
    #[prop(optional)]
    autofocus: bool,
    /// What the notice offers besides the reason.
    #[prop(optional, into)]
    remedy: Option<ViewFn>,
    /// The message of success, if it is not the form's own.
    #[prop(optional, into)]
    status: Option<Signal<Option<&'static str>>>,
    /// More buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let notice = move || {
        let remedy = remedy.clone();
        state.notice().map(|text| {
            view! {
                <div
                    class="notice notice-error"
                    id=state.notice_id()
                    role="alert"
                    tabindex="-1"
                >
                    <h3>{failure}</h3>
                    <p>{text}</p>
                    {remedy.map(|remedy| remedy.run())}
                </div>
            }
        })
    };
    let message = move || match status {
        Some(_) if state.pending() || state.failed() => None,
        Some(status) => status.get(),
        None => state.done(),
    };
    view! {
        {notice}
        <div class="write-end">
            <button
                type="submit"
                class="button button-primary"
                autofocus=autofocus
                class:is-pending=move || state.pending()
                aria-disabled=move || state.pending().to_string()
            >
                {button}
            </button>
            {children.map(|children| children())}
            <p role="status" class="write-status">
                {message}
            </p>
        </div>
    }
}

/// The content of a field that may stay empty.
pub fn optional(text: RwSignal<String>) -> Option<String> {
    Some(text.get_untracked()).filter(|text| !is_blank(text))
}

/// The failure of a button, beside it.
pub fn failure_line(state: FormState) -> AnyView {
    view! {
        <p class="field-error" role="alert">
            {move || state.notice()}
        </p>
    }
    .into_any()
}
