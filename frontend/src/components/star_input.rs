//! The input for a rating.

use leptos::prelude::*;
use ostrakon_shared::{MAX_RATING, MIN_RATING};

use crate::format::counted;

/// A group of radio buttons, shown as stars.
#[component]
pub fn StarInput(
    rating: RwSignal<Option<i32>>,
    id: String,
    error: Signal<Option<String>>,
) -> impl IntoView {
    let error_id = format!("{id}-error");
    let describedby = {
        let error_id = error_id.clone();
        move || error.read().is_some().then(|| error_id.clone())
    };
    let choice = |value| view! { <Choice rating value name=id.clone() /> };
    view! {
        <fieldset
            class="field star-input"
            id=id.clone()
            tabindex="-1"
            aria-describedby=describedby
            data-invalid=move || error.read().is_some().then_some("true")
        >
            <legend>"Your rating"</legend>
            <div class="star-choices">
                <div class="star-row">
                    {(MIN_RATING..=MAX_RATING).map(|stars| choice(Some(stars))).collect_view()}
                </div>
                {choice(None)}
            </div>
            <p class="field-error" id=error_id>
                {error}
            </p>
        </fieldset>
    }
}

/// One of the radio buttons.
#[component]
fn Choice(
    rating: RwSignal<Option<i32>>,
    value: Option<i32>,
    /// The name of the group.
    name: String,
) -> impl IntoView {
    let (class, text_class, text) = match value {
        Some(stars) => ("star", "visually-hidden", counted(stars.unsigned_abs().into(), "star")),
        None => ("no-rating", "", "No rating".to_owned()),
    };
    view! {
        <label class=class>
            <input
                type="radio"
                name=name
                value=value.unwrap_or_default()
                prop:checked=move || rating.get() == value
                on:change=move |_| rating.set(value)
            />
            <span class=text_class>{text}</span>
        </label>
    }
}
