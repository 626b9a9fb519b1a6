//! The data: products, and reviews, most of which belong to popular products.

use std::path::Path;

use fastrand::Rng;
use ostrakon::config::Config;
use ostrakon::store::{ReviewQuery, SeedProduct, SeedReview, Store};
use ostrakon_shared::{Credentials, ProductId, ReviewId, ReviewStatus, Role};

use crate::Result;
use crate::text;

/// Popularity falls with rank to this power, as that of goods in shops roughly does.
pub const ZIPF_EXPONENT: f64 = 0.8;
/// The reviews' years: from 2024-01-01T00:00:00Z, in milliseconds since the Unix epoch …
const FROM_MS: i64 = 1_704_067_200_000;
/// … to 2026-01-01T00:00:00Z.
const UNTIL_MS: i64 = 1_767_225_600_000;
/// How many reviews are in memory at a time while they are added.
const CHUNK: usize = 100_000;
/// How many ids of reviews are kept for requests.
const SAMPLED_REVIEWS: usize = 20_000;
/// How many pages are read to measure their length.
const SAMPLED_PAGES: usize = 200;
pub const ACCOUNT: (&str, &str) = ("measurer", "a password for measuring");

/// The numbers of products and reviews.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub products: usize,
    /// Reviews whose products are drawn by popularity.
    pub reviews: usize,
    /// Additional reviews of the most popular product.
    pub extra: usize,
}

/// How often each product is read and reviewed.
pub struct Popularity {
    by_rank: Vec<ProductId>,
    cumulated: Vec<f64>,
}

impl Popularity {
    /// The popularity of this many products, which is independent of their ids.
    pub fn new(products: usize) -> Popularity {
        let mut by_rank: Vec<_> = (1..).filter_map(ProductId::new).take(products).collect();
        Rng::with_seed(1).shuffle(&mut by_rank);
        let mut sum = 0.0;
        let ranks = (1..=products).map(|rank| {
            sum += weight(rank);
            sum
        });
        let cumulated = ranks.collect();
        Popularity { by_rank, cumulated }
    }

    /// A product, drawn by popularity.
    pub fn draw(&self, rng: &mut Rng) -> ProductId {
        let all = self.cumulated.last().copied().unwrap_or_default();
        let drawn = rng.f64() * all;
        self.by_rank[self.cumulated.partition_point(|&sum| sum <= drawn)]
    }

    /// A product, each with the same probability.
    pub fn draw_any(&self, rng: &mut Rng) -> ProductId {
        self.by_rank[rng.usize(..self.by_rank.len())]
    }

    /// The product with the most reviews.
    pub fn hottest(&self) -> ProductId {
        self.by_rank[0]
    }

    /// The product whose number of reviews is closest to the average.
    pub fn average(&self) -> ProductId {
        let mean = self.cumulated.last().copied().unwrap_or_default() / self.by_rank.len() as f64;
        let above = (1..=self.by_rank.len()).take_while(|&rank| weight(rank) > mean).count();
        self.by_rank[above.min(self.by_rank.len() - 1)]
    }

    /// All products, the most popular ones first.
    pub fn products(&self) -> &[ProductId] {
        &self.by_rank
    }
}

fn weight(rank: usize) -> f64 {
    (rank as f64).powf(-ZIPF_EXPONENT)
}

/// The contents of filled databases.
pub struct Dataset {
    /// Ids of some reviews, drawn at random with equal probability.
    pub reviews: Vec<ReviewId>,
    /// Bytes of a first page of reviews, on average over requests by popularity.
    pub page_bytes: usize,
}

impl Dataset {
    /// Creates the databases of a configuration file, and fills them.
    pub fn create(config: &Path, scale: Scale) -> Result<Dataset> {
        let loaded = Config::load_file(config)?;
        loaded.databases()?.migrate(None, &mut |_| {})?;
        let store = loaded.open()?;
        let popularity = Popularity::new(scale.products);
        store.cluster().seed(&products(scale.products), &[], |_| {})?;
        let (name, password) = ACCOUNT;
        let credentials = Credentials { name: name.to_owned(), password: password.to_owned() };
        store.accounts().create(&credentials, Role::Member)?;
        let all = scale.reviews + scale.extra;
        let step = (all / SAMPLED_REVIEWS).max(1);
        let mut rng = Rng::with_seed(2);
        let mut reviews = Vec::new();
        for first in (0..all).step_by(CHUNK) {
            let mut chunk: Vec<_> = (first..all.min(first + CHUNK))
                .map(|number| review(&mut rng, &popularity, scale, number))
                .collect();
            // In the order of the table, which is the only difference to life: there, each row of
            // a large table goes to a page of its own, which takes ten times as long.
            chunk.sort_by_key(|review| review.product);
            store.cluster().seed(&[], &chunk, |_| {})?;
            for seeded in chunk.iter().step_by(step) {
                reviews.push(store.cluster().seed_id(seeded)?);
            }
        }
        let page_bytes = mean_page_bytes(&store, &popularity, &mut rng)?;
        Ok(Dataset { reviews, page_bytes })
    }
}

fn mean_page_bytes(store: &Store, popularity: &Popularity, rng: &mut Rng) -> Result<usize> {
    let mut bytes = 0;
    for _ in 0..SAMPLED_PAGES {
        let page = store.reviews().list(popularity.draw(rng), &ReviewQuery::default())?;
        bytes += serde_json::to_vec(&page)?.len();
    }
    Ok(bytes / SAMPLED_PAGES)
}

fn products(count: usize) -> Vec<SeedProduct> {
    let mut rng = Rng::with_seed(3);
    let numbered = (1..).filter_map(ProductId::new).take(count);
    numbered
        .map(|id| SeedProduct {
            id,
            name: text::product(&mut rng),
            description: text::body(&mut rng),
            sku: format!("B-{id:06}"),
        })
        .collect()
}

/// The review with this number, in order of time.
fn review(rng: &mut Rng, popularity: &Popularity, scale: Scale, number: usize) -> SeedReview {
    let all = scale.reviews + scale.extra;
    let is_extra = rng.usize(..all) < scale.extra;
    let product = if is_extra { popularity.hottest() } else { popularity.draw(rng) };
    let passed = (UNTIL_MS - FROM_MS) as f64 * (number as f64 / all as f64);
    SeedReview {
        product,
        unix_ms: FROM_MS + passed as i64,
        draw: rng.u32(..),
        content: text::review(rng),
        status: ReviewStatus::Approved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularity_is_zipf() {
        let popularity = Popularity::new(1_000);
        let mut rng = Rng::with_seed(7);
        let mut counts = vec![0_u32; 1_001];
        for _ in 0..200_000 {
            counts[usize::try_from(popularity.draw(&mut rng).get()).unwrap()] += 1;
        }
        let of = |product: ProductId| f64::from(counts[usize::try_from(product.get()).unwrap()]);
        let (first, second) = (of(popularity.by_rank[0]), of(popularity.by_rank[1]));
        assert!((first / second - 2_f64.powf(ZIPF_EXPONENT)).abs() < 0.1, "{first} {second}");
        let average = of(popularity.average());
        assert!((150.0..250.0).contains(&average), "{average}");
        assert_eq!(counts.iter().filter(|&&count| count > 0).count(), 1_000);
    }

    #[test]
    fn every_draw_from_one_product_is_that_product() {
        let popularity = Popularity::new(1);
        assert_eq!(popularity.draw(&mut Rng::with_seed(1)), popularity.hottest());
        assert_eq!(popularity.average(), popularity.hottest());
    }
}
