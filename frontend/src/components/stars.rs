//! A rating as stars.

use leptos::prelude::*;

/// Stars, filled to the fraction.
#[component]
pub fn Stars(
    /// Up to five.
    stars: f64,
) -> impl IntoView {
    let fill = format!("{}%", stars / 5.0 * 100.0);
    let label = format!("{stars} out of 5 stars");
    view! { <span class="stars" role="img" aria-label=label style:--fill=fill></span> }
}
