//! The end of a list that goes on.

use std::future::Future;

use leptos::either::Either;
use leptos::prelude::*;

use crate::api::ApiError;
use crate::format::counted;
use crate::page::focus_soon;
use crate::paging::{Item, Pages};

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
    let end_id = format!("end-of-{thing}s");
    let load = Action::new_unsync({
        let end_id = end_id.clone();
        move |cursor: &String| {
            let (next, end_id) = (fetch(cursor.clone()), end_id.clone());
            async move {
                let next = next.await?;
                let loaded = next.items.len() as u64;
                if next.next_cursor.is_none() {
                    // The button, which has the focus, will be gone.
                    focus_soon(end_id);
                }
                pages.update(|pages| pages.append(next));
                Ok::<_, ApiError>(loaded)
            }
        }
    });
    let under_way = StoredValue::new(None::<ActionAbortHandle>);
    on_cleanup(move || {
        if let Some(under_way) = under_way.try_update_value(Option::take).flatten() {
            under_way.abort();
        }
    });
    let press = move |_| {
        if let (Some(cursor), false) = (pages.read().next_cursor.clone(), load.pending().get()) {
            under_way.set_value(Some(load.dispatch(cursor)));
        }
    };
    let outcome = load.value();
    let failed = move || matches!(*outcome.read(), Some(Err(_)));
    let more = move || pages.read().next_cursor.is_some();
    let button = move || {
        view! {
            <button
                type="button"
                class="button load-more-button"
                class:is-pending=load.pending()
                aria-disabled=move || load.pending().get().to_string()
                on:click=press
            >
                {move || if failed() { "Try again".to_owned() } else { format!("Load more {thing}s") }}
            </button>
        }
    };
    let ended = move || {
        let all = counted(pages.read().items.len() as u64, thing);
        matches!(*outcome.read(), Some(Ok(_))).then(|| {
            view! {
                <p class="muted" id=end_id.clone() tabindex="-1">
                    {format!("That is all: {all}.")}
                </p>
            }
        })
    };
    view! {
        <div class="load-more">
            {move || match &*outcome.read() {
                Some(Err(error)) => Some(view! { <p role="alert">{error.to_string()}</p> }),
                Some(Ok(_)) | None => None,
            }}
            {move || if more() { Either::Left(button()) } else { Either::Right(ended()) }}
            <p class="visually-hidden" aria-live="polite">
                {move || match &*outcome.read() {
                    Some(Ok(loaded)) => format!("{} loaded.", counted(*loaded, &format!("more {thing}"))),
                    Some(Err(_)) | None => String::new(),
                }}
            </p>
        </div>
    }
}
