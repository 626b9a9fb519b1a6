//! The answers that came with the page, from a server that knew what the app would ask for.

use leptos::prelude::window;
use wasm_bindgen::JsCast;
use web_sys::{NavigationType, PerformanceNavigationTiming};

use crate::dom::document::element;

/// The answer that came with the page to a request for this address. It is there once: later,
/// things may have changed.
pub fn take(address: &str) -> Option<String> {
    let element = element(address)?;
    element.remove();
    element.text_content().filter(|_| !page_is_from_history())
}

/// Whether the browser may have kept the page since an earlier visit: by Back and Forward it does
/// not ask the server whether there is a newer one.
fn page_is_from_history() -> bool {
    let entries = window().performance().map(|it| it.get_entries_by_type("navigation"));
    let entry = entries.and_then(|it| it.get(0).dyn_into::<PerformanceNavigationTiming>().ok());
    entry.is_none_or(|entry| entry.type_() == NavigationType::BackForward)
}
