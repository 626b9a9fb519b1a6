//! Lists that are loaded page by page.

use std::sync::Arc;

use leptos::prelude::*;

use crate::components::{LoadError, LoadMore, PartialNotice};
use crate::format::counted;
use crate::net::http::ResponseFuture;
use crate::state::list_state::{ListState, Rest};
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
        fetch: impl Fn(Option<String>) -> ResponseFuture<LoadedPages<T>> + Send + Sync + 'static,
    ) -> Self {
        let items = RwSignal::new(Vec::new());
        let load = Callback::new(move |cursor: Option<String>| -> ResponseFuture<Rest> {
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
        let state = self.state;
        state.has_started().then(|| LoadedPages {
            items: self.items.get(),
            next_cursor: state.next_cursor(),
            missing_databases: state.missing_databases().get(),
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
        if list.has_started() {
            let nothing = list.count() == 0 && !list.more();
            return if nothing { empty.run() } else { ().into_any() };
        }
        match list.error() {
            Some(error) => view! { <LoadError error on_retry=move || list.reload() /> }.into_any(),
            None => skeleton.run(),
        }
    };
    let started = Memo::new(move |_| list.has_started());
    let more = move || started.get().then(|| view! { <LoadMore list thing /> });
    view! {
        <div class="loaded" aria-busy=move || list.pending().to_string()>
            {state}
            <PartialNotice things=parts databases=list.missing_databases() />
            <div node_ref=list.items() hidden=move || !list.has_started() || list.count() == 0>
                {children()}
            </div>
            {more}
            // Always there: screen readers notice only changes of a region that they know.
            <p class="visually-hidden" aria-live="polite">
                {move || announcement(list, thing)}
            </p>
        </div>
    }
}

/// What screen readers say when a filter has changed or another page has arrived. Empty in between, so that
/// they also say the same text again.
fn announcement(list: ListState, thing: &str) -> Option<String> {
    if list.pending() || list.failed() || !list.has_changed() {
        return None;
    }
    Some(match list.count() as u64 {
        0 => format!("No {thing}s."),
        count if list.more() => format!("Showing the first {}.", counted(count, thing)),
        count => format!("Showing {}.", counted(count, thing)),
    })
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
