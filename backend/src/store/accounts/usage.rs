//! Records when sessions and tokens were last used, to the hour. A thread of its own writes this,
//! so that requests that only read don't wait for a write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ostrakon_shared::CredentialId;

use crate::db::{Connection, Context, Database, QueryError};
use crate::db::{sessions, tokens};
use crate::store::accounts::session_lifetime::expires_at;

/// The minimum interval between two stored uses, in milliseconds.
const GRANULARITY_MS: i64 = 60 * 60 * 1_000;
/// The maximum number of remembered credentials; beyond it, all are forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// A used credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::store) enum UsedCredential {
    Session { id: CredentialId, created_at: i64 },
    Token { id: CredentialId },
}

/// The uses to be written.
#[derive(Default)]
pub(in crate::store) struct Usage(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    due: Vec<(UsedCredential, i64)>,
    /// The last recorded use of each credential, so that a failing write is retried only once per
    /// hour.
    recorded: HashMap<UsedCredential, i64>,
    /// Whether a thread is writing.
    writing: bool,
}

impl Usage {
    /// Records a use at `now_ms` of a credential last used at `last_ms`.
    pub fn record(
        &self,
        default: &Arc<Database>,
        used: UsedCredential,
        last_ms: Option<i64>,
        now_ms: i64,
    ) {
        let is_recent = |last_ms: i64| now_ms - last_ms < GRANULARITY_MS;
        if last_ms.is_some_and(is_recent) {
            return;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.recorded.get(&used).copied().is_some_and(is_recent) {
            return;
        }
        if state.recorded.len() >= MAX_REMEMBERED {
            state.recorded.clear();
        }
        state.recorded.insert(used, now_ms);
        state.due.push((used, now_ms));
        if state.writing {
            return;
        }
        let (due, default) = (Arc::clone(&self.0), Arc::clone(default));
        let thread = thread::Builder::new().name("usage".to_owned());
        match thread.spawn(move || write_all(&due, &default)) {
            Ok(_) => state.writing = true,
            Err(error) => {
                tracing::warn!(%error, "the thread that records the use of credentials can't be started")
            }
        }
    }
}

/// Writes all due uses.
fn write_all(state: &Mutex<State>, default: &Database) {
    loop {
        let due = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.writing = !state.due.is_empty();
            std::mem::take(&mut state.due)
        };
        if due.is_empty() {
            return;
        }
        let write = |connection: &mut Connection| {
            due.iter().try_for_each(|(used, now_ms)| set_used(connection, *used, *now_ms))
        };
        // If `default` is read-only or unavailable, only the time of the last use is lost.
        if let Err(error) = default.write(&Context::default(), write) {
            tracing::debug!(%error, "the use of credentials could not be recorded");
        }
    }
}

fn set_used(
    connection: &mut Connection,
    used: UsedCredential,
    now_ms: i64,
) -> Result<(), QueryError> {
    match used {
        UsedCredential::Session { id, created_at } => {
            sessions::set_used(connection, id, now_ms, expires_at(created_at, now_ms))
        }
        UsedCredential::Token { id } => tokens::set_used(connection, id, now_ms),
    }
}
