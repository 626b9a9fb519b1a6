//! What the Ostrakon API and its app say to each other.
//!
//! Request and response types, their limits and their validation, compiled both for the server
//! and for the browser, so that the form and the API can't disagree about a rule. No database
//! and no HTTP framework in here.

mod database;
mod id;
mod page;
mod problem;
mod product;
mod review;

pub use database::{DatabaseInfo, DatabaseList, Engine, Health};
pub use id::{IdError, ProductId, ReviewId};
pub use page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, PageLimit};
pub use problem::{FieldError, FieldErrorCode, Problem, ProblemCode};
pub use product::{
    MAX_PRODUCTS_PER_BATCH, MAX_SEARCH_CHARS, Product, ProductPage, ProductRating,
    ProductRatingList, RatedProduct, Rating,
};
pub use review::{
    MAX_AUTHOR_NAME_CHARS, MAX_BODY_CHARS, MAX_RATING, MAX_TITLE_CHARS, MIN_RATING, NewReview,
    Review, ReviewLocation, ReviewPage, ReviewSort,
};
