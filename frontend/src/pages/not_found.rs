//! Pages for missing content.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::components::BrokenPot;
use crate::dom::title::set_title;

/// The page for an unknown address.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <Missing
            heading="Page not found"
            text="There is nothing at this address. The link may be broken or out of date."
        />
    }
}

/// The page for something that does not exist.
#[component]
pub fn Missing(heading: &'static str, text: &'static str) -> impl IntoView {
    set_title(heading);
    view! {
        <div class="missing">
            <BrokenPot />
            <h1>{heading}</h1>
            <p class="muted">{text}</p>
            <A href="/" attr:class="button">
                "See all products"
            </A>
        </div>
    }
}
