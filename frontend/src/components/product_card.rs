//! A product in the catalogue.

use leptos::prelude::*;
use leptos_router::components::A;
use ostrakon_shared::{Product, ProductRating};

use crate::components::picture::Picture;
use crate::components::stars::Stars;
use crate::format::review_count;
use crate::routing::review_query::ReviewQuery;

/// A card that leads to the product.
#[component]
pub fn ProductCard(product: Product) -> impl IntoView {
    let Product { id, name, picture_url, rating, .. } = product;
    view! {
        <A href=ReviewQuery::default().href(id) attr:class="card">
            <Picture name=name.clone() url=picture_url />
            <span class="card-text">
                <span class="card-name" dir="auto">
                    {name}
                </span>
                <CardRating rating />
            </span>
        </A>
    }
}

#[component]
fn CardRating(rating: Option<ProductRating>) -> impl IntoView {
    let Some(ProductRating { average, count, .. }) = rating else {
        return view! { <span class="card-rating muted">"Rating not available"</span> }.into_any();
    };
    view! {
        <span class="card-rating">
            {average.map(|average| {
                view! {
                    <span class="card-average">
                        <Stars stars=average />
                        <span aria-hidden="true">{format!("{average:.1}")}</span>
                    </span>
                }
            })} <span class="muted">{review_count(count)}</span>
        </span>
    }
    .into_any()
}
