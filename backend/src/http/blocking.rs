//! Off the event loop: one hop to a thread that may block, for each request that is let in.
//!
//! What doesn't fit is refused at once, so that what is let in is answered in time. Reads for the
//! public, new reviews and everything else have places of their own: when one kind stalls, the
//! others go on.

use std::io;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::rt::task::spawn_blocking;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::{Ready, ready};
use ostrakon_shared::ProblemCode;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::http::response::problem::ApiError;
use crate::store::{AwaitedServer, Created, PendingWrite, Store, StoreError};

/// How often a request that waits looks whether the server it waits for is still there.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Requests of one kind that are inside at most, working or waiting for a thread.
const MAX_INSIDE: usize = 256;
/// The same where databases are on servers. One that hangs keeps 256 waiting, until it is found out:
/// there must be places left for the others.
const MAX_INSIDE_OF_SERVERS: usize = 768;
/// The same of new reviews, which wait for few threads, and many of them for one commit.
const MAX_REVIEWS: usize = 1_024;

/// How long a read for the public is likely to wait for a thread at most. One that would wait
/// longer is refused.
const LONGEST_QUEUE: Duration = Duration::from_millis(500);

/// The threads that may block, and who is let in.
pub struct Threads {
    /// The threads that read for the public, where all databases are files: as many as a file has
    /// connections. More would only fight for these. A server answers many at once, and may hang:
    /// who waits for one gets a thread that others don't need.
    readers: Option<Runtime>,
    reads: Arc<Admission>,
    reviews: Arc<Admission>,
    others: Arc<Admission>,
}

impl Threads {
    pub fn new(store: &Store) -> io::Result<Threads> {
        let start = |threads| {
            let mut runtime = Builder::new_current_thread();
            runtime.max_blocking_threads(threads).thread_name("read").build()
        };
        let readers = store.file_readers();
        let inside = if readers.is_some() { MAX_INSIDE } else { MAX_INSIDE_OF_SERVERS };
        Ok(Threads {
            reads: Arc::new(Admission::new(inside, readers)),
            reviews: Arc::new(Admission::new(MAX_REVIEWS, None)),
            others: Arc::new(Admission::new(inside, None)),
            readers: readers.map(start).transpose()?,
        })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // What still reads must not keep an event loop waiting.
        self.readers.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

struct Admission {
    limit: usize,
    /// How many threads do the work, if it waits for a thread at all.
    threads: usize,
    inside: AtomicUsize,
    /// How long the work of one takes, of late, in nanoseconds.
    usual_ns: AtomicU64,
}

impl Admission {
    fn new(limit: usize, threads: Option<usize>) -> Admission {
        let threads = threads.unwrap_or(usize::MAX).max(1);
        Admission { limit, threads, inside: AtomicUsize::new(0), usual_ns: AtomicU64::new(0) }
    }

    fn enter(self: &Arc<Self>) -> Result<Permit, ApiError> {
        let before = self.inside.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(Arc::clone(self));
        let turns = (before / self.threads) as u64;
        let wait = self.usual_ns.load(Ordering::Relaxed).saturating_mul(turns);
        if before >= self.limit || Duration::from_nanos(wait) > LONGEST_QUEUE {
            let code = ProblemCode::Overloaded;
            return Err(ApiError::new(code, code.explanation()));
        }
        Ok(permit)
    }

    fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let usual = self.usual_ns.load(Ordering::Relaxed);
        // Of two that finish at once one may be forgotten.
        self.usual_ns.store(usual - usual / 16 + took / 16, Ordering::Relaxed);
    }
}

/// A place inside, until it is dropped.
struct Permit(Arc<Admission>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The store, as one request uses it, with the threads on which it may.
#[derive(Clone)]
pub struct RequestStore {
    store: Store,
    threads: Data<Threads>,
}

impl RequestStore {
    /// For a request that is yet to be handled.
    pub fn new(store: Store, threads: Data<Threads>) -> RequestStore {
        RequestStore { store, threads }
    }

    pub fn of(request: &HttpRequest) -> Result<RequestStore, ApiError> {
        let missing = || StoreError::Internal("a request without its store".to_owned()).into();
        request.extensions().get::<RequestStore>().cloned().ok_or_else(missing)
    }
}

impl Deref for RequestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl FromRequest for RequestStore {
    type Error = ApiError;
    type Future = Ready<Result<RequestStore, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(RequestStore::of(request))
    }
}

/// Does `work` with the store where it may block. When the work waits for a server that does not
/// answer, the request doesn't: whether a write has happened is then not known.
pub async fn run_blocking<T: Send + 'static>(
    store: RequestStore,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let permit = store.threads.others.enter()?;
    on_a_thread(store, Some(permit), work).await
}

