//! The form to write or edit a review.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{
    MAX_AUTHOR_NAME_CHARS, MAX_BODY_CHARS, MAX_TITLE_CHARS, NewReview, ProblemCode,
};

use crate::components::form::FormEnd;
use crate::components::star_input::StarInput;
use crate::components::text_field::TextField;
use crate::dom::document::focus_soon;
use crate::net::http::ResponseFuture;
use crate::state::drafts::{Draft, differ_in};
use crate::state::form_state::FormState;
use crate::state::session::{AuthorChoice, current_session};

/// The form's texts.
#[derive(Clone, Copy)]
pub struct FormTexts {
    /// The heading of the form.
    pub heading: &'static str,
    /// The label of the button that sends it.
    pub button: &'static str,
    /// The heading of the notice when sending fails.
    pub failure: &'static str,
}

/// The form. It keeps its text until the review is stored.
#[component]
pub fn ReviewForm(
    /// The first part of its element ids: several forms may be open at once.
    #[prop(into)]
    id: String,
    texts: FormTexts,
    draft: Draft,
    /// Sends the review.
    send: Callback<NewReview, ResponseFuture<()>>,
    /// The message of success.
    #[prop(into)]
    status: Signal<Option<&'static str>>,
    /// What to do about a problem, if not to try again.
    #[prop(optional, into)]
    remedy: Option<Callback<Option<ProblemCode>, Option<AnyView>>>,
    /// More buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let (state, session) = (FormState::new(id.clone()), current_session());
    let choice_id = StoredValue::new(format!("{id}-as-whom"));
    let heading = format!("{id}-heading");
    let labelledby = heading.clone();
    // While the user writes, errors are shown only after an attempt.
    Effect::new(move |before: Option<NewReview>| {
        let review = draft.review();
        if let Some(before) = before {
            state.recheck(review.validate(), |field| differ_in(field, &before, &review));
        }
        review
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if untrack(|| session.former()).is_some() {
            return focus_soon(choice_id.get_value());
        }
        let review = draft.review_untracked();
        let errors = review.validate();
        // Only a valid review is sent: the future runs when it is awaited.
        state.submit(errors, "", Box::pin(async move { send.run(review).await }));
    };
    let remedy = ViewFn::from(move || {
        let problem = state.problem();
        view! {
            <p>"Your text has been kept."</p>
            {remedy.and_then(|remedy| remedy.run(problem)).unwrap_or_else(try_again)}
        }
    });
    view! {
        <form
            class="write"
            aria-labelledby=labelledby
            novalidate
            on:submit=submit
        >
            <h2 id=heading>{texts.heading}</h2>
            <p class="muted small" class:unneeded=move || !session.is_moderated()>
                "A moderator reads each review before it appears."
            </p>
            <Fields id draft state />
            <AuthorChoice id=choice_id.get_value() />
            <FormEnd state button=texts.button failure=texts.failure remedy status>
                {children.map(|children| children())}
                <button
                    type="button"
                    class="link-button quiet"
                    class:unneeded=move || !draft.is_changed()
                    on:click=move |_| draft.discard()
                >
                    "Discard"
                </button>
            </FormEnd>
        </form>
    }
}

fn try_again() -> AnyView {
    view! {
        <button type="submit" class="button">
            "Try again"
        </button>
    }
    .into_any()
}

#[component]
fn Fields(id: String, draft: Draft, state: FormState) -> impl IntoView {
    let is_member = untrack(|| current_session().account().is_some());
    let name_hint =
        if is_member { "or a pen name, shown without the member badge" } else { "optional" };
    let field_id = |name: &str| format!("{id}-{name}");
    view! {
        <StarInput rating=draft.rating id=field_id("rating") error=state.error("rating") />
        <TextField
            id=field_id("title")
            label="Title"
            hint="optional"
            text=draft.title
            max_chars=MAX_TITLE_CHARS
            error=state.error("title")
        />
        <TextField
            id=field_id("body")
            label="Review"
            many_lines=true
            required=true
            text=draft.body
            max_chars=MAX_BODY_CHARS
            error=state.error("body")
        />
        <TextField
            id=field_id("author_name")
            label="Your name"
            hint=name_hint
            autocomplete="name"
            text=draft.author_name
            max_chars=MAX_AUTHOR_NAME_CHARS
            error=state.error("author_name")
        />
    }
}
