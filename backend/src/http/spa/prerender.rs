//! Prerenders the catalogue and the product pages: content that readers see before the app has
//! loaded, metadata for search engines, and the responses that the app would request first.
//!
//! The markup equals that of the app (`frontend/src/pages/`), so that nothing moves when the app
//! replaces it. [`crate::http::render`] has the components.

use maud::{Markup, PreEscaped, html};
use ostrakon_shared::format::review_count;
use ostrakon_shared::preloaded::{
    PRODUCTS_PER_PAGE, REVIEWS_PER_PAGE, product_address, products_address, reviews_address,
};
use ostrakon_shared::text::without_bidi_controls;
use ostrakon_shared::{
    AccountId, PageLimit, Product, ProductId, ProductRating, ReviewId, ReviewPage,
};
use serde::Serialize;

use crate::http::render::card::card;
use crate::http::render::json_ld::{linked_data, script_json};
use crate::http::render::rating::rating_panel;
use crate::store::{ProductQuery, ReviewQuery, Store, StoreError};

/// The label of the search field.
const SEARCH: &str = "Search products";

/// The app's pages that don't depend on the databases.
const FIXED: [&str; 13] = [
    "/",
    "/sign-in",
    "/register",
    "/account",
    "/account/reviews",
    "/admin",
    "/admin/queue",
    "/admin/reviews",
    "/admin/products",
    "/admin/accounts",
    "/admin/audit",
    "/admin/databases",
    "/admin/rebalance",
];

/// A page of the app, from its URL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Page {
    Catalogue,
    /// A product; with its first reviews unless the query filters or sorts them.
    Product {
        id: ProductId,
        reviews: bool,
    },
    Review(ReviewId),
    Other,
    Missing,
}

/// The server's content of a page.
pub enum Prerendered {
    Filled(Parts),
    /// The page does not exist.
    NotFound,
    /// No content: the app loads it.
    Unknown,
}

/// The content of a page for the slots of `index.html`.
pub struct Parts {
    /// The title and metadata.
    pub head: Markup,
    /// The content until the app replaces it.
    pub content: Markup,
    /// The responses that the app would request.
    pub preloaded: Markup,
}

impl Page {
    pub fn at(path: &str, query: &str) -> Page {
        if path == "/" && query.is_empty() {
            return Page::Catalogue;
        }
        if FIXED.contains(&path) {
            return Page::Other;
        }
        let page = if let Some(id) = path.strip_prefix("/products/") {
            id.parse().map(|id| Page::Product { id, reviews: query.is_empty() })
        } else if let Some(id) = path.strip_prefix("/reviews/") {
            id.parse().map(Page::Review)
        } else if let Some(id) = path.strip_prefix("/admin/accounts/") {
            // The existence of an account is not public.
            id.parse().map(|_: AccountId| Page::Other)
        } else {
            return Page::Missing;
        };
        page.unwrap_or(Page::Missing)
    }

    /// The canonical path, if this is another spelling of it.
    pub fn canonical(path: &str) -> Option<&str> {
        if path == "/index.html" {
            return Some("/");
        }
        let canonical = path.strip_suffix('/')?.trim_end_matches('/');
        // Only pages, to prevent redirects to other sites (`//example.org/`).
        (Page::at(canonical, "") != Page::Missing).then_some(canonical)
    }

    /// Reads the content of the page. `origin` is the public origin of this service, if known.
    pub fn prerender(self, store: &Store, origin: Option<&str>) -> Result<Prerendered, StoreError> {
        let prerendered = match self {
            Page::Catalogue => catalogue(store, origin),
            Page::Product { id, reviews } => product(store, id, reviews, origin),
            Page::Review(id) => store.reviews().get(id).map(|_| Prerendered::Unknown),
            Page::Other => Ok(Prerendered::Unknown),
            Page::Missing => Ok(Prerendered::NotFound),
        };
        match prerendered {
            Err(StoreError::ProductNotFound(_) | StoreError::ReviewNotFound(_)) => {
                Ok(Prerendered::NotFound)
            }
            prerendered => prerendered,
        }
    }
}

fn catalogue(store: &Store, origin: Option<&str>) -> Result<Prerendered, StoreError> {
    let limit = page_limit(PRODUCTS_PER_PAGE);
    let query = ProductQuery { limit, allow_partial: true, ..ProductQuery::default() };
    let products = store.catalog().list(&query)?;
    if !products.missing_databases.is_empty() {
        return Ok(Prerendered::Unknown);
    }
    let description = "Product reviews: read what others think, and write your own.";
    Ok(Prerendered::Filled(Parts {
        head: html! {
            title { "Products · Ostrakon" }
            meta name="description" content=(description);
            (canonical(origin, "/"))
        },
        content: html! {
            div.page-head {
                h1 { "Products" }
                search {
                    // Disabled, because the app would lose the typed text.
                    form.search {
                        svg.icon viewBox="0 0 24 24" aria-hidden="true" {
                            path d="M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm5 11.5L21 21" {}
                        }
                        input type="search" aria-label=(SEARCH) placeholder=(SEARCH) disabled;
                    }
                }
            }
            ul.cards role="list" aria-label="Products" {
                @for product in &products.items { li { (card(product)) } }
            }
        },
        preloaded: answer(&products_address(), &products)?,
    }))
}

