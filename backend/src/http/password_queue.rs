//! A queue for password hashing, which is slow on purpose: at most one hash per processor at a
//! time, so that sign-ins leave processor time and memory to other requests.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use actix_web::web::Data;
use ostrakon_shared::ProblemCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::response::problem::ApiError;
use crate::store::{Store, StoreError};

/// The maximum queue length per kind of client: about a second, at 30 ms per hash.
const MAX_WAITING: usize = 32;

/// The kind of client. Each kind has its own queue, so that a flood of guesses does not lock out
/// known clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A known device, or a session.
    Known,
    /// Any other client.
    Unknown,
}

/// The queues and the semaphore of running hashes.
pub struct PasswordQueue {
    known: Arc<Semaphore>,
    unknown: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// The permit of a running hash, until it is dropped.
struct Turn {
    _turn: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
}

impl PasswordQueue {
    /// A queue that runs one hash per processor at a time.
    pub fn new() -> PasswordQueue {
        PasswordQueue::with_turns(available_parallelism().map_or(1, NonZero::get))
    }

    fn with_turns(turns: usize) -> PasswordQueue {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let slots = || semaphore(turns + MAX_WAITING);
        PasswordQueue { known: slots(), unknown: slots(), turns: semaphore(turns) }
    }

    async fn turn(&self, client: ClientKind) -> Result<Turn, ApiError> {
        let too_many = |_| {
            let detail = "Too many sign-in attempts right now. Try again in a few seconds.";
            ApiError::new(ProblemCode::Overloaded, detail)
        };
        let slots = match client {
            ClientKind::Known => &self.known,
            ClientKind::Unknown => &self.unknown,
        };
        let slots = Arc::clone(slots).try_acquire_owned().map_err(too_many)?;
        let closed = |_| {
            let code = ProblemCode::Internal;
            ApiError::new(code, code.explanation())
        };
        let turn = self.turns.clone().acquire_owned().await.map_err(closed)?;
        Ok(Turn { _turn: turn, _slot: slots })
    }
}

/// Runs `work`, which hashes passwords, when the queue allows it.
pub async fn run_hashing<T: Send + 'static>(
    queue: Data<PasswordQueue>,
    client: ClientKind,
    store: RequestStore,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let turn = queue.turn(client).await?;
    let work = move |store: &Store| {
        // The work continues if the client disconnects, so it keeps its permit.
        let _turn = turn;
        work(store)
    };
    run_blocking(store, work).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[actix_web::test]
    async fn the_queue_has_an_end_for_each_kind() {
        let queue = PasswordQueue::with_turns(2);
        let turn = || queue.turn(ClientKind::Unknown);
        let (first, second) = (turn().await.unwrap(), turn().await.unwrap());
        let mut waiting: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(turn())).collect();
        for turn in &mut waiting {
            assert!(turn.now_or_never().is_none());
        }
        let refused = |turn: Result<Turn, ApiError>| {
            turn.is_err_and(|error| error.to_string().starts_with("overloaded"))
        };
        assert!(refused(turn().await));
        let known = || Box::pin(queue.turn(ClientKind::Known));
        let mut others: Vec<_> = (0..2 + MAX_WAITING).map(|_| known()).collect();
        for turn in &mut others {
            assert!(turn.now_or_never().is_none());
        }
        assert!(refused(known().await));
        drop(first);
        let third = (&mut waiting[0]).now_or_never().unwrap();
        assert!((&mut waiting[1]).now_or_never().is_none());
        drop((second, third, waiting));
        assert!((&mut others[0]).now_or_never().unwrap().is_ok());
        drop(others);
        turn().await.unwrap();
    }
}
