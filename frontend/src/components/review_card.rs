//! A review, in a list and on its own page.

use jiff::Timestamp;
use leptos::prelude::*;
use leptos_router::components::A;
use ostrakon_shared::{Rating, Review, ReviewId, ReviewStatus};

use crate::components::report::ReportControl;
use crate::components::stars::Stars;
use crate::components::status::status_chip;
use crate::components::time::Ago;

/// Longer texts are folded in lists.
const LONG_CHARS: usize = 900;
/// Texts with more lines are folded in lists.
const LONG_LINES: usize = 14;

/// A review in a list.
#[component]
pub fn ReviewCard(
    review: Review,
    /// The account's own review of the product.
    mine: RwSignal<Option<ReviewId>>,
    /// Whether the user has just posted it.
    #[prop(optional)]
    posted: bool,
) -> impl IntoView {
    let href = format!("/reviews/{}", review.id);
    let (id, author, number) = (card_id(&review), author(&review), review.id);
    let is_own = move || posted || mine.get() == Some(number);
    let is_public = review.status == ReviewStatus::Approved;
    // The page of a guest's review that waits can't be shown to anybody.
    let name = author.clone();
    let permalink = is_public.then(|| {
        view! {
            <A href attr:class="review-link">
                "Permalink"
                <span class="visually-hidden">" of the review by "<bdi>{name}</bdi></span>
            </A>
        }
    });
    view! {
        <article class="review" class:is-posted=posted id=id tabindex="-1">
            <header>
                <Verdict rating=review.rating />
                <span class="chip" class:unneeded=move || !is_own()>
                    "Your review"
                </span>
                {(!is_public).then(|| status_chip(review.status))}
                {review.title.clone().map(|title| view! { <h3 dir="auto">{title}</h3> })}
            </header>
            <FoldedBody text=review.body.clone() />
            <footer>
                <ReviewByline review=review.clone() />
                <span class="review-links">
                    <span class:unneeded=is_own>
                        <ReportControl review=number author />
                    </span>
                    {permalink}
                </span>
            </footer>
        </article>
    }
}

/// The element id of a review's card.
pub fn card_id(review: &Review) -> String {
    format!("review-{}", review.id)
}

/// The rating that a review gives.
#[component]
pub fn Verdict(rating: Option<Rating>) -> impl IntoView {
    match rating {
        Some(rating) => view! { <Stars stars=rating.stars().into() /> }.into_any(),
        None => view! { <span class="muted small">"No rating"</span> }.into_any(),
    }
}

/// A review's text, as it was typed.
#[component]
pub fn ReviewBody(text: String) -> impl IntoView {
    view! { <div class="review-body" dir="auto">{text}</div> }
}

/// The review's author and times.
#[component]
pub fn ReviewByline(review: Review) -> impl IntoView {
    let author = author(&review);
    byline(author, review.member, review.created_at, review.edited_at)
}

/// The author, a mark for members, and the times of creation and last edit.
pub fn byline(
    author: String,
    member: bool,
    created_at: Timestamp,
    edited_at: Option<Timestamp>,
) -> AnyView {
    view! {
        <p class="byline">
            <bdi class="author">{author}</bdi>
            {member
                .then(|| {
                    view! {
                        <span class="member" title="Signed with the name of an account">
                            "member"
                        </span>
                    }
                })}
            <span aria-hidden="true">" · "</span>
            <Ago at=created_at />
            {edited_at.map(|at| view! { <span class="edited">" · edited "<Ago at /></span> })}
        </p>
    }
    .into_any()
}

/// The author's name.
pub fn author(review: &Review) -> String {
    review.author_name.clone().unwrap_or_else(|| "Anonymous".to_owned())
}

/// A text that is folded if it is long.
#[component]
pub fn FoldedBody(text: String) -> impl IntoView {
    let long = text.chars().nth(LONG_CHARS).is_some() || text.lines().nth(LONG_LINES).is_some();
    let folded = RwSignal::new(long);
    view! {
        <div class="fold" class:is-folded=folded>
            <ReviewBody text />
        </div>
        {long
            .then(|| {
                view! {
                    <button
                        type="button"
                        class="link-button"
                        aria-expanded=move || (!folded.get()).to_string()
                        on:click=move |_| folded.update(|folded| *folded = !*folded)
                    >
                        {move || if folded.get() { "Read more" } else { "Show less" }}
                    </button>
                }
            })}
    }
}
