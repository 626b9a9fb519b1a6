//! The address of a page.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;

/// A path and a query, given without its question mark, as one text.
pub fn address(path: &str, search: &str) -> String {
    if search.is_empty() { path.to_owned() } else { format!("{path}?{search}") }
}

/// The query of this page's address. It stays as it is once the app moves on to another page,
/// so that a page that is about to go does not load anything for its successor.
pub fn page_query() -> Memo<ParamsMap> {
    let location = use_location();
    let path = location.pathname.get_untracked();
    Memo::new(move |before: Option<&ParamsMap>| match before {
        Some(before) if *location.pathname.read() != path => before.clone(),
        _ => location.query.get(),
    })
}
