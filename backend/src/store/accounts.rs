//! Accounts, their sessions and tokens.

#[expect(clippy::module_inception, reason = "accounts are one subject of this room")]
pub mod accounts;
pub mod credentials;
pub mod passwords;
pub mod retention;
pub mod secret;
pub mod sessions;
pub mod tokens;
pub mod usage;

use std::sync::Arc;

use crate::db::{Context, Database, RequestDatabase};
use crate::store::audit::Failures;
use crate::store::clock::Clock;
use passwords::Passwords;
use retention::Pace;
use usage::Usage;

/// What all requests share of the accounts.
pub(in crate::store) struct Shared {
    default: Arc<Database>,
    passwords: Passwords,
    usage: Usage,
    failures: Arc<Failures>,
    /// What says what is old, and whether it is to be believed.
    clock: Clock,
    pace: Pace,
}

impl Shared {
    pub fn new(default: &Arc<Database>, failures: &Arc<Failures>, clock: &Clock) -> Shared {
        Shared {
            default: Arc::clone(default),
            passwords: Passwords::default(),
            usage: Usage::default(),
            failures: Arc::clone(failures),
            clock: clock.clone(),
            pace: Pace::new(clock.now_ms()),
        }
    }
}

/// The accounts, as one request uses them.
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
