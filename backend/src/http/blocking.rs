//! Runs store calls off the event loop, on threads that may block: one hop for each request.
//!
//! The number of requests in progress is limited. Requests above the limit are refused at once (503
//! `overloaded`), so that the admitted ones are answered in time. Public reads, new reviews and all
//! other requests have separate limits: when one kind stalls, the others continue.

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

/// How often a waiting request checks whether the server that it waits for is still available.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The maximum number of admitted requests of one kind, running or waiting for a thread, if all
/// databases are files.
const MAX_ADMITTED: usize = 256;
/// The same if databases are on servers. A hanging server keeps about 256 requests waiting until
/// its circuit breaker opens; requests to the other servers still need permits.
const MAX_ADMITTED_WITH_SERVERS: usize = 768;
/// The same for new reviews, which need few threads: many of them wait for one commit.
const MAX_REVIEWS: usize = 1_024;

/// The maximum expected wait of a public read for a thread; one that would wait longer is refused.
const MAX_EXPECTED_WAIT: Duration = Duration::from_millis(500);

/// The threads that may block, and the limits of the requests on them.
pub struct Threads {
    /// The threads for public reads if all databases are files: as many as a file has connections,
    /// because more would only compete for these. `None` if databases are on servers: they answer
    /// many requests in parallel and may hang, so each request gets a thread of the shared pool.
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
        let readers = store.cluster().file_readers();
        let limit = if readers.is_some() { MAX_ADMITTED } else { MAX_ADMITTED_WITH_SERVERS };
        Ok(Threads {
            reads: Arc::new(Admission::new(limit, readers)),
            reviews: Arc::new(Admission::new(MAX_REVIEWS, None)),
            others: Arc::new(Admission::new(limit, None)),
            readers: readers.map(start).transpose()?,
        })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Dropping the runtime itself would block the event loop until all reads have ended.
        self.readers.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// The admission control of one kind of request.
struct Admission {
    limit: usize,
    /// The number of threads; `usize::MAX` if requests don't wait for a thread.
    threads: usize,
    admitted: AtomicUsize,
    /// A moving average of the duration of the work, in nanoseconds.
    average_ns: AtomicU64,
}

impl Admission {
    fn new(limit: usize, threads: Option<usize>) -> Admission {
        let threads = threads.unwrap_or(usize::MAX).max(1);
        Admission { limit, threads, admitted: AtomicUsize::new(0), average_ns: AtomicU64::new(0) }
    }

    fn admit(self: &Arc<Self>) -> Result<Permit, ApiError> {
        let before = self.admitted.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(Arc::clone(self));
        let rounds = (before / self.threads) as u64;
        let wait = self.average_ns.load(Ordering::Relaxed).saturating_mul(rounds);
        if before >= self.limit || Duration::from_nanos(wait) > MAX_EXPECTED_WAIT {
            let code = ProblemCode::Overloaded;
            return Err(ApiError::new(code, code.explanation()));
        }
        Ok(permit)
    }

    fn record(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let average = self.average_ns.load(Ordering::Relaxed);
        // Of two concurrent updates, one may be lost.
        self.average_ns.store(average - average / 16 + took / 16, Ordering::Relaxed);
    }
}

/// Counts a request as admitted until it is dropped.
struct Permit(Arc<Admission>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.admitted.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The store for one request, and the threads on which its calls may block.
#[derive(Clone)]
pub struct RequestStore {
    store: Store,
    threads: Data<Threads>,
}

impl RequestStore {
    pub fn new(store: Store, threads: Data<Threads>) -> RequestStore {
        RequestStore { store, threads }
    }

    pub fn of(request: &HttpRequest) -> Result<RequestStore, ApiError> {
        let missing = || StoreError::Internal("the request lacks its store".to_owned()).into();
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

/// Runs `work` on a thread that may block. Fails and leaves the work behind if the server that it
/// waits for becomes unavailable, or holds it up beyond the deadline; whether it has written is
/// then unknown.
pub async fn run_blocking<T: Send + 'static>(
    store: RequestStore,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let permit = store.threads.others.admit()?;
    on_a_thread(store, Some(permit), work).await
}

/// [`run_blocking`] without a limit, for the readiness probe, which must be answered under overload
/// too.
pub async fn run_unlimited<T: Send + 'static>(
    store: RequestStore,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    on_a_thread(store, None, work).await
}

/// Runs `work`, a public read, on a thread that may block.
pub async fn run_read<T: Send + 'static>(
    store: RequestStore,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let permit = store.threads.reads.admit()?;
    let Some(readers) = &store.threads.readers else {
        return on_a_thread(store, Some(permit), work).await;
    };
    let (job, done) = job(store.store.clone(), Some(permit), work);
    readers.spawn_blocking(job);
    Ok(outcome(done).await?)
}

/// Waits for the outcome of the review that `begin` enqueues.
pub async fn await_write(
    store: &RequestStore,
    begin: impl FnOnce(&Store) -> Result<PendingWrite, StoreError>,
) -> Result<Created, ApiError> {
    let _permit = store.threads.reviews.admit()?;
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
            admission.record(began.elapsed());
        }
        drop(permit);
        // The client may have disconnected since.
        reply.send(done).ok();
    };
    (job, done)
}

async fn outcome<T>(done: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
    let panicked = |_| Err(StoreError::Internal("the thread of a request has panicked".to_owned()));
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
        let late = awaited.database().filter(|_| is_late);
        if let Some(database) = awaited.unavailable_database().or(late) {
            tracing::error!(database, "gave up a request to a database");
            return Err(StoreError::Unavailable(vec![database]).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_would_wait_too_long_are_refused() {
        let admission = Arc::new(Admission::new(100, Some(2)));
        (0..100).for_each(|_| admission.record(Duration::from_millis(100)));
        let mut permits: Vec<Permit> = Vec::new();
        // Two threads finish ten requests in half a second, while two more run.
        while let Ok(permit) = admission.admit() {
            permits.push(permit);
        }
        assert!((10..=12).contains(&permits.len()), "{}", permits.len());
        assert!(admission.admit().is_err_and(|error| error.to_string().starts_with("overloaded")));
        permits.pop();
        permits.push(admission.admit().ok().unwrap());
        drop(permits);
        (0..200).for_each(|_| admission.record(Duration::from_micros(10)));
        permits = (0..100).map(|_| admission.admit().ok().unwrap()).collect();
        assert!(admission.admit().is_err(), "the limit still holds: {}", permits.len());
    }

    #[test]
    fn without_a_thread_limit_only_the_number_of_requests_is_limited() {
        let admission = Arc::new(Admission::new(3, None));
        admission.record(Duration::from_secs(1_000));
        let permits: Vec<Permit> = (0..3).map(|_| admission.admit().ok().unwrap()).collect();
        assert!(admission.admit().is_err());
        drop(permits);
        assert!(admission.admit().is_ok());
    }
}
