//! The limits of a pool and its transactions.

/// Limits for the use of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The maximum number of reading connections.
    pub read_connections: u32,
    /// The maximum number of writing connections; a SQLite file has one.
    pub write_connections: u32,
    /// How long a request waits for a connection to become free, in milliseconds.
    pub checkout_timeout_ms: u32,
    /// How long a transaction waits for another one's lock, in milliseconds.
    pub lock_timeout_ms: u32,
    /// The timeout of a statement on PostgreSQL, and of a read on SQLite, in milliseconds.
    pub statement_timeout_ms: u32,
}
