//! What an operator chooses about reviews.

/// Who may review, and whether reviews are looked at before they are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether guests may review products.
    pub guest_reviews: bool,
    /// Whether new reviews wait for a moderator.
    pub pre_moderation: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { guest_reviews: true, pre_moderation: false }
    }
}
