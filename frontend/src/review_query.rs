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
    /// The choice that an address asks for. What it can't mean is left out, as in any old link.
    pub fn from_params(params: &ParamsMap) -> ReviewQuery {
        let sort = params.get_str("sort").and_then(ReviewSort::from_name).unwrap_or_default();
        let stars = params.get_str("rating").and_then(|stars| stars.parse::<u8>().ok());
        ReviewQuery { sort, rating: stars.and_then(|stars| Rating::try_from(stars).ok()) }
    }

    /// The address of the product's page with this choice.
    pub fn href(self, product: ProductId) -> String {
        let sort = (self.sort != ReviewSort::default()).then(|| format!("sort={}", self.sort));
        let rating = self.rating.map(|rating| format!("rating={}", rating.stars()));
        let search = [sort, rating].into_iter().flatten().collect::<Vec<_>>().join("&");
        crate::address::address(&format!("/products/{product}"), &search)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&'static str, &'static str)]) -> ParamsMap {
        pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
    }

    #[test]
    fn addresses_round_trip() {
        let product = "7".parse().expect("an id");
        for (pairs, href) in [
            (&[][..], "/products/7"),
            (&[("sort", "lowest")], "/products/7?sort=lowest"),
            (&[("rating", "3")], "/products/7?rating=3"),
            (&[("sort", "oldest"), ("rating", "5")], "/products/7?sort=oldest&rating=5"),
            (&[("sort", "newest"), ("rating", "6")], "/products/7"),
            (&[("sort", "upwards"), ("rating", "many")], "/products/7"),
        ] {
            assert_eq!(ReviewQuery::from_params(&params(pairs)).href(product), href);
        }
    }
}
