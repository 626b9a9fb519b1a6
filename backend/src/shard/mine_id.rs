//! Mines ids: finds an id whose hash lands in the wanted bucket.
//!
//! So an id alone gives the bucket of its review, although the writer chooses the bucket.

use ostrakon_shared::ReviewId;

use crate::shard::bucket::{Bucket, bucket_of};

/// The lowest id of `bucket` that is above `after` and not below a random start in the millisecond
/// `unix_ms`; `None` outside of 2000-01-01 to 2069-09-06.
///
/// One in 1,024 numbers hashes to the bucket, so about 1,024 are tried. `draw` selects the start in
/// the lower half of the millisecond. So two processes rarely choose the same id (the primary key
/// would reject it), and at least 2,000 ids of each bucket are left above the start. `after` keeps
/// the ids of a process in the order in which they were mined, even within a millisecond.
pub fn mine_id(bucket: Bucket, unix_ms: i64, draw: u32, after: i64) -> Option<ReviewId> {
    let lower_half = (1 << (ReviewId::FREE_BITS - 1)) - 1;
    let drawn = ReviewId::first_number_at(unix_ms)? + i64::from(draw & lower_half);
    let start = drawn.max(after.checked_add(1)?).max(1);
    (start..=i64::MAX).filter_map(ReviewId::new).find(|&id| bucket_of(id) == bucket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::{BUCKETS, Spread, even_owner, home_buckets};
    use ostrakon_shared::ProductId;

    const NOW: i64 = 1_795_361_220_123; // 2026-11-22T15:27:00.123Z

    #[test]
    fn golden_ids() {
        for (bucket, draw, text) in GOLDEN {
            let id = mine_id(Bucket::wrapping(bucket), NOW, draw, 0).unwrap();
            assert_eq!(id.to_string(), text);
        }
    }

    // From another implementation of XXH3 (the Python package xxhash, on libxxhash).
    const GOLDEN: [(u64, u32, &str); 3] = [
        (0, 0, "32SJ3KT3C0050"),
        (421, 12_345, "32SJ3KT3C0DFJ"),
        (1023, u32::MAX, "32SJ3KT3E00J6"),
    ];

    #[test]
    fn ids_of_one_process_are_in_order() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut after = 0;
        for n in 0..5_000 {
            let bucket = Bucket::wrapping(random.u64(..));
            // The clock stands still, and once steps back.
            let id = mine_id(bucket, NOW - i64::from(n == 2_500), random.u32(..), after).unwrap();
            assert_eq!(bucket_of(id), bucket);
            assert!(id.get() > after);
            after = id.get();
        }
    }

    #[test]
    fn dates_outside_the_range_of_ids_are_refused() {
        let bucket = Bucket::wrapping(7);
        assert_eq!(mine_id(bucket, ReviewId::EPOCH_UNIX_MS - 1, 0, 0), None);
        assert!(mine_id(bucket, ReviewId::EPOCH_UNIX_MS, 0, 0).is_some());
        assert!(mine_id(bucket, ReviewId::MAX.unix_ms(), 0, 0).is_some());
        assert_eq!(mine_id(bucket, ReviewId::MAX.unix_ms() + 1, 0, 0), None);
        assert_eq!(mine_id(bucket, NOW, 0, i64::MAX), None);
    }

    /// 200,000 reviews of 1,000 products at random slots: the fullest database against the mean.
    #[test]
    fn mined_ids_spread_evenly_over_databases() {
        let ids = 200_000;
        let mut random = fastrand::Rng::with_seed(42);
        let mut counts = vec![0_u32; usize::from(BUCKETS)];
        for _ in 0..ids {
            let product = ProductId::new(random.i64(1..=1000)).unwrap();
            let bucket = home_buckets(product, Spread::DEFAULT).nth(random.usize(..8)).unwrap();
            let id = mine_id(bucket, NOW, random.u32(..), 0).unwrap();
            counts[usize::from(bucket_of(id).get())] += 1;
        }
        for (databases, bound) in [(1, 1.0), (3, 1.02), (8, 1.04), (64, 1.25)] {
            let mut held = vec![0; databases];
            for bucket in Bucket::all() {
                held[even_owner(bucket, databases)] += counts[usize::from(bucket.get())];
            }
            let largest = held.into_iter().max().unwrap();
            let ratio = f64::from(largest) * databases as f64 / f64::from(ids);
            println!("{databases} databases: largest/mean {ratio:.3}");
            assert!(ratio <= bound, "{databases} databases: {ratio}");
        }
    }
}
