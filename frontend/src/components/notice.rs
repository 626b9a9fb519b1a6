//! Notices about content that can't be shown.

use leptos::prelude::*;

use crate::format::listed;
use crate::net::http::ApiError;

/// The reason why nothing could be loaded, with a button to retry.
#[component]
pub fn LoadError(error: ApiError, on_retry: impl Fn() + 'static) -> impl IntoView {
    view! {
        <div class="notice notice-error load-error" role="alert">
            <h2>"This can’t be shown right now"</h2>
            <p>{error.to_string()}</p>
            <button type="button" class="button" on:click=move |_| on_retry()>
                "Try again"
            </button>
        </div>
    }
}

/// Names the databases that are down, if any.
#[component]
pub fn PartialNotice(
    /// The kind of missing items: "reviews".
    things: &'static str,
    /// The databases that are down.
    databases: Signal<Vec<String>>,
) -> impl IntoView {
    move || {
        let databases = databases.read();
        let verb = if databases.len() == 1 { "is" } else { "are" };
        (!databases.is_empty()).then(|| {
            let names = listed(&databases);
            view! {
                <p class="notice">
                    {format!("Some {things} can’t be shown right now: {names} {verb} not answering.")}
                </p>
            }
        })
    }
}