fn product(
    store: &Store,
    id: ProductId,
    with_reviews: bool,
    origin: Option<&str>,
) -> Result<Prerendered, StoreError> {
    let product = store.catalog().get(id, true)?;
    let Some(rating) = &product.rating else { return Ok(Prerendered::Unknown) };
    let reviews = if with_reviews { Some(first_reviews(store, id)?) } else { None };
    let mut preloaded = answer(&product_address(id), &product)?.into_string();
    // A partial list is not preloaded: the app requests it and shows what is missing.
    if let Some(reviews) = reviews.filter(|reviews| reviews.missing_databases.is_empty()) {
        preloaded.push_str(&answer(&reviews_address(id), &reviews)?.into_string());
    }
    Ok(Prerendered::Filled(Parts {
        head: product_head(&product, rating, origin)?,
        content: product_content(&product, rating),
        preloaded: PreEscaped(preloaded),
    }))
}

fn first_reviews(store: &Store, id: ProductId) -> Result<ReviewPage, StoreError> {
    let limit = page_limit(REVIEWS_PER_PAGE);
    store.reviews().list(id, &ReviewQuery { limit, allow_partial: true, ..ReviewQuery::default() })
}

fn page_limit(items: u32) -> PageLimit {
    PageLimit::try_from(i64::from(items)).expect("the app's pages are shorter than the longest")
}

fn product_head(
    product: &Product,
    rating: &ProductRating,
    origin: Option<&str>,
) -> Result<Markup, StoreError> {
    let mut description = review_count(rating.count);
    if let Some(average) = rating.average {
        description = format!("{average:.1} out of 5 stars, {description}");
    }
    if let Some(text) = &product.description {
        description = format!("{description}. {text}");
    }
    Ok(html! {
        title { (without_bidi_controls(&product.name)) " · Ostrakon" }
        meta name="description" content=(description);
        meta property="og:title" content=(product.name);
        meta property="og:description" content=(description);
        meta property="og:type" content="product";
        @if let Some(url) = &product.picture_url { meta property="og:image" content=(url); }
        (canonical(origin, &format!("/products/{}", product.id)))
        script type="application/ld+json" { (script_json(&linked_data(product, rating))?) }
    })
}

/// The canonical URL of a page, for search engines; it needs a host.
fn canonical(origin: Option<&str>, path: &str) -> Markup {
    html! { @if let Some(origin) = origin { link rel="canonical" href={ (origin) (path) }; } }
}

fn product_content(product: &Product, rating: &ProductRating) -> Markup {
    html! {
        div.product {
            div.product-picture {
                @match &product.picture_url {
                    Some(url) => span.picture {
                        img src=(url) alt="" decoding="async" fetchpriority="high" referrerpolicy="no-referrer";
                    }
                    None => div.picture.skeleton-block {}
                }
            }
            div.product-about {
                h1 dir="auto" { (product.name) }
                @if let Some(text) = &product.description { p.lead dir="auto" { (text) } }
                (rating_panel(product.id, rating))
                @if !product.archived {
                    a.button.product-write href="#write-review" { "Write a review" }
                }
            }
        }
        div.product-reviews {
            section.reviews aria-labelledby="reviews" {
                div.reviews-head { h2 id="reviews" { "Reviews" } }
                div.skeleton aria-hidden="true" {
                    @for _ in 0..4 {
                        div.review { @for _ in 0..4 { span.skeleton-text {} } }
                    }
                }
            }
            div.write-panel id="write-review" tabindex="-1" { div.skeleton-block.skeleton-write {} }
        }
    }
}

/// A preloaded response: see `ostrakon_shared::preloaded`.
fn answer(address: &str, body: &impl Serialize) -> Result<Markup, StoreError> {
    Ok(html! { script type="application/json" id=(address) { (script_json(body)?) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_selects_the_page() {
        let id = ProductId::new(7).unwrap();
        for (path, query, page) in [
            ("/", "", Page::Catalogue),
            ("/", "search=bear", Page::Other),
            ("/products/7", "", Page::Product { id, reviews: true }),
            ("/products/7", "sort=lowest", Page::Product { id, reviews: false }),
            ("/reviews/128ggyhyyk08n", "", Page::Review("128GGYHYYK08N".parse().unwrap())),
            ("/sign-in", "", Page::Other),
            ("/admin/queue", "", Page::Other),
            ("/admin/accounts/7", "", Page::Other),
            ("/admin/accounts/x", "", Page::Missing),
            ("/products/bear", "", Page::Missing),
            ("/products/0", "", Page::Missing),
            ("/products/", "", Page::Missing),
            ("/products", "", Page::Missing),
            ("/products/7/nonsense", "", Page::Missing),
            ("/reviews/7", "", Page::Missing),
            ("/admin/nonsense", "", Page::Missing),
            ("/nonsense", "", Page::Missing),
            ("//", "", Page::Missing),
            ("", "", Page::Missing),
        ] {
            assert_eq!(Page::at(path, query), page, "{path}?{query}");
        }
    }

    #[test]
    fn a_page_has_one_canonical_path() {
        for (path, canonical) in [
            ("/products/7/", Some("/products/7")),
            ("/products/7//", Some("/products/7")),
            ("/sign-in/", Some("/sign-in")),
            ("/index.html", Some("/")),
            ("/", None),
            ("//", None),
            ("/products/7", None),
            ("/nonsense/", None),
            ("//example.org/", None),
            ("/\\example.org/", None),
        ] {
            assert_eq!(Page::canonical(path), canonical, "{path}");
        }
    }
}
