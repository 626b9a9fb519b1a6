//! Group commit: reviews that arrive during a commit share the next one.
//!
//! Each reviews database has a writer thread with a bounded queue. A batch takes all waiting
//! reviews, and lingers for more if several clients write. The next review restarts a writer that
//! has failed.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use ostrakon_shared::ReviewId;
use tokio::sync::oneshot;

use crate::db::{AwaitedServer, Context};
use crate::shard::{DatabaseIndex, bucket_of};
use crate::store::error::StoreError;
use crate::store::reviews::attempts::LockedProducts;
use crate::store::reviews::draft::{Created, Draft, Outcome};
use crate::store::reviews::{Reviews, Shared};
use crate::store::routing::scatter_gather::LONGEST_WAIT;

/// The maximum number of reviews per commit.
const MAX_BATCH: usize = 128;
/// The maximum queue length of a database: less than a second of work.
const MAX_WAITING: usize = 1_024;

/// How often a review tries to start a writer.
const MAX_STARTS: usize = 2;

/// The batch size for which a writer lingers, if several clients write.
const BATCH_TARGET: usize = 8;
/// How long a writer lingers. Commits of one and of two reviews cost about the same, and after each
/// commit SQLite's readers must read their pages again: with this, a third more reads succeed while
/// 2,000 reviews per second are written.
const BATCH_LINGER: Duration = Duration::from_millis(5);
/// Several clients write if a review has arrived during a commit within this time. A single client
/// waits for each response, so lingering would only delay it.
const BURST_WINDOW: Duration = Duration::from_millis(100);

/// How long a writer waits before it tries reviews of frozen buckets again.
const FROZEN_POLL: Duration = Duration::from_millis(5);

/// The writers of all reviews databases. Each starts with its first review.
#[derive(Default)]
pub(in crate::store) struct Writers(boxcar::Vec<Mutex<Option<Writer>>>);

impl Writers {
    /// The writer of a database, if it has started.
    fn of(&self, database: DatabaseIndex) -> MutexGuard<'_, Option<Writer>> {
        let writer = loop {
            match self.0.get(database) {
                Some(writer) => break writer,
                None => self.0.push(Mutex::default()),
            };
        };
        writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Writer {
    queue: SyncSender<WriteRequest>,
    awaited: AwaitedServer,
}

/// A queued review, and its request.
struct WriteRequest {
    draft: Draft,
    context: Context,
    reply: oneshot::Sender<Outcome>,
    /// Until when it waits for a bucket that is moving.
    give_up_at: Instant,
}

/// A review being written. It is written even if the client disconnects.
pub struct PendingWrite {
    reply: oneshot::Receiver<Outcome>,
    /// The server that its writer waits for.
    pub awaited: AwaitedServer,
}

impl PendingWrite {
    /// Waits for the outcome.
    pub async fn outcome(self) -> Result<Created, StoreError> {
        self.reply.await.unwrap_or_else(|_| {
            let reason = "the writer of a database has panicked".to_owned();
            Err(StoreError::Internal(reason))
        })
    }
}

impl Reviews<'_> {
    /// Queues a review for the writer of a database.
    pub(super) fn enqueue(
        &self,
        database: DatabaseIndex,
        draft: Draft,
    ) -> Result<PendingWrite, StoreError> {
        self.shared.shards.note_use();
        let (reply, receiver) = oneshot::channel();
        let give_up_at = Instant::now() + LONGEST_WAIT;
        let request = WriteRequest { draft, context: self.context.clone(), reply, give_up_at };
        match self.hand_over(database, request) {
            Ok(awaited) => Ok(PendingWrite { reply: receiver, awaited }),
            Err(_) => Err(StoreError::Busy(self.shared.shards.name(database).to_owned())),
        }
    }

    /// Gives a request to the writer of a database; returns it if that has no room.
    fn hand_over(
        &self,
        database: DatabaseIndex,
        mut request: WriteRequest,
    ) -> Result<AwaitedServer, Box<WriteRequest>> {
        let mut running = self.shared.writers.of(database);
        for _ in 0..MAX_STARTS {
            let writer = match running.take() {
                Some(writer) => running.insert(writer),
                None => match self.start_writer(database) {
                    Ok(writer) => running.insert(writer),
                    Err(error) => {
                        tracing::error!(%error, "no thread to write reviews");
                        return Err(Box::new(request));
                    }
                },
            };
            match writer.queue.try_send(request) {
                Ok(()) => return Ok(writer.awaited.clone()),
                Err(TrySendError::Full(returned)) => return Err(Box::new(returned)),
                Err(TrySendError::Disconnected(returned)) => {
                    tracing::error!("a thread that wrote reviews has ended: another one starts");
                    request = returned;
                    *running = None;
                }
            }
        }
        Err(Box::new(request))
    }

