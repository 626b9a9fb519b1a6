//! A product's reviews: chosen, ordered, page by page.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use ostrakon_shared::{ProductId, Review, ReviewSort};

use crate::api;
use crate::components::load_more::LoadMore;
use crate::components::notice::PartialNotice;
use crate::components::review_card::ReviewCard;
use crate::components::skeleton::ReviewSkeletons;
use crate::format::counted;
use crate::memory::Memory;
use crate::paging::Pages;
use crate::request::{Loaded, Request};
use crate::review_query::ReviewQuery;

/// The reviews, with what chooses and orders them. Those that were just posted come first.
#[component]
pub fn ReviewList(
    product: ProductId,
    query: Memo<ReviewQuery>,
    posted: RwSignal<Vec<Review>>,
) -> impl IntoView {
    let memory = expect_context::<Memory>();
    let request = Request::new(
        move || query.get(),
        move |query| {
            let kept = memory.recall(&query.href(product));
            async move {
                match kept {
                    Some(pages) => Ok(pages),
                    None => api::reviews(product, query, None).await.map(Pages::from),
                }
            }
        },
    );
    view! {
        <section class="reviews" aria-labelledby="reviews">
            <div class="reviews-head">
                <h2 id="reviews">"Reviews"</h2>
                <ActiveFilter product query />
                <SortMenu product query />
            </div>
            <For each=move || posted.get() key=|review| review.id let:review>
                <ReviewCard review posted=true />
            </For>
            <Loaded
                request
                skeleton=ReviewSkeletons
                content=move |first| {
                    let query = query.get_untracked();
                    view! { <LoadedReviews product query first posted /> }
                }
            />
        </section>
    }
}

/// The rating to which the list is limited, and a way to lift that.
#[component]
fn ActiveFilter(product: ProductId, query: Memo<ReviewQuery>) -> impl IntoView {
    move || {
        let ReviewQuery { sort, rating } = query.get();
        rating.map(|rating| {
            let all = ReviewQuery { sort, rating: None }.href(product);
            view! {
                <span class="chip">
                    {counted(rating.stars().into(), "star")}
                    <a class="chip-remove" href=all data-noscroll aria-label="Show all ratings">
                        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                            <path d="M6 6l12 12M18 6L6 18" />
                        </svg>
                    </a>
                </span>
            }
        })
    }
}

#[component]
fn SortMenu(product: ProductId, query: Memo<ReviewQuery>) -> impl IntoView {
    let navigate = use_navigate();
    let choose = move |name: String| {
        let sort = ReviewSort::from_name(&name).unwrap_or_default();
        let options = NavigateOptions { scroll: false, ..Default::default() };
        navigate(&ReviewQuery { sort, ..query.get_untracked() }.href(product), options);
    };
    view! {
        <select
            class="sort"
            aria-label="Sort reviews"
            prop:value=move || query.read().sort.as_str()
            on:change:target=move |event| choose(event.target().value())
        >
            {ReviewSort::ALL
                .map(|sort| {
                    let selected = query.read_untracked().sort == sort;
                    view! {
                        <option value=sort.as_str() selected=selected>
                            {sort_label(sort)}
                        </option>
                    }
                })
                .collect_view()}
        </select>
    }
}

fn sort_label(sort: ReviewSort) -> &'static str {
    match sort {
        ReviewSort::Newest => "Newest",
        ReviewSort::Oldest => "Oldest",
        ReviewSort::Highest => "Highest rating",
        ReviewSort::Lowest => "Lowest rating",
    }
}

/// The reviews that the server listed, growing by "load more".
#[component]
fn LoadedReviews(
    product: ProductId,
    query: ReviewQuery,
    first: Pages<Review>,
    posted: RwSignal<Vec<Review>>,
) -> impl IntoView {
    let memory = expect_context::<Memory>();
    let pages = RwSignal::new(first);
    Effect::new(move || memory.keep(query.href(product), pages.get()));
    memory.scroll_back();
    let others = Memo::new(move |_| {
        let posted = posted.read();
        let is_other = |review: &Review| posted.iter().all(|posted| posted.id != review.id);
        pages.read().items.iter().filter(|review| is_other(review)).cloned().collect::<Vec<_>>()
    });
    let fetch = move |cursor: String| async move {
        api::reviews(product, query, Some(&cursor)).await.map(Pages::from)
    };
    view! {
        <PartialNotice
            things="reviews"
            databases=Signal::derive(move || pages.read().missing_databases.clone())
        />
        {move || {
            let empty = others.read().is_empty() && posted.read().is_empty();
            empty.then(|| view! { <NoReviews query /> })
        }}
        <For each=move || others.get() key=|review| review.id let:review>
            <ReviewCard review />
        </For>
        <LoadMore pages thing="review" fetch />
    }
}

#[component]
fn NoReviews(query: ReviewQuery) -> impl IntoView {
    let (heading, text) = match query.rating {
        Some(rating) => (
            format!("No reviews with {}", counted(rating.stars().into(), "star")),
            "Nobody has given this verdict so far.",
        ),
        None => ("No reviews yet".to_owned(), "Be the first to give a verdict."),
    };
    view! {
        <div class="empty">
            <h3>{heading}</h3>
            <p class="muted">{text}</p>
        </div>
    }
}
