//! Accounts, their sessions and tokens, and the audit trail of what they do.

#[expect(clippy::module_inception, reason = "accounts are one subject of this room")]
pub mod accounts;
pub mod actor;
pub mod audit;
pub mod credentials;
pub mod passwords;
pub mod secret;
pub mod sessions;
pub mod tokens;
pub mod usage;
