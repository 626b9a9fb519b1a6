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

impl TryFrom<u32> for PageLimit {
    type Error = String;

    fn try_from(items: u32) -> Result<PageLimit, String> {
        if (1..=MAX_PAGE_LIMIT).contains(&items) {
            Ok(PageLimit(items))
        } else {
            Err(format!("a page holds 1 to {MAX_PAGE_LIMIT} items"))
        }
    }
}

impl FromStr for PageLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<PageLimit, String> {
        // What is no small number gets the same answer as 0.
        PageLimit::try_from(text.parse().unwrap_or(0))
    }
}
