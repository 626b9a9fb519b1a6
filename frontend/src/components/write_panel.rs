//! The panel beside a product's reviews: the form, the user's own review, or why there is neither.

use leptos::prelude::*;
use ostrakon_shared::{NewReview, ProblemCode, ProductId, Review, ReviewId, ReviewStatus};

use crate::components::own_review::OwnReview;
use crate::components::paginated_list::{List, PaginatedList};
use crate::components::review_form::{FormTexts, ReviewForm};
use crate::net::api;
use crate::net::http::{ApiError, ResponseFuture};
use crate::routing::url::browser_address;
use crate::state::drafts::{Draft, Subject};
use crate::state::loaded_pages::LoadedPages;
use crate::state::local_changes::LocalChange;
use crate::state::session::{current_session, sign_in_href};

const POSTED: &str = "Your review has been posted.";
const WAITING: &str = "Your review will appear once a moderator has approved it.";
const CHANGED: &str = "Your review has been updated.";
const DELETED: &str = "Your review has been deleted.";
const EXISTS: &str = "You have already reviewed this product. This is your review.";

/// The panel to write a review of a product.
#[component]
pub fn WritePanel(
    product: ProductId,
    /// Whether the product no longer accepts reviews.
    archived: bool,
    /// Receives the id of the account's review of this product.
    mine: RwSignal<Option<ReviewId>>,
    on_written: Callback<LocalChange>,
) -> impl IntoView {
    let session = current_session();
    let account = Memo::new(move |_| session.account().map(|account| account.id));
    let own = PaginatedList::new(move |_| {
        let is_guest = account.get().is_none();
        Box::pin(async move {
            if is_guest {
                return Ok(LoadedPages::from(Vec::new()));
            }
            api::own_reviews(Some(product), None).await.map(LoadedPages::from)
        })
    });
    Effect::new(move || mine.set(own.items.read().first().map(|review| review.id)));
    let said = RwSignal::new(None);
    let of_account =
        move || view! { <AccountPanel product archived own said on_written /> }.into_any();
    let of_guest = move || {
        if session.known().is_none_or(|session| session.guest_reviews) {
            view! { <NewReviewForm product own said on_written /> }.into_any()
        } else {
            sign_in_panel()
        }
    };
    let answered = Memo::new(move |_| session.answer().is_some());
    view! {
        <div class="write-panel" id="write-review" tabindex="-1">
            {archived
                .then(|| {
                    view! {
                        <p class="notice">
                            "This product is no longer in the catalogue. Its reviews remain, but no new ones are accepted."
                        </p>
                    }
                })}
            {move || match (answered.get(), account.get()) {
                (false, _) => view! { <div class="skeleton-block skeleton-write"></div> }.into_any(),
                (true, Some(_)) => of_account(),
                (true, None) if archived => ().into_any(),
                (true, None) => of_guest(),
            }}
        </div>
    }
}

/// The account's review, or the form to write it.
#[component]
fn AccountPanel(
    product: ProductId,
    archived: bool,
    own: PaginatedList<Review>,
    said: RwSignal<Option<&'static str>>,
    on_written: Callback<LocalChange>,
) -> impl IntoView {
    let form = move || {
        if archived {
            return view! { <p class="muted">"You have not reviewed this product."</p> }.into_any();
        }
        view! { <NewReviewForm product own said on_written /> }.into_any()
    };
    let on_change = move |before: Review| {
        Callback::new(move |changed: Option<Review>| {
            own.items.set(changed.clone().into_iter().collect());
            said.set(Some(message_after(&before, changed.as_ref())));
            on_written.run(match changed {
                Some(review) if is_public(&review) => LocalChange::Changed(review),
                Some(_) | None => LocalChange::Gone(before.id),
            });
        })
    };
    let row = move |review: Review| {
        let on_change = on_change(review.clone());
        view! { <OwnReview review on_change /> }.into_any()
    };
    view! {
        <section class="own-panel" aria-label="Your review">
            <p role="status" class="write-status">
                {said}
            </p>
            <List list=own.state thing="review" empty=form>
                <h2 class="own-heading">"Your review"</h2>
                {own.rows(row)}
            </List>
        </section>
    }
}

