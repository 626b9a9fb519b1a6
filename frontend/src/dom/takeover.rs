//! Replaces the server's content by the app without moving the scroll position or the focus.

use std::cell::Cell;
use std::time::Duration;

use futures::channel::oneshot;
use leptos::prelude::{document, request_animation_frame, set_timeout};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};

thread_local! {
    static UNDER_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Whether the server's content is being replaced.
pub fn is_under_way() -> bool {
    UNDER_WAY.get()
}

/// Returns in a task of its own while the server's content is being replaced, and at once otherwise. For
/// parts of which the server has shown a skeleton: a phone's browser stays responsive between the tasks.
pub async fn yield_during_takeover() {
    if is_under_way() {
        let (resume, resumed) = oneshot::channel();
        set_timeout(move || _ = resume.send(()), Duration::ZERO);
        // The browser always runs the timeout.
        _ = resumed.await;
    }
}

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
        UNDER_WAY.set(true);
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
            UNDER_WAY.set(false);
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
