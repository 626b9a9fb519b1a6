//! Buckets: the unit in which reviews are placed and moved.
//!
//! The hash is a pin of every cluster: golden tests fail if it changes.

use std::fmt;

pub use ostrakon_shared::BUCKETS;
use ostrakon_shared::ReviewId;
use twox_hash::XxHash3_64;

/// The name of the bucket function, which is pinned in every database.
pub const HASH: &str = "xxh3_64(id as 8 big-endian bytes) >> 54";

/// One of the [`BUCKETS`] parts of all reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u16);

impl Bucket {
    /// The bucket with this number, taken modulo [`BUCKETS`].
    pub const fn wrapping(number: u64) -> Bucket {
        Bucket((number % BUCKETS as u64) as u16)
    }

    /// The bucket with this number; `None` unless it is below [`BUCKETS`].
    pub fn new(number: i16) -> Option<Bucket> {
        u16::try_from(number).ok().filter(|&number| number < BUCKETS).map(Bucket)
    }

    /// Every bucket, in order.
    pub fn all() -> impl Iterator<Item = Bucket> {
        (0..BUCKETS).map(Bucket)
    }

    /// The number, below [`BUCKETS`].
    pub const fn get(self) -> u16 {
        self.0
    }

    pub const fn number(self) -> i16 {
        self.0 as i16
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The bucket of a review: the upper 10 bits of the
/// [XXH3](https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) hash of its id.
pub fn bucket_of(id: ReviewId) -> Bucket {
    Bucket((XxHash3_64::oneshot(&id.get().to_be_bytes()) >> 54) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_hashes_and_buckets() {
        // XXH3's own test vectors: the hash of nothing, and that its seedless form is meant.
        assert_eq!(XxHash3_64::oneshot(b""), 0x2D06_8005_38D3_94C2);
        for (id, bucket) in GOLDEN {
            assert_eq!(bucket_of(ReviewId::new(id).unwrap()).get(), bucket, "id {id}");
        }
    }

    // From another implementation of XXH3 (the Python package xxhash, on libxxhash).
    const GOLDEN: [(i64, u16); 5] =
        [(1, 973), (2, 249), (4_194_304, 53), (1_234_567_890_123_456_789, 610), (i64::MAX, 992)];

    #[test]
    fn the_hash_alone_spreads_evenly() {
        // Chi-square with 1,023 degrees of freedom: mean 1,023, standard deviation 45.2. Sequential
        // ids are the worst case. 1,250 is five standard deviations out.
        let mut counts = [0_u32; BUCKETS as usize];
        let ids = 1_024_000;
        for id in 1..=ids {
            counts[usize::from(bucket_of(ReviewId::new(id).unwrap()).get())] += 1;
        }
        let expected = ids as f64 / f64::from(BUCKETS);
        let chi_square: f64 =
            counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!((800.0..1250.0).contains(&chi_square), "chi-square {chi_square}");
    }
}
