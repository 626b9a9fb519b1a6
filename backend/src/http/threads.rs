//! Off the event loop: one hop to a thread that may block, for each request.

use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use actix_web::web;
use tokio::runtime::{Builder, Runtime};

use super::error::ApiError;
use crate::store::{Created, Store, StoreError, WaitsFor, Writing};

/// How often a request that waits looks whether the server it waits for is still there.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Does `work` with the store where it may block. When the work waits for a server that does not
/// answer, the request doesn't: whether a write has happened is then not known.
pub async fn blocking<T: Send + 'static>(
    store: Store,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let context = store.context().clone();
    let done = async {
        let broken = |error: String| Err(StoreError::Internal(error));
        let served = move || store.context().span().in_scope(|| work(&store));
        web::block(served).await.unwrap_or_else(|error| broken(error.to_string()))
    };
    patiently(done, &context.waits_for, context.deadline()).await
}

/// What became of a review that is being written; the same about waiting.
pub async fn written(store: &Store, writing: Writing) -> Result<Created, ApiError> {
    let waits_for = writing.waits_for.clone();
    patiently(writing.done(), &waits_for, store.context().deadline()).await
}

async fn patiently<T>(
    done: impl Future<Output = Result<T, StoreError>>,
    waits_for: &WaitsFor,
    deadline: Option<Instant>,
) -> Result<T, ApiError> {
    let mut done = pin!(done);
    loop {
        if let Ok(done) = actix_web::rt::time::timeout(LOOK_EVERY, &mut done).await {
            return done.map_err(ApiError::from);
        }
        let is_late = deadline.is_some_and(|deadline| Instant::now() > deadline);
        let gives_up = waits_for.database().filter(|_| is_late);
        if let Some(database) = waits_for.in_vain().or(gives_up) {
            tracing::error!(database, "a request to it is given up");
            return Err(StoreError::Unavailable(vec![database]).into());
        }
    }
}

/// The threads that read for the public, where all databases are files: as many as a file has
/// connections. More would only fight for these. A server answers many at once, and may hang: who
/// waits for one gets a thread that others don't need.
pub struct Readers(Option<Runtime>);

impl Readers {
    /// Those for this store.
    pub fn new(store: &Store) -> io::Result<Readers> {
        let start = |threads| {
            let mut runtime = Builder::new_current_thread();
            runtime.max_blocking_threads(threads).thread_name("read").build()
        };
        Ok(Readers(store.file_readers().map(start).transpose()?))
    }

    /// Does `work`, which only reads.
    pub async fn read<T: Send + 'static>(
        &self,
        store: Store,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Some(threads) = &self.0 else { return blocking(store, work).await };
        let served = move || store.context().span().in_scope(|| work(&store));
        let done = threads.spawn_blocking(served).await;
        let done = done.map_err(|error| StoreError::Internal(error.to_string()))?;
        Ok(done?)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // What still reads must not keep an event loop waiting.
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}
