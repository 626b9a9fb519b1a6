//! A search field.

use std::time::Duration;

use leptos::ev::SubmitEvent;
use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use ostrakon_shared::MAX_SEARCH_CHARS;

/// The delay between the last key and the search.
const SEARCH_DELAY: Duration = Duration::from_millis(200);

/// A search field. Its text goes to the address, and comes back as `typed`.
#[component]
pub fn SearchField(
    label: &'static str,
    /// The text in the address.
    typed: Memo<String>,
    /// The address for a text.
    href: fn(&str) -> String,
) -> impl IntoView {
    let navigate = use_navigate();
    let search = move |text: String| {
        let options = NavigateOptions { replace: true, scroll: false, ..Default::default() };
        navigate(&href(&text), options);
    };
    let input = NodeRef::new();
    let mut search_soon = debounce(SEARCH_DELAY, search.clone());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(input) = input.get_untracked() {
            search(web_sys::HtmlInputElement::value(&input));
        }
    };
    view! {
        <search>
            <form class="search" on:submit=submit>
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm5 11.5L21 21" />
                </svg>
                <input
                    node_ref=input
                    type="search"
                    name="search"
                    aria-label=label
                    placeholder=label
                    autocomplete="off"
                    enterkeyhint="search"
                    maxlength=MAX_SEARCH_CHARS.to_string()
                    prop:value=typed
                    on:input:target=move |event| search_soon(event.target().value())
                />
            </form>
        </search>
    }
}
