//! What the browser's document is asked directly.

use leptos::prelude::{document, request_animation_frame};
use wasm_bindgen::JsCast;
use web_sys::{FocusOptions, HtmlElement};

/// The element with this id.
pub fn element(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Gives the focus to the page's content, for screen readers and the next Tab, without scrolling.
pub fn focus_main() {
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    if let Some(main) = element("main") {
        // Focus that can't be given is no harm.
        _ = main.focus_with_options(&options);
    }
}

/// Gives the focus to the first field that is marked as wrong and whose id begins with `prefix`
/// and a dash, once what has changed just now is on the page.
pub fn focus_first_invalid(prefix: String) {
    request_animation_frame(move || {
        // A group of choices can't be invalid, as ARIA has it.
        let wrong = format!("[id^='{prefix}-']:is([aria-invalid='true'], [data-invalid])");
        let field = document().query_selector(&wrong).ok().flatten();
        if let Some(Ok(field)) = field.map(|field| field.dyn_into::<HtmlElement>()) {
            // Focus that can't be given is no harm.
            _ = field.focus();
        }
    });
}

/// Gives the focus to the element with this id, once what has changed just now is on the page.
pub fn focus_soon(id: String) {
    request_animation_frame(move || {
        if let Some(element) = element(&id) {
            // Focus that can't be given is no harm.
            _ = element.focus();
        }
    });
}
