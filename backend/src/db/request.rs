//! What the databases know of the request that a thread works at: what its client has written, so
//! that it sees that; and which server the thread waits for, so that nobody waits with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::health::Health;

/// How far each database's write-ahead log had come when a client wrote to it, in bytes, by the
/// database's name.
///
/// As text, it is what clients send back: `reviews-2:16b374d8.default:1a2b`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<String, u64>);

/// Databases that a text of positions may name; a client has written to a few.
const MAX_POSITIONS: usize = 1025;

impl Positions {
    /// Whether nothing is known to be written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what `other` knows.
    pub fn merge(&mut self, other: &Positions) {
        other.0.iter().for_each(|(database, &position)| self.note(database, position));
    }

    pub(super) fn of(&self, database: &str) -> u64 {
        self.0.get(database).copied().unwrap_or_default()
    }

    fn note(&mut self, database: &str, position: u64) {
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

impl FromStr for Positions {
    type Err = ();

    fn from_str(text: &str) -> Result<Positions, ()> {
        let mut positions = Positions::default();
        for part in text.split('.').take(MAX_POSITIONS) {
            let (database, position) = part.split_once(':').ok_or(())?;
            let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if database.is_empty() || database.len() > 16 || !database.chars().all(named) {
                return Err(());
            }
            positions.note(database, u64::from_str_radix(position, 16).map_err(|_| ())?);
        }
        Ok(positions)
    }
}

/// Which server a thread waits for; looked at from another one.
#[derive(Clone, Default)]
pub struct WaitsFor(Arc<Mutex<Option<Awaited>>>);

/// A database's name, and the server of it that is waited for.
type Awaited = (String, Arc<Health>);

impl WaitsFor {
    /// The name of the database that the thread waits for.
    pub fn database(&self) -> Option<String> {
        self.lock().as_ref().map(|(name, _)| name.clone())
    }

    /// The same, if its server doesn't answer.
    pub fn in_vain(&self) -> Option<String> {
        let waits_for = self.lock();
        waits_for.as_ref().filter(|(_, health)| !health.is_up()).map(|(name, _)| name.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Awaited>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, server: Option<Awaited>) {
        *self.lock() = server;
    }
}

/// What is known of the request.
#[derive(Default)]
struct Request {
    seen: Positions,
    waits_for: WaitsFor,
}

thread_local! {
    static REQUEST: RefCell<Request> = RefCell::default();
}

/// Does `work` for a client that has seen what lies below `seen`; returns that, with what the
/// work has written.
pub fn serve<T>(seen: Positions, waits_for: WaitsFor, work: impl FnOnce() -> T) -> (T, Positions) {
    REQUEST.set(Request { seen, waits_for });
    let done = work();
    (done, REQUEST.take().seen)
}

/// What this thread's client has seen of a database.
pub(super) fn seen(database: &str) -> u64 {
    REQUEST.with_borrow(|request| request.seen.of(database))
}

/// What this thread's client has seen of all databases.
pub(super) fn all_seen() -> Positions {
    REQUEST.with_borrow(|request| request.seen.clone())
}

/// This thread's client has written to a database.
pub(super) fn note_write(database: &str, position: u64) {
    REQUEST.with_borrow_mut(|request| request.seen.note(database, position));
}

/// Does `work`, which waits for this server.
pub(super) fn waiting_for<T>(name: &str, health: &Arc<Health>, work: impl FnOnce() -> T) -> T {
    let waits_for = REQUEST.with_borrow(|request| request.waits_for.clone());
    waits_for.set(Some((name.to_owned(), Arc::clone(health))));
    let done = work();
    waits_for.set(None);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_the_way_to_the_client_and_back() {
        let mut positions = Positions::default();
        assert!(positions.is_empty() && "".parse::<Positions>().is_err());
        positions.note("reviews-2", 0x16b3_74d8);
        positions.note("default", 7);
        positions.note("reviews-2", 5);
        assert_eq!(positions.to_string(), "default:7.reviews-2:16b374d8");
        assert_eq!(positions.to_string().parse(), Ok(positions.clone()));
        let mut other: Positions = "default:ff".parse().unwrap();
        other.merge(&positions);
        assert_eq!(other.to_string(), "default:ff.reviews-2:16b374d8");
        for text in ["default", "default:", "default:x", ":1", "Default:1", "default:1.", "a;b:1"] {
            assert_eq!(text.parse::<Positions>(), Err(()), "{text}");
        }
    }
}
