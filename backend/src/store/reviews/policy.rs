//! Who may write reviews, and when they become public.

/// The policy for reviews, from the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether guests may review products.
    pub guest_reviews: bool,
    /// Whether moderators approve reviews before they are published.
    pub pre_moderation: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { guest_reviews: true, pre_moderation: false }
    }
}
