//! The pages, one for each route.

pub mod account;
mod admin;
mod catalogue;
mod guard;
mod not_found;
mod product;
mod review;
mod sign_in;

pub use account::AccountRoute;
pub use admin::AdminRoute;
pub use catalogue::Catalogue;
pub use not_found::{Missing, NotFound};
pub use product::ProductRoute;
pub use review::ReviewRoute;
pub use sign_in::{Register, SignIn};
