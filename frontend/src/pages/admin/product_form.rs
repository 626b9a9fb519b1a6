//! The form for a product, new or not.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{
    AdminProduct, MAX_PRODUCT_DESCRIPTION_CHARS, MAX_PRODUCT_NAME_CHARS, MAX_SKU_CHARS,
    MAX_URL_CHARS, NewProduct, ProblemCode, ProductEdit, ProductId,
};

use crate::components::{FormEnd, TextField, close_dialog, given};
use crate::net::api;
use crate::net::http::ApiError;
use crate::state::submission::Submission;

/// Archives a product, or brings it back.
pub async fn archive(
    id: ProductId,
    version: i32,
    archived: bool,
) -> Result<AdminProduct, ApiError> {
    let edit = ProductEdit { archived: Some(archived), ..ProductEdit::default() };
    api::edit_product(id, version, &edit).await
}

/// The fields of a product; empty for a new one.
#[component]
pub fn ProductForm(
    product: Option<AdminProduct>,
    on_saved: Callback<AdminProduct>,
) -> impl IntoView {
    let texts = [(); 4].map(|()| RwSignal::new(String::new()));
    let [name, description, sku, picture_url] = texts;
    let fill = move |product: AdminProduct| {
        let AdminProduct { name, description, sku, picture_url, .. } = product;
        let values = [Some(name), description, sku, picture_url];
        texts.into_iter().zip(values).for_each(|(text, value)| text.set(value.unwrap_or_default()));
    };
    let target = RwSignal::new(product.as_ref().map(|product| (product.id, product.version)));
    if let Some(product) = product {
        fill(product);
    }
    let submission = Submission::new().map_problem(
        ProblemCode::SkuTaken,
        "sku",
        "Another product has this SKU.",
    );
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let product = NewProduct {
            name: name.get_untracked(),
            description: given(description),
            sku: given(sku),
            picture_url: given(picture_url),
        };
        let errors = product.errors();
        let target = target.get_untracked();
        let work = async move {
            let saved = match target {
                None => api::create_product(&product).await,
                Some((id, version)) => api::edit_product(id, version, &edit_to(product)).await,
            };
            on_saved.run(saved?);
            close_dialog("product");
            Ok(())
        };
        submission.submit("product", errors, "", Box::pin(work));
    };
    let loading = Submission::new();
    let load = move |_| {
        let Some((id, _)) = target.get_untracked() else { return };
        let work = async move {
            let product = api::product_detail(id).await?;
            target.set(Some((id, product.version)));
            on_saved.run(product.clone());
            fill(product);
            submission.forget();
            Ok(())
        };
        loading.start("", Box::pin(work));
    };
    let remedy = move || {
        (submission.problem() == Some(ProblemCode::VersionConflict)).then(|| {
            view! {
                <p>"Loading it replaces what you have written here."</p>
                <button type="button" class="button" on:click=load>
                    "Load the current text"
                </button>
                <p role="status">{move || loading.failure()}</p>
            }
        })
    };
    view! {
        <form class="form" aria-label="Product" novalidate on:submit=submit>
            <TextField
                id="product-name"
                label="Name"
                required=true
                text=name
                max_chars=MAX_PRODUCT_NAME_CHARS
                error=submission.error("name")
            />
            <TextField
                id="product-description"
                label="Description"
                hint="optional"
                many_lines=true
                text=description
                max_chars=MAX_PRODUCT_DESCRIPTION_CHARS
                error=submission.error("description")
            />
            <TextField
                id="product-sku"
                label="SKU"
                hint="optional"
                text=sku
                max_chars=MAX_SKU_CHARS
                error=submission.error("sku")
            />
            <TextField
                id="product-picture_url"
                label="Picture"
                hint="optional, an https address"
                kind="url"
                text=picture_url
                max_chars=MAX_URL_CHARS
                error=submission.error("picture_url")
            />
            <FormEnd submission button="Save" failure="The product is not saved" remedy />
        </form>
    }
}

/// The change that makes a product be this.
fn edit_to(product: NewProduct) -> ProductEdit {
    let NewProduct { name, description, sku, picture_url } = product;
    ProductEdit {
        name: Some(name),
        description: Some(description),
        sku: Some(sku),
        picture_url: Some(picture_url),
        archived: None,
    }
}
