//! What the product does: review a product, page through reviews, rate, moderate.
//!
//! Blocking: callers that must not wait run it on a thread of their own. It knows no HTTP.

mod accounts;
mod actor;
mod audit;
mod catalog;
mod clock;
mod cluster;
mod error;
mod reviews;
mod routing;
mod version;

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::{Arc, RwLock};

use crate::db::{Database, RequestDatabase};
use crate::shard::{DatabaseIndex, ShardMap, Spread};
use arc_swap::ArcSwap;
use ostrakon_shared::ProductId;

pub use crate::db::{Context, Positions, WaitsFor};
pub use accounts::accounts::{AccountQuery, DEMO_NAME};
pub use accounts::credentials::Ended;
pub use accounts::sessions::{Authenticated, Begun, Browser, Credential, Means, SESSION_S};
pub use actor::Actor;
pub use audit::{AuditQuery, Source};
pub use catalog::admin::AdminProductQuery;
pub use catalog::products::ProductQuery;
pub use clock::Clock;
pub use cluster::backup;
pub use cluster::overview::Place;
pub use cluster::restore::{Restore, Restored};
pub use cluster::seed::{SeedProduct, SeedReview, Seeded};
pub use cluster::setup::{Databases, MigrationStatus, SetupError};
pub use cluster::transfer::{BegunTransfer, Transfer};
pub use cluster::verify::Report;
pub use error::StoreError;
pub use reviews::admin::AdminReviewQuery;
pub use reviews::create::Created;
pub use reviews::list::ReviewQuery;
pub use reviews::moderation::{QueueQuery, Reader};
pub use reviews::own::OwnReviewQuery;
pub use reviews::policy::Policy;
pub use reviews::write_queue::Writing;
pub use routing::change_counters::Subject;
pub use version::ExpectedVersion;

use accounts::{passwords, usage};
use cluster::verification;
use reviews::write_queue;
use routing::{change_counters, id_generator};

/// All reviews, products, ratings and accounts of one cluster, as one request uses them.
#[derive(Clone)]
pub struct Store {
    cluster: Arc<Cluster>,
    context: Context,
}

/// What all requests share.
pub struct Cluster {
    default: Arc<Database>,
    reviews: Vec<Arc<Database>>,
    spread: Spread,
    policy: Policy,
    passwords: passwords::Passwords,
    usage: usage::Usage,
    failures: audit::Failures,
    map: ArcSwap<ShardMap>,
    /// One for each reviews database.
    mints: Vec<id_generator::Mint>,
    running: verification::Running,
    revisions: change_counters::Revisions,
    writers: write_queue::Writers,
    /// Products that were seen to exist. They are never deleted, so this can't go stale.
    known_products: RwLock<HashSet<ProductId>>,
}

impl Deref for Store {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Store {
    /// The same store, as another request uses it.
    pub fn with(&self, context: Context) -> Store {
        Store { cluster: Arc::clone(&self.cluster), context }
    }

    /// The context of the request that uses this store.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// `default`, as this request uses it.
    fn default(&self) -> RequestDatabase<'_> {
        RequestDatabase { database: &self.default, context: &self.context }
    }

    /// A reviews database, as this request uses it.
    fn database(&self, index: DatabaseIndex) -> RequestDatabase<'_> {
        RequestDatabase { database: &self.reviews[index], context: &self.context }
    }

    fn all_databases(&self) -> impl Iterator<Item = &Arc<Database>> {
        std::iter::once(&self.default).chain(&self.reviews)
    }

    /// What the operator chose about reviews.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// How often this process has changed a subject. Answers to the public that were read after
    /// this revision, and before the next one, are the same but for what other processes write.
    pub fn revision(&self, subject: Subject) -> u64 {
        self.revisions.of(subject)
    }

    /// How many reads a database answers at once, if all of them are files of this machine.
    pub fn file_readers(&self) -> Option<usize> {
        let all = self.all_databases().all(|database| database.is_file());
        all.then(|| self.default.read_connections())
    }

    /// A number that is the same again only if nobody, in any process, has committed anything to any
    /// database meanwhile. `None` where that is not known: servers can't be asked for it, and a file
    /// that can't be read is noticed by whoever reads it.
    pub fn stamp(&self) -> Option<i64> {
        self.file_readers()?;
        let reviews = self.reviews.iter().map(|database| database.data_version());
        // None of them ever falls.
        std::iter::once(self.default.data_version()).chain(reviews).sum::<Result<i64, _>>().ok()
    }
}
