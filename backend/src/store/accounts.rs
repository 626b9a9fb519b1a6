//! Accounts, their sessions and tokens.

#[expect(clippy::module_inception, reason = "accounts are one subject of this room")]
pub mod accounts;
pub mod credentials;
pub mod passwords;
pub mod secret;
pub mod sessions;
pub mod tokens;
pub mod usage;

use std::sync::Arc;

use crate::db::{Context, Database, RequestDatabase};
use crate::store::audit::Failures;
use passwords::Passwords;
use usage::Usage;

/// What all requests share of the accounts.
pub(in crate::store) struct Shared {
    default: Arc<Database>,
    passwords: Passwords,
    usage: Usage,
    failures: Arc<Failures>,
}

impl Shared {
    pub fn new(default: Arc<Database>, failures: Arc<Failures>) -> Shared {
        let (passwords, usage) = (Passwords::default(), Usage::default());
        Shared { default, passwords, usage, failures }
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
