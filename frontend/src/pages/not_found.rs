//! The pages for what isn't there.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::components::BrokenPot;
use crate::dom::title::set_title;

/// The page for an address that means nothing.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <Missing
            heading="Page not found"
            text="There is nothing at this address. Perhaps the link was broken, like so much pottery."
        />
    }
}

/// The page for something that an address names, but that does not exist.
#[component]
pub fn Missing(
    /// What is missing.
    heading: &'static str,
    /// A sentence about it.
    text: &'static str,
) -> impl IntoView {
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
