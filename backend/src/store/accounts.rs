//! Accounts, their sessions and tokens.

#[expect(clippy::module_inception, reason = "accounts are one subject of this room")]
pub mod accounts;
pub mod credentials;
pub mod passwords;
pub mod secret;
pub mod sessions;
pub mod tokens;
pub mod usage;
