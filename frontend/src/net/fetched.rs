//! Requests that are sent again when their input changes, and their display.

use std::future::Future;

use futures::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::LoadError;
use crate::net::http::ApiError;

/// A response that is fetched again when its input changes.
///
/// A newer input aborts the request under way, and so does leaving the page. (A `LocalResource` would
/// wait for the old response before it sends the new request.) The last response stays until the next
/// one arrives.
pub struct Fetched<T> {
    answer: RwSignal<Option<Result<T, ApiError>>>,
    pending: RwSignal<bool>,
    again: Trigger,
}

impl<T> Clone for Fetched<T> {
    fn clone(&self) -> Fetched<T> {
        *self
    }
}

impl<T> Copy for Fetched<T> {}

impl<T: Clone + Send + Sync + 'static> Fetched<T> {
    /// Sends `send(input())`, now and whenever `input` changes.
    pub fn new<Input, Answer>(
        input: impl Fn() -> Input + 'static,
        send: impl Fn(Input) -> Answer + 'static,
    ) -> Fetched<T>
    where
        Answer: Future<Output = Result<T, ApiError>> + 'static,
    {
        let request = Fetched {
            answer: RwSignal::new(None),
            pending: RwSignal::new(true),
            again: Trigger::new(),
        };
        Effect::new(move || {
            request.again.track();
            let (answer, abort) = abortable(send(input()));
            on_cleanup(move || abort.abort());
            request.pending.set(true);
            spawn_local(async move {
                if let Ok(answer) = answer.await {
                    request.pending.set(false);
                    request.answer.set(Some(answer));
                }
            });
        });
        request
    }

    /// Sends it again.
    pub fn retry(self) {
        self.again.notify();
    }
}

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
        <div class="loaded" aria-busy=move || request.pending.get().to_string()>
            {move || match request.answer.get() {
                None => skeleton.run().into_any(),
                Some(Ok(answer)) => content(answer).into_any(),
                Some(Err(error)) => {
                    view! { <LoadError error on_retry=move || request.retry() /> }.into_any()
                }
            }}
        </div>
    }
}
