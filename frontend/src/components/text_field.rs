//! A text field with its error and the number of characters left.

use leptos::prelude::*;

use crate::format::counted;

/// The characters left are shown from this share of the limit on.
const NEARLY_FULL: f64 = 0.8;

/// A labelled field for text.
#[component]
pub fn TextField(
    #[prop(into)] id: String,
    label: &'static str,
    text: RwSignal<String>,
    max_chars: usize,
    error: Signal<Option<String>>,
    /// Shown beside the label.
    #[prop(default = "")]
    hint: &'static str,
    #[prop(default = false)] many_lines: bool,
    /// The `type` of the `input`.
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(optional)] required: bool,
    /// The value of `autocomplete`.
    #[prop(default = "off")]
    autocomplete: &'static str,
) -> impl IntoView {
    let field_id = id.clone();
    let part_id = move |part: &str| format!("{id}-{part}");
    let (hint_id, rest_id, error_id) = (part_id("hint"), part_id("rest"), part_id("error"));
    let rest = Memo::new(move |_| rest(&text.read(), max_chars));
    let describedby = Signal::derive(move || {
        let hint = (!hint.is_empty()).then(|| part_id("hint"));
        let rest = rest.read().is_some().then(|| part_id("rest"));
        let error = error.read().is_some().then(|| part_id("error"));
        let ids: Vec<_> = [error, hint, rest].into_iter().flatten().collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    });
    let invalid = Signal::derive(move || error.read().is_some().then_some("true"));
    view! {
        <div class="field">
            <div class="field-head">
                <label for=field_id.clone()>{label}</label>
                <span class="field-hint muted small" id=hint_id>
                    {hint}
                </span>
                <span class="field-rest small" id=rest_id>
                    {rest}
                </span>
            </div>
            <Control id=field_id text many_lines kind required autocomplete invalid describedby />
            <p class="field-error" id=error_id>
                {error}
            </p>
        </div>
    }
}

/// The `input`, or the `textarea` for many lines.
#[component]
fn Control(
    id: String,
    text: RwSignal<String>,
    many_lines: bool,
    kind: &'static str,
    required: bool,
    autocomplete: &'static str,
    invalid: Signal<Option<&'static str>>,
    describedby: Signal<Option<String>>,
) -> impl IntoView {
    let required = required.then_some("true");
    if many_lines {
        return view! {
            <textarea
                id=id
                dir="auto"
                rows="6"
                prop:value=text
                on:input:target=move |event| text.set(event.target().value())
                aria-invalid=invalid
                aria-describedby=describedby
                aria-required=required
            ></textarea>
        }
        .into_any();
    }
    view! {
        <input
            id=id
            type=kind
            dir="auto"
            autocomplete=autocomplete
            prop:value=text
            on:input:target=move |event| text.set(event.target().value())
            aria-invalid=invalid
            aria-describedby=describedby
            aria-required=required
        />
    }
    .into_any()
}

/// The characters left, once they are few.
fn rest(text: &str, max_chars: usize) -> Option<String> {
    let chars = text.chars().count();
    if (chars as f64) < NEARLY_FULL * max_chars as f64 {
        None
    } else if chars <= max_chars {
        Some(format!("{} left", counted((max_chars - chars) as u64, "character")))
    } else {
        Some(format!("{} too many", counted((chars - max_chars) as u64, "character")))
    }
}

#[cfg(test)]
mod tests {
    use super::rest;

    #[test]
    fn remaining_characters_are_shown_near_the_limit() {
        assert_eq!(rest(&"é".repeat(7), 10), None);
        assert_eq!(rest(&"é".repeat(9), 10).as_deref(), Some("1 character left"));
        assert_eq!(rest(&"é".repeat(12), 10).as_deref(), Some("2 characters too many"));
    }
}
