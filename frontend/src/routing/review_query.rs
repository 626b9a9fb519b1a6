//! Filter and order of a product's reviews, as given by the page's address.

use leptos_router::params::ParamsMap;
use ostrakon_shared::{ProductId, Rating, ReviewSort};
use serde::Serialize;

/// Filter and order of a product's reviews.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ReviewQuery {
    /// Their order.
    pub sort: ReviewSort,
    /// Lists only reviews with this rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
}

impl ReviewQuery {
    /// Reads the query parameters of an address.
    pub fn from_params(params: &ParamsMap) -> ReviewQuery {
        ReviewQuery::parse(params.get_str("sort"), params.get_str("rating"))
    }

    /// Ignores invalid values, which old links may contain.
    fn parse(sort: Option<&str>, rating: Option<&str>) -> ReviewQuery {
        let stars = rating.and_then(|stars| stars.parse::<u8>().ok());
        ReviewQuery {
            sort: sort.and_then(ReviewSort::from_name).unwrap_or_default(),
            rating: stars.and_then(|stars| Rating::try_from(stars).ok()),
        }
    }

    /// The address of the product's page with this filter and order.
    pub fn href(self, product: ProductId) -> String {
        let sort = (self.sort != ReviewSort::default()).then(|| format!("sort={}", self.sort));
        let rating = self.rating.map(|rating| format!("rating={}", rating.stars()));
        let search = [sort, rating].into_iter().flatten().collect::<Vec<_>>().join("&");
        crate::routing::url::address(&format!("/products/{product}"), &search)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        let product = "7".parse().expect("an id");
        for (sort, rating, href) in [
            (None, None, "/products/7"),
            (Some("lowest"), None, "/products/7?sort=lowest"),
            (None, Some("3"), "/products/7?rating=3"),
            (Some("oldest"), Some("5"), "/products/7?sort=oldest&rating=5"),
            (Some("newest"), Some("6"), "/products/7"),
            (Some("upwards"), Some("many"), "/products/7"),
        ] {
            assert_eq!(ReviewQuery::parse(sort, rating).href(product), href);
        }
    }
}
