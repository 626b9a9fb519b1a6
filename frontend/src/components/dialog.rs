//! Modal dialogs.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::dom::document::element;

/// A dialog that exists while `open` is set. The browser keeps the focus inside, and restores it
/// afterwards.
#[component]
pub fn Dialog(
    id: &'static str,
    open: RwSignal<bool>,
    heading: &'static str,
    #[prop(default = "dialog")] class: &'static str,
    content: ViewFn,
    #[prop(optional, into)] on_close: Option<Callback<()>>,
) -> impl IntoView {
    let dialog = move || {
        let node = NodeRef::<html::Dialog>::new();
        node.on_load(|dialog| {
            // By then it is in the document.
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
                // Last in the tab order: the first field gets the focus.
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

/// The button that leaves everything as it is. It has the focus from the start, so that a hasty Enter does
/// no harm: put it into the `FormEnd` of questions before changes that others notice.
#[component]
pub fn CancelButton(
    /// The id of the dialog.
    dialog: &'static str,
) -> impl IntoView {
    view! {
        <button type="button" class="button" autofocus on:click=move |_| close_dialog(dialog)>
            "Cancel"
        </button>
    }
}

/// Closes the dialog, so that the browser restores the focus.
pub fn close_dialog(id: &str) {
    if let Some(dialog) = element(id) {
        dialog.unchecked_into::<web_sys::HtmlDialogElement>().close();
    }
}
