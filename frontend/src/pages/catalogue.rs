//! The catalogue: all products, or the results of a search.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::components::paginated_list::{List, PaginatedList};
use crate::components::{CardSkeletons, ProductCard, SearchField};
use crate::dom::title::set_title;
use crate::net::api;
use crate::routing::search::{search_href, search_of_page};
use crate::state::history_cache::HistoryCache;
use crate::state::loaded_pages::LoadedPages;

/// The catalogue page.
#[component]
pub fn Catalogue() -> impl IntoView {
    set_title("Products");
    let cache = expect_context::<HistoryCache>();
    let (typed, search) = search_of_page();
    let list = PaginatedList::new(move |cursor| {
        let search = search.get();
        let kept = match cursor {
            Some(_) => None,
            None => cache.get(&catalogue_address(&search)),
        };
        Box::pin(async move {
            match kept {
                Some(pages) => Ok(pages),
                None => api::products(&search, cursor.as_deref()).await.map(LoadedPages::from),
            }
        })
    });
    Effect::new(move || {
        if let Some(pages) = list.pages() {
            cache.keep(catalogue_address(&search.read_untracked()), pages);
            cache.restore_scroll();
        }
    });
    view! {
        <div class="page-head">
            <h1>"Products"</h1>
            <SearchField label="Search products" typed href=catalogue_address />
        </div>
        <List
            list=list.state
            thing="product"
            parts="ratings"
            skeleton=CardSkeletons
            empty=move || view! { <NothingFound search=search.get() /> }
        >
            <ul class="cards" role="list" aria-label="Products">
                {list.rows(|product| {
                    view! {
                        <li>
                            <ProductCard product />
                        </li>
                    }
                        .into_any()
                })}
            </ul>
        </List>
    }
}

/// The address of the catalogue with this search.
fn catalogue_address(search: &str) -> String {
    search_href("/", search)
}

#[component]
fn NothingFound(search: String) -> impl IntoView {
    if search.is_empty() {
        return view! {
            <div class="empty">
                <h2>"No products yet"</h2>
                <p class="muted">"Products will appear here once they have been added."</p>
            </div>
        }
        .into_any();
    }
    view! {
        <div class="empty">
            <h2>"No products match “"<bdi>{search}</bdi>"”"</h2>
            <p class="muted">"Try a shorter or different search term."</p>
            <A href="/" attr:class="button">
                "Clear the search"
            </A>
        </div>
    }
    .into_any()
}
