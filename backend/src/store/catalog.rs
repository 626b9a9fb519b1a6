//! The catalogue: products and their ratings.
//!
//! Products are in `default`; `ratings` sums up their ratings over the reviews databases.
//! `products` is what readers see, `admin` what admins see and change.

pub mod admin;
pub mod products;
pub mod ratings;

use std::collections::HashSet;
use std::sync::{Arc, RwLock};

use ostrakon_shared::ProductId;

use crate::db::Context;
use crate::store::routing::{Routing, Shards};

/// The shared state of the catalogue.
pub(in crate::store) struct Shared {
    shards: Arc<Shards>,
    /// Products known to exist. They are never deleted, so this can't go stale.
    known_products: RwLock<HashSet<ProductId>>,
}

impl Shared {
    pub fn new(shards: Arc<Shards>) -> Shared {
        Shared { shards, known_products: RwLock::default() }
    }
}

/// The catalogue, for one request.
#[derive(Clone, Copy)]
pub struct Catalog<'a> {
    shared: &'a Shared,
    context: &'a Context,
}

impl<'a> Catalog<'a> {
    pub(in crate::store) fn new(shared: &'a Shared, context: &'a Context) -> Catalog<'a> {
        Catalog { shared, context }
    }

    fn routing(&self) -> Routing<'a> {
        Routing { shards: &self.shared.shards, context: self.context }
    }
}
