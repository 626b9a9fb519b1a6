//! Pictures of products, or pots instead.

use std::time::Duration;

use leptos::prelude::*;

use crate::components::pottery::Pot;
use crate::dom::takeover;

/// The product's picture. Without one, or if it can't be loaded, a pot generated from the name. It is
/// decoration, as the name stands beside it.
#[component]
pub fn Picture(
    name: String,
    url: Option<String>,
    /// Whether to load it at once instead of shortly before it comes into view.
    #[prop(default = false)]
    eager: bool,
) -> impl IntoView {
    let broken = RwSignal::new(false);
    let loading = if eager { "eager" } else { "lazy" };
    let content = move || match url.clone().filter(|_| !broken.get()) {
        Some(url) => view! {
            <img
                src=url
                alt=""
                loading=loading
                decoding="async"
                referrerpolicy="no-referrer"
                on:error=move |_| broken.set(true)
            />
        }
        .into_any(),
        None => pot_picture(name.clone()),
    };
    view! { <span class="picture">{content}</span> }
}

/// The pot for a name. While the app takes over the page, each pot is painted in a task of its own: all pots
/// of the catalogue together would block a phone's browser.
fn pot_picture(name: String) -> AnyView {
    let paint = move || view! { <PotPicture pot=Pot::thrown_for(&name) /> };
    if !takeover::is_under_way() {
        return paint().into_any();
    }
    let ready = RwSignal::new(false);
    set_timeout(move || _ = ready.try_set(true), Duration::ZERO);
    (move || ready.get().then(&paint)).into_any()
}

/// The pot, painted.
#[component]
fn PotPicture(pot: Pot) -> impl IntoView {
    let (outline, light) = (format!("pot-{:x}", pot.seed), format!("light-{:x}", pot.seed));
    let (inside, lit) = (format!("url(#{outline})"), format!("url(#{light})"));
    view! {
        <svg
            class=format!("pot pot-{} ground-{}", pot.ware.name(), pot.ground)
            viewBox="-120 0 240 240"
            aria-hidden="true"
        >
            <rect class="pot-ground" x="-120" width="240" height="240" />
            <circle class="pot-niche" cy="112" r="92" />
            <ellipse class="pot-shadow" cy="217" rx="58" ry="5" />
            <clipPath id=outline>
                <path d=pot.body.clone() />
            </clipPath>
            <linearGradient id=light gradientUnits="userSpaceOnUse" x1="-72" x2="72">
                <stop stop-color="#fff" stop-opacity="0.16" />
                <stop offset="0.4" stop-color="#fff" stop-opacity="0" />
                <stop offset="0.6" stop-color="#000" stop-opacity="0" />
                <stop offset="1" stop-color="#000" stop-opacity="0.24" />
            </linearGradient>
            <path class="pot-handles" d=pot.handles />
            <path class="pot-body" d=pot.body />
            <g clip-path=inside>
                <path class="pot-paint" d=pot.painting.fill />
                <path class="pot-line" d=pot.painting.line />
                // The even-odd rule turns two discs into a ring.
                <path class="pot-accent" fill-rule="evenodd" d=pot.painting.accent />
                <rect x="-120" width="240" height="240" fill=lit />
            </g>
        </svg>
    }
}

/// A pot in two pieces, for pages that are not found.
#[component]
pub fn BrokenPot() -> impl IntoView {
    view! {
        <svg class="broken-pot" viewBox="0 0 240 200" aria-hidden="true">
            <g class="broken-body">
                <path d="M92 24h56v10c-8 4-10 10-10 18 0 10 2 16 4 22l-14 16 8 20-20 14 8 22-6 18 8 26H88v-8l14-8C82 160 56 136 56 104c0-24 20-34 40-42 2-6 2-10 2-16 0-8-2-10-6-12Z" />
                <path d="M168 84c14 8 28 22 28 42 0 24-16 42-38 52l10 4v8h-32l2-24 16-12-6-22 20-14-8-18Z" />
                <path d="M206 168l20 10-4 14-24 2Z" />
            </g>
            <g class="broken-line">
                <path d="M98 60c14 4 26 4 40 2M64 96c18 8 36 10 56 6M64 126c16 8 30 10 46 8M182 112c6 4 10 8 12 12" />
                <path d="M20 194h200" />
            </g>
        </svg>
    }
}
