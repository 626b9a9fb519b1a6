//! The dates of the demo's reviews: up to now, or up to a given day.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ostrakon_shared::{PageLimit, ReviewSort};

use crate::demo::{UNTIL_MS, content};
use crate::store::{ReviewQuery, SeedReview, Store, StoreError};

const HOUR_MS: i64 = 3_600_000;

/// The moment at which the reviews of a new demo end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    ms: i64,
}

impl Until {
    /// The current hour. Later reviews would be in the future.
    pub fn now() -> Until {
        Until { ms: Timestamp::now().as_millisecond() / HOUR_MS * HOUR_MS }
    }

    /// In milliseconds since the Unix epoch.
    pub fn unix_ms(self) -> i64 {
        self.ms
    }
}

/// A day, whose midnight (UTC) is the end.
impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Until, String> {
        let day =
            text.parse::<Date>().map_err(|_| "expected a day such as 2026-11-01".to_owned())?;
        // The demo spans almost three years, which the ids of reviews must be able to represent.
        if !(2003..2069).contains(&day.year()) {
            return Err("the year must be from 2003 to 2068".to_owned());
        }
        let midnight = day.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
        Ok(Until { ms: midnight.timestamp().as_millisecond() })
    }
}

/// The moment at which the reviews of an earlier run end, in milliseconds since the Unix epoch; `None` if
/// there are none. A second run needs it: with other dates, it would add other reviews.
pub fn earlier_end(store: &Store) -> Result<Option<i64>, StoreError> {
    let demo = content(UNTIL_MS);
    // The first product has most of the reviews.
    let product = demo.products[0].id;
    let query = ReviewQuery {
        sort: ReviewSort::Oldest,
        limit: PageLimit::default(),
        ..ReviewQuery::default()
    };
    let oldest = match store.reviews().list(product, &query) {
        Ok(page) => page.items,
        Err(StoreError::ProductNotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    for existing in oldest {
        let unix_ms = existing.id.unix_ms();
        for seed in demo.reviews.iter().filter(|seed| seed.product == product) {
            let shift = unix_ms - seed.unix_ms;
            // The end is a full hour, so few reviews are left whose id must be computed.
            let shifted = SeedReview { unix_ms, ..seed.clone() };
            if shift % HOUR_MS == 0 && store.cluster().seed_id(&shifted)? == existing.id {
                return Ok(Some(UNTIL_MS + shift));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_means_its_midnight() {
        assert_eq!("2026-11-01".parse::<Until>().map(Until::unix_ms), Ok(UNTIL_MS));
        for invalid in ["", "yesterday", "2026-02-30", "2002-12-31", "2069-01-01"] {
            assert!(invalid.parse::<Until>().is_err(), "{invalid}");
        }
    }
}
