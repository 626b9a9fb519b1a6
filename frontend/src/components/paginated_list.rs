//! Lists that are loaded page by page.

use std::sync::Arc;

use futures::future::{AbortHandle, abortable};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::{END_ID, LoadError, LoadMore, PartialNotice};
use crate::dom::document::focus_soon;
use crate::net::http::{Answer, ApiError};
use crate::state::loaded_pages::{Item, Key, LoadedPages};

/// A list, and its loading state.
pub struct PaginatedList<T: Item> {
    /// The items loaded so far.
    pub items: RwSignal<Vec<T>>,
    pub state: ListState,
}

impl<T: Item> Clone for PaginatedList<T> {
    fn clone(&self) -> PaginatedList<T> {
        *self
    }
}

impl<T: Item> Copy for PaginatedList<T> {}

impl<T: Item> PaginatedList<T> {
    /// A list whose pages `fetch` loads. It starts over when a signal that `fetch` reads changes. The
    /// code that awaits pages does not depend on the type of items, so it is compiled once.
    pub fn new(
        fetch: impl Fn(Option<String>) -> Answer<LoadedPages<T>> + Send + Sync + 'static,
    ) -> Self {
        let items = RwSignal::new(Vec::new());
        let load = Callback::new(move |cursor: Option<String>| -> Answer<Rest> {
            let first = cursor.is_none();
            let pages = fetch(cursor);
            Box::pin(async move {
                let pages = pages.await?;
                let rest = Rest {
                    next_cursor: pages.next_cursor.clone(),
                    missing: pages.missing_databases.clone(),
                };
                items.update(
                    |items| if first { *items = pages.items } else { append(items, pages.items) },
                );
                Ok(rest)
            })
        });
        let count = Signal::derive(move || items.read().len());
        PaginatedList { items, state: ListState::start(load, count) }
    }

    /// Renders each item, and again when its key changes.
    pub fn rows(self, row: impl Fn(T) -> AnyView + Send + Sync + 'static) -> AnyView {
        rows(self.items.into(), row)
    }

    /// The loaded pages, to be cached; `None` before the first has arrived.
    pub fn pages(self) -> Option<LoadedPages<T>> {
        let ListState { next_cursor, missing, started, .. } = self.state;
        started.get().then(|| LoadedPages {
            items: self.items.get(),
            next_cursor: next_cursor.get(),
            missing_databases: missing.get(),
        })
    }
}

/// Renders each item, and again when its key changes.
pub fn rows<T: Item>(
    items: Signal<Vec<T>>,
    row: impl Fn(T) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let keys = move || items.read().iter().map(Item::key).collect();
    let row = move |key| {
        let item = items.read_untracked().iter().find(|item| item.key() == key).cloned();
        item.map_or_else(|| ().into_any(), &row)
    };
    keyed(Box::new(keys), Arc::new(row))
}

type Keys = Box<dyn Fn() -> Vec<Key> + Send + Sync>;
type Row = Arc<dyn Fn(Key) -> AnyView + Send + Sync>;

fn keyed(keys: Keys, row: Row) -> AnyView {
    view! {
        <For each=keys key=|key| *key let:key>
            {row(key)}
        </For>
    }
    .into_any()
}

/// Adds a page to a list, without items that are already there because they have moved meanwhile.
pub fn append<T: Item>(items: &mut Vec<T>, next: Vec<T>) {
    for item in next {
        if items.iter().all(|here| here.key().0 != item.key().0) {
            items.push(item);
        }
    }
}

/// The content of a page besides its items.
struct Rest {
    next_cursor: Option<String>,
    missing: Vec<String>,
}

/// The loading state of a list.
#[derive(Clone, Copy)]
pub struct ListState {
    load: Callback<Option<String>, Answer<Rest>>,
    count: Signal<usize>,
    next_cursor: RwSignal<Option<String>>,
    missing: RwSignal<Vec<String>>,
    /// Whether a first page has arrived.
    started: RwSignal<bool>,
    grown: RwSignal<bool>,
    pending: RwSignal<bool>,
    error: RwSignal<Option<ApiError>>,
    again: Trigger,
    under_way: StoredValue<Option<AbortHandle>>,
}

impl ListState {
    fn start(load: Callback<Option<String>, Answer<Rest>>, count: Signal<usize>) -> ListState {
        let list = ListState {
            load,
            count,
            next_cursor: RwSignal::new(None),
            missing: RwSignal::new(Vec::new()),
            started: RwSignal::new(false),
            grown: RwSignal::new(false),
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
        let (answer, abort) = abortable(self.load.run(cursor));
        self.under_way.set_value(Some(abort));
        self.pending.set(true);
        self.error.set(None);
        spawn_local(async move {
            let Ok(answer) = answer.await else { return };
            self.pending.set(false);
            match answer {
                Ok(rest) => {
                    if !first && rest.next_cursor.is_none() {
                        focus_soon(END_ID.to_owned());
                    }
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

    /// Whether there is a next page.
    pub fn more(self) -> bool {
        self.next_cursor.read().is_some()
    }

    /// Whether a page is being loaded.
    pub fn pending(self) -> bool {
        self.pending.get()
    }

    /// Whether more than the first page is loaded.
    pub fn has_grown(self) -> bool {
        self.grown.get()
    }

    /// The number of loaded items.
    pub fn count(self) -> usize {
        self.count.get()
    }

    /// Whether the last request failed.
    pub fn failed(self) -> bool {
        self.error.read().is_some()
    }

    /// Why the last request failed.
    pub fn failure(self) -> Option<String> {
        self.error.read().as_ref().map(ToString::to_string)
    }
}

/// A list with its skeleton, error, empty state and button to load more.
#[component]
pub fn List(
    list: ListState,
    /// The name of an item, in the singular.
    thing: &'static str,
    /// Shown until the first page arrives.
    #[prop(into, default = ViewFn::from(|| view! { <p class="muted">"Loading…"</p> }))]
    skeleton: ViewFn,
    /// The kind of items that are missing when a database is down.
    #[prop(default = "reviews")]
    parts: &'static str,
    /// Shown when the list has no items.
    #[prop(into)]
    empty: ViewFn,
    /// The items.
    children: Children,
) -> impl IntoView {
    let state = move || {
        if list.started.get() {
            let nothing = list.count() == 0 && !list.more();
            return if nothing { empty.run() } else { ().into_any() };
        }
        match list.error.get() {
            Some(error) => view! { <LoadError error on_retry=move || list.reload() /> }.into_any(),
            None => skeleton.run(),
        }
    };
    let more = move || list.started.get().then(|| view! { <LoadMore list thing /> });
    view! {
        <div class="loaded" aria-busy=move || list.pending().to_string()>
            {state}
            <PartialNotice things=parts databases=list.missing.into() />
            <div hidden=move || !list.started.get() || list.count() == 0>{children()}</div>
            {more}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Thing(i64, i32);

    impl Item for Thing {
        fn key(&self) -> Key {
            (self.0, self.1)
        }
    }

    #[test]
    fn nothing_is_listed_twice() {
        let mut items = vec![Thing(1, 1), Thing(2, 1), Thing(3, 1)];
        append(&mut items, vec![Thing(3, 2), Thing(4, 1)]);
        assert_eq!(items, [Thing(1, 1), Thing(2, 1), Thing(3, 1), Thing(4, 1)]);
    }
}
