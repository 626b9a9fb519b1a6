//! Pages: how much of a list one answer holds.

use serde::{Deserialize, Serialize};

/// Items on a page when the request names no limit.
pub const DEFAULT_PAGE_LIMIT: u32 = 20;
/// Items on a page at most.
pub const MAX_PAGE_LIMIT: u32 = 100;

/// How many items a page may hold: 1 to [`MAX_PAGE_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct PageLimit(u32);

impl PageLimit {
    /// The limit as a count of items.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for PageLimit {
    fn default() -> PageLimit {
        PageLimit(DEFAULT_PAGE_LIMIT)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = String;

    fn try_from(items: u32) -> Result<PageLimit, String> {
        if (1..=MAX_PAGE_LIMIT).contains(&items) {
            Ok(PageLimit(items))
        } else {
            Err(format!("a page holds 1 to {MAX_PAGE_LIMIT} items, not {items}"))
        }
    }
}

impl From<PageLimit> for u32 {
    fn from(limit: PageLimit) -> u32 {
        limit.0
    }
}
