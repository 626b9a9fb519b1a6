//! What Back and Forward bring back: the pages of lists that were loaded, and the scroll position.
//!
//! Whoever comes by a link gets fresh data from the top; whoever comes by Back or Forward finds
//! the page as it was left.

use std::collections::VecDeque;

use leptos::ev;
use leptos::prelude::*;
use ostrakon_shared::{Product, ProductId, ProductRating, Review};
use web_sys::ScrollRestoration;

use crate::routing::url::browser_address;
use crate::state::local_changes::OwnWrites;
use crate::state::paging::Pages;

/// How many addresses are remembered for each kind of thing.
const SHELF_LENGTH: usize = 40;

/// The memory of this session, as context.
#[derive(Clone, Copy)]
pub struct Memory(StoredValue<State>);

struct State {
    here: String,
    coming_back: Option<ComingBack>,
    scroll: Shelf<f64>,
    kept: Shelves,
}

/// A traversal of the history, by Back or Forward.
struct ComingBack {
    to: String,
    /// Where to scroll; taken when that is done.
    scroll: Option<f64>,
}

/// What is kept, by kind and address.
#[derive(Default)]
pub struct Shelves {
    catalogues: Shelf<Pages<Product>>,
    products: Shelf<ProductVisit>,
    reviews: Shelf<Pages<Review>>,
}

/// What a visit to a product's page leaves behind.
#[derive(Clone)]
pub struct ProductVisit {
    /// The product, with its rating as last seen.
    pub product: Product,
    /// What the user wrote, changed and deleted during the visit.
    pub own: OwnWrites,
}

/// A kind of thing that the memory keeps.
pub trait Kept: Clone + 'static {
    /// Where it is kept.
    fn shelf(shelves: &mut Shelves) -> &mut Shelf<Self>;
}

impl Kept for Pages<Product> {
    fn shelf(shelves: &mut Shelves) -> &mut Shelf<Self> {
        &mut shelves.catalogues
    }
}

impl Kept for ProductVisit {
    fn shelf(shelves: &mut Shelves) -> &mut Shelf<Self> {
        &mut shelves.products
    }
}

impl Kept for Pages<Review> {
    fn shelf(shelves: &mut Shelves) -> &mut Shelf<Self> {
        &mut shelves.reviews
    }
}

impl Memory {
    /// Starts to watch where the user goes and scrolls. Must be called before the router is
    /// created: on Back, the memory has to know before the router shows the page.
    pub fn start() -> Memory {
        take_over_scrolling();
        let memory = Memory(StoredValue::new(State {
            here: browser_address(),
            coming_back: None,
            scroll: Shelf::default(),
            kept: Shelves::default(),
        }));
        let popped = window_event_listener(ev::popstate, move |_| memory.come_back());
        let scrolled = window_event_listener(ev::scroll, move |_| memory.note_scroll());
        // A link may be followed before the browser tells of the last scrolling.
        let clicked = window_event_listener(ev::click, move |_| memory.note_scroll());
        on_cleanup(move || {
            popped.remove();
            scrolled.remove();
            clicked.remove();
        });
        memory
    }

    /// The app shows the page at this address now.
    pub fn arrive(self, address: &str) {
        self.0.update_value(|state| {
            state.coming_back.take_if(|back| back.to != address);
            address.clone_into(&mut state.here);
        });
    }

    /// Keeps what the page at this address shows.
    pub fn keep<T: Kept>(self, address: String, value: T) {
        self.0.update_value(|state| T::shelf(&mut state.kept).put(address, value));
    }

    /// What the page at this address showed, if the user comes back to it.
    pub fn recall<T: Kept>(self, address: &str) -> Option<T> {
        let mut recalled = None;
        self.0.update_value(|state| {
            if state.coming_back.is_some() {
                recalled = T::shelf(&mut state.kept).get(address).cloned();
            }
        });
        recalled
    }

    /// The product has this rating now, in lists that were loaded before, too.
    pub fn note_rating(self, product: ProductId, rating: &ProductRating) {
        self.0.update_value(|state| {
            let products = state.kept.catalogues.values_mut().flat_map(|pages| &mut pages.items);
            for listed in products.filter(|listed| listed.id == product) {
                listed.rating = Some(rating.clone());
            }
        });
    }

    /// Scrolls to where the page was left, if the user has come back to it. A page calls this when
    /// it has its content, that is, its height.
    pub fn scroll_back(self) {
        let mut scroll = None;
        self.0.update_value(|state| {
            scroll = state.coming_back.as_mut().and_then(|back| back.scroll.take());
        });
        if let Some(y) = scroll {
            request_animation_frame(move || window().scroll_to_with_x_and_y(0.0, y));
        }
    }

    /// The browser is at another entry of its history; the app still shows the old page.
    fn come_back(self) {
        let to = browser_address();
        self.note_scroll();
        self.0.update_value(|state| {
            // Steps between fragments of one page are the browser's own business.
            if to != state.here {
                let scroll = state.scroll.get(&to).copied().unwrap_or_default();
                state.here.clone_from(&to);
                state.coming_back = Some(ComingBack { to, scroll: Some(scroll) });
            }
        });
    }

    fn note_scroll(self) {
        let y = window().scroll_y().unwrap_or_default();
        self.0.update_value(|state| state.scroll.put(state.here.clone(), y));
    }
}

/// The browser would scroll before the page has its content.
fn take_over_scrolling() {
    if let Ok(history) = window().history() {
        // Where this can't be set, the browser's attempt is overruled anyway.
        _ = history.set_scroll_restoration(ScrollRestoration::Manual);
    }
}

/// Values by address; the oldest give way to new ones.
pub struct Shelf<T>(VecDeque<(String, T)>);

impl<T> Default for Shelf<T> {
    fn default() -> Shelf<T> {
        Shelf(VecDeque::new())
    }
}

impl<T> Shelf<T> {
    fn get(&self, address: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == address).map(|(_, value)| value)
    }

    fn put(&mut self, address: String, value: T) {
        self.0.retain(|(key, _)| *key != address);
        self.0.push_back((address, value));
        if self.0.len() > SHELF_LENGTH {
            self.0.pop_front();
        }
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shelf_keeps_the_latest() {
        let mut shelf = Shelf::default();
        for number in 0..=SHELF_LENGTH {
            shelf.put(number.to_string(), number);
        }
        shelf.put("1".to_owned(), 100);
        assert_eq!(shelf.get("0"), None);
        assert_eq!(shelf.get("1"), Some(&100));
        assert_eq!(shelf.values_mut().count(), SHELF_LENGTH);
    }
}
