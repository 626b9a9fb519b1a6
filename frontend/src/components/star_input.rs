//! The input for a rating.

use leptos::prelude::*;
use ostrakon_shared::{MAX_RATING, MIN_RATING};

use crate::components::field_group::FieldGroup;
use crate::format::counted;

/// A group of radio buttons, shown as stars.
#[component]
pub fn StarInput(
    rating: RwSignal<Option<i32>>,
    id: String,
    error: Signal<Option<String>>,
) -> impl IntoView {
    let name = id.clone();
    let choice = move |value| view! { <Choice rating value name=name.clone() /> };
    view! {
        <FieldGroup id label="Your rating" error>
            <div class="star-choices">
                <div class="star-row">
                    {(MIN_RATING..=MAX_RATING).map(|stars| choice(Some(stars))).collect_view()}
                </div>
                {choice(None)}
            </div>
        </FieldGroup>
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
