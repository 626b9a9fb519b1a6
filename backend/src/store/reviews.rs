//! Reviews: creating, listing, changing and moderating them.

pub mod admin;
pub mod attempts;
pub mod batch;
pub mod create;
pub mod draft;
pub mod list;
pub mod moderation;
pub mod own;
pub mod policy;
pub mod read;
pub mod signature;
pub mod update;
pub mod write_queue;

use std::sync::Arc;

use crate::db::Context;
use crate::store::catalog::{self, Catalog};
use crate::store::routing::{Routing, Shards};
use policy::Policy;
use write_queue::Writers;

/// The shared state of the reviews.
pub(in crate::store) struct Shared {
    shards: Arc<Shards>,
    catalog: Arc<catalog::Shared>,
    policy: Policy,
    writers: Writers,
}

impl Shared {
    pub fn new(shards: Arc<Shards>, catalog: Arc<catalog::Shared>, policy: Policy) -> Shared {
        Shared { shards, catalog, policy, writers: Writers::default() }
    }
}

/// The reviews, for one request or one batch of new ones.
#[derive(Clone, Copy)]
pub struct Reviews<'a> {
    shared: &'a Arc<Shared>,
    context: &'a Context,
}

impl<'a> Reviews<'a> {
    pub(in crate::store) fn new(shared: &'a Arc<Shared>, context: &'a Context) -> Reviews<'a> {
        Reviews { shared, context }
    }

    /// The operator's policy.
    pub fn policy(&self) -> Policy {
        self.shared.policy
    }

    fn routing(&self) -> Routing<'a> {
        Routing { shards: &self.shared.shards, context: self.context }
    }

    fn catalog(&self) -> Catalog<'a> {
        Catalog::new(&self.shared.catalog, self.context)
    }
}
