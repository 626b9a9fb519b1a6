//! Pages: how much of a list one answer holds.

use std::str::FromStr;

use crate::problem::{FieldErrorCode, FieldErrorParams, ValueError};

/// Items on a page when the request names no limit.
pub const DEFAULT_PAGE_LIMIT: u32 = 20;
/// Items on a page at most.
pub const MAX_PAGE_LIMIT: u32 = 100;

/// How many items a page may hold: 1 to [`MAX_PAGE_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageLimit(u32);

impl PageLimit {
    /// The limit that comes nearest to so many items.
    pub fn nearest(items: usize) -> PageLimit {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        PageLimit(items.clamp(1, MAX_PAGE_LIMIT))
    }

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

impl TryFrom<i64> for PageLimit {
    type Error = ValueError;

    fn try_from(items: i64) -> Result<PageLimit, ValueError> {
        let limit = u32::try_from(items).ok().filter(|limit| (1..=MAX_PAGE_LIMIT).contains(limit));
        limit.map(PageLimit).ok_or_else(|| out_of_range(Some(items)))
    }
}

impl FromStr for PageLimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<PageLimit, ValueError> {
        text.parse::<i64>().map_err(|_| out_of_range(None)).and_then(PageLimit::try_from)
    }
}

fn out_of_range(actual: Option<i64>) -> ValueError {
    let detail = format!("a page holds 1 to {MAX_PAGE_LIMIT} items");
    let params = FieldErrorParams::range(1, MAX_PAGE_LIMIT.into(), actual);
    ValueError::new(FieldErrorCode::OutOfRange, detail).with(params)
}
