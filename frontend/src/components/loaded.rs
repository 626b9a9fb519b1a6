//! The display of what a page fetches.

use leptos::prelude::*;

use crate::components::LoadError;
use crate::net::fetched::Fetched;

/// Shows a skeleton, then the content, or the error with a button to retry.
#[component]
pub fn Loaded<T, V>(
    /// The request.
    request: Fetched<T>,
    /// Shown until the first response; as large as the content.
    #[prop(into)]
    skeleton: ViewFn,
    /// Shows the response.
    content: impl Fn(T) -> V + Send + 'static,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    view! {
        <div class="loaded" aria-busy=move || request.pending().to_string()>
            {move || match request.answer() {
                None => skeleton.run().into_any(),
                Some(Ok(answer)) => content(answer).into_any(),
                Some(Err(error)) => {
                    view! { <LoadError error on_retry=move || request.retry() /> }.into_any()
                }
            }}
        </div>
    }
}
