//! The page to search, create, edit and archive products.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{AdminProduct, ProductEdit, ProductId};

use crate::components::paginated_list::{List, PaginatedList};
use crate::components::{CancelButton, Dialog, FormEnd, SearchField, failure_line};
use crate::dom::document::focus_soon;
use crate::net::api;
use crate::net::http::ResponseFuture;
use crate::pages::admin::product_form::ProductForm;
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
    let asking = RwSignal::new(false);
    let toggle = move |_| {
        if archived {
            state.start("", set_archived(id, version, false, on_saved));
        } else {
            asking.set(true);
        }
    };
    let name = product.name;
    let question = {
        let name = name.clone();
        move || archive_question(id, version, name.clone(), on_saved)
    };
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
                <Dialog
                    id=ARCHIVE_ID
                    open=asking
                    heading="Archive the product?"
                    content=question.into()
                />
            </div>
            <span class="row-end">
                <button type="button" class="button button-small" on:click=edit>
                    "Edit"
                    {whose()}
                </button>
                <button
                    type="button"
                    class="button button-small"
                    id=toggle_id(id)
                    on:click=toggle
                >
                    {if archived { "Restore" } else { "Archive" }}
                    {whose()}
                </button>
            </span>
        </li>
    }
    .into_any()
}

const ARCHIVE_ID: &str = "archive-question";

/// The element id of the button that archives or restores a product.
fn toggle_id(product: ProductId) -> String {
    format!("toggle-{product}")
}

/// Archives or restores a product.
fn set_archived(
    id: ProductId,
    version: i32,
    archived: bool,
    on_saved: Callback<AdminProduct>,
) -> ResponseFuture<()> {
    Box::pin(async move {
        let edit = ProductEdit { archived: Some(archived), ..ProductEdit::default() };
        let saved = api::edit_product(id, version, &edit).await?;
        on_saved.run(saved);
        // The row is a new one.
        focus_soon(toggle_id(id));
        Ok(())
    })
}

/// Asks for confirmation before a product is archived.
fn archive_question(
    id: ProductId,
    version: i32,
    name: String,
    on_saved: Callback<AdminProduct>,
) -> AnyView {
    let state = FormState::button();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        state.start("", set_archived(id, version, true, on_saved));
    };
    view! {
        <form class="form" on:submit=submit>
            <p>
                <bdi>{name}</bdi>
                " leaves the catalogue and the search, and nobody can review it any more. Its page and reviews stay. You can restore it."
            </p>
            <FormEnd state button="Archive the product" failure="The product was not archived">
                <CancelButton dialog=ARCHIVE_ID />
            </FormEnd>
        </form>
    }
    .into_any()
}
