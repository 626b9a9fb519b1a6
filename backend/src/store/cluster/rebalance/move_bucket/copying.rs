//! Copies a bucket while its source changes it, and compares both sides.

use crate::db::bucket_copy::{self, Chunk, ReviewSet};
use crate::db::owner::{self, ChangeRow, OwnerState};
use crate::db::ratings::RatingRow;
use crate::store::cluster::rebalance::MoveError;
use crate::store::cluster::rebalance::move_bucket::BucketMove;

/// Products that are looked up at once.
const PRODUCTS: i64 = 200;
/// Marks that are applied at once.
const MARKS: i64 = 200;
/// The bucket is frozen when one round finds no more marks than this.
const FEW_MARKS: usize = 20;
/// How many rounds of marks are applied before the bucket is frozen in any case.
const MAX_ROUNDS: usize = 100;

impl BucketMove<'_> {
    /// Runs `work` for each part of the bucket.
    fn each_chunk(
        &mut self,
        mut work: impl FnMut(&mut Self, &Chunk) -> Result<Option<Chunk>, MoveError>,
    ) -> Result<(), MoveError> {
        let mut after = i64::MIN;
        loop {
            let products = self.request(self.source).read_latest(|connection| {
                bucket_copy::products(connection, self.bucket, after, PRODUCTS)
            })?;
            let Some(last) = products.last() else { return Ok(()) };
            after = last.product_id;
            for chunk in bucket_copy::chunks(self.bucket, &products) {
                let mut rest = Some(chunk);
                while let Some(chunk) = rest {
                    rest = work(self, &chunk)?;
                }
            }
        }
    }

    pub(super) fn copy(&mut self) -> Result<(), MoveError> {
        self.each_chunk(|this, chunk| {
            let (set, ratings) = this.request(this.source).read_latest(|connection| {
                let set = ReviewSet::read_chunk(connection, chunk)?;
                Ok((set, bucket_copy::ratings(connection, this.bucket, &chunk.products)?))
            })?;
            let importing = this.row_at_target(OwnerState::Importing);
            this.write_as(this.target, &[importing], |connection, _| {
                let products = &chunk.products;
                bucket_copy::replace_ratings(connection, this.bucket, products, &ratings)?;
                set.insert(connection)
            })?;
            this.note_copied(&set);
            this.lease.pace(set.ids().len())?;
            this.lease.report(this.row.id, &this.progress)?;
            Ok(chunk.rest(&set))
        })
    }

    fn note_copied(&mut self, set: &ReviewSet) {
        self.progress.copied += i64::try_from(set.ids().len()).unwrap_or(i64::MAX);
        self.note_ids(set);
    }

    pub(super) fn note_ids(&mut self, set: &ReviewSet) {
        let dated = set.ids().iter().copied().filter(|&id| id < self.ahead);
        self.last_id = self.last_id.max(dated.max().unwrap_or_default());
    }

    /// Applies marks until a round finds few of them.
    pub(super) fn catch_up(&mut self) -> Result<(), MoveError> {
        for _ in 0..MAX_ROUNDS {
            let changes = self.apply_marks()?;
            if changes <= FEW_MARKS {
                break;
            }
            self.lease.pace(changes)?;
        }
        Ok(())
    }

    /// Copies the reviews that marks name, then removes these marks; returns how many they were.
    fn apply_marks(&mut self) -> Result<usize, MoveError> {
        let (changes, set, ratings) = self.read_changed(MARKS)?;
        if changes.is_empty() {
            return Ok(0);
        }
        let importing = self.row_at_target(OwnerState::Importing);
        self.write_as(self.target, &[importing], |connection, _| {
            set.replace(connection)?;
            bucket_copy::replace_ratings(connection, self.bucket, set.products(), &ratings)
        })?;
        self.delete_marks(&changes)?;
        self.note_ids(&set);
        Ok(changes.len())
    }

    /// Marks, and what the source stores of the reviews that they name, in one snapshot.
    pub(super) fn read_changed(
        &self,
        limit: i64,
    ) -> Result<(Vec<ChangeRow>, ReviewSet, Vec<RatingRow>), MoveError> {
        Ok(self.request(self.source).read_latest(|connection| {
            let changes = owner::changes(connection, self.bucket, limit)?;
            let set = ReviewSet::read_changed(connection, self.bucket, &changes)?;
            let ratings = bucket_copy::ratings(connection, self.bucket, set.products())?;
            Ok((changes, set, ratings))
        })?)
    }

    /// Compares all rows of both sides. What differs, and has no mark, is copied again: that would
    /// be a fault of the program or of a disk.
    pub(super) fn compare(&mut self) -> Result<(), MoveError> {
        self.each_chunk(|this, chunk| {
            let (set, ratings, marked) = this.request(this.source).read_latest(|connection| {
                let set = ReviewSet::read_chunk(connection, chunk)?;
                let ratings = bucket_copy::ratings(connection, this.bucket, &chunk.products)?;
                let marked = owner::changes(connection, this.bucket, i64::MAX)?;
                Ok((set, ratings, marked))
            })?;
            let (copy, copied_ratings) = this.request(this.target).read_latest(|connection| {
                let copy = ReviewSet::read_range(connection, chunk, &set)?;
                Ok((copy, bucket_copy::ratings(connection, this.bucket, &chunk.products)?))
            })?;
            let mut differing = set.differences(&copy);
            let has_mark = |id: &i64| marked.iter().any(|change| change.review_id == *id);
            differing.retain(|id| !has_mark(id));
            let changed = |product: i64| marked.iter().any(|change| change.product_id == product);
            let differs = |product: &i64| {
                let of = |row: &&RatingRow| row.product_id == *product;
                ratings.iter().find(of) != copied_ratings.iter().find(of) && !changed(*product)
            };
            if !differing.is_empty() || chunk.products.iter().any(differs) {
                this.repair(chunk, differing.into_iter().collect())?;
            }
            this.lease.pace(set.ids().len())?;
            Ok(chunk.rest(&set))
        })
    }

    fn repair(&mut self, chunk: &Chunk, ids: Vec<i64>) -> Result<(), MoveError> {
        let (bucket, products) = (self.bucket, &chunk.products);
        tracing::error!(
            bucket = bucket.get(),
            reviews = ids.len(),
            "rows differed after they were copied: copied again"
        );
        self.progress.repaired += i64::try_from(ids.len().max(1)).unwrap_or(i64::MAX);
        let (set, ratings) = self.request(self.source).read_latest(|connection| {
            let set = ReviewSet::read(connection, bucket, products.clone(), ids.clone())?;
            Ok((set, bucket_copy::ratings(connection, bucket, products)?))
        })?;
        let importing = self.row_at_target(OwnerState::Importing);
        self.write_as(self.target, &[importing], |connection, _| {
            set.replace(connection)?;
            bucket_copy::replace_ratings(connection, bucket, products, &ratings)
        })
    }
}
