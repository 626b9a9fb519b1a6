//! A product's reviews, filtered, ordered and paginated.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use ostrakon_shared::{ProductId, Review, ReviewId, ReviewSort};

use crate::components::paginated_list::{List, PaginatedList, rows};
use crate::components::review_card::ReviewCard;
use crate::components::skeleton::ReviewSkeletons;
use crate::dom::takeover::yield_during_takeover;
use crate::format::counted;
use crate::net::api;
use crate::routing::review_query::ReviewQuery;
use crate::state::history_cache::HistoryCache;
use crate::state::loaded_pages::LoadedPages;
use crate::state::local_changes::LocalChanges;

/// The reviews with filter and order. Those just posted come first.
#[component]
pub fn ReviewList(
    product: ProductId,
    query: Memo<ReviewQuery>,
    own: RwSignal<LocalChanges>,
    /// The account's review of this product.
    mine: RwSignal<Option<ReviewId>>,
) -> impl IntoView {
    let cache = expect_context::<HistoryCache>();
    let list = PaginatedList::new(move |cursor| {
        let query = query.get();
        let kept = match cursor {
            Some(_) => None,
            None => cache.get(&query.href(product)),
        };
        Box::pin(async move {
            match kept {
                Some(pages) => Ok(pages),
                None => {
                    yield_during_takeover().await;
                    api::reviews(product, query, cursor.as_deref()).await.map(LoadedPages::from)
                }
            }
        })
    });
    Effect::new(move || {
        if let Some(pages) = list.pages() {
            cache.keep(query.read_untracked().href(product), pages);
            cache.restore_scroll();
        }
    });
    let posted = Signal::derive(move || {
        let rating = query.read().rating;
        let is_listed = |review: &&Review| rating.is_none() || review.rating == rating;
        own.read().posted.iter().filter(is_listed).cloned().collect::<Vec<_>>()
    });
    let others = Signal::derive(move || own.read().others(&list.items.read()));
    let empty = move || {
        let none_posted = posted.read().is_empty();
        none_posted.then(|| view! { <NoReviews query=query.get() /> })
    };
    view! {
        <section class="reviews" aria-labelledby="reviews">
            <div class="reviews-head">
                <h2 id="reviews">"Reviews"</h2>
                <ActiveFilter product query />
                <SortMenu product query />
            </div>
            {rows(posted, move |review| view! { <ReviewCard review mine posted=true /> }.into_any())}
            <List list=list.state thing="review" skeleton=ReviewSkeletons empty>
                {rows(others, move |review| view! { <ReviewCard review mine /> }.into_any())}
            </List>
        </section>
    }
}

/// The rating filter, with a link to remove it.
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

#[component]
fn NoReviews(query: ReviewQuery) -> impl IntoView {
    let (heading, text) = match query.rating {
        Some(rating) => (
            format!("No reviews with {}", counted(rating.stars().into(), "star")),
            "No review has this rating yet.",
        ),
        None => ("No reviews yet".to_owned(), "Be the first to write one."),
    };
    view! {
        <div class="empty">
            <h3>{heading}</h3>
            <p class="muted">{text}</p>
        </div>
    }
}
