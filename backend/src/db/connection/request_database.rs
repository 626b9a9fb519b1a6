//! A database for one request, which can ask several servers in parallel.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::db::connection::address::Address;
use crate::db::connection::database::Database;
use crate::db::connection::request_context::{AwaitedServer, Context};
use crate::db::dialect::engine::Connection;
use crate::db::dialect::low_watermark::Settled;
use crate::db::error::{DbError, QueryError};

/// Threads for reads from servers, so that a request waits for several servers in parallel.
static READ_THREADS: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(4096)
        .thread_name("read")
        .build();
    runtime.expect("a runtime without IO and clock needs nothing that could be missing")
});

/// How often a waiting request checks the breaker.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A database, for one request.
#[derive(Clone, Copy)]
pub struct RequestDatabase<'a> {
    pub database: &'a Arc<Database>,
    pub context: &'a Context,
}

impl RequestDatabase<'_> {
    /// See [`Database::read`].
    pub fn read<T>(
        &self,
        queries: impl Fn(&mut Connection) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        self.database.read(self.context, queries)
    }

    /// See [`Database::read_latest`].
    pub fn read_latest<T>(
        &self,
        queries: impl Fn(&mut Connection) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        self.database.read_latest(self.context, queries)
    }

    /// See [`Database::read_settled`].
    pub fn read_settled<T>(
        &self,
        queries: impl Fn(&mut Connection, Option<Settled>) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        self.database.read_settled(self.context, queries)
    }

    /// See [`Database::write`].
    pub fn write<T>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        self.database.write(self.context, queries)
    }

    /// Runs `work` with this database: for a server on another thread, so that [`Pending::wait`]
    /// can give up when the server is unavailable.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&RequestDatabase) -> Result<T, DbError> + Send + 'static,
    ) -> Pending<T> {
        if let Address::Sqlite(_) = self.database.address() {
            // With a thread per file, a page took 20 % longer.
            return Pending::Ready(Box::new(work(self)));
        }
        let (sender, receiver) = mpsc::channel();
        let (database, context) = (Arc::clone(self.database), self.context.on_another_thread());
        let awaited = context.awaited.clone();
        READ_THREADS.spawn_blocking(move || {
            let request = RequestDatabase { database: &database, context: &context };
            let answer = context.span().in_scope(|| work(&request));
            // The request may have given up.
            sender.send(answer).ok();
        });
        Pending::Spawned { database: Arc::clone(self.database), receiver, awaited }
    }
}

pub enum Pending<T> {
    Ready(Box<Result<T, DbError>>),
    /// The work runs on another thread.
    Spawned {
        database: Arc<Database>,
        /// Receives the result.
        receiver: Receiver<Result<T, DbError>>,
        /// The server that the work waits for.
        awaited: AwaitedServer,
    },
}

impl<T> Pending<T> {
    /// Waits for the result, or fails if the database is unavailable.
    pub fn wait(self) -> Result<T, DbError> {
        let (database, receiver, awaited) = match self {
            Pending::Ready(answer) => return *answer,
            Pending::Spawned { database, receiver, awaited } => (database, receiver, awaited),
        };
        loop {
            match receiver.recv_timeout(POLL_INTERVAL) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if awaited.unavailable_database().is_none() => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(database.unavailable("it does not answer".to_owned()));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = "the thread that asked it has panicked".to_owned();
                    return Err(database.unavailable(reason));
                }
            }
        }
    }
}
