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
    id: String,
    /// What is wrong with the choice.
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
    /// What the buttons of one group have in common.
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
