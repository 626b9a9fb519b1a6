//! A group of fields with a common label and error.

use leptos::prelude::*;

/// The group; `children` are its fields.
#[component]
pub fn FieldGroup(
    #[prop(into)] id: String,
    label: &'static str,
    error: Signal<Option<String>>,
    children: Children,
) -> impl IntoView {
    let error_id = format!("{id}-error");
    let describedby = {
        let error_id = error_id.clone();
        move || error.read().is_some().then(|| error_id.clone())
    };
    view! {
        <fieldset
            class="field"
            id=id
            tabindex="-1"
            aria-describedby=describedby
            data-invalid=move || error.read().is_some().then_some("true")
        >
            <legend>{label}</legend>
            {children()}
            <p class="field-error" id=error_id>
                {error}
            </p>
        </fieldset>
    }
}
