//! Sharing a page: by the browser's dialog, or by copying its address.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::dom::clipboard;

/// The button to share the page with this path.
#[component]
pub fn ShareButton(
    /// What is shared.
    title: String,
    path: String,
) -> impl IntoView {
    let said = RwSignal::new("");
    let share = move |_| {
        said.set("");
        let url = window().location().origin().unwrap_or_default() + &path;
        if let Some(sharing) = clipboard::share(&title, &url) {
            // The browser says what happens, and the user may change their mind.
            return spawn_local(async move { _ = sharing.await });
        }
        let copying = clipboard::copy(&url);
        spawn_local(async move {
            let text = if copying.await {
                "The link has been copied."
            } else {
                "Copying failed. The link is in the address bar."
            };
            said.try_set(text);
        });
    };
    view! {
        <button type="button" class="link-button quiet" on:click=share>
            "Share"
        </button>
        <span class="small" role="status">
            {said}
        </span>
    }
}
