//! Placeholders as large as the content that is being loaded.

use leptos::prelude::*;

/// The catalogue's cards.
#[component]
pub fn CardSkeletons() -> impl IntoView {
    let card = |_| {
        view! {
            <div class="card">
                <div class="picture bone"></div>
                <div class="card-text">
                    <span class="card-name bone-text"></span>
                    <span class="card-rating bone-text bone-short"></span>
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
                <div class="picture bone"></div>
            </div>
            <div class="product-about">
                <div class="bone-heading"></div>
                <p class="lead bone-text"></p>
                <div class="rating bone bone-rating"></div>
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
            <span class="bone-text bone-short"></span>
            <span class="bone-text"></span>
            <span class="bone-text"></span>
            <span class="bone-text bone-short"></span>
        </div>
    }
}

/// A review's own page.
#[component]
pub fn ReviewSkeleton() -> impl IntoView {
    view! {
        <div class="permalink skeleton" aria-hidden="true">
            <div class="permalink-review">
                <div class="bone-heading"></div>
                <Review />
            </div>
            <div class="where bone bone-where"></div>
        </div>
    }
}
