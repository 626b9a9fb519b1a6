//! The user's own review: its status, and the forms to edit and delete it.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{DecisionReason, NewReview, ProblemCode, Review, ReviewStatus};

use crate::components::dialog::{CancelButton, Dialog};
use crate::components::form::FormEnd;
use crate::components::review_card::{FoldedBody, ReviewByline, Verdict};
use crate::components::review_form::{FormTexts, ReviewForm};
use crate::components::status::status_chip;
use crate::dom::document::focus_soon;
use crate::net::api;
use crate::net::http::ResponseFuture;
use crate::state::drafts::{Draft, Subject, content_of, edit_to};
use crate::state::form_state::FormState;

const DELETE_ID: &str = "delete-review";

#[component]
pub fn OwnReview(
    review: Review,
    /// Shown above the review: its product, say.
    #[prop(optional, into)]
    heading: Option<ViewFn>,
    /// Called with the edited review, or with `None` after it was deleted.
    on_change: Callback<Option<Review>>,
) -> impl IntoView {
    let editing = RwSignal::new(false);
    let current = RwSignal::new(review);
    let edit = move || {
        editing.set(true);
        focus_soon(format!("{}-title", form_id(&current.read_untracked())));
    };
    let shown = move || {
        let (review, heading) = (current.get(), heading.clone());
        let id = own_id(&review);
        view! {
            <article class="review own" id=id tabindex="-1">
                {heading.map(|heading| heading.run())}
                <header>
                    <Verdict rating=review.rating />
                    {status_chip(review.status)}
                    {review.title.clone().map(|title| view! { <h3 dir="auto">{title}</h3> })}
                </header>
                <FoldedBody text=review.body.clone() />
                {unsaved(&review, edit)}
                {status_text(&review).map(|text| view! { <p class="muted small" dir="auto">{text}</p> })}
                <footer>
                    <ReviewByline review=review.clone() />
                    <span class="review-links">
                        <button
                            type="button"
                            class="button button-small"
                            on:click=move |_| edit()
                        >
                            "Edit"
                        </button>
                        <DeleteControl review on_change />
                    </span>
                </footer>
            </article>
        }
    };
    let stop = Callback::new(move |changed: Option<Review>| {
        editing.set(false);
        focus_soon(own_id(&current.read_untracked()));
        if let Some(review) = changed {
            current.set(review.clone());
            on_change.run(Some(review));
        }
    });
    move || {
        if editing.get() {
            let review = current.get_untracked();
            view! { <EditForm review on_end=stop /> }.into_any()
        } else {
            shown().into_any()
        }
    }
}

/// An offer to go on with a change that was not saved.
fn unsaved(review: &Review, edit: impl Fn() + 'static) -> Option<AnyView> {
    Subject::Edit(review.id).has_draft().then(|| {
        view! {
            <p class="notice">
                "You have written a change that is not saved. "
                <button type="button" class="link-button" on:click=move |_| edit()>
                    "Go on with it"
                </button>
            </p>
        }
        .into_any()
    })
}

/// The prefix of element ids in the edit form.
fn form_id(review: &Review) -> String {
    format!("edit-{}", review.id)
}

/// The element id of the card.
fn own_id(review: &Review) -> String {
    format!("own-{}", review.id)
}

/// What the status means, and what its author can do.
fn status_text(review: &Review) -> Option<String> {
    match review.status {
        ReviewStatus::Pending => {
            Some("It will appear once a moderator has approved it.".to_owned())
        }
        ReviewStatus::Rejected | ReviewStatus::Spam => {
            let why = review.rejection.as_ref().map_or(String::new(), |rejection| {
                let note =
                    rejection.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
                format!(": {}{note}", rejection_label(rejection.reason))
            });
            Some(format!(
                "A moderator has hidden it{why}. Only you can see it. If you change it, a moderator \
                 looks at it again."
            ))
        }
        ReviewStatus::Approved | ReviewStatus::Deleted | ReviewStatus::Unknown => None,
    }
}

/// The reason of a moderator, for the author.
fn rejection_label(reason: DecisionReason) -> &'static str {
    match reason {
        DecisionReason::OffTopic => "it is not about the product",
        DecisionReason::Offensive => "it is offensive",
        DecisionReason::PersonalData => "it names people, addresses or numbers",
        DecisionReason::Advertising => "it is advertising",
        DecisionReason::Duplicate => "it repeats another review",
        DecisionReason::Illegal => "it is against the law",
        DecisionReason::WithinRules | DecisionReason::Other | DecisionReason::Unknown => {
            "for another reason"
        }
    }
}

#[component]
fn EditForm(review: Review, on_end: Callback<Option<Review>>) -> impl IntoView {
    const TEXTS: FormTexts = FormTexts {
        heading: "Edit your review",
        button: "Save",
        failure: "Your review was not saved",
    };
    let (id, product) = (review.id, review.product_id);
    let form = form_id(&review);
    let draft = Draft::open(Subject::Edit(id), content_of(&review));
    let version = RwSignal::new(review.version);
    let send = Callback::new(move |review: NewReview| -> ResponseFuture<()> {
        let version = version.get_untracked();
        Box::pin(async move {
            let changed = api::edit_review(id, version, &edit_to(review.clone())).await?;
            draft.sent(&review);
            on_end.run(Some(changed));
            Ok(())
        })
    });
    // The review has changed since, most likely by the same user elsewhere.
    let loading = FormState::button();
    let load = move |_| {
        loading.start(
            "This is the current text.",
            Box::pin(async move {
                let page = api::own_reviews(Some(product), None).await?;
                if let Some(current) = page.items.iter().find(|review| review.id == id) {
                    draft.fill(current);
                    version.set(current.version);
                }
                Ok(())
            }),
        );
    };
    let remedy = move |problem| {
        if problem != Some(ProblemCode::VersionConflict) {
            return None;
        }
        let notice = view! {
            <p>"Loading the current text replaces your changes."</p>
            <button type="button" class="button" on:click=load>
                "Load the current text"
            </button>
            <p role="status">{move || loading.done().map(str::to_owned).or(loading.notice())}</p>
        };
        Some(notice.into_any())
    };
    view! {
        <ReviewForm id=form texts=TEXTS draft send status=None remedy=Callback::new(remedy)>
            <button type="button" class="button" on:click=move |_| on_end.run(None)>
                "Cancel"
            </button>
        </ReviewForm>
    }
}

/// The button to delete the review, with a dialog to confirm.
#[component]
fn DeleteControl(review: Review, on_change: Callback<Option<Review>>) -> impl IntoView {
    let open = RwSignal::new(false);
    let (id, version) = (review.id, review.version);
    let content = move || {
        let state = FormState::button();
        let submit = move |event: SubmitEvent| {
            event.prevent_default();
            let work = async move {
                api::delete_review(id, version).await?;
                on_change.run(None);
                Ok(())
            };
            state.start("", Box::pin(work));
        };
        view! {
            <form class="form" on:submit=submit>
                <p>"The review will be removed for everyone. This can’t be undone."</p>
                <FormEnd state button="Delete review" failure="The review was not deleted"><CancelButton dialog=DELETE_ID /></FormEnd>
            </form>
        }
    };
    view! {
        <button type="button" class="button button-small" on:click=move |_| open.set(true)>
            "Delete"
        </button>
        <Dialog id=DELETE_ID open heading="Delete your review?" content=content.into() />
    }
}
