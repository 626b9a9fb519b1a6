//! The answers that come with a page, so that the app shows it without asking for them.
//!
//! The server puts each into the page as a `<script type="application/json">` element. Its id is
//! the address of the request that it answers, instead of which the app takes it.

use crate::ProductId;

/// Products on a page of the catalogue: full rows of two, three, four and six.
pub const PRODUCTS_PER_PAGE: u32 = 24;
/// Reviews on a page of a product's: enough to read, quick to load.
pub const REVIEWS_PER_PAGE: u32 = 10;

/// What the app asks for first on the catalogue's page.
pub fn products_address() -> String {
    format!("/api/products?limit={PRODUCTS_PER_PAGE}&allow_partial=true")
}

/// What the app asks for first on a product's page.
pub fn product_address(id: ProductId) -> String {
    format!("/api/products/{id}?allow_partial=true")
}

/// What it asks for next, unless the reviews are to be chosen or sorted.
pub fn reviews_address(id: ProductId) -> String {
    format!("/api/products/{id}/reviews?sort=newest&limit={REVIEWS_PER_PAGE}&allow_partial=true")
}
