//! A review's own page.

use futures::join;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;
use ostrakon_shared::{BUCKETS, Product, Review, ReviewId, ReviewLocation};

use crate::components::{
    Loaded, Picture, ReportControl, ReviewBody, ReviewByline, ReviewSkeleton, ShareButton, Verdict,
    author,
};
use crate::dom::title::set_title;
use crate::format::grouped;
use crate::net::api;
use crate::net::fetched::Fetched;
use crate::net::http::ApiError;
use crate::pages::Missing;
use crate::routing::review_query::ReviewQuery;
use crate::state::history_cache::HistoryCache;

/// The review page for the address.
#[component]
pub fn ReviewRoute() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get_str("id").and_then(|id| id.parse().ok()));
    move || match id.get() {
        Some(id) => view! { <ReviewById id /> }.into_any(),
        None => no_such_review(),
    }
}

fn no_such_review() -> AnyView {
    view! {
        <Missing heading="Review not found" text="It may have been removed, or it never existed." />
    }
    .into_any()
}

#[component]
fn ReviewById(id: ReviewId) -> impl IntoView {
    let request = Fetched::new(|| (), move |()| fetch(id));
    let content = |found| match found {
        Some(found) => view! { <ReviewDetails found /> }.into_any(),
        None => no_such_review(),
    };
    view! { <Loaded request skeleton=ReviewSkeleton content /> }
}

/// A review with its product and location. These may be missing: the review alone is shown, too.
#[derive(Clone)]
struct Found {
    review: Review,
    product: Option<Product>,
    location: Option<ReviewLocation>,
}

async fn fetch(id: ReviewId) -> Result<Option<Found>, ApiError> {
    let (review, location) = join!(api::review(id), api::location(id));
    let Some(review) = review? else { return Ok(None) };
    let product = api::product(review.product_id).await.ok().flatten();
    Ok(Some(Found { review, product, location: location.ok() }))
}

#[component]
fn ReviewDetails(found: Found) -> impl IntoView {
    let Found { review, product, location } = found;
    let product_name = product.as_ref().map_or("a product", |product| &product.name);
    let heading = review.title.clone().unwrap_or_else(|| format!("Review of {product_name}"));
    set_title(&heading);
    expect_context::<HistoryCache>().restore_scroll();
    view! {
        <div class="permalink">
            <article class="permalink-review">
                <Subject review=review.clone() product />
                <h1 dir="auto">{heading.clone()}</h1>
                <Verdict rating=review.rating />
                <ReviewBody text=review.body.clone() />
                <ReviewByline review=review.clone() />
                <p class="review-links small">
                    <ReportControl review=review.id author=author(&review) />
                    <ShareButton title=heading path=format!("/reviews/{}", review.id) />
                </p>
            </article>
            <WhereItLives id=review.id location />
        </div>
    }
}

/// The product that the review is about, as a link.
#[component]
fn Subject(review: Review, product: Option<Product>) -> impl IntoView {
    let href = ReviewQuery::default().href(review.product_id);
    let (name, url) = match product {
        Some(product) => (product.name, product.picture_url),
        None => ("View the product".to_owned(), None),
    };
    view! {
        <A href attr:class="subject">
            <Picture name=name.clone() url eager=true />
            <span dir="auto">{name}</span>
        </A>
    }
}

/// The database that stores the review, and why: folded, for the curious.
#[component]
fn WhereItLives(id: ReviewId, location: Option<ReviewLocation>) -> impl IntoView {
    view! {
        <aside class="where" aria-labelledby="where">
            <details>
                <summary>
                    <h2 id="where">"Where it is stored"</h2>
                </summary>
                {match location {
                    Some(location) => view! { <Location location /> }.into_any(),
                    None => view! { <Nowhere id /> }.into_any(),
                }}
            </details>
        </aside>
    }
}

#[component]
fn Location(location: ReviewLocation) -> impl IntoView {
    let ReviewLocation { id, bucket, database } = location;
    let part = f64::from(bucket) / f64::from(BUCKETS);
    view! {
        <dl>
            <dt>"Id"</dt>
            <dd class="code">{id.to_string()}</dd>
            <dt>"Bucket"</dt>
            <dd>
                {grouped(bucket.into())} <span class="muted">" of " {grouped(BUCKETS.into())}</span>
                <span class="scale" aria-hidden="true" style:--at=part.to_string()></span>
            </dd>
            <dt>"Database"</dt>
            <dd class="code">{database}</dd>
        </dl>
        <p class="muted small">
            "The hash of the id selects the bucket; the shard map says which database holds it."
        </p>
    }
}

#[component]
fn Nowhere(id: ReviewId) -> impl IntoView {
    view! {
        <dl>
            <dt>"Id"</dt>
            <dd class="code">{id.to_string()}</dd>
        </dl>
        <p class="muted small">"Its bucket and database can’t be shown right now."</p>
    }
}
