//! The distribution of a product's ratings.

use leptos::prelude::*;
use ostrakon_shared::{ProductId, Rating};

use crate::format::{counted, grouped};
use crate::routing::review_query::ReviewQuery;

/// A bar for each rating; a link to the reviews with it, or back to all reviews.
#[component]
pub fn Histogram(
    product: ProductId,
    /// Reviews with 1 to 5 stars; `None` while a database is down.
    histogram: Memo<Option<[u64; 5]>>,
    /// Filter and order of the list.
    query: Memo<ReviewQuery>,
) -> impl IntoView {
    let bar = move |rating| view! { <Bar product rating histogram query /> };
    view! { <ul class="histogram" role="list">{Rating::BEST_FIRST.map(bar).collect_view()}</ul> }
}

#[component]
fn Bar(
    product: ProductId,
    rating: Rating,
    histogram: Memo<Option<[u64; 5]>>,
    query: Memo<ReviewQuery>,
) -> impl IntoView {
    let stars = rating.stars();
    let active = move || query.read().rating == Some(rating);
    let href = move || {
        let rating = if active() { None } else { Some(rating) };
        ReviewQuery { rating, ..query.get() }.href(product)
    };
    let count = move || histogram.read().map(|counts| counts[usize::from(stars) - 1]);
    let part = move || {
        let all: u64 = histogram.read().iter().flatten().sum();
        count().unwrap_or_default() as f64 / all.max(1) as f64
    };
    let label = move || {
        let stars = counted(stars.into(), "star");
        let reviews = count().map(|count| counted(count, "review"));
        format!("{stars}: {}", reviews.unwrap_or_else(|| "count unknown".to_owned()))
    };
    // A plain link: `A` ignores the query and would mark it as the current page.
    view! {
        <li>
            <a
                class="bar"
                href=href
                data-noscroll
                aria-label=label
                aria-current=move || active().then_some("true")
            >
                <span class="bar-stars" aria-hidden="true">
                    {stars}
                </span>
                <span class="bar-track" aria-hidden="true">
                    <span class="bar-fill" style:--part=move || part().to_string()></span>
                </span>
                <span class="bar-count" aria-hidden="true">
                    {move || count().map_or_else(|| "–".to_owned(), grouped)}
                </span>
            </a>
        </li>
    }
}
