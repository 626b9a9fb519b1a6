//! The context of a request: the positions of its client, the server that it waits for, its
//! deadline, and its span in the log.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::Span;

use crate::db::connection::circuit_breaker::CircuitBreaker;

/// The positions of the databases' write-ahead logs after a client's writes, in bytes, by database
/// name.
///
/// The text is the consistency token: `reviews-2:16b374d8.default:1a2b`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<String, u64>);

/// The maximum length of the text, for cookies and headers. 256 databases fit.
const MAX_BYTES: usize = 4_000;

impl Positions {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the positions for which `keep` says so; it gets the database's name and the position.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, u64) -> bool) {
        self.0.retain(|database, position| keep(database, *position));
    }

    /// Adds positions of `other` for missing databases, up to the maximum length.
    pub fn add_older(&mut self, other: &Positions) {
        let mut bytes = self.to_string().len();
        for (database, &position) in &other.0 {
            let more = format!(".{database}:{position:x}").len();
            if !self.0.contains_key(database) && bytes + more <= MAX_BYTES {
                bytes += more;
                self.note(database, position);
            }
        }
    }

    /// The position of a database; 0 if unknown.
    pub fn of(&self, database: &str) -> u64 {
        self.0.get(database).copied().unwrap_or_default()
    }

    /// Records a position that the client has seen.
    pub fn note(&mut self, database: &str, position: u64) {
        let known = self.0.entry(database.to_owned()).or_default();
        *known = position.max(*known);
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (database, position)) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "." };
            write!(f, "{separator}{database}:{position:x}")?;
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("positions are database:hex, separated by dots")]
pub struct PositionsInvalid;

impl FromStr for Positions {
    type Err = PositionsInvalid;

    fn from_str(text: &str) -> Result<Positions, PositionsInvalid> {
        if text.len() > MAX_BYTES {
            return Err(PositionsInvalid);
        }
        let mut positions = Positions::default();
        for part in text.split('.') {
            let (database, position) = part.split_once(':').ok_or(PositionsInvalid)?;
            let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if database.is_empty() || database.len() > 16 || !database.chars().all(named) {
                return Err(PositionsInvalid);
            }
            positions
                .note(database, u64::from_str_radix(position, 16).map_err(|_| PositionsInvalid)?);
        }
        Ok(positions)
    }
}

/// The server that a request waits for, shared with other threads.
#[derive(Clone, Default)]
pub struct AwaitedServer(Arc<Mutex<Option<Awaited>>>);

/// The name of the database, and the breaker of its server.
type Awaited = (String, Arc<CircuitBreaker>);

impl AwaitedServer {
    /// The database that the request waits for.
    pub fn database(&self) -> Option<String> {
        self.lock().as_ref().map(|(name, _)| name.clone())
    }

    /// The database that the request waits for, if its server is unavailable.
    pub fn unavailable_database(&self) -> Option<String> {
        let awaited = self.lock();
        awaited.as_ref().filter(|(_, breaker)| !breaker.is_up()).map(|(name, _)| name.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Awaited>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, server: Option<Awaited>) {
        *self.lock() = server;
    }
}

/// The context of a request. Clones share it.
#[derive(Clone)]
pub struct Context {
    request: Arc<Request>,
    pub awaited: AwaitedServer,
}

struct Request {
    seen: Positions,
    written: Mutex<Positions>,
    deadline: Option<Instant>,
    span: Span,
    needs_primaries: AtomicBool,
}

impl Context {
    /// The context of a request whose client has `seen` these positions. Captures the current span.
    pub fn new(seen: Positions, deadline: Option<Instant>) -> Context {
        let span = Span::current();
        let request = Request {
            seen,
            written: Mutex::default(),
            deadline,
            span,
            needs_primaries: AtomicBool::new(false),
        };
        Context { request: Arc::new(request), awaited: AwaitedServer::default() }
    }

