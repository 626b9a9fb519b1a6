//! What the user does to a product's reviews, so that lists follow without being loaded again.

use ostrakon_shared::{Review, ReviewId};

/// Something that the user did.
#[derive(Clone, Debug)]
pub enum Written {
    /// A review was posted, and is public.
    New(Review),
    /// A public review was changed.
    Changed(Review),
    /// A review was deleted, or is not public any more.
    Gone(ReviewId),
}

/// All that the user did during a visit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnWrites {
    /// Reviews that were posted, the latest first.
    pub posted: Vec<Review>,
    /// Reviews from before that were changed.
    changed: Vec<Review>,
    gone: Vec<ReviewId>,
}

impl OwnWrites {
    /// Something was done.
    pub fn note(&mut self, written: Written) {
        match written {
            Written::New(review) => self.posted.insert(0, review),
            Written::Changed(review) => {
                self.gone.retain(|id| *id != review.id);
                let known = self.posted.iter_mut().chain(&mut self.changed);
                match known.into_iter().find(|known| known.id == review.id) {
                    Some(known) => *known = review,
                    None => self.changed.push(review),
                }
            }
            Written::Gone(id) => {
                self.posted.retain(|review| review.id != id);
                self.gone.push(id);
            }
        }
    }

    /// What is left of a list besides the reviews that were posted, as they are now.
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
        }
    }

    #[test]
    fn lists_follow() {
        let listed = [review(3, 1), review(2, 1), review(1, 1)];
        let mut own = OwnWrites::default();
        own.note(Written::New(review(3, 1)));
        own.note(Written::Changed(review(3, 2)));
        own.note(Written::Changed(review(2, 2)));
        own.note(Written::Gone(review(1, 1).id));
        assert_eq!(own.posted, [review(3, 2)]);
        assert_eq!(own.others(&listed), [review(2, 2)]);
        own.note(Written::Gone(review(3, 2).id));
        assert_eq!(own.posted, []);
        assert_eq!(own.others(&listed), [review(2, 2)]);
    }
}
