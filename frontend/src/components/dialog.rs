//! Dialogs: a question, or a few fields, in front of the page.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::dom::document::element;

/// A dialog that is there while `open` is set. The browser keeps the focus inside, and gives it
/// back at the end.
#[component]
pub fn Dialog(
    /// Its element id.
    id: &'static str,
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What it is about.
    heading: &'static str,
    /// How it looks, if not like a box.
    #[prop(default = "dialog")]
    class: &'static str,
    /// What it holds.
    content: ViewFn,
    /// It was closed.
    #[prop(optional, into)]
    on_close: Option<Callback<()>>,
) -> impl IntoView {
    let dialog = move || {
        let node = NodeRef::<html::Dialog>::new();
        node.on_load(|dialog| {
            // It is in the document by then.
            request_animation_frame(move || _ = dialog.show_modal());
        });
        let content = content.run();
        view! {
            <dialog
                id=id
                class=class
                node_ref=node
                aria-labelledby=format!("{id}-heading")
                on:close=move |_| {
                    open.set(false);
                    if let Some(on_close) = on_close {
                        on_close.run(());
                    }
                }
            >
                <h2 id=format!("{id}-heading")>{heading}</h2>
                {content}
                // The last one in the order of Tab: a dialog begins with its first field.
                <button
                    type="button"
                    class="dialog-close"
                    aria-label="Close"
                    on:click=move |_| close_dialog(id)
                >
                    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                        <path d="M6 6l12 12M18 6L6 18" />
                    </svg>
                </button>
            </dialog>
        }
    };
    move || open.get().then(&dialog)
}

/// Closes the dialog, so that the browser gives the focus back.
pub fn close_dialog(id: &str) {
    if let Some(dialog) = element(id) {
        dialog.unchecked_into::<web_sys::HtmlDialogElement>().close();
    }
}
