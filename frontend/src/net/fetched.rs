//! Requests that are sent again when their input changes.

use std::future::Future;

use futures::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;

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
    pub fn new<Input, Response>(
        input: impl Fn() -> Input + 'static,
        send: impl Fn(Input) -> Response + 'static,
    ) -> Fetched<T>
    where
        Response: Future<Output = Result<T, ApiError>> + 'static,
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

    /// The last response; `None` before the first.
    pub fn answer(self) -> Option<Result<T, ApiError>> {
        self.answer.get()
    }

    /// Whether a request is under way.
    pub fn pending(self) -> bool {
        self.pending.get()
    }

    /// Sends it again.
    pub fn retry(self) {
        self.again.notify();
    }
}
