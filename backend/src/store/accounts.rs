//! Accounts, with their sessions and API tokens.
//!
//! Everything about who is allowed in belongs here: `directory` creates and edits accounts,
//! `sessions` signs in and authenticates each request, `tokens` and `credentials` manage what can
//! be revoked.

pub mod credentials;
pub mod directory;
pub mod passwords;
pub mod retention;
pub mod secret;
pub mod session_lifetime;
pub mod sessions;
pub mod tokens;
pub mod usage;

use std::sync::Arc;

use crate::db::{Context, Database, RequestDatabase};
use crate::store::audit::FailedSignIns;
use crate::store::clock::Clock;
use passwords::Passwords;
use retention::ClockPace;
use usage::Usage;

/// The shared state of the accounts.
pub(in crate::store) struct Shared {
    default: Arc<Database>,
    passwords: Passwords,
    usage: Usage,
    failed_sign_ins: Arc<FailedSignIns>,
    /// Determines which rows are old, once it is trusted.
    clock: Clock,
    pace: ClockPace,
}

impl Shared {
    pub fn new(
        default: &Arc<Database>,
        failed_sign_ins: &Arc<FailedSignIns>,
        clock: &Clock,
    ) -> Shared {
        Shared {
            default: Arc::clone(default),
            passwords: Passwords::default(),
            usage: Usage::default(),
            failed_sign_ins: Arc::clone(failed_sign_ins),
            clock: clock.clone(),
            pace: ClockPace::new(clock.now_ms()),
        }
    }
}

/// The accounts, for one request.
#[derive(Clone, Copy)]
pub struct Accounts<'a> {
    shared: &'a Shared,
    context: &'a Context,
}

impl<'a> Accounts<'a> {
    pub(in crate::store) fn new(shared: &'a Shared, context: &'a Context) -> Accounts<'a> {
        Accounts { shared, context }
    }

    fn default(&self) -> RequestDatabase<'a> {
        RequestDatabase { database: &self.shared.default, context: self.context }
    }
}