    fn start_writer(&self, database: DatabaseIndex) -> io::Result<Writer> {
        let (queue, requests) = sync_channel(MAX_WAITING);
        let awaited = AwaitedServer::default();
        let (shared, waiting) = (Arc::downgrade(self.shared), awaited.clone());
        let thread = thread::Builder::new().name("write".to_owned());
        thread.spawn(move || run_writer(&shared, database, &requests, &waiting))?;
        Ok(Writer { queue, awaited })
    }
}

impl Reviews<'_> {
    /// Notes the position of the batch in the context of a client's request.
    fn note_own_write(&self, client: &Context, id: ReviewId) {
        let shards = &self.shared.shards;
        let name = shards.name(shards.map().owner(bucket_of(id)).database);
        let position = self.context.written().of(name);
        if position > 0 {
            client.note_write(name, position);
        }
    }
}

/// Writes queued reviews until the queue is closed.
fn run_writer(
    shared: &Weak<Shared>,
    database: DatabaseIndex,
    queue: &Receiver<WriteRequest>,
    awaited: &AwaitedServer,
) {
    let mut burst_until = None;
    let mut locked = LockedProducts::default();
    // Reviews of frozen buckets.
    let mut parked: Vec<WriteRequest> = Vec::new();
    loop {
        let waiting = queue.try_recv().ok();
        if waiting.is_some() {
            burst_until = Some(Instant::now() + BURST_WINDOW);
        }
        let next = match waiting {
            None if parked.is_empty() => queue.recv().ok(),
            None => queue.recv_timeout(FROZEN_POLL).ok(),
            some => some,
        };
        if next.is_none() && parked.is_empty() {
            return;
        }
        let Some(shared) = shared.upgrade() else { return };
        let mut batch = std::mem::take(&mut parked);
        batch.extend(next);
        if burst_until.is_some_and(|until| Instant::now() < until) {
            fill_batch(queue, &mut batch);
        }
        batch.extend(queue.try_iter().take(MAX_BATCH.saturating_sub(batch.len())));
        // Reviews of disconnected clients are dropped.
        batch.retain(|request| !request.reply.is_closed());
        if batch.is_empty() {
            continue;
        }
        let contexts = batch.iter().map(|request| &request.context);
        let context = Context::of_batch(contexts, awaited.clone());
        let reviews = Reviews { shared: &shared, context: &context };
        let drafts: Vec<&Draft> = batch.iter().map(|request| &request.draft).collect();
        let span = context.span();
        let version = shared.shards.map().version();
        let work = || span.in_scope(|| reviews.write_drafts(database, &drafts, &mut locked));
        // After a panic, `PendingWrite::outcome` fails the requests of this batch.
        let Ok(written) = catch_unwind(AssertUnwindSafe(work)) else { continue };
        for (request, written) in batch.into_iter().zip(written) {
            parked.extend(reviews.finish(database, version, request, written));
        }
    }
}

impl Reviews<'_> {
    /// Answers a request, or passes it on to the database that its bucket has moved to. Returns it
    /// if this writer has to try again.
    fn finish(
        &self,
        database: DatabaseIndex,
        version: i64,
        request: WriteRequest,
        written: Outcome,
    ) -> Option<WriteRequest> {
        let may_wait = Instant::now() < request.give_up_at;
        let written = match written {
            Err(StoreError::BucketFrozen) if may_wait => return Some(request),
            Err(StoreError::BucketMoved) if may_wait => {
                match self.shared.shards.reload_map(self.context, version) {
                    Ok(()) => return self.pass_on(database, request),
                    Err(error) => Err(error),
                }
            }
            written => written,
        };
        if let Ok(Created { review, .. }) = &written {
            self.note_own_write(&request.context, review.id);
        }
        // The client may have disconnected.
        request.reply.send(written).ok();
        None
    }

    /// Gives a request to the writer of the database that owns its bucket now; returns it if that
    /// is still this one.
    fn pass_on(&self, database: DatabaseIndex, request: WriteRequest) -> Option<WriteRequest> {
        let owner = self.shared.shards.map().owner(request.draft.bucket).database;
        if owner == database {
            return Some(request);
        }
        if let Err(request) = self.hand_over(owner, request) {
            let busy = StoreError::Busy(self.shared.shards.name(owner).to_owned());
            request.reply.send(Err(busy)).ok();
        }
        None
    }
}

/// Takes arriving reviews until the batch is full or the linger time is over.
fn fill_batch(queue: &Receiver<WriteRequest>, batch: &mut Vec<WriteRequest>) {
    let until = Instant::now() + BATCH_LINGER;
    while batch.len() < BATCH_TARGET
        && let Ok(request) = queue.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        batch.push(request);
    }
}
