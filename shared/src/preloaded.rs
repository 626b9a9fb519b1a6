//! Preloaded responses: they come with a page, so that the app can show it without requests.
//!
//! The server puts each into the page as a `<script type="application/json">` element, whose id is
//! the address of the request. The app uses it instead of sending that request.

use crate::ProductId;

/// The number of products on a page of the catalogue: it fills rows of two, three, four and six.
pub const PRODUCTS_PER_PAGE: u32 = 24;
/// The number of reviews on a page of a product.
pub const REVIEWS_PER_PAGE: u32 = 10;

/// The first request of the catalogue.
pub fn products_address() -> String {
    format!("/api/products?limit={PRODUCTS_PER_PAGE}&allow_partial=true")
}

/// The first request of a product's page.
pub fn product_address(id: ProductId) -> String {
    format!("/api/products/{id}?allow_partial=true")
}

/// Its second request, unless reviews are filtered or sorted.
pub fn reviews_address(id: ProductId) -> String {
    format!("/api/products/{id}/reviews?sort=newest&limit={REVIEWS_PER_PAGE}&allow_partial=true")
}
