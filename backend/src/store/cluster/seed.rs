//! Adds products and reviews with given ids and dates: fixtures and the demo.

use std::collections::{BTreeMap, HashSet};

use ostrakon_shared::{NewReview, ProductId, ReviewId, ReviewStatus};

use crate::db::owner::WriteAccess;
use crate::db::products::{self, ProductRow};
use crate::db::{accounts, reviews};
use crate::shard::{Bucket, DatabaseIndex, bucket_of, home_buckets, mine_id};
use crate::store::cluster::Cluster;
use crate::store::error::StoreError;
use crate::store::reviews::batch::insert;
use crate::store::reviews::draft::Draft;
use crate::store::reviews::signature::Signature;
use crate::store::routing::change_counters::Subject;
use crate::text::NameKeys;

/// A product with a given id.
#[derive(Clone, Debug)]
pub struct SeedProduct {
    /// Its id.
    pub id: ProductId,
    pub name: String,
    pub description: String,
    pub sku: String,
}

/// A review with a given date.
#[derive(Clone, Debug)]
pub struct SeedReview {
    /// The reviewed product.
    pub product: ProductId,
    /// When it was written, in milliseconds since the Unix epoch.
    pub unix_ms: i64,
    /// Determines the bucket and id, so that the same review always gets the same id.
    pub draw: u32,
    pub content: NewReview,
    pub status: ReviewStatus,
}

/// The numbers of added rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    pub products: u64,
    pub reviews: u64,
}

/// Reviews per commit.
const BATCH: usize = 500;

impl Cluster<'_> {
    /// Adds missing rows, so that an interrupted run can be repeated. `progress` gets the number of
    /// reviews since the last call.
    pub fn seed(
        &self,
        products: &[SeedProduct],
        reviews: &[SeedReview],
        progress: impl Fn(u64),
    ) -> Result<Seeded, StoreError> {
        let mut seeded = Seeded { products: self.seed_products(products)?, reviews: 0 };
        let mut by_database: BTreeMap<DatabaseIndex, Vec<(ReviewId, &SeedReview)>> =
            BTreeMap::new();
        let taken = self.names_of_accounts(reviews)?;
        let map = self.shared.shards.map();
        for review in reviews {
            let id = self.seed_id(review)?;
            by_database.entry(map.owner(bucket_of(id)).database).or_default().push((id, review));
        }
        for (database, reviews) in by_database {
            for batch in reviews.chunks(BATCH) {
                seeded.reviews += self.seed_batch(database, batch, &taken)?;
                progress(batch.len() as u64);
            }
        }
        Ok(seeded)
    }

    fn seed_products(&self, seeds: &[SeedProduct]) -> Result<u64, StoreError> {
        let ids: Vec<_> = seeds.iter().map(|seed| seed.id).collect();
        Ok(self.routing().default().write(|connection| {
            let before = products::existing(connection, &ids)?.len();
            for seed in seeds {
                let row = ProductRow {
                    id: seed.id.get(),
                    name: seed.name.clone(),
                    description: Some(seed.description.clone()),
                    sku: Some(seed.sku.clone()),
                    picture_url: None,
                    search_text: products::search_text(&seed.name, Some(&seed.sku)),
                    archived: false,
                    version: 1,
                };
                products::insert_if_new(connection, &row)?;
            }
            products::reset_sequence(connection)?;
            Ok((seeds.len() - before) as u64)
        })?)
    }

    /// The author names that equal or look like names of accounts.
    fn names_of_accounts<'r>(
        &self,
        reviews: &'r [SeedReview],
    ) -> Result<HashSet<&'r str>, StoreError> {
        let names: HashSet<_> =
            reviews.iter().filter_map(|review| review.content.author_name.as_deref()).collect();
        let taken = self.routing().default().read_latest(|connection| {
            let mut taken = HashSet::new();
            for name in &names {
                if accounts::is_taken(connection, &NameKeys::of(name))? {
                    taken.insert(*name);
                }
            }
            Ok(taken)
        });
        Ok(taken?)
    }

    /// The id that [`Cluster::seed`] gives a review.
    pub fn seed_id(&self, seed: &SeedReview) -> Result<ReviewId, StoreError> {
        let spread = self.shared.shards.spread;
        let slot = seed.draw % u32::from(spread.get());
        home_buckets(seed.product, spread)
            .nth(slot as usize)
            .and_then(|bucket| mine_id(bucket, seed.unix_ms, seed.draw, 0))
            .ok_or_else(|| StoreError::Internal(format!("no id for the time {} ms", seed.unix_ms)))
    }

    fn seed_batch(
        &self,
        database: DatabaseIndex,
        batch: &[(ReviewId, &SeedReview)],
        taken: &HashSet<&str>,
    ) -> Result<u64, StoreError> {
        let routing = self.routing();
        routing.with_current_map(|map| {
            let written = routing.database(database).write(|connection| {
                let owners = &routing.shards.database(database).owners;
                let buckets = batch.iter().map(|(id, _)| bucket_of(*id));
                let buckets = buckets.map(|bucket| (bucket, map.owner(bucket).epoch));
                let access = WriteAccess::acquire(connection, owners, buckets)?;
                let mut missing = Vec::new();
                for (id, seed) in batch {
                    let bucket = bucket_of(*id);
                    access.require(bucket)?;
                    if reviews::find(connection, bucket, *id)?.is_none() {
                        missing.push((*id, draft(bucket, seed, taken)));
                    }
                }
                let new: Vec<_> = missing.iter().map(|(id, draft)| (*id, draft)).collect();
                Ok(insert(connection, &access, &new)?.len() as u64)
            });
            for (_, seed) in batch {
                routing.shards.change_counters.bump(Subject::Product(seed.product));
            }
            Ok(written?)
        })
    }
}

/// A review without an author; its name is dropped if it belongs to an account.
fn draft(bucket: Bucket, seed: &SeedReview, taken: &HashSet<&str>) -> Draft {
    let name = seed.content.author_name.as_deref().filter(|name| !taken.contains(name));
    Draft {
        product: seed.product,
        bucket,
        review: seed.content.clone(),
        signature: Signature { name: name.map(str::to_owned), ..Signature::default() },
        author: None,
        key: None,
        status: seed.status,
    }
}
