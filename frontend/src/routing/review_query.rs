//! Which of a product's reviews to list, and in which order: what stands in the page's address.

use leptos_router::params::ParamsMap;
use ostrakon_shared::{ProductId, Rating, ReviewSort};
use serde::Serialize;

/// A choice of a product's reviews.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ReviewQuery {
    /// Their order.
    pub sort: ReviewSort,
    /// Only those with this rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
}

impl ReviewQuery {
    /// The choice that an address asks for.
    pub fn from_params(params: &ParamsMap) -> ReviewQuery {
        ReviewQuery::parse(params.get_str("sort"), params.get_str("rating"))
    }

    /// What can't be meant is left out, as in any old link.
    fn parse(sort: Option<&str>, rating: Option<&str>) -> ReviewQuery {
        let stars = rating.and_then(|stars| stars.parse::<u8>().ok());
        ReviewQuery {
            sort: sort.and_then(ReviewSort::from_name).unwrap_or_default(),
            rating: stars.and_then(|stars| Rating::try_from(stars).ok()),
        }
    }

    /// The address of the product's page with this choice.
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
