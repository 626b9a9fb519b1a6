//! Home buckets: the few buckets in which one product's reviews may live.
//!
//! They follow from the product's id and the cluster's spread, so no table stores them.

use ostrakon_shared::{AccountId, ProductId};
use twox_hash::XxHash3_64;

use crate::shard::bucket::{BUCKETS, Bucket};

/// How many home buckets a product has: a power of two, fixed when the cluster is created.
///
/// A larger spread distributes a very popular product over more databases; a smaller one reads
/// fewer databases for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread(u16);

impl Spread {
    /// The default spread of a new cluster.
    pub const DEFAULT: Spread = Spread(8);

    /// A spread of `number` home buckets; `None` unless it is a power of two from 1 to [`BUCKETS`].
    pub const fn new(buckets: u16) -> Option<Spread> {
        if buckets.is_power_of_two() && buckets <= BUCKETS { Some(Spread(buckets)) } else { None }
    }

    /// The number of home buckets.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A product's home buckets, slot 0 first. They are evenly spaced, so that contiguous ranges of
/// buckets get as equal shares as the spread allows.
pub fn home_buckets(product: ProductId, spread: Spread) -> impl Iterator<Item = Bucket> + Clone {
    let gap = u64::from(BUCKETS / spread.0);
    let first = XxHash3_64::oneshot(&product.get().to_be_bytes()) % gap;
    (0..u64::from(spread.0)).map(move |slot| Bucket::wrapping(first + slot * gap))
}

/// The slot of the reviews under a key. It never changes, so "once per key" is a unique constraint
/// of one database.
pub fn slot_of_key(key: &[u8], spread: Spread) -> usize {
    (XxHash3_64::oneshot(key) % u64::from(spread.0)) as usize
}

pub fn slot_of_author(author: AccountId, spread: Spread) -> usize {
    slot_of_key(&author.get().to_be_bytes(), spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(product: i64, spread: u16) -> Vec<u16> {
        let product = ProductId::new(product).unwrap();
        home_buckets(product, Spread::new(spread).unwrap()).map(Bucket::get).collect()
    }

    #[test]
    fn golden_home_buckets() {
        for (product, buckets) in GOLDEN {
            assert_eq!(home(product, 8), buckets, "product {product}");
        }
        assert_eq!(slot_of_key(b"order-4711", Spread::DEFAULT), 0);
        assert_eq!(slot_of_key(b"a", Spread::DEFAULT), 7);
        let author = |id| slot_of_author(AccountId::new(id).unwrap(), Spread::DEFAULT);
        assert_eq!([1, 2, 3, 4, 5].map(author), [3, 4, 5, 6, 6]);
    }

    // From another implementation of XXH3 (the Python package xxhash, on libxxhash).
    const GOLDEN: [(i64, [u16; 8]); 4] = [
        (1, [115, 243, 371, 499, 627, 755, 883, 1011]),
        (2, [28, 156, 284, 412, 540, 668, 796, 924]),
        (1_000_000, [90, 218, 346, 474, 602, 730, 858, 986]),
        (i64::MAX, [17, 145, 273, 401, 529, 657, 785, 913]),
    ];

    #[test]
    fn home_buckets_are_evenly_spaced() {
        for spread in [1, 2, 8, 64, 1024] {
            for product in 1..100 {
                let home = home(product, spread);
                assert_eq!(home.len(), usize::from(spread));
                assert!(home.windows(2).all(|pair| pair[1] - pair[0] == BUCKETS / spread));
                assert!(home[0] < BUCKETS / spread);
            }
        }
    }

    #[test]
    fn a_spread_is_a_power_of_two() {
        for bad in [0, 3, 6, 1000, 2048] {
            assert_eq!(Spread::new(bad), None);
        }
    }
}
