//! The page to search, create, edit and archive products.

use leptos::prelude::*;
use ostrakon_shared::AdminProduct;

use crate::components::paginated_list::{List, PaginatedList};
use crate::components::{Dialog, SearchField, failure_line};
use crate::net::api;
use crate::pages::admin::product_form::{ProductForm, archive};
use crate::routing::review_query::ReviewQuery;
use crate::routing::search::{search_href, search_of_page};
use crate::state::form_state::FormState;
use crate::state::loaded_pages::LoadedPages;

/// The page.
pub fn products_page() -> AnyView {
    let (typed, search) = search_of_page();
    let products = PaginatedList::new(move |cursor| {
        let search = search.get();
        Box::pin(async move {
            api::all_products(&search, cursor.as_deref()).await.map(LoadedPages::from)
        })
    });
    let open = RwSignal::new(false);
    let edited = RwSignal::new(None::<AdminProduct>);
    let on_saved = Callback::new(move |saved: AdminProduct| {
        products.items.update(|items| {
            match items.iter_mut().find(|product| product.id == saved.id) {
                Some(product) => *product = saved,
                None => items.insert(0, saved),
            }
        });
    });
    let edit = move |product: Option<AdminProduct>| {
        edited.set(product);
        open.set(true);
    };
    let content = move || view! { <ProductForm product=edited.get_untracked() on_saved /> };
    let row = move |product: AdminProduct| {
        let again = product.clone();
        let edit = move |_| edit(Some(again.clone()));
        product_row(product, Box::new(edit), on_saved)
    };
    view! {
        <div class="toolbar">
            <SearchField
                label="Search products"
                typed
                href=|search| search_href("/admin/products", search)
            />
            <button type="button" class="button button-primary" on:click=move |_| edit(None)>
                "New product"
            </button>
        </div>
        <Dialog id="product" open heading="Product" content=content.into() />
        <List
            list=products.state
            thing="product"
            empty=|| view! { <p class="muted">"No matching products."</p> }
        >
            <ul class="rows panel" role="list" aria-label="Products">
                {products.rows(row)}
            </ul>
        </List>
    }
    .into_any()
}

fn product_row(
    product: AdminProduct,
    edit: Box<dyn FnMut(leptos::ev::MouseEvent)>,
    on_saved: Callback<AdminProduct>,
) -> AnyView {
    let AdminProduct { id, version, archived, .. } = product;
    let state = FormState::button();
    let toggle = move |_| {
        let work = async move {
            on_saved.run(archive(id, version, !archived).await?);
            Ok(())
        };
        state.start("", Box::pin(work));
    };
    let name = product.name;
    let whose = || view! { <span class="visually-hidden">" "<bdi>{name.clone()}</bdi></span> };
    view! {
        <li>
            <div class="row-text">
                <p>
                    <a href=ReviewQuery::default().href(id) dir="auto">
                        {name.clone()}
                    </a>
                    {archived.then(|| view! { " " <span class="status">"Archived"</span> })}
                </p>
                <p class="muted small">{format!("{id}")} {product.sku.map(|sku| format!(" · {sku}"))}</p>
                {failure_line(state)}
            </div>
            <span class="row-end">
                <button type="button" class="button button-small" on:click=edit>
                    "Edit"
                    {whose()}
                </button>
                <button type="button" class="button button-small" on:click=toggle>
                    {if archived { "Restore" } else { "Archive" }}
                    {whose()}
                </button>
            </span>
        </li>
    }
    .into_any()
}
