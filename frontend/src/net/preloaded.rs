//! The responses that the server has embedded in the page, because the app will ask for them.

use leptos::prelude::window;
use wasm_bindgen::JsCast;
use web_sys::{NavigationType, PerformanceNavigationTiming};

use crate::dom::document::element;

/// Takes the embedded response for this address. Later requests go to the server.
pub fn take(address: &str) -> Option<String> {
    let element = element(address)?;
    element.remove();
    element.text_content().filter(|_| !page_is_from_history())
}

/// Whether the page may be from an earlier visit: on Back and Forward, browsers don't ask the server
/// for a newer one.
fn page_is_from_history() -> bool {
    let entries = window().performance().map(|it| it.get_entries_by_type("navigation"));
    let entry = entries.and_then(|it| it.get(0).dyn_into::<PerformanceNavigationTiming>().ok());
    entry.is_none_or(|entry| entry.type_() == NavigationType::BackForward)
}
