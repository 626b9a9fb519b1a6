//! The end of a list that goes on.

use std::future::Future;

use leptos::prelude::*;

use crate::api::ApiError;
use crate::format::counted;
use crate::page::focus_soon;
use crate::paging::{Item, Pages};

/// Where the focus goes when the button it was on is gone.
const END_ID: &str = "end-of-list";

/// What became of loading a page: how many items the list has now.
type Outcome = Option<Result<usize, ApiError>>;

/// The button under a list that loads its next page.
#[component]
pub fn LoadMore<T, Fetch, Answer>(
    /// The list, which grows.
    pages: RwSignal<Pages<T>>,
    /// What the list holds, in the singular.
    thing: &'static str,
    /// Gets the page at a cursor.
    fetch: Fetch,
) -> impl IntoView
where
    T: Item,
    Fetch: Fn(String) -> Answer + 'static,
    Answer: Future<Output = Result<Pages<T>, ApiError>> + 'static,
{
    let load = Action::new_unsync(move |cursor: &String| {
        let next = fetch(cursor.clone());
        async move {
            let next = next.await?;
            if next.next_cursor.is_none() {
                focus_soon(END_ID.to_owned());
            }
            pages.update(|pages| pages.append(next));
            Ok(pages.read_untracked().items.len())
        }
    });
    let under_way = StoredValue::new(None::<ActionAbortHandle>);
    on_cleanup(move || {
        if let Some(under_way) = under_way.try_update_value(Option::take).flatten() {
            under_way.abort();
        }
    });
    let press = move |_| {
        let cursor = pages.read_untracked().next_cursor.clone();
        if let (Some(cursor), false) = (cursor, load.pending().get_untracked()) {
            under_way.set_value(Some(load.dispatch(cursor)));
        }
    };
    let outcome = Memo::new(move |_| load.value().get());
    let more = Memo::new(move |_| pages.read().next_cursor.is_some());
    let button = move || {
        view! {
            <button
                type="button"
                class="button"
                class:is-pending=load.pending()
                aria-disabled=move || load.pending().get().to_string()
                on:click=press
            >
                {move || label(&outcome.read(), thing)}
            </button>
        }
    };
    let end = move || {
        let all = pages.read().items.len();
        // A list that was all there from the start needs no end.
        outcome.read().is_some().then(|| view! { <End all thing /> })
    };
    view! {
        <div class="load-more">
            {move || failure(&outcome.read())}
            {move || if more.get() { button().into_any() } else { end().into_any() }}
            <p class="visually-hidden" aria-live="polite">
                {move || announcement(&outcome.read(), thing)}
            </p>
        </div>
    }
}

#[component]
fn End(all: usize, thing: &'static str) -> impl IntoView {
    view! {
        <p class="muted" id=END_ID tabindex="-1">
            {format!("That is all: {}.", counted(all as u64, thing))}
        </p>
    }
}

fn label(outcome: &Outcome, thing: &str) -> String {
    match outcome {
        Some(Err(_)) => "Try again".to_owned(),
        Some(Ok(_)) | None => format!("Load more {thing}s"),
    }
}

fn failure(outcome: &Outcome) -> Option<impl IntoView + use<>> {
    match outcome {
        Some(Err(error)) => Some(view! { <p role="alert">{error.to_string()}</p> }),
        Some(Ok(_)) | None => None,
    }
}

fn announcement(outcome: &Outcome, thing: &str) -> Option<String> {
    match outcome {
        Some(Ok(all)) => Some(format!("{} are listed now.", counted(*all as u64, thing))),
        Some(Err(_)) | None => None,
    }
}
