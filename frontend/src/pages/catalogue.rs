//! The catalogue: all products, or those that a search finds.

use std::time::Duration;

use leptos::ev::SubmitEvent;
use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use leptos_router::location::Url;
use ostrakon_shared::{MAX_SEARCH_CHARS, Product};

use crate::address::{address, page_query};
use crate::api;
use crate::components::{CardSkeletons, LoadMore, PartialNotice, ProductCard};
use crate::memory::Memory;
use crate::paging::Pages;
use crate::request::{Loaded, Request};
use crate::title::set_title;

/// How long the search waits for the next key.
const SEARCH_DELAY: Duration = Duration::from_millis(200);

/// The catalogue page.
#[component]
pub fn Catalogue() -> impl IntoView {
    set_title("Products");
    let memory = expect_context::<Memory>();
    let query = page_query();
    let typed = Memo::new(move |_| query.read().get("search").unwrap_or_default());
    let search = Memo::new(move |_| search_text(&typed.read()));
    let request = Request::new(
        move || search.get(),
        move |search| {
            let kept = memory.recall(&catalogue_address(&search));
            async move {
                match kept {
                    Some(pages) => Ok(pages),
                    None => api::products(&search, None).await.map(Pages::from),
                }
            }
        },
    );
    view! {
        <div class="page-head">
            <h1>"Products"</h1>
            <SearchField typed />
        </div>
        <Loaded
            request
            skeleton=CardSkeletons
            content=move |first| view! { <ProductList first search=search.get_untracked() /> }
        />
    }
}

/// What to search for: the server wants neither white space around it nor too much of it.
fn search_text(typed: &str) -> String {
    typed.trim().chars().take(MAX_SEARCH_CHARS).collect()
}

fn catalogue_address(search: &str) -> String {
    let search =
        if search.is_empty() { String::new() } else { format!("search={}", Url::escape(search)) };
    address("/", &search)
}

/// The search field. What is typed goes to the address, and comes back as `typed`.
#[component]
fn SearchField(typed: Memo<String>) -> impl IntoView {
    let navigate = use_navigate();
    let search = move |text: String| {
        let options = NavigateOptions { replace: true, scroll: false, ..Default::default() };
        navigate(&catalogue_address(&text), options);
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
                <SearchIcon />
                <input
                    node_ref=input
                    type="search"
                    name="search"
                    aria-label="Search products"
                    placeholder="Search products"
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

#[component]
fn SearchIcon() -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm5 11.5L21 21" />
        </svg>
    }
}

/// The products that were found, growing by "load more".
#[component]
fn ProductList(first: Pages<Product>, search: String) -> impl IntoView {
    let memory = expect_context::<Memory>();
    let pages = RwSignal::new(first);
    let address = catalogue_address(&search);
    Effect::new(move || memory.keep(address.clone(), pages.get()));
    memory.scroll_back();
    if pages.read_untracked().items.is_empty() {
        return view! { <NothingFound search /> }.into_any();
    }
    let fetch = move |cursor: String| {
        let search = search.clone();
        async move { api::products(&search, Some(&cursor)).await.map(Pages::from) }
    };
    view! {
        <PartialNotice
            things="ratings"
            databases=Signal::derive(move || pages.read().missing_databases.clone())
        />
        <ul class="cards" role="list" aria-label="Products">
            <For each=move || pages.get().items key=|product| product.id let:product>
                <li>
                    <ProductCard product />
                </li>
            </For>
        </ul>
        <LoadMore pages thing="product" fetch />
    }
    .into_any()
}

#[component]
fn NothingFound(search: String) -> impl IntoView {
    if search.is_empty() {
        return view! {
            <div class="empty">
                <h2>"No products yet"</h2>
                <p class="muted">"When there are products, this is where they stand."</p>
            </div>
        }
        .into_any();
    }
    view! {
        <div class="empty">
            <h2>"No products match “"<bdi>{search}</bdi>"”"</h2>
            <p class="muted">"Try fewer letters, or another word."</p>
            <A href="/" attr:class="button">
                "Clear the search"
            </A>
        </div>
    }
    .into_any()
}
