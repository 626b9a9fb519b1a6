//! The form to write a review, or to change one.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{
    FieldError, MAX_AUTHOR_NAME_CHARS, MAX_BODY_CHARS, MAX_TITLE_CHARS, NewReview,
};

use crate::components::star_input::StarInput;
use crate::components::text_field::TextField;
use crate::dom::document::focus_soon;
use crate::net::http::{Answer, ApiError};
use crate::state::drafts::{Draft, Field, first_field};
use crate::state::session::current_session;

/// What the form is for.
#[derive(Clone, Copy)]
pub struct FormTexts {
    /// Its heading.
    pub heading: &'static str,
    /// The button that sends it.
    pub button: &'static str,
    /// What is said when that fails.
    pub failure: &'static str,
}

/// The form. What is written stays until it is sent.
#[component]
pub fn ReviewForm(
    /// What its ids begin with: several forms may be open at once.
    #[prop(into)]
    id: String,
    texts: FormTexts,
    draft: Draft,
    /// Sends what is written.
    send: Callback<NewReview, Answer<()>>,
    /// What is said when that worked.
    #[prop(into)]
    status: Signal<Option<&'static str>>,
    /// What else can be done about a failure.
    #[prop(optional, into)]
    remedy: Option<Callback<ApiError, AnyView>>,
    /// What stands beside the button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let progress = Progress::new(id.clone());
    let heading = format!("{id}-heading");
    let labelledby = heading.clone();
    let errors = Memo::new(move |_| progress.field_errors(&draft.review()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if progress.pending.get_untracked() {
            return;
        }
        let review = draft.review_untracked();
        progress.submission();
        match first_field(&review.errors()) {
            Some(field) => focus_soon(progress.id(field)),
            None => progress.send(review.clone(), send.run(review)),
        }
    };
    view! {
        <form
            class="write"
            aria-labelledby=labelledby
            novalidate
            on:submit=submit
        >
            <h2 id=heading>{texts.heading}</h2>
            <Fields id draft errors />
            <Failure progress heading=texts.failure remedy />
            <div class="write-end">
                <button
                    type="submit"
                    class="button button-primary"
                    class:is-pending=progress.pending
                    aria-disabled=move || progress.pending.get().to_string()
                >
                    {texts.button}
                </button>
                {children.map(|children| children())}
                <p role="status" class="write-status">
                    {move || status.get().filter(|_| !progress.attempted.get())}
                </p>
            </div>
        </form>
    }
}

/// How far the posting has come.
#[derive(Clone, Copy)]
struct Progress {
    /// Errors are shown only after somebody tried: nobody likes to be corrected while writing.
    attempted: RwSignal<bool>,
    refusal: RwSignal<Option<Refusal>>,
    pending: RwSignal<bool>,
    form: StoredValue<String>,
}

/// What was sent, and why it was not taken.
#[derive(Clone)]
struct Refusal {
    review: NewReview,
    error: ApiError,
}

impl Refusal {
    fn errors(&self) -> &[FieldError] {
        self.error.field_errors()
    }

    /// What can't be said beside a field: errors that are about none, else the problem itself.
    fn rest(&self) -> Vec<String> {
        let (placed, rest): (Vec<_>, Vec<_>) =
            self.errors().iter().partition(|error| Field::of(error).is_some());
        match (placed.is_empty(), rest.is_empty()) {
            (true, true) => vec![self.error.to_string()],
            _ => rest.into_iter().map(|error| error.detail.clone()).collect(),
        }
    }
}

impl Progress {
    fn new(form: String) -> Progress {
        Progress {
            form: StoredValue::new(form),
            attempted: RwSignal::new(false),
            refusal: RwSignal::new(None),
            pending: RwSignal::new(false),
        }
    }

    /// The element id of a field.
    fn id(self, field: Field) -> String {
        self.form.with_value(|form| field.id(form))
    }

    /// The element id of what is said about a failure.
    fn failure_id(self) -> String {
        self.form.with_value(|form| format!("{form}-failure"))
    }

    fn submission(self) {
        self.attempted.set(true);
        self.refusal.set(None);
    }

    fn send(self, review: NewReview, work: Answer<()>) {
        self.pending.set(true);
        spawn_local(async move {
            let result = work.await;
            // The form may be gone by now.
            if self.pending.try_set(false).is_some() {
                return;
            }
            match result {
                Ok(()) => self.attempted.set(false),
                Err(error) => self.fail(Refusal { review, error }),
            }
        });
    }

    fn fail(self, refusal: Refusal) {
        let field = first_field(refusal.errors());
        focus_soon(field.map_or_else(|| self.failure_id(), |field| self.id(field)));
        self.refusal.set(Some(refusal));
    }

    /// What is wrong with the review: by the shared rules, and where these find nothing by the
    /// server's word, until what it was about has been changed.
    fn field_errors(self, review: &NewReview) -> Vec<FieldError> {
        if !self.attempted.get() {
            return Vec::new();
        }
        let mut errors = review.errors();
        if let Some(refusal) = &*self.refusal.read() {
            for error in refusal.errors() {
                let stands = Field::of(error).is_some_and(|field| {
                    field.is_same(review, &refusal.review)
                        && errors.iter().all(|own| Field::of(own) != Some(field))
                });
                if stands {
                    errors.push(error.clone());
                }
            }
        }
        errors
    }
}

#[component]
fn Fields(id: String, draft: Draft, errors: Memo<Vec<FieldError>>) -> impl IntoView {
    let error = move |field| {
        Signal::derive(move || {
            let errors = errors.read();
            let error = errors.iter().find(|error| Field::of(error) == Some(field));
            error.map(|error| error.detail.clone())
        })
    };
    let is_member = untrack(|| current_session().account().is_some());
    let name_hint = if is_member { "or a pen name, without the mark" } else { "optional" };
    view! {
        <StarInput rating=draft.rating id=Field::Rating.id(&id) error=error(Field::Rating) />
        <TextField
            id=Field::Title.id(&id)
            label="Title"
            hint="optional"
            text=draft.title
            max_chars=MAX_TITLE_CHARS
            error=error(Field::Title)
        />
        <TextField
            id=Field::Body.id(&id)
            label="Review"
            many_lines=true
            required=true
            text=draft.body
            max_chars=MAX_BODY_CHARS
            error=error(Field::Body)
        />
        <TextField
            id=Field::AuthorName.id(&id)
            label="Your name"
            hint=name_hint
            autocomplete="name"
            text=draft.author_name
            max_chars=MAX_AUTHOR_NAME_CHARS
            error=error(Field::AuthorName)
        />
    }
}

/// Why the review could not be sent, as far as no field is to blame.
#[component]
fn Failure(
    progress: Progress,
    heading: &'static str,
    remedy: Option<Callback<ApiError, AnyView>>,
) -> impl IntoView {
    move || {
        let refusal = progress.refusal.get()?;
        let texts = refusal.rest();
        let remedy = remedy.map(|remedy| remedy.run(refusal.error));
        (!texts.is_empty()).then(|| {
            let texts = texts.into_iter().map(|text| view! { <p>{text}</p> }).collect_view();
            view! {
                <div class="notice notice-error" id=progress.failure_id() role="alert" tabindex="-1">
                    <h3>{heading}</h3>
                    {texts}
                    <p>"Nothing of it is lost."</p>
                    {remedy
                        .unwrap_or_else(|| {
                            view! {
                                <button type="submit" class="button">
                                    "Try again"
                                </button>
                            }
                                .into_any()
                        })}
                </div>
            }
        })
    }
}