fn is_public(review: &Review) -> bool {
    review.status == ReviewStatus::Approved
}

/// The message after a review was edited, or deleted.
fn message_after(before: &Review, changed: Option<&Review>) -> &'static str {
    match changed {
        None => DELETED,
        Some(review) if is_public(before) && !is_public(review) => WAITING,
        Some(_) => CHANGED,
    }
}

/// Asks guests to sign in, where only accounts may write.
fn sign_in_panel() -> AnyView {
    let href = sign_in_href(&browser_address());
    view! {
        <section class="write" aria-labelledby="write-heading">
            <h2 id="write-heading">"Write a review"</h2>
            <p>"You need an account to write a review."</p>
            <p class="write-end">
                <a class="button button-primary" href=href>
                    "Sign in"
                </a>
                <a href="/register">"Create an account"</a>
            </p>
        </section>
    }
    .into_any()
}

/// The form for a new review.
#[component]
fn NewReviewForm(
    product: ProductId,
    /// The account's review of this product, once there is one.
    own: PaginatedList<Review>,
    /// The message about the last change.
    said: RwSignal<Option<&'static str>>,
    on_written: Callback<LocalChange>,
) -> impl IntoView {
    const TEXTS: FormTexts = FormTexts {
        heading: "Write a review",
        button: "Post review",
        failure: "Your review was not posted",
    };
    let session = current_session();
    let account = untrack(|| session.account());
    let is_guest = account.is_none();
    let name = account.map(|account| account.name);
    let draft =
        Draft::open(Subject::New(product), NewReview { author_name: name, ..NewReview::default() });
    // An earlier attempt whose answer was lost has arrived.
    let arrived = RwSignal::new(None::<ReviewId>);
    let refused = move |error: ApiError, review: NewReview| {
        let id = error.location().and_then(|path| path.rsplit('/').next()?.parse().ok());
        match (error.code(), id) {
            // Written elsewhere, or by an earlier attempt: show that review instead of the form.
            (Some(ProblemCode::ReviewExists | ProblemCode::IdempotencyKeyReused), Some(id))
                if !is_guest =>
            {
                Subject::Edit(id).keep(review);
                Subject::New(product).forget();
                said.set(Some(EXISTS));
                own.state.reload();
            }
            (Some(ProblemCode::IdempotencyKeyReused), id) => arrived.set(id),
            _ => {}
        }
        error
    };
    let send = Callback::new(move |review: NewReview| -> ResponseFuture<()> {
        let key = draft.key();
        Box::pin(async move {
            let posted = api::post_review(product, &review, key).await;
            let posted = posted.map_err(|error| refused(error, review.clone()))?;
            draft.sent(&review);
            said.set(Some(if is_public(&posted) { POSTED } else { WAITING }));
            // An account sees its review beside the list while it waits.
            if is_public(&posted) || is_guest {
                on_written.run(LocalChange::New(posted.clone()));
            }
            if !is_guest {
                draft.continue_as(Subject::Edit(posted.id));
                own.items.set(vec![posted]);
            }
            Ok(())
        })
    });
    let remedy = move |problem| {
        let id = arrived.get().filter(|_| problem == Some(ProblemCode::IdempotencyKeyReused))?;
        let notice = view! {
            <p>
                "An earlier attempt has arrived, with the text that you had written by then: "
                <a href=format!("/reviews/{id}")>"see that review"</a> "."
            </p>
            <button type="submit" class="button" on:click=move |_| draft.renew_key()>
                "Post this as another review"
            </button>
        };
        Some(notice.into_any())
    };
    view! {
        <ReviewForm
            id="write"
            texts=TEXTS
            draft
            send
            status=said
            remedy=Callback::new(remedy)
        />
    }
}
