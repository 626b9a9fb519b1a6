//! The end of a paginated list.

use leptos::prelude::*;

use crate::format::counted;
use crate::state::list_state::{END_ID, ListState};

/// The button that loads the next page of a list.
#[component]
pub fn LoadMore(
    list: ListState,
    /// The name of an item, in the singular.
    thing: &'static str,
) -> impl IntoView {
    let label = move || match list.failed() {
        true => "Try again".to_owned(),
        false => format!("Load more {thing}s"),
    };
    let button = move || {
        view! {
            <button
                type="button"
                class="button"
                class:is-pending=move || list.pending()
                aria-disabled=move || list.pending().to_string()
                on:click=move |_| list.load_more()
            >
                {label}
            </button>
        }
    };
    let end = move || {
        // A list of one page needs no end.
        list.has_grown().then(|| {
            view! {
                <p class="muted" id=END_ID tabindex="-1">
                    {format!("End of the list: {}.", counted(list.count() as u64, thing))}
                </p>
            }
        })
    };
    let more = Memo::new(move |_| list.more());
    view! {
        <div class="load-more">
            {move || list.failure().map(|text| view! { <p role="alert">{text}</p> })}
            {move || if more.get() { button().into_any() } else { end().into_any() }}
        </div>
    }
}
