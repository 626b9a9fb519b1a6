//! Pages: how much of a list one answer holds.

use std::str::FromStr;

/// Items on a page when the request names no limit.
pub const DEFAULT_PAGE_LIMIT: u32 = 20;
/// Items on a page at most.
pub const MAX_PAGE_LIMIT: u32 = 100;

/// How many items a page may hold: 1 to [`MAX_PAGE_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

impl FromStr for PageLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<PageLimit, String> {
        let limit = text.parse().ok().filter(|items| (1..=MAX_PAGE_LIMIT).contains(items));
        limit.map(PageLimit).ok_or_else(|| format!("a page holds 1 to {MAX_PAGE_LIMIT} items"))
    }
}
