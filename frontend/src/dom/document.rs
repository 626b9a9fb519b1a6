//! Direct access to the document: elements and focus.

use leptos::prelude::{document, request_animation_frame};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

pub fn element(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Moves the focus to the page's content without scrolling, for screen readers and the next Tab.
pub fn focus_main() {
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    if let Some(main) = element("main") {
        // The page works without the focus.
        _ = main.focus_with_options(&options);
    }
}

/// After the next rendering, moves the focus to the first invalid field whose id begins with `prefix`
/// and a dash.
pub fn focus_first_invalid(prefix: String) {
    request_animation_frame(move || {
        // ARIA has no invalid groups, so fieldsets carry `data-invalid`.
        let wrong = format!("[id^='{prefix}-']:is([aria-invalid='true'], [data-invalid])");
        let field = document().query_selector(&wrong).ok().flatten();
        if let Some(Ok(field)) = field.map(|field| field.dyn_into::<HtmlElement>()) {
            // The page works without the focus.
            _ = field.focus();
        }
    });
}

/// After the next rendering, moves the focus to the element with this id.
pub fn focus_soon(id: String) {
    request_animation_frame(move || {
        if let Some(element) = element(&id) {
            // The page works without the focus.
            _ = element.focus();
        }
    });
}

/// Moves the focus to an element or, if it can't have it, to the first link or field inside.
pub fn focus_inside(element: &Element) {
    const FOCUSABLE: &str = "a[href], button, input, select, textarea";
    let inner = match element.has_attribute("tabindex") {
        true => None,
        false => element.query_selector(FOCUSABLE).ok().flatten(),
    };
    if inner.is_none() {
        // Setting an attribute can't fail.
        _ = element.set_attribute("tabindex", "-1");
    }
    if let Ok(element) = inner.unwrap_or_else(|| element.clone()).dyn_into::<HtmlElement>() {
        // The page works without the focus.
        _ = element.focus();
    }
}
