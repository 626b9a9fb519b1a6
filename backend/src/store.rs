//! The behaviour of the product: reviews, products and ratings, moderation, accounts, and
//! operations on the cluster. The rules of the product belong here; queries belong to `db`,
//! statuses to `http`.
//!
//! All methods block, so async callers run them on other threads.

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

use std::sync::Arc;

use crate::db::RequestDatabase;
use routing::Shards;

pub use crate::db::{Address, AwaitedServer, Context, DbError, Positions};
pub use accounts::Accounts;
pub use accounts::credentials::EndedCredentials;
pub use accounts::directory::{AccountQuery, DEMO_NAME};
pub use accounts::retention::RemovedRows;
pub use accounts::session_lifetime::SESSION_S;
pub use accounts::sessions::{AuthMethod, Authenticated, ClientInfo, Credential, StartedSession};
pub use actor::Actor;
pub use audit::{Audit, AuditQuery, Source};
pub use catalog::Catalog;
pub use catalog::admin::AdminProductQuery;
pub use catalog::products::ProductQuery;
pub use clock::Clock;
pub use cluster::Cluster;
pub use cluster::backup;
pub use cluster::rebalance::{Goal, RebalancePlan};
pub use cluster::restore::{Restore, Restored};
pub use cluster::seed::{SeedProduct, SeedReview, Seeded};
pub use cluster::setup::{Databases, MigrationStatus, Places, SetupError};
pub use cluster::transfer::{RunningTransfer, Transfer};
pub use cluster::verify::VerifyReport;
pub use error::StoreError;
pub use reviews::Reviews;
pub use reviews::admin::AdminReviewQuery;
pub use reviews::draft::Created;
pub use reviews::list::ReviewQuery;
pub use reviews::moderation::{QueueQuery, Reporter};
pub use reviews::own::OwnReviewQuery;
pub use reviews::policy::Policy;
pub use reviews::write_queue::PendingWrite;
pub use routing::Location;
pub use routing::change_counters::Subject;
pub use version::ExpectedVersion;

/// The entry point to one cluster for one request. Each subject is a view that borrows from it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    context: Context,
}

/// The state that all requests share, one part per subject.
struct Shared {
    shards: Arc<Shards>,
    failed_sign_ins: Arc<audit::FailedSignIns>,
    accounts: accounts::Shared,
    catalog: Arc<catalog::Shared>,
    reviews: Arc<reviews::Shared>,
    cluster: cluster::Shared,
}

impl Store {
    /// Opens the store after checking that the databases are one migrated cluster; reports all
    /// problems at once. `clock` dates reviews in SQLite files.
    pub fn open(databases: Databases, policy: Policy, clock: &Clock) -> Result<Store, SetupError> {
        Ok(Store::of(databases.open(clock)?, policy, clock))
    }

    /// Opens the store for operations that only use `default`: the reviews databases may be
    /// unavailable.
    pub fn open_default(
        databases: Databases,
        policy: Policy,
        clock: &Clock,
    ) -> Result<Store, SetupError> {
        Ok(Store::of(databases.open_default(clock)?, policy, clock))
    }

    fn of(shards: Shards, policy: Policy, clock: &Clock) -> Store {
        let shards = Arc::new(shards);
        let failed_sign_ins = Arc::new(audit::FailedSignIns::new(&shards.default));
        let catalog = Arc::new(catalog::Shared::new(Arc::clone(&shards)));
        let reviews = reviews::Shared::new(Arc::clone(&shards), Arc::clone(&catalog), policy);
        let shared = Shared {
            accounts: accounts::Shared::new(&shards.default, &failed_sign_ins, clock),
            reviews: Arc::new(reviews),
            cluster: cluster::Shared::new(Arc::clone(&shards)),
            shards,
            failed_sign_ins,
            catalog,
        };
        Store { shared: Arc::new(shared), context: Context::default() }
    }

    /// The store for another request.
    pub fn with(&self, context: Context) -> Store {
        Store { shared: Arc::clone(&self.shared), context }
    }

    /// The context of the request that uses this store.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Writing, reading and moderating reviews.
    pub fn reviews(&self) -> Reviews<'_> {
        Reviews::new(&self.shared.reviews, &self.context)
    }

    /// Products and their ratings.
    pub fn catalog(&self) -> Catalog<'_> {
        Catalog::new(&self.shared.catalog, &self.context)
    }

    /// Accounts, with their sessions and API tokens.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts::new(&self.shared.accounts, &self.context)
    }

    /// The audit trail.
    pub fn audit(&self) -> Audit<'_> {
        let database = &self.shared.shards.default;
        Audit::new(
            RequestDatabase { database, context: &self.context },
            &self.shared.failed_sign_ins,
        )
    }

    /// The databases: their state, and the operations on the whole cluster.
    pub fn cluster(&self) -> Cluster<'_> {
        Cluster::new(&self.shared.cluster, &self.context)
    }
}
