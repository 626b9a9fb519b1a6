//! How long sessions last.

/// The maximum lifetime of a session, in seconds.
pub const SESSION_S: i64 = 30 * 24 * 60 * 60;
/// The lifetime of an unused session, in milliseconds.
const IDLE_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

/// When a session ends that was created at `created_at` and last used at `used_at`, all in
/// milliseconds since the Unix epoch.
pub(in crate::store) fn expires_at(created_at: i64, used_at: i64) -> i64 {
    (used_at + IDLE_MS).min(created_at + 1_000 * SESSION_S)
}
