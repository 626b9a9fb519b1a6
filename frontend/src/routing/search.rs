//! The search text of a list, as given by the page's address.

use leptos::prelude::*;
use ostrakon_shared::MAX_SEARCH_CHARS;

use crate::net::http::escape;
use crate::routing::url::{address, page_query};

/// The text in this page's address: as typed, and trimmed and shortened as the server requires.
pub fn search_of_page() -> (Memo<String>, Memo<String>) {
    let query = page_query();
    let typed = Memo::new(move |_| query.read().get("search").unwrap_or_default());
    let search = Memo::new(move |_| typed.read().trim().chars().take(MAX_SEARCH_CHARS).collect());
    (typed, search)
}

/// The address of the list at this path with a search.
pub fn search_href(path: &str, search: &str) -> String {
    let search =
        if search.is_empty() { String::new() } else { format!("search={}", escape(search)) };
    address(path, &search)
}
