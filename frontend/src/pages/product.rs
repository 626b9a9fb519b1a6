//! The product page: description, rating, reviews, and the form to write one.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_params_map;
use ostrakon_shared::{Product, ProductId, ReviewId, ReviewStatus};

use crate::components::{
    Loaded, Picture, ProductSkeleton, RatingPanel, ReviewList, WritePanel, card_id,
};
use crate::dom::document::focus_soon;
use crate::dom::title::set_title;
use crate::net::api;
use crate::net::fetched::Fetched;
use crate::pages::Missing;
use crate::routing::review_query::ReviewQuery;
use crate::routing::url::page_query;
use crate::state::history_cache::{HistoryCache, ProductVisit};
use crate::state::local_changes::{LocalChange, LocalChanges};

/// The product page for the address.
#[component]
pub fn ProductRoute() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get_str("id").and_then(|id| id.parse().ok()));
    move || match id.get() {
        Some(id) => view! { <ProductById id /> }.into_any(),
        None => no_such_product(),
    }
}

fn no_such_product() -> AnyView {
    view! {
        <Missing heading="Product not found" text="It may have been removed, or it never existed." />
    }
    .into_any()
}

#[component]
fn ProductById(id: ProductId) -> impl IntoView {
    let cache = expect_context::<HistoryCache>();
    let request = Fetched::new(
        || (),
        move |()| {
            let kept = cache.get(&visit_address(id));
            async move {
                match kept {
                    Some(visit) => Ok(Some(visit)),
                    None => {
                        let product = api::product(id).await?;
                        Ok(product
                            .map(|product| ProductVisit { product, own: LocalChanges::default() }))
                    }
                }
            }
        },
    );
    let content = |visit| match visit {
        Some(visit) => view! { <ProductDetails visit /> }.into_any(),
        None => no_such_product(),
    };
    view! { <Loaded request skeleton=ProductSkeleton content /> }
}

/// One visit spans all filters and orders of the reviews.
fn visit_address(id: ProductId) -> String {
    ReviewQuery::default().href(id)
}

#[component]
fn ProductDetails(visit: ProductVisit) -> impl IntoView {
    let ProductVisit { product, own } = visit;
    set_title(&product.name);
    let id = product.id;
    let params = page_query();
    let query = Memo::new(move |_| ReviewQuery::from_params(&params.read()));
    let rating = RwSignal::new(product.rating.clone());
    let own = RwSignal::new(own);
    let mine = RwSignal::new(None::<ReviewId>);
    remember(product.clone(), rating, own);
    let on_written = Callback::new(move |written: LocalChange| {
        if let LocalChange::New(review) = &written {
            let given = review.rating;
            if review.status == ReviewStatus::Approved {
                rating.update(|rating| *rating = rating.as_ref().map(|rating| rating.with(given)));
            }
            focus_soon(card_id(review));
        }
        own.update(|own| own.record(written));
        spawn_local(async move {
            // If that fails, keep the local counts.
            if let Ok(answer) = api::rating(id).await {
                rating.try_set(Some(answer));
            }
        });
    });
    let write = (!product.archived).then(|| {
        // The router would prevent the browser from moving the focus to the fragment.
        view! {
            <a class="button product-write" href="#write-review" rel="external">
                {move || if mine.read().is_some() { "Your review" } else { "Write a review" }}
            </a>
        }
    });
    view! {
        <div class="product">
            <div class="product-picture">
                <Picture name=product.name.clone() url=product.picture_url eager=true />
            </div>
            <div class="product-about">
                <h1 dir="auto">{product.name}</h1>
                {product.description.map(|text| view! { <p class="lead" dir="auto">{text}</p> })}
                <RatingPanel product=id rating query />
                {write}
            </div>
        </div>
        <div class="product-reviews">
            <ReviewList product=id query own mine />
            <WritePanel product=id archived=product.archived mine on_written />
        </div>
    }
}

/// Caches the visit for Back, and updates the catalogue's rating.
fn remember(
    product: Product,
    rating: RwSignal<Option<ostrakon_shared::ProductRating>>,
    own: RwSignal<LocalChanges>,
) {
    let cache = expect_context::<HistoryCache>();
    Effect::new(move || {
        let product = Product { rating: rating.get(), ..product.clone() };
        if let Some(rating) = &product.rating {
            cache.update_rating(product.id, rating);
        }
        cache.keep(visit_address(product.id), ProductVisit { product, own: own.get() });
    });
}