    /// The context of a batch for several clients: it has seen the positions of all of them.
    pub fn of_batch<'a>(
        contexts: impl Iterator<Item = &'a Context> + Clone,
        awaited: AwaitedServer,
    ) -> Context {
        let mut seen = Positions::default();
        for context in contexts.clone() {
            context.request.seen.0.iter().for_each(|(name, &position)| seen.note(name, position));
        }
        let span = contexts.map(|context| context.request.span.clone()).next();
        let request = Request {
            seen,
            written: Mutex::default(),
            deadline: None,
            span: span.unwrap_or_else(Span::none),
            needs_primaries: AtomicBool::new(false),
        };
        Context { request: Arc::new(request), awaited }
    }

    /// The context of the same request on another thread, which waits for its own server.
    pub(in crate::db) fn on_another_thread(&self) -> Context {
        Context { request: Arc::clone(&self.request), awaited: AwaitedServer::default() }
    }

    /// The positions that the client had seen before the request.
    pub fn seen(&self) -> &Positions {
        &self.request.seen
    }

    pub fn written(&self) -> Positions {
        self.lock_written().clone()
    }

    pub fn note_write(&self, database: &str, position: u64) {
        self.lock_written().note(database, position);
    }

    /// Makes the rest of this request read from primaries only.
    pub fn require_primaries(&self) {
        self.request.needs_primaries.store(true, Ordering::Relaxed);
    }

    pub(in crate::db) fn needs_primaries(&self) -> bool {
        self.request.needs_primaries.load(Ordering::Relaxed)
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.request.deadline
    }

    /// The span of the request in the log.
    pub fn span(&self) -> &Span {
        &self.request.span
    }

    /// The position that a server must have reached for this request.
    pub(in crate::db) fn position(&self, database: &str) -> u64 {
        self.request.seen.of(database).max(self.lock_written().of(database))
    }

    /// Runs `work`, which waits for this server.
    pub(in crate::db) fn while_awaiting<T>(
        &self,
        name: &str,
        breaker: &Arc<CircuitBreaker>,
        work: impl FnOnce() -> T,
    ) -> T {
        self.awaited.set(Some((name.to_owned(), Arc::clone(breaker))));
        let done = work();
        self.awaited.set(None);
        done
    }

    fn lock_written(&self) -> MutexGuard<'_, Positions> {
        // Each change is one insertion, so it is whole even after a panic.
        self.request.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Context {
    /// The context of work without a client.
    fn default() -> Context {
        Context::new(Positions::default(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_round_trip_as_text() {
        let mut positions = Positions::default();
        assert!(positions.is_empty() && "".parse::<Positions>().is_err());
        positions.note("reviews-2", 0x16b3_74d8);
        positions.note("default", 7);
        positions.note("reviews-2", 5);
        assert_eq!(positions.to_string(), "default:7.reviews-2:16b374d8");
        assert_eq!(positions.to_string().parse(), Ok(positions.clone()));
        let mut written: Positions = "default:6".parse().unwrap();
        written.add_older(&positions);
        assert_eq!(written.to_string(), "default:6.reviews-2:16b374d8");
        for text in ["default", "default:", "default:x", ":1", "Default:1", "default:1.", "a;b:1"] {
            assert_eq!(text.parse::<Positions>(), Err(PositionsInvalid), "{text}");
        }
    }

    #[test]
    fn positions_are_bounded_in_bytes() {
        let mut all = Positions::default();
        (1..=1_024).for_each(|number| all.note(&format!("reviews-{number}"), u64::MAX));
        assert_eq!(all.to_string().parse::<Positions>(), Err(PositionsInvalid));
        let mut sent = Positions::default();
        sent.note("default", 1);
        sent.add_older(&all);
        let text = sent.to_string();
        assert!((MAX_BYTES - 40..=MAX_BYTES).contains(&text.len()), "{}", text.len());
        assert_eq!(text.parse(), Ok(sent));
    }

    #[test]
    fn positions_of_a_batch_are_not_its_clients() {
        let seen = |text: &str| Context::new(text.parse().unwrap(), None);
        let clients = [seen("default:5.reviews-1:9"), seen("reviews-1:a")];
        let batch = Context::of_batch(clients.iter(), AwaitedServer::default());
        batch.note_write("reviews-1", 100);
        assert_eq!(batch.seen().to_string(), "default:5.reviews-1:a");
        assert_eq!(batch.position("reviews-1"), 100);
        assert!(clients.iter().all(|client| client.written().is_empty()));
    }
}
