//! The form to write a review.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{
    FieldError, MAX_AUTHOR_NAME_CHARS, MAX_BODY_CHARS, MAX_TITLE_CHARS, NewReview, ProductId,
    Review,
};

use crate::api::{self, ApiError};
use crate::components::star_input::StarInput;
use crate::components::text_field::TextField;
use crate::drafts::{Draft, Drafts, Field, first_field};
use crate::idempotency::IdempotencyKey;
use crate::page::focus_soon;

/// The form. What is written stays until it is posted.
#[component]
pub fn ReviewForm(
    product: ProductId,
    on_posted: impl Fn(Review) + Clone + 'static,
) -> impl IntoView {
    let drafts = expect_context::<Drafts>();
    let draft = drafts.open(product);
    let progress = Progress::new();
    let errors = Memo::new(move |_| progress.field_errors(&draft.review()));
    let key = StoredValue::new(IdempotencyKey::default());
    let post = Action::new_unsync(move |review: &NewReview| {
        let review = review.clone();
        let on_posted = on_posted.clone();
        let key_text = key.try_update_value(|key| key.of(&review)).unwrap_or_default();
        async move {
            match api::post_review(product, &review, &key_text).await {
                Ok(posted) => {
                    key.update_value(IdempotencyKey::forget);
                    drafts.discard(product);
                    draft.clear();
                    progress.succeed();
                    on_posted(posted);
                }
                Err(error) => progress.fail(Refusal { review, error }),
            }
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if post.pending().get_untracked() {
            return;
        }
        let review = draft.review_untracked();
        progress.attempt();
        match first_field(&review.errors()) {
            Some(field) => focus_soon(field.id().to_owned()),
            None => _ = post.dispatch(review),
        }
    };
    view! {
        <form
            id="write-review"
            class="write"
            aria-labelledby="write-heading"
            tabindex="-1"
            novalidate
            on:submit=submit
        >
            <h2 id="write-heading">"Write a review"</h2>
            <Fields draft errors />
            <Failure progress />
            <div class="write-end">
                <button
                    type="submit"
                    class="button button-primary"
                    class:is-pending=post.pending()
                    aria-disabled=move || post.pending().get().to_string()
                >
                    "Post review"
                </button>
                <p role="status" class="write-status">
                    {move || progress.posted.get().then_some("Your review is posted.")}
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
    posted: RwSignal<bool>,
}

/// What was sent, and why it was not taken.
#[derive(Clone)]
struct Refusal {
    review: NewReview,
    error: ApiError,
}

impl Refusal {
    fn errors(&self) -> &[FieldError] {
        match &self.error {
            ApiError::Refused(problem) => &problem.errors,
            ApiError::Unreachable | ApiError::Unreadable(_) => &[],
        }
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
    fn new() -> Progress {
        Progress {
            attempted: RwSignal::new(false),
            refusal: RwSignal::new(None),
            posted: RwSignal::new(false),
        }
    }

    fn attempt(self) {
        self.attempted.set(true);
        self.posted.set(false);
        self.refusal.set(None);
    }

    fn succeed(self) {
        self.attempted.set(false);
        self.posted.set(true);
    }

    fn fail(self, refusal: Refusal) {
        let field = first_field(refusal.errors());
        focus_soon(field.map_or(FAILURE_ID, Field::id).to_owned());
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
fn Fields(draft: Draft, errors: Memo<Vec<FieldError>>) -> impl IntoView {
    let error = move |field| {
        Signal::derive(move || {
            let errors = errors.read();
            let error = errors.iter().find(|error| Field::of(error) == Some(field));
            error.map(|error| error.detail.clone())
        })
    };
    view! {
        <StarInput rating=draft.rating id=Field::Rating.id() error=error(Field::Rating) />
        <TextField
            id=Field::Title.id()
            label="Title"
            hint="optional"
            text=draft.title
            max_chars=MAX_TITLE_CHARS
            error=error(Field::Title)
        />
        <TextField
            id=Field::Body.id()
            label="Review"
            many_lines=true
            text=draft.body
            max_chars=MAX_BODY_CHARS
            error=error(Field::Body)
        />
        <TextField
            id=Field::AuthorName.id()
            label="Your name"
            hint="optional"
            autocomplete="name"
            text=draft.author_name
            max_chars=MAX_AUTHOR_NAME_CHARS
            error=error(Field::AuthorName)
        />
    }
}

const FAILURE_ID: &str = "write-failure";

/// Why the review could not be posted, as far as no field is to blame.
#[component]
fn Failure(progress: Progress) -> impl IntoView {
    move || {
        let rest = progress.refusal.read().as_ref().map(Refusal::rest).unwrap_or_default();
        (!rest.is_empty()).then(|| {
            let texts = rest.into_iter().map(|text| view! { <p>{text}</p> }).collect_view();
            view! {
                <div class="notice notice-error" id=FAILURE_ID role="alert" tabindex="-1">
                    <h3>"Your review is not posted yet"</h3>
                    {texts}
                    <p>"Nothing of it is lost."</p>
                    <button type="submit" class="button">
                        "Try again"
                    </button>
                </div>
            }
        })
    }
}
