//! Saves a database as files, and describes the contents of the snapshot that they hold.
//!
//! `VACUUM INTO` copies a SQLite file while other processes read and write; the rows are counted in
//! the copy. `pg_dump` saves a PostgreSQL database at a snapshot that a transaction of ours has
//! exported; the rows are counted in that transaction meanwhile.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::connection::database::Database;
use crate::db::connection::request_context::Context;
use crate::db::copy::{Digests, ProgressFn, tables};
use crate::db::dialect::citus;
use crate::db::dialect::engine::Connection;
use crate::db::dialect::server::{
    current_schema, export_snapshot, server_version, sessions_of_others,
};
use crate::db::dialect::storage::has_table;
use crate::db::dialect::transaction::without_time_limit;
use crate::db::error::{DbError, QueryError, one_line};
use crate::db::files;
use crate::db::migrate::{self, Kind};
use crate::db::programs::{self, RunningProgram};
use crate::db::tables::cluster::{self, Pins};

/// The contents of a snapshot of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Its cluster, and which of its databases it is.
    pub pins: Option<Pins>,
    /// Its migrations, in order.
    pub migrations: Vec<String>,
    /// The rows of each table, by its name.
    pub tables: BTreeMap<String, Digests>,
}

/// Fails if the database can't be saved: if it is a Citus coordinator, whose rows `pg_dump` doesn't
/// see, or if no suitable `pg_dump` is installed.
pub fn require_supported(database: &Database) -> Result<(), DbError> {
    if database.is_file() {
        return Ok(());
    }
    let (is_citus, version) = database.read_latest(&Context::default(), |connection| {
        Ok((citus::is_installed(connection)?, server_version(connection)?))
    })?;
    if is_citus {
        let reason = "it is a Citus coordinator, of which pg_dump saves no rows: back up its \
                      nodes by PostgreSQL's own tools (docs/production.md)";
        return Err(database.unavailable(reason.to_owned()));
    }
    let suitable = programs::require("pg_dump", version);
    suitable.map_err(|reason| database.unavailable(reason))
}

/// Saves a database under the path `to`, which must not exist: a SQLite file as a file, a
/// PostgreSQL database as a folder in the directory format of `pg_dump`. `progress` gets the number
/// of rows that were counted since its last call.
pub fn save(
    database: &Database,
    kind: Kind,
    to: &Path,
    progress: ProgressFn<'_>,
) -> Result<Contents, DbError> {
    let save = if database.is_file() { save_file } else { save_server };
    save(database, kind, to, progress)
}

fn save_file(
    database: &Database,
    kind: Kind,
    to: &Path,
    progress: ProgressFn<'_>,
) -> Result<Contents, DbError> {
    let failed = |error: io::Error| database.unavailable(format!("{}: {error}", to.display()));
    // SQLite accepts an empty file, and leaves its mode as it is.
    files::create_file(to).map_err(failed)?;
    let path = to
        .to_str()
        .ok_or_else(|| database.unavailable(format!("{}: this path is not UTF-8", to.display())))?;
    let mut connection = database.connect()?;
    let copied = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(path).execute(&mut connection);
    copied.map_err(|error| database.unavailable(one_line(&error)))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(failed)?;
    let copy = Database::file(database.name(), to);
    copy.read_latest(&Context::default(), |connection| contents(connection, kind, progress))
}

fn save_server(
    database: &Database,
    kind: Kind,
    to: &Path,
    progress: ProgressFn<'_>,
) -> Result<Contents, DbError> {
    let mut connection = database.connect()?;
    let snapshot = export_snapshot(&mut connection);
    let snapshot = snapshot.map_err(|error| database.unavailable(one_line(&error)))?;
    let schema = current_schema(&mut connection);
    let schema = schema.map_err(|error| database.unavailable(one_line(&error)))?;
    let dump = programs::dump(database.address(), &snapshot, &schema, to);
    let dump: RunningProgram = dump.map_err(|reason| database.unavailable(reason))?;
    let counted = contents(&mut connection, kind, progress);
    let counted = counted.map_err(|error| error.in_database(database.name()))?;
    dump.finish().map_err(|reason| database.unavailable(reason))?;
    Ok(counted)
}

