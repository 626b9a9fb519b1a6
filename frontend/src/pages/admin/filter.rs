//! The filter of the table, as given by the page's address.

use leptos_router::params::ParamsMap;
use ostrakon_shared::MAX_SEARCH_CHARS;

use crate::net::http::escape;
use crate::routing::url::address;

/// The names of the parameters, in the address and the API.
pub const FIELDS: [&str; 6] = ["database", "product_id", "author_id", "rating", "status", "search"];

const PATH: &str = "/admin/reviews";

/// The values of the parameters; empty if not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter([String; FIELDS.len()]);

impl Filter {
    /// Reads the query parameters of an address.
    pub fn from_params(params: &ParamsMap) -> Filter {
        let mut filter = Filter::default();
        for name in FIELDS {
            filter = filter.with(name, params.get_str(name).unwrap_or_default());
        }
        filter
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> &str {
        FIELDS.iter().position(|field| *field == name).map_or("", |index| &self.0[index])
    }

    /// The same filter with another value.
    pub fn with(mut self, name: &str, value: &str) -> Filter {
        if let Some(index) = FIELDS.iter().position(|field| *field == name) {
            // Trims and shortens the search as the server requires.
            self.0[index] = value.trim().chars().take(MAX_SEARCH_CHARS).collect();
        }
        self
    }

    /// Whether any parameter is given.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    /// The query parameters for the API.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        FIELDS.into_iter().zip(self.0.clone()).collect()
    }

    /// The address of the table with this filter, and with a review in the drawer.
    pub fn href(&self, review: Option<&str>) -> String {
        let fields = self.query().into_iter().chain(review.map(|id| ("review", id.to_owned())));
        let given = fields.filter(|(_, value)| !value.is_empty());
        let parts: Vec<_> =
            given.map(|(name, value)| format!("{name}={}", escape(&value))).collect();
        address(PATH, &parts.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_contain_the_filter() {
        let filter = Filter::default();
        assert_eq!(filter.href(None), "/admin/reviews");
        assert!(filter.is_empty());
        let filter = filter.with("database", "reviews-2").with("search", "  a & b ");
        assert_eq!(filter.href(None), "/admin/reviews?database=reviews-2&search=a%20%26%20b");
        assert_eq!(filter.get("search"), "a & b");
        assert_eq!(
            filter.with("search", "").href(Some("0R7")),
            "/admin/reviews?database=reviews-2&review=0R7"
        );
    }

    #[test]
    fn unknown_parameters_are_ignored() {
        let filter = Filter::default().with("colour", "red");
        assert_eq!(filter, Filter::default());
        assert_eq!(filter.get("colour"), "");
    }
}
