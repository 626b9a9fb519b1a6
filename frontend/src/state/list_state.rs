//! How far a list is loaded that arrives page by page.

use futures::future::{AbortHandle, abortable};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{HtmlCollection, HtmlElement};

use crate::dom::document::{focus_inside, focus_soon};
use crate::net::http::{ApiError, ResponseFuture};

/// The element at the end of a list, which gets the focus when a last page without items arrives.
pub const END_ID: &str = "end-of-list";

/// The content of a page besides its items.
pub struct Rest {
    pub next_cursor: Option<String>,
    pub missing: Vec<String>,
}

/// The loading state of a list.
#[derive(Clone, Copy)]
pub struct ListState {
    load: Callback<Option<String>, ResponseFuture<Rest>>,
    count: Signal<usize>,
    next_cursor: RwSignal<Option<String>>,
    missing: RwSignal<Vec<String>>,
    started: RwSignal<bool>,
    grown: RwSignal<bool>,
    /// Whether something has arrived after the first page: more items, or those of another filter.
    changed: RwSignal<bool>,
    /// The element that contains the items.
    items: NodeRef<html::Div>,
    pending: RwSignal<bool>,
    error: RwSignal<Option<ApiError>>,
    again: Trigger,
    under_way: StoredValue<Option<AbortHandle>>,
}

impl ListState {
    /// Loads the first page, and again when a signal that `load` reads changes.
    pub fn start(
        load: Callback<Option<String>, ResponseFuture<Rest>>,
        count: Signal<usize>,
    ) -> ListState {
        let list = ListState {
            load,
            count,
            next_cursor: RwSignal::new(None),
            missing: RwSignal::new(Vec::new()),
            started: RwSignal::new(false),
            grown: RwSignal::new(false),
            changed: RwSignal::new(false),
            items: NodeRef::new(),
            pending: RwSignal::new(true),
            error: RwSignal::new(None),
            again: Trigger::new(),
            under_way: StoredValue::new(None),
        };
        Effect::new(move || {
            list.again.track();
            list.run(None);
        });
        on_cleanup(move || list.abort());
        list
    }

    fn run(self, cursor: Option<String>) {
        self.abort();
        let first = cursor.is_none();
        let shown = self.items.get_untracked().map_or(0, |items| rows(&items).length());
        let (answer, abort) = abortable(self.load.run(cursor));
        self.under_way.set_value(Some(abort));
        self.pending.set(true);
        self.error.set(None);
        spawn_local(async move {
            let Ok(answer) = answer.await else { return };
            self.pending.set(false);
            match answer {
                Ok(rest) => {
                    if !first {
                        request_animation_frame(move || self.focus_row(shown));
                    }
                    self.changed.set(self.started.get_untracked());
                    self.next_cursor.set(rest.next_cursor);
                    self.missing.update(|missing| {
                        if first {
                            missing.clear();
                        }
                        let new = |name: &String| !missing.contains(name);
                        let new: Vec<_> = rest.missing.into_iter().filter(new).collect();
                        missing.extend(new);
                    });
                    self.started.set(true);
                    self.grown.set(!first);
                }
                Err(error) => {
                    if first {
                        self.started.set(false);
                    }
                    self.error.set(Some(error));
                }
            }
        });
    }

    /// Moves the focus to the row with this index: the first one of a new page. If the page has none, the end
    /// of the list gets the focus, because the button to load more has disappeared.
    fn focus_row(self, index: u32) {
        let items = self.items.try_get_untracked().flatten();
        match items.and_then(|items| rows(&items).item(index)) {
            Some(row) => focus_inside(&row),
            None => focus_soon(END_ID.to_owned()),
        }
    }

    fn abort(self) {
        if let Some(under_way) = self.under_way.try_update_value(Option::take).flatten() {
            under_way.abort();
        }
    }

    /// Loads the list from the start.
    pub fn reload(self) {
        self.again.notify();
    }

    /// Loads the next page, unless it is being loaded.
    pub fn load_more(self) {
        let cursor = self.next_cursor.get_untracked();
        if let (Some(_), false) = (&cursor, self.pending.get_untracked()) {
            untrack(|| self.run(cursor));
        }
    }

    /// Whether a first page has arrived.
    pub fn has_started(self) -> bool {
        self.started.get()
    }

    /// Whether there is a next page.
    pub fn more(self) -> bool {
        self.next_cursor.read().is_some()
    }

    /// The start of the next page; `None` at the end.
    pub fn next_cursor(self) -> Option<String> {
        self.next_cursor.get()
    }

    /// The databases whose part is missing.
    pub fn missing_databases(self) -> Signal<Vec<String>> {
        self.missing.into()
    }

    /// Whether a page is being loaded.
    pub fn pending(self) -> bool {
        self.pending.get()
    }

    /// Whether more than the first page is loaded.
    pub fn has_grown(self) -> bool {
        self.grown.get()
    }

    /// Whether something has arrived after the first page.
    pub fn has_changed(self) -> bool {
        self.changed.get()
    }

    /// The element that contains the items.
    pub fn items(self) -> NodeRef<html::Div> {
        self.items
    }

    /// The number of loaded items.
    pub fn count(self) -> usize {
        self.count.get()
    }

    /// Whether the last request failed.
    pub fn failed(self) -> bool {
        self.error.read().is_some()
    }

    /// The error of the last request.
    pub fn error(self) -> Option<ApiError> {
        self.error.get()
    }

    /// The text of that error.
    pub fn failure(self) -> Option<String> {
        self.error.read().as_ref().map(ToString::to_string)
    }
}

/// The elements of the items: entries of a list, rows of a table, or articles.
fn rows(items: &HtmlElement) -> HtmlCollection {
    let inner = items.query_selector(":scope > ul, :scope > table > tbody, :scope > div");
    inner.ok().flatten().map_or_else(|| items.children(), |inner| inner.children())
}
