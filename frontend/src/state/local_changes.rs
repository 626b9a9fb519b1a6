//! Changes the user makes to a product's reviews during a visit, applied to loaded lists without
//! loading them again.

use ostrakon_shared::{Review, ReviewId};

/// One change made by the user.
#[derive(Clone, Debug)]
pub enum LocalChange {
    /// A review was posted; a guest's may wait for a moderator.
    New(Review),
    /// A public review was changed.
    Changed(Review),
    /// A review was deleted, or is no longer public.
    Gone(ReviewId),
}

/// The changes of one visit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocalChanges {
    /// Posted reviews, the latest first.
    pub posted: Vec<Review>,
    /// Changed reviews that were posted before.
    changed: Vec<Review>,
    gone: Vec<ReviewId>,
}

impl LocalChanges {
    /// Adds a change.
    pub fn record(&mut self, written: LocalChange) {
        match written {
            LocalChange::New(review) => self.posted.insert(0, review),
            LocalChange::Changed(review) => {
                self.gone.retain(|id| *id != review.id);
                let known = self.posted.iter_mut().chain(&mut self.changed);
                match known.into_iter().find(|known| known.id == review.id) {
                    Some(known) => *known = review,
                    None => self.changed.push(review),
                }
            }
            LocalChange::Gone(id) => {
                self.posted.retain(|review| review.id != id);
                self.gone.push(id);
            }
        }
    }

    /// The list's other reviews in their present state, without posted and deleted ones.
    pub fn others(&self, listed: &[Review]) -> Vec<Review> {
        let is_other = |review: &&Review| {
            self.posted.iter().all(|posted| posted.id != review.id)
                && !self.gone.contains(&review.id)
        };
        let now = |review: &Review| {
            self.changed.iter().find(|changed| changed.id == review.id).unwrap_or(review).clone()
        };
        listed.iter().filter(is_other).map(now).collect()
    }
}

#[cfg(test)]
mod tests {
    use ostrakon_shared::{ProductId, ReviewStatus};

    use super::*;

    fn review(number: i64, version: i32) -> Review {
        Review {
            id: ReviewId::new(number).expect("positive"),
            product_id: ProductId::new(1).expect("positive"),
            rating: None,
            title: None,
            body: "fine".to_owned(),
            author_name: None,
            member: true,
            status: ReviewStatus::Approved,
            version,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            edited_at: None,
            rejection: None,
        }
    }

    #[test]
    fn local_changes_update_loaded_lists() {
        let listed = [review(3, 1), review(2, 1), review(1, 1)];
        let mut own = LocalChanges::default();
        own.record(LocalChange::New(review(3, 1)));
        own.record(LocalChange::Changed(review(3, 2)));
        own.record(LocalChange::Changed(review(2, 2)));
        own.record(LocalChange::Gone(review(1, 1).id));
        assert_eq!(own.posted, [review(3, 2)]);
        assert_eq!(own.others(&listed), [review(2, 2)]);
        own.record(LocalChange::Gone(review(3, 2).id));
        assert_eq!(own.posted, []);
        assert_eq!(own.others(&listed), [review(2, 2)]);
    }
}
