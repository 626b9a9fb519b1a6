//! Ratings: the sum of a product's rating rows over its home buckets.
//!
//! Reviews change these rows in their own transaction (`db/tables/ratings.rs`); look here only for
//! how they are read.

use std::collections::{HashMap, HashSet};

use ostrakon_shared::{ProductId, ProductRating, ProductRatingList, RatedProduct};

use crate::db::Connection;
use crate::db::owner::OwnedBuckets;
use crate::db::{products, ratings};
use crate::shard::{Bucket, home_buckets};
use crate::store::catalog::Catalog;
use crate::store::error::StoreError;
use crate::store::routing::scatter_gather::ReadFrom;

/// The ratings of several products.
pub(super) struct Ratings {
    /// Lacks products that have home buckets in a missing database.
    pub by_product: HashMap<ProductId, ProductRating>,
    /// The names of unavailable databases.
    pub missing_databases: Vec<String>,
}

impl Catalog<'_> {
    /// The rating of a product.
    pub fn rating(&self, product: ProductId) -> Result<ProductRating, StoreError> {
        self.require(product)?;
        let mut ratings = self.ratings_of(&[product], false)?;
        ratings
            .by_product
            .remove(&product)
            .ok_or_else(|| StoreError::Internal(format!("no rating of product {product}")))
    }

    /// The ratings of existing `products`, in their order, each once.
    pub fn ratings(&self, products: &[ProductId]) -> Result<ProductRatingList, StoreError> {
        let existing =
            self.routing().default().read(|connection| products::existing(connection, products))?;
        let ratings = self.ratings_of(&existing, false)?;
        let mut seen = HashSet::new();
        let items = products
            .iter()
            .filter(|&&product| seen.insert(product))
            .filter_map(|&product_id| {
                let rating = ratings.by_product.get(&product_id)?.clone();
                Some(RatedProduct { product_id, rating })
            })
            .collect();
        Ok(ProductRatingList { items })
    }

    /// The ratings of products, with one query per database.
    pub(super) fn ratings_of(
        &self,
        products: &[ProductId],
        allow_partial: bool,
    ) -> Result<Ratings, StoreError> {
        let routing = self.routing();
        let spread = routing.shards.spread;
        let homes: HashMap<ProductId, Vec<Bucket>> = products
            .iter()
            .map(|&product| (product, home_buckets(product, spread).collect()))
            .collect();
        let buckets: HashSet<Bucket> = homes.values().flatten().copied().collect();
        routing.with_current_map(|map| {
            let ids = products.to_vec();
            let fetch = move |connection: &mut Connection, owned: &OwnedBuckets| {
                let mut rows = ratings::of_products(connection, &ids)?;
                // Rows of buckets that have moved away may still be here.
                rows.retain(|row| {
                    Bucket::new(row.bucket).is_some_and(|b| owned.buckets.contains(&b))
                });
                Ok(rows)
            };
            let buckets = buckets.iter().copied();
            let gathered =
                routing.scatter_gather(map, buckets, ReadFrom::Any, allow_partial, fetch)?;
            let mut counts: HashMap<i64, (u64, [u64; 5])> = HashMap::new();
            for row in gathered.answers.into_iter().flatten() {
                let (unrated, histogram) = row.counts();
                let sum = counts.entry(row.product_id).or_default();
                sum.0 += unrated;
                sum.1.iter_mut().zip(histogram).for_each(|(sum, count)| *sum += count);
            }
            let is_complete = |home: &[Bucket]| {
                home.iter().all(|&b| !gathered.missing.contains(&map.owner(b).database))
            };
            let by_product = homes
                .iter()
                .filter(|(_, home)| is_complete(home))
                .map(|(&product, _)| {
                    let (unrated, histogram) = counts.remove(&product.get()).unwrap_or_default();
                    (product, ProductRating::from_counts(unrated, histogram))
                })
                .collect();
            Ok(Ratings { by_product, missing_databases: routing.shards.names(&gathered.missing) })
        })
    }
}