/// The same for what must be answered even when no more is let in: whether the service is ready.
pub async fn run_unlimited<T: Send + 'static>(
    store: RequestStore,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    on_a_thread(store, None, work).await
}

/// Does `work`, which only reads, for the public.
pub async fn run_read<T: Send + 'static>(
    store: RequestStore,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let permit = store.threads.reads.enter()?;
    let Some(readers) = &store.threads.readers else {
        return on_a_thread(store, Some(permit), work).await;
    };
    let (job, done) = job(store.store.clone(), Some(permit), work);
    readers.spawn_blocking(job);
    Ok(outcome(done).await?)
}

/// What becomes of the review that `begin` begins to write.
pub async fn await_write(
    store: &RequestStore,
    begin: impl FnOnce(&Store) -> Result<PendingWrite, StoreError>,
) -> Result<Created, ApiError> {
    let _permit = store.threads.reviews.enter()?;
    let pending = begin(store)?;
    let awaited = pending.awaited.clone();
    with_deadline(pending.outcome(), &awaited, store.context().deadline()).await
}

async fn on_a_thread<T: Send + 'static>(
    store: RequestStore,
    permit: Option<Permit>,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let context = store.context().clone();
    let (job, done) = job(store.store, permit, work);
    drop(spawn_blocking(job));
    with_deadline(outcome(done), &context.awaited, context.deadline()).await
}

/// `work` as a job for a thread, and the receiver of its result. The job is skipped if the receiver
/// is gone, because the client has disconnected.
fn job<T: Send + 'static>(
    store: Store,
    permit: Option<Permit>,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> (impl FnOnce() + Send + 'static, oneshot::Receiver<Result<T, StoreError>>) {
    let (reply, done) = oneshot::channel();
    let job = move || {
        if reply.is_closed() {
            return;
        }
        let began = Instant::now();
        let done = store.context().span().in_scope(|| work(&store));
        if let Some(Permit(admission)) = &permit {
            admission.note(began.elapsed());
        }
        drop(permit);
        // The client may have gone meanwhile.
        reply.send(done).ok();
    };
    (job, done)
}

async fn outcome<T>(done: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
    let panicked = |_| Err(StoreError::Internal("a thread has panicked".to_owned()));
    done.await.unwrap_or_else(panicked)
}

async fn with_deadline<T>(
    done: impl Future<Output = Result<T, StoreError>>,
    awaited: &AwaitedServer,
    deadline: Option<Instant>,
) -> Result<T, ApiError> {
    let mut done = pin!(done);
    loop {
        if let Ok(done) = actix_web::rt::time::timeout(POLL_INTERVAL, &mut done).await {
            return done.map_err(ApiError::from);
        }
        let is_late = deadline.is_some_and(|deadline| Instant::now() > deadline);
        let gives_up = awaited.database().filter(|_| is_late);
        if let Some(database) = awaited.unavailable_database().or(gives_up) {
            tracing::error!(database, "a request to it is given up");
            return Err(StoreError::Unavailable(vec![database]).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_would_wait_too_long_is_refused() {
        let admission = Arc::new(Admission::new(100, Some(2)));
        (0..100).for_each(|_| admission.note(Duration::from_millis(100)));
        let mut inside: Vec<Permit> = Vec::new();
        // Ten may go before it in half a second, and two are working.
        while let Ok(permit) = admission.enter() {
            inside.push(permit);
        }
        assert!((10..=12).contains(&inside.len()), "{}", inside.len());
        assert!(admission.enter().is_err_and(|error| error.to_string().starts_with("overloaded")));
        inside.pop();
        inside.push(admission.enter().ok().unwrap());
        drop(inside);
        (0..200).for_each(|_| admission.note(Duration::from_micros(10)));
        inside = (0..100).map(|_| admission.enter().ok().unwrap()).collect();
        assert!(admission.enter().is_err(), "there is an end anyway: {}", inside.len());
    }

    #[test]
    fn who_only_waits_for_others_has_a_place_for_each() {
        let admission = Arc::new(Admission::new(3, None));
        admission.note(Duration::from_secs(1_000));
        let inside: Vec<Permit> = (0..3).map(|_| admission.enter().ok().unwrap()).collect();
        assert!(admission.enter().is_err());
        drop(inside);
        assert!(admission.enter().is_ok());
    }
}
