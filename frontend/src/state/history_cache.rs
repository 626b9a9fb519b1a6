//! Loaded lists and scroll positions, kept for Back and Forward.
//!
//! A link shows fresh data from the top; Back and Forward show the page as the user left it.

use std::collections::VecDeque;

use leptos::ev;
use leptos::prelude::*;
use ostrakon_shared::{Product, ProductId, ProductRating, Review};
use web_sys::ScrollRestoration;

use crate::routing::url::browser_address;
use crate::state::loaded_pages::LoadedPages;
use crate::state::local_changes::LocalChanges;

/// Addresses kept in each map.
const CAPACITY: usize = 40;

/// The cache of this browser tab, provided as context.
#[derive(Clone, Copy)]
pub struct HistoryCache(StoredValue<State>);

struct State {
    here: String,
    traversal: Option<Traversal>,
    scroll: LruMap<f64>,
    kept: CachedVisits,
}

/// A traversal of the history, by Back or Forward.
struct Traversal {
    to: String,
    /// Where to scroll; taken when that is done.
    scroll: Option<f64>,
}

/// Visits by page kind and address.
#[derive(Default)]
pub struct CachedVisits {
    catalogues: LruMap<LoadedPages<Product>>,
    products: LruMap<ProductVisit>,
    reviews: LruMap<LoadedPages<Review>>,
}

/// The state of a product's page.
#[derive(Clone)]
pub struct ProductVisit {
    /// The product, with its rating as last seen.
    pub product: Product,
    /// The user's changes during the visit.
    pub own: LocalChanges,
}

/// A value that the cache keeps.
pub trait Cacheable: Clone + 'static {
    /// Where it is kept.
    fn map(visits: &mut CachedVisits) -> &mut LruMap<Self>;
}

impl Cacheable for LoadedPages<Product> {
    fn map(visits: &mut CachedVisits) -> &mut LruMap<Self> {
        &mut visits.catalogues
    }
}

impl Cacheable for ProductVisit {
    fn map(visits: &mut CachedVisits) -> &mut LruMap<Self> {
        &mut visits.products
    }
}

impl Cacheable for LoadedPages<Review> {
    fn map(visits: &mut CachedVisits) -> &mut LruMap<Self> {
        &mut visits.reviews
    }
}

impl HistoryCache {
    /// Starts to watch navigation and scrolling. Must be called before the router is created, so that
    /// its listener runs first on Back.
    pub fn start() -> HistoryCache {
        take_over_scrolling();
        let cache = HistoryCache(StoredValue::new(State {
            here: browser_address(),
            traversal: None,
            scroll: LruMap::default(),
            kept: CachedVisits::default(),
        }));
        let popped = window_event_listener(ev::popstate, move |_| cache.on_popstate());
        let scrolled = window_event_listener(ev::scroll, move |_| cache.record_scroll());
        // A click may come before the event of the last scrolling.
        let clicked = window_event_listener(ev::click, move |_| cache.record_scroll());
        on_cleanup(move || {
            popped.remove();
            scrolled.remove();
            clicked.remove();
        });
        cache
    }

    /// Call this when the app shows the page at this address.
    pub fn arrive(self, address: &str) {
        self.0.update_value(|state| {
            state.traversal.take_if(|back| back.to != address);
            address.clone_into(&mut state.here);
        });
    }

    /// Stores the content of the page at this address.
    pub fn keep<T: Cacheable>(self, address: String, value: T) {
        self.0.update_value(|state| T::map(&mut state.kept).put(address, value));
    }

    /// The stored content of this page, if the user came back by Back or Forward.
    pub fn get<T: Cacheable>(self, address: &str) -> Option<T> {
        let mut cached = None;
        self.0.update_value(|state| {
            if state.traversal.is_some() {
                cached = T::map(&mut state.kept).get(address).cloned();
            }
        });
        cached
    }

    /// Updates a product's rating in cached lists.
    pub fn update_rating(self, product: ProductId, rating: &ProductRating) {
        self.0.update_value(|state| {
            let products = state.kept.catalogues.values_mut().flat_map(|pages| &mut pages.items);
            for listed in products.filter(|listed| listed.id == product) {
                listed.rating = Some(rating.clone());
            }
        });
    }

    /// Restores the scroll position, if the user came back. A page calls this when it has its content,
    /// and so its height.
    pub fn restore_scroll(self) {
        let mut scroll = None;
        self.0.update_value(|state| {
            scroll = state.traversal.as_mut().and_then(|back| back.scroll.take());
        });
        if let Some(y) = scroll {
            request_animation_frame(move || window().scroll_to_with_x_and_y(0.0, y));
        }
    }

    /// Runs while the app still shows the old page.
    fn on_popstate(self) {
        let to = browser_address();
        self.record_scroll();
        self.0.update_value(|state| {
            // The browser handles steps between fragments of one page.
            if to != state.here {
                let scroll = state.scroll.get(&to).copied().unwrap_or_default();
                state.here.clone_from(&to);
                state.traversal = Some(Traversal { to, scroll: Some(scroll) });
            }
        });
    }

    fn record_scroll(self) {
        let y = window().scroll_y().unwrap_or_default();
        self.0.update_value(|state| state.scroll.put(state.here.clone(), y));
    }
}

/// Otherwise the browser would scroll before the page has its content.
fn take_over_scrolling() {
    if let Ok(history) = window().history() {
        // If this can't be set, the cache still restores the scroll position.
        _ = history.set_scroll_restoration(ScrollRestoration::Manual);
    }
}

/// Values by address, at most `CAPACITY`.
pub struct LruMap<T>(VecDeque<(String, T)>);

impl<T> Default for LruMap<T> {
    fn default() -> LruMap<T> {
        LruMap(VecDeque::new())
    }
}

impl<T> LruMap<T> {
    fn get(&self, address: &str) -> Option<&T> {
        self.0.iter().find(|(key, _)| key == address).map(|(_, value)| value)
    }

    fn put(&mut self, address: String, value: T) {
        self.0.retain(|(key, _)| *key != address);
        self.0.push_back((address, value));
        if self.0.len() > CAPACITY {
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
    fn the_map_keeps_the_latest_entries() {
        let mut map = LruMap::default();
        for number in 0..=CAPACITY {
            map.put(number.to_string(), number);
        }
        map.put("1".to_owned(), 100);
        assert_eq!(map.get("0"), None);
        assert_eq!(map.get("1"), Some(&100));
        assert_eq!(map.values_mut().count(), CAPACITY);
    }
}
