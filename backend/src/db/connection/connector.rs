//! Opens connections and sets them up, for the pools and outside of them.
//!
//! Look here for the settings of a session: timeouts, pragmas, and the language of messages.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{HandleError, ManageConnection};
use diesel::{Connection as _, PgConnection, SqliteConnection};

use crate::db::connection::address::Address;
use crate::db::connection::circuit_breaker::CircuitBreaker;
use crate::db::connection::settings::Settings;
use crate::db::dialect::citus;
use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::dialect::statement_timeout;
use crate::db::dialect::wal_size::WalSize;
use crate::db::error::one_line;

/// What a connection may be used for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    Reader,
    Writer,
}

pub(super) struct Connector {
    pub database: String,
    pub address: Address,
    pub breaker: Arc<CircuitBreaker>,
    pub role: Role,
    pub settings: Settings,
}

pub(super) struct PooledConn {
    pub connection: Connection,
    /// Whether it must not be used again.
    pub broken: bool,
    /// See [`CircuitBreaker::generation`].
    generation: u64,
}

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct ConnectError(String);

impl ManageConnection for Connector {
    type Connection = PooledConn;
    type Error = ConnectError;

    fn connect(&self) -> Result<PooledConn, ConnectError> {
        let generation = self.breaker.generation();
        let connected = connect(&self.address, self.role == Role::Writer, &self.settings);
        let connected = connected.and_then(|mut connection| {
            let routes_itself = citus::set_up(&mut connection).map_err(|e| one_line(&e))?;
            self.breaker.set_routes_itself(routes_itself);
            Ok(connection)
        });
        match connected {
            Ok(connection) => Ok(PooledConn { connection, broken: false, generation }),
            Err(reason) => {
                // Without a health check this is a command, which reports the error itself.
                if self.breaker.is_watched() {
                    let database = &self.database;
                    tracing::warn!(database, reason, "a connection could not be opened");
                }
                self.breaker.record_unreachable(&reason);
                Err(ConnectError(reason))
            }
        }
    }

    /// Connections that were opened before the last failure count as closed. A query at every
    /// checkout would cost as much as many a request.
    fn is_valid(&self, session: &mut PooledConn) -> Result<(), ConnectError> {
        if session.generation == self.breaker.generation() {
            Ok(())
        } else {
            Err(ConnectError("opened before the server failed".to_owned()))
        }
    }

    fn has_broken(&self, session: &mut PooledConn) -> bool {
        use diesel::connection::{AnsiTransactionManager as Transactions, TransactionManager};
        let in_transaction = on_each_engine!(&mut session.connection, c => {
            Transactions::is_broken_transaction_manager(c)
        });
        session.broken || in_transaction || std::thread::panicking()
    }
}

/// Opens a connection and sets its limits.
pub(in crate::db) fn connect(
    address: &Address,
    writes: bool,
    settings: &Settings,
) -> Result<Connection, String> {
    statement_timeout::install();
    let url = address.open_url();
    let connected = match address {
        Address::Sqlite(_) => SqliteConnection::establish(&url).map(Connection::Sqlite),
        Address::Postgres(_) => PgConnection::establish(&url).map(Connection::Postgres),
    };
    let mut connection = connected.map_err(|error| one_line(&error))?;
    let setup = match address {
        Address::Sqlite(_) => format!(
            "PRAGMA busy_timeout = {};
             PRAGMA synchronous = FULL;
             {}
             PRAGMA foreign_keys = ON;
             PRAGMA query_only = {};",
            settings.lock_timeout_ms,
            WalSize::pragmas(),
            if writes { "OFF" } else { "ON" }
        ),
        // The timeout of idle transactions releases the locks of a process that hangs. Messages are
        // in English, so that `QueryError` can classify them; only superusers may set that, other
        // roles need it in their settings.
        Address::Postgres(_) => format!(
            "SET statement_timeout = {0};
             SET lock_timeout = {1};
             SET idle_in_transaction_session_timeout = {0};
             SET client_min_messages = warning;
             SELECT set_config('lc_messages', 'C', false)
                 WHERE current_setting('is_superuser')::boolean;",
            settings.statement_timeout_ms, settings.lock_timeout_ms,
        ),
    };
    connection.batch_execute(&setup).map_err(|error| one_line(&error))?;
    Ok(connection)
}

/// The connector logs failures itself.
#[derive(Debug)]
pub(super) struct NoopErrorHandler;

impl HandleError<ConnectError> for NoopErrorHandler {
    fn handle_error(&self, _: ConnectError) {}
}
