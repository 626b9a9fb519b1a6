//! The form to create or edit a product.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{
    AdminProduct, MAX_PRODUCT_DESCRIPTION_CHARS, MAX_PRODUCT_NAME_CHARS, MAX_SKU_CHARS,
    MAX_URL_CHARS, NewProduct, ProblemCode, ProductEdit,
};

use crate::components::{FormEnd, TextField, close_dialog, optional};
use crate::net::api;
use crate::state::form_state::FormState;

/// The form; empty for a new product.
#[component]
pub fn ProductForm(
    product: Option<AdminProduct>,
    on_saved: Callback<AdminProduct>,
) -> impl IntoView {
    let fields = Fields::new();
    let target = RwSignal::new(product.as_ref().map(|product| (product.id, product.version)));
    if let Some(product) = product {
        fields.fill(product);
    }
    let state = FormState::new("product").map_problem(
        ProblemCode::SkuTaken,
        "sku",
        "Another product has this SKU.",
    );
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let product = fields.product();
        let errors = product.validate();
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
        state.submit(errors, "", Box::pin(work));
    };
    let loading = FormState::button();
    let load = move |_| {
        let Some((id, _)) = target.get_untracked() else { return };
        let work = async move {
            let product = api::product_detail(id).await?;
            target.set(Some((id, product.version)));
            on_saved.run(product.clone());
            fields.fill(product);
            state.reset();
            Ok(())
        };
        loading.start("", Box::pin(work));
    };
    let remedy = move || {
        (state.problem() == Some(ProblemCode::VersionConflict)).then(|| {
            view! {
                <p>"Loading the current text replaces your changes."</p>
                <button type="button" class="button" on:click=load>
                    "Load the current text"
                </button>
                <p role="status">{move || loading.notice()}</p>
            }
        })
    };
    view! {
        <form class="form" aria-label="Product" novalidate on:submit=submit>
            {fields.view(state)}
            <FormEnd state button="Save" failure="The product was not saved" remedy />
        </form>
    }
}

/// The texts of the form.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    description: RwSignal<String>,
    sku: RwSignal<String>,
    picture_url: RwSignal<String>,
}

impl Fields {
    fn new() -> Fields {
        let [name, description, sku, picture_url] = [(); 4].map(|()| RwSignal::new(String::new()));
        Fields { name, description, sku, picture_url }
    }

    fn fill(self, product: AdminProduct) {
        self.name.set(product.name);
        self.description.set(product.description.unwrap_or_default());
        self.sku.set(product.sku.unwrap_or_default());
        self.picture_url.set(product.picture_url.unwrap_or_default());
    }

    fn product(self) -> NewProduct {
        NewProduct {
            name: self.name.get_untracked(),
            description: optional(self.description),
            sku: optional(self.sku),
            picture_url: optional(self.picture_url),
        }
    }

    fn view(self, state: FormState) -> AnyView {
        view! {
            <TextField
                id="product-name"
                label="Name"
                required=true
                text=self.name
                max_chars=MAX_PRODUCT_NAME_CHARS
                error=state.error("name")
            />
            <TextField
                id="product-description"
                label="Description"
                hint="optional"
                many_lines=true
                text=self.description
                max_chars=MAX_PRODUCT_DESCRIPTION_CHARS
                error=state.error("description")
            />
            <TextField
                id="product-sku"
                label="SKU"
                hint="optional"
                text=self.sku
                max_chars=MAX_SKU_CHARS
                error=state.error("sku")
            />
            <TextField
                id="product-picture_url"
                label="Picture"
                hint="optional, an https URL"
                kind="url"
                text=self.picture_url
                max_chars=MAX_URL_CHARS
                error=state.error("picture_url")
            />
        }
        .into_any()
    }
}

/// The edit that gives a product this content.
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
