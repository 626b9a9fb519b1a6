//! The pages, one for each route.

mod catalogue;
mod not_found;
mod product;
mod review;

pub use catalogue::Catalogue;
pub use not_found::{Missing, NotFound};
pub use product::ProductRoute;
pub use review::ReviewRoute;
