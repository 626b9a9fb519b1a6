//! Placeholders as large as the content that is being loaded.

use leptos::prelude::*;

/// The catalogue's cards.
#[component]
pub fn CardSkeletons() -> impl IntoView {
    let card = |_| {
        view! {
            <div class="card">
                <div class="picture skeleton-block"></div>
                <div class="card-text">
                    <span class="card-name skeleton-text"></span>
                    <span class="card-rating skeleton-text skeleton-short"></span>
                </div>
            </div>
        }
    };
    view! {
        <div class="cards skeleton" aria-hidden="true">
            {(0..12).map(card).collect_view()}
        </div>
    }
}

/// A product's page.
#[component]
pub fn ProductSkeleton() -> impl IntoView {
    view! {
        <div class="product skeleton" aria-hidden="true">
            <div class="product-picture">
                <div class="picture skeleton-block"></div>
            </div>
            <div class="product-about">
                <div class="skeleton-heading"></div>
                <p class="lead skeleton-text"></p>
                <div class="rating skeleton-block skeleton-rating"></div>
            </div>
        </div>
    }
}

/// A list of reviews.
#[component]
pub fn ReviewSkeletons() -> impl IntoView {
    view! { <div class="skeleton" aria-hidden="true">{(0..4).map(|_| view! { <Review /> }).collect_view()}</div> }
}

#[component]
fn Review() -> impl IntoView {
    view! {
        <div class="review">
            <span class="skeleton-text skeleton-short"></span>
            <span class="skeleton-text"></span>
            <span class="skeleton-text"></span>
            <span class="skeleton-text skeleton-short"></span>
        </div>
    }
}

/// A review's own page.
#[component]
pub fn ReviewSkeleton() -> impl IntoView {
    view! {
        <div class="permalink skeleton" aria-hidden="true">
            <div class="permalink-review">
                <div class="skeleton-heading"></div>
                <Review />
            </div>
            <div class="where skeleton-block skeleton-where"></div>
        </div>
    }
}
