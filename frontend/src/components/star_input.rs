//! A rating to be given.

use leptos::prelude::*;
use ostrakon_shared::{MAX_RATING, MIN_RATING};

use crate::format::counted;

/// Stars to choose from: a group of radio buttons, which style sheets turn into stars.
#[component]
pub fn StarInput(
    /// The choice, if there is one.
    rating: RwSignal<Option<i32>>,
    /// The group's element id.
    id: &'static str,
    /// What is wrong with the choice.
    error: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <fieldset
            class="field star-input"
            id=id
            tabindex="-1"
            aria-describedby=move || error.read().is_some().then(|| format!("{id}-error"))
        >
            <legend>"Your rating"</legend>
            <div class="star-choices">
                <div class="star-row">
                    {(MIN_RATING..=MAX_RATING)
                        .map(|stars| view! { <Choice rating value=Some(stars) /> })
                        .collect_view()}
                </div>
                <Choice rating value=None />
            </div>
            <p class="field-error" id=format!("{id}-error")>
                {error}
            </p>
        </fieldset>
    }
}

/// One of the radio buttons.
#[component]
fn Choice(rating: RwSignal<Option<i32>>, value: Option<i32>) -> impl IntoView {
    let (class, text_class, text) = match value {
        Some(stars) => ("star", "visually-hidden", counted(stars.unsigned_abs().into(), "star")),
        None => ("no-rating", "", "No rating".to_owned()),
    };
    view! {
        <label class=class>
            <input
                type="radio"
                name="rating"
                value=value.unwrap_or_default()
                prop:checked=move || rating.get() == value
                on:change=move |_| rating.set(value)
            />
            <span class=text_class>{text}</span>
        </label>
    }
}