/// Fails if another process of this program uses the PostgreSQL database. Call it before this
/// process connects. SQLite files have locks instead.
pub fn require_unused(database: &Database) -> Result<(), DbError> {
    if database.is_file() {
        return Ok(());
    }
    let mut connection = database.connect()?;
    let mut sessions = 0;
    for _ in 0..USE_TRIES {
        sessions = sessions_of_others(&mut connection)
            .map_err(|error| database.unavailable(one_line(&error)))?;
        if sessions == 0 {
            return Ok(());
        }
        std::thread::sleep(USE_PAUSE);
    }
    Err(database.unavailable(format!(
        "it is used by {sessions} sessions of Ostrakon: stop all servers and commands first"
    )))
}

/// A server needs a moment to notice that a process has ended.
const USE_TRIES: usize = 20;
const USE_PAUSE: Duration = Duration::from_millis(100);

/// The contents of a database, as this connection's transaction sees it.
pub fn contents(
    connection: &mut Connection,
    kind: Kind,
    progress: ProgressFn<'_>,
) -> Result<Contents, QueryError> {
    without_time_limit(connection)?;
    let mut rows = BTreeMap::new();
    for table in tables(kind) {
        rows.insert(table.name.to_owned(), table.digests_in(connection, progress)?);
    }
    Ok(Contents {
        pins: cluster::pins(connection)?,
        migrations: migrate::applied(connection)?,
        tables: rows,
    })
}

/// The number of rows of each table that this program knows, in a database that may lack
/// migrations.
pub fn counts(database: &Database, kind: Kind) -> Result<BTreeMap<String, u64>, DbError> {
    let mut counts = BTreeMap::new();
    for table in tables(kind) {
        if database
            .read_latest(&Context::default(), |connection| Ok(has_table(connection, table.name)?))?
        {
            counts.insert(table.name.to_owned(), table.count(database)?);
        }
    }
    Ok(counts)
}

/// Reads a saved PostgreSQL database completely, by `pg_restore`.
pub fn read_dump(saved: &Path) -> Result<(), String> {
    programs::read(saved)
}

/// Fills an empty PostgreSQL database from a saved one, in one transaction.
pub fn load_dump(database: &Database, saved: &Path) -> Result<(), DbError> {
    let (version, schema) = database.read_latest(&Context::default(), |connection| {
        Ok((server_version(connection)?, current_schema(connection)?))
    })?;
    let suitable = programs::require("pg_restore", version);
    let loaded = suitable.and_then(|()| programs::load(database.address(), &schema, saved));
    loaded.map_err(|reason| database.unavailable(reason))
}

/// The length and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDigest {
    pub bytes: u64,
    /// Its SHA-256, as hexadecimal digits.
    pub sha256: String,
}

/// Copies a file, and hashes it.
pub fn copy_file(from: &Path, to: &mut impl Write) -> io::Result<FileDigest> {
    use sha2::{Digest, Sha256};

    let mut file = File::open(from)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(FileDigest { bytes, sha256 });
        }
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}

/// Writes the entries of a folder to disk, so that a created or removed file survives a crash.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether a database is empty. A file may then be replaced: it is closed when this returns, and
/// has left no log that SQLite would apply to the next file of that name.
pub fn is_vacant(database: &Database, kind: Kind) -> Result<bool, DbError> {
    let is_vacant = |connection: &mut Connection| {
        Ok(crate::db::transfer::is_empty(connection, kind)? && !has_marker_table(connection)?)
    };
    let Some(path) = database.address().file() else {
        return database.read_latest(&Context::default(), is_vacant);
    };
    if fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        // Outside the pool, which would keep the connection.
        let mut connection = database.connect()?;
        if !is_vacant(&mut connection).map_err(|error| error.in_database(database.name()))? {
            return Ok(false);
        }
    }
    for suffix in ["-wal", "-journal"] {
        let left = files::beside(path, suffix);
        if fs::metadata(&left).is_ok_and(|left| left.len() > 0) {
            return Err(database.unavailable(format!(
                "{} is left from a file that is gone, and would spoil the next one: move it away",
                left.display()
            )));
        }
    }
    Ok(true)
}

fn has_marker_table(connection: &mut Connection) -> QueryResult<bool> {
    has_table(connection, "transfer_target")
}

/// Ends all sessions and API tokens; returns how many of each.
pub fn end_credentials(connection: &mut Connection) -> Result<(usize, usize), QueryError> {
    use crate::db::schema::{api_token, session};

    let sessions = diesel::delete(session::table).execute(connection)?;
    Ok((sessions, diesel::delete(api_token::table).execute(connection)?))
}
