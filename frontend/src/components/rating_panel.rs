//! A product's rating.

use leptos::prelude::*;
use ostrakon_shared::{ProductId, ProductRating};

use crate::components::histogram::Histogram;
use crate::components::stars::Stars;
use crate::format::{grouped, review_count};
use crate::routing::review_query::ReviewQuery;

/// The average and the distribution, with links to the reviews of each rating.
#[component]
pub fn RatingPanel(
    product: ProductId,
    /// `None` while a database is down.
    rating: RwSignal<Option<ProductRating>>,
    /// Filter and order of the list.
    query: Memo<ReviewQuery>,
) -> impl IntoView {
    let histogram = Memo::new(move |_| rating.read().as_ref().map(|rating| rating.histogram));
    view! {
        <section class="rating" aria-labelledby="rating">
            <h2 id="rating" class="visually-hidden">
                "Rating"
            </h2>
            <div class="rating-average">{move || rating.get().map_or_else(unknown, average)}</div>
            <Histogram product histogram query />
        </section>
    }
}

fn unknown() -> AnyView {
    view! { <p class="muted">"The rating can’t be shown right now."</p> }.into_any()
}

fn average(rating: ProductRating) -> AnyView {
    let ProductRating { count, average, unrated, .. } = rating;
    view! {
        {match average {
            Some(average) => {
                view! {
                    <p class="rating-number" aria-hidden="true">
                        {format!("{average:.1}")}
                    </p>
                    <Stars stars=average />
                }
                    .into_any()
            }
            None => view! { <p class="rating-number muted">"–"</p> }.into_any(),
        }}
        <p class="muted rating-count">
            {review_count(count)}
            {(unrated > 0)
                .then(|| {
                    view! {
                        <br />
                        {format!("{} without a rating", grouped(unrated))}
                    }
                })}
        </p>
    }
    .into_any()
}
