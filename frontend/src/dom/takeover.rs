//! Replaces the server's content by the app without moving the scroll position or the focus.

use leptos::prelude::{document, request_animation_frame};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

/// The page while its content is replaced.
pub struct Takeover {
    main: HtmlElement,
    focus: Option<Focus>,
}

/// An element, identified by attributes that the server and the app both render.
struct Focus {
    selector: String,
    /// The element's index among those that match the selector.
    index: u32,
}

impl Takeover {
    /// Keeps the height of `main`, so that nothing scrolls while it is empty, and notes which of
    /// its elements has the focus.
    pub fn begin(main: HtmlElement) -> Takeover {
        let focused = document().active_element();
        let inside = |element: &Element| **element != **main && main.contains(Some(element));
        let focus = focused.filter(inside).and_then(|element| Focus::on(&main, &element));
        let height = format!("{}px", main.offset_height());
        // If it can't be set, the page scrolls.
        _ = main.style().set_property("min-height", &height);
        Takeover { main, focus }
    }

    /// Restores the focus and the height, once the app shows its content.
    pub fn finish(mut self) {
        request_animation_frame(move || {
            if self.focus.as_ref().is_some_and(|focus| focus.give(&self.main)) {
                self.focus = None;
            }
            if matches!(self.main.query_selector("[aria-busy='true']"), Ok(Some(_))) {
                return self.finish();
            }
            // It was set above.
            _ = self.main.style().remove_property("min-height");
        });
    }
}

impl Focus {
    fn on(main: &HtmlElement, element: &Element) -> Option<Focus> {
        let attribute = ["id", "href", "aria-label"].into_iter().find_map(|name| {
            let value = element.get_attribute(name).filter(|value| !value.is_empty())?;
            Some(format!("[{name}={value:?}]"))
        });
        let selector = element.tag_name().to_lowercase() + &attribute?;
        let same = main.query_selector_all(&selector).ok()?;
        let index = (0..same.length()).find(|at| same.get(*at).as_ref() == Some(element))?;
        Some(Focus { selector, index })
    }

    /// Returns false if the element is not there yet.
    fn give(&self, main: &HtmlElement) -> bool {
        let active = document().active_element();
        let is_elsewhere = active.is_some_and(|active| active.tag_name() != "BODY");
        if is_elsewhere {
            // The user has moved on.
            return true;
        }
        let same = main.query_selector_all(&self.selector).ok();
        let Some(element) = same.and_then(|same| same.get(self.index)) else { return false };
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        // The page works without the focus.
        _ = element.unchecked_into::<HtmlElement>().focus_with_options(&options);
        true
    }
}
