//! What stands beside a product's reviews: the form, the own review, or why there is neither.

use leptos::prelude::*;
use ostrakon_shared::{NewReview, ProblemCode, ProductId, Review, ReviewStatus};

use crate::components::own_review::OwnReview;
use crate::components::paginated_list::{List, PaginatedList};
use crate::components::review_form::{FormTexts, ReviewForm};
use crate::net::api;
use crate::net::http::Answer;
use crate::net::idempotency::IdempotencyKey;
use crate::routing::url::browser_address;
use crate::state::drafts::Drafts;
use crate::state::loaded_pages::LoadedPages;
use crate::state::local_changes::LocalChange;
use crate::state::session::{current_session, sign_in_href};

const POSTED: &str = "Your review is posted.";
const WAITING: &str = "Your review will appear once a moderator has looked at it.";
const CHANGED: &str = "Your review is changed.";
const DELETED: &str = "Your review is deleted.";
const EXISTS: &str = "You have reviewed this product before. This is your review.";

/// The place to write about a product.
#[component]
pub fn WritePanel(
    product: ProductId,
    /// Whether the product takes no reviews any more.
    archived: bool,
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
    let said = RwSignal::new(None);
    let form = move || {
        if archived {
            return view! { <p class="muted">"You have not reviewed this product."</p> }.into_any();
        }
        view! { <NewReviewForm product own said on_written /> }.into_any()
    };
    let on_change = move |before: Review| {
        Callback::new(move |changed: Option<Review>| {
            own.items.set(changed.clone().into_iter().collect());
            let is_public = |review: &Review| review.status == ReviewStatus::Approved;
            said.set(Some(match &changed {
                None => DELETED,
                Some(review) if is_public(review) || !is_public(&before) => CHANGED,
                Some(_) => WAITING,
            }));
            on_written.run(match changed {
                Some(review) if is_public(&review) => LocalChange::Changed(review),
                Some(_) | None => LocalChange::Gone(before.id),
            });
        })
    };
    let of_account = move || {
        view! {
            <section class="own-panel" aria-label="Your review">
                <p role="status" class="write-status">
                    {said}
                </p>
                <List list=own.state thing="review" empty=form>
                    <h2 class="own-heading">"Your review"</h2>
                    {own
                        .rows(move |review| {
                            let on_change = on_change(review.clone());
                            view! { <OwnReview review on_change /> }.into_any()
                        })}
                </List>
            </section>
        }
        .into_any()
    };
    let of_guest = move || {
        if session.known().is_none_or(|session| session.guest_reviews) {
            return view! { <NewReviewForm product own said on_written /> }.into_any();
        }
        let href = sign_in_href(&browser_address());
        view! {
            <section class="write" aria-labelledby="write-heading">
                <h2 id="write-heading">"Write a review"</h2>
                <p>"Reviews here are written with an account."</p>
                <p class="write-end">
                    <a class="button button-primary" href=href>
                        "Sign in"
                    </a>
                    <a href="/register">"Create an account"</a>
                </p>
            </section>
        }
        .into_any()
    };
    let answered = Memo::new(move |_| session.answer().is_some());
    view! {
        <div class="write-panel" id="write-review" tabindex="-1">
            {archived
                .then(|| {
                    view! {
                        <p class="notice">
                            "This product has left the catalogue. Its reviews stay; new ones are not taken."
                        </p>
                    }
                })}
            {move || match (answered.get(), account.get()) {
                (false, _) => view! { <div class="bone bone-write"></div> }.into_any(),
                (true, Some(_)) => of_account(),
                (true, None) if archived => ().into_any(),
                (true, None) => of_guest(),
            }}
        </div>
    }
}

/// The form for a new review.
#[component]
fn NewReviewForm(
    product: ProductId,
    /// The account's review of this product, once there is one.
    own: PaginatedList<Review>,
    /// What happened to it last.
    said: RwSignal<Option<&'static str>>,
    on_written: Callback<LocalChange>,
) -> impl IntoView {
    const TEXTS: FormTexts = FormTexts {
        heading: "Write a review",
        button: "Post review",
        failure: "Your review is not posted yet",
    };
    let drafts = expect_context::<Drafts>();
    let draft = drafts.open(product);
    let account = untrack(|| current_session().account());
    let name = account.as_ref().map(|account| account.name.clone()).unwrap_or_default();
    if draft.author_name.read_untracked().is_empty() {
        draft.author_name.set(name.clone());
    }
    let is_guest = account.is_none();
    let key = StoredValue::new(IdempotencyKey::default());
    let send = Callback::new(move |review: NewReview| -> Answer<()> {
        let name = name.clone();
        let key_text = key.try_update_value(|key| key.of(&review)).unwrap_or_default();
        Box::pin(async move {
            let posted = match api::post_review(product, &review, key_text).await {
                Ok(posted) => posted,
                Err(error) => {
                    // Written elsewhere meanwhile: it takes the place of the form.
                    if error.code() == Some(ProblemCode::ReviewExists) {
                        said.set(Some(EXISTS));
                        own.state.reload();
                    }
                    return Err(error);
                }
            };
            key.update_value(IdempotencyKey::forget);
            drafts.discard(product);
            draft.clear();
            draft.author_name.set(name);
            let is_public = posted.status == ReviewStatus::Approved;
            said.set(Some(if is_public { POSTED } else { WAITING }));
            if is_public {
                on_written.run(LocalChange::New(posted.clone()));
            }
            if !is_guest {
                own.items.set(vec![posted]);
            }
            Ok(())
        })
    });
    view! { <ReviewForm id="write" texts=TEXTS draft send status=said /> }
}
