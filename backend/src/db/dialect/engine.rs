//! The engines: SQLite files and PostgreSQL servers. All that differs between them in a query is
//! here; what differs in connecting is in [`crate::db::connection::pool`].

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::dsl::{case_when, sql};
use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text};
use twox_hash::XxHash3_64;

use crate::db::dialect::citus;
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::dialect::statement_timeout::TimeLimit;
use crate::db::error::QueryError;
use crate::db::tables::cluster;
use crate::db::tables::owner::OwnedBuckets;
use crate::db::tables::schema::review;

pub use multi::{AnyConnection as Connection, MultiBackend};

mod multi {
    use diesel::{PgConnection, SqliteConnection};

    /// What queries run on.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        Sqlite(SqliteConnection),
        /// A PostgreSQL server.
        Postgres(PgConnection),
    }
}

/// Runs a query that diesel can't write for both engines at once: on each by itself.
macro_rules! on_each_engine {
    ($connection:expr, $c:ident => $query:expr) => {
        match $connection {
            $crate::db::dialect::engine::Connection::Sqlite($c) => $query,
            $crate::db::dialect::engine::Connection::Postgres($c) => $query,
        }
    };
}
pub(in crate::db) use on_each_engine;

/// Inserts rows: to a server in one statement, to a file one by one, which is as fast and leaves
/// one statement to be kept.
macro_rules! insert_rows {
    ($connection:expr, $table:expr, $rows:expr) => {
        match $connection {
            $crate::db::dialect::engine::Connection::Sqlite(sqlite) => {
                for row in $rows {
                    diesel::insert_into($table).values(row).execute(sqlite)?;
                }
            }
            $crate::db::dialect::engine::Connection::Postgres(postgres) => {
                if !$rows.is_empty() {
                    diesel::insert_into($table).values($rows).execute(postgres)?;
                }
            }
        }
    };
}
pub(in crate::db) use insert_rows;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Mode {
    /// All queries see one snapshot.
    Read,
    /// SQLite: alone from the start. PostgreSQL: each query sees what is committed by then.
    Write,
}

pub(in crate::db) fn begin(connection: &mut Connection, mode: Mode) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(sqlite) => {
            let begin = if mode == Mode::Read { "BEGIN" } else { "BEGIN IMMEDIATE" };
            AnsiTransactionManager::begin_transaction_sql(sqlite, begin)
        }
        Connection::Postgres(postgres) => {
            let begin = match mode {
                Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            };
            AnsiTransactionManager::begin_transaction_sql(postgres, begin)
        }
    }
}

/// Ends the transaction that [`begin`] began: commits what succeeded, rolls back what failed.
pub(in crate::db) fn end<T>(
    connection: &mut Connection,
    result: Result<T, QueryError>,
) -> Result<T, QueryError> {
    match result {
        Ok(done) => {
            on_each_engine!(connection, c => AnsiTransactionManager::commit_transaction(c))?;
            Ok(done)
        }
        Err(error) => {
            // That a connection can't roll back is found by the pool, which closes it.
            on_each_engine!(connection, c => AnsiTransactionManager::rollback_transaction(c)).ok();
            Err(error)
        }
    }
}

/// A resource that one transaction at a time may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// A review, with its rating row, reports and history.
    Review(i64),
    Product(i64),
    /// An account, with its sessions and tokens.
    Account(i64),
    /// The roles of admins.
    Admins,
    /// The names of accounts.
    Names,
}

impl Lock {
    /// The key of PostgreSQL's advisory lock. Two locks that share one by chance only wait for
    /// each other.
    fn key(self) -> i64 {
        let (kind, id) = match self {
            Lock::Review(id) => (1, id),
            Lock::Product(id) => (2, id),
            Lock::Account(id) => (3, id),
            Lock::Admins => (4, 0),
            Lock::Names => (5, 0),
        };
        let hash = XxHash3_64::oneshot(&id.to_be_bytes()) >> 16;
        ((LOCK_KEYS + kind) << 48) | hash.cast_signed()
    }
}

/// The upper 16 bits of advisory locks' keys: `Or`, so that other programs' are others.
const LOCK_KEYS: i64 = 0x4f72;

/// Waits until no other transaction holds this lock; held until the transaction ends. A SQLite
/// transaction that writes is alone anyway.
pub fn lock(connection: &mut Connection, lock: Lock) -> Result<(), QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    let taken = diesel::sql_query("SELECT pg_advisory_xact_lock($1)");
    taken.bind::<BigInt, _>(lock.key()).execute(postgres)?;
    Ok(())
}

/// Lets this transaction wait no longer than this for others' locks. SQLite's writers wait only before
/// they begin.
pub fn limit_lock_wait(connection: &mut Connection, longest: Duration) -> Result<(), QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    // 0 would be for ever.
    let longest_ms = longest.as_millis().max(1);
    Ok(postgres.batch_execute(&format!("SET LOCAL lock_timeout = {longest_ms}"))?)
}

/// The upper 16 bits of the keys of the locks that say which ids are on their way.
const WRITER_KEYS: i64 = LOCK_KEYS;

/// Milliseconds since the Unix epoch, by the database's own clock, in PostgreSQL's words.
const NOW_MS: &str = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Says to all who ask this database for `settled` that a review is being written, and returns
/// the time to mint its id at, in milliseconds since the Unix epoch. `None`: the engine has no
/// say in it, this process is the only one that writes.
///
/// The order matters. The lock is taken at a time that is read before; the id's time is read
/// afterwards. Whoever reads the clock, then looks at the locks, and sees none knows that what
/// comes later has a later id.
pub fn register_writer(connection: &mut Connection) -> Result<Option<i64>, QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(None) };
    // A volatile function is not optimized away, and OFFSET keeps the order.
    let now_ms = format!(
        "(SELECT {NOW_MS} FROM
             (SELECT pg_advisory_xact_lock_shared({} | {NOW_MS}) OFFSET 0) AS announced)",
        WRITER_KEYS << 48
    );
    Ok(Some(KeepPrepared(diesel::select(sql::<BigInt>(&now_ms))).get_result(postgres)?))
}

/// A replica doesn't know what is being written; but no write takes longer than this.
const LONGEST_WRITE_MS: i64 = 60_000;

/// Times by a server's clock, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// All reviews of before are committed, or never will be.
    pub oldest_ms: i64,
    /// What the clock says.
    pub now_ms: i64,
}

/// Until when all reviews of this database are settled. `None` as in [`register_writer`]. Must run
/// before the snapshot is taken that is to hold them.
pub(in crate::db) fn settled(connection: &mut Connection) -> QueryResult<Option<Settled>> {
    let Connection::Postgres(postgres) = connection else { return Ok(None) };
    let (now, now_ms): (i64, i64) = diesel::select((
        sql::<BigInt>(&format!(
            "CASE WHEN pg_is_in_recovery()
                  THEN coalesce((extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000)::bigint
                                - {LONGEST_WRITE_MS}, 0)
                  ELSE {NOW_MS} END"
        )),
        sql::<BigInt>(NOW_MS),
    ))
    .get_result(postgres)?;
    let oldest: Option<i64> = diesel::select(sql::<Nullable<BigInt>>(&format!(
        "(SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
          WHERE locktype = 'advisory' AND classid::bigint >> 16 = {WRITER_KEYS}
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )))
    .get_result(postgres)?;
    let oldest_ms = oldest.map_or(now, |oldest| oldest.min(now));
    Ok(Some(Settled { oldest_ms, now_ms }))
}

/// The time by the database's clock, in milliseconds since the Unix epoch. `None` as in
/// [`register_writer`].
pub fn clock_ms(connection: &mut Connection) -> Result<Option<i64>, QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(None) };
    Ok(Some(diesel::select(sql::<BigInt>(NOW_MS)).get_result(postgres)?))
}

pub(in crate::db) type ReviewCondition =
    Box<dyn BoxableExpression<review::table, MultiBackend, SqlType = Bool>>;

/// That a review lies in one of these buckets.
pub(in crate::db) fn in_buckets(connection: &Connection, owned: &OwnedBuckets) -> ReviewCondition {
    match connection {
        // Not by the index of buckets: most reviews of the database do lie in them.
        Connection::Sqlite(_) => Box::new(sql::<SmallInt>("+review.bucket").eq_any(numbers(owned))),
        Connection::Postgres(_) if owned.routed_by_engine => {
            Box::new(review::bucket.eq_any(numbers(owned)))
        }
        Connection::Postgres(_) => {
            let is_one = review::bucket.eq_any(numbers(owned));
            Box::new(case_when(is_one, true.into_sql::<Bool>()).otherwise(false.into_sql::<Bool>()))
        }
    }
}

/// The same, of reviews of a product whose home buckets these are: hardly any lie elsewhere.
/// `None`: the caller is to look where each lies.
///
/// Both planners think that few rows do, and would search by bucket and sort, or read all of a
/// product's reviews for one page. But its range of the table is in order already. So the condition
/// is hidden from PostgreSQL; SQLite would also make a table of the list, at each page.
pub(in crate::db) fn in_home_buckets(
    connection: &Connection,
    owned: &OwnedBuckets,
) -> Option<ReviewCondition> {
    match connection {
        Connection::Sqlite(_) => None,
        Connection::Postgres(_) => Some(in_buckets(connection, owned)),
    }
}

fn numbers(owned: &OwnedBuckets) -> Vec<i16> {
    owned.buckets.iter().map(|bucket| bucket.number()).collect()
}

/// The condition `sql`, which only few rows meet. SQLite, which does not count how many, would
/// otherwise read all of a product's reviews for its few with two stars.
pub(in crate::db) fn unlikely(connection: &Connection, condition: &str) -> ReviewCondition {
    match connection {
        Connection::Sqlite(_) => Box::new(sql::<Bool>(&format!("unlikely({condition})"))),
        Connection::Postgres(_) => Box::new(sql::<Bool>(condition)),
    }
}

/// That a review's title, body or author's name may hold `word`, which is folded: true of each that
/// does, and of all with other letters than ASCII, whose cases and accents engines see in ways of
/// their own.
pub(in crate::db) fn text_may_match(connection: &Connection, word: &str) -> ReviewCondition {
    // The C collation knows the cases of ASCII letters alone, as SQLite does.
    let (like, collation, chars) = match connection {
        Connection::Sqlite(_) => ("LIKE", "", "length"),
        Connection::Postgres(_) => ("ILIKE", "COLLATE \"C\"", "char_length"),
    };
    let has_others = ["body", "title", "author_name"]
        .map(|column| format!("octet_length({column}) <> {chars}({column})"))
        .join(" OR ");
    if !word.is_ascii() {
        return Box::new(sql::<Bool>(&format!("({has_others})")));
    }
    let pattern = format!("%{}%", escape_like(word));
    let condition = sql::<Bool>(&format!("({has_others} OR body {collation} {like} "))
        .bind::<Text, _>(pattern.clone())
        .sql(&format!(" ESCAPE '\\' OR title {collation} {like} "))
        .bind::<Text, _>(pattern.clone())
        .sql(&format!(" ESCAPE '\\' OR author_name {collation} {like} "))
        .bind::<Text, _>(pattern)
        .sql(" ESCAPE '\\')");
    Box::new(condition)
}

/// A text in which `LIKE … ESCAPE '\'` sees no wildcards.
pub(in crate::db) fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Makes the next id of a table whose ids the engine gives one that is free, after rows were added
/// under ids of their own. SQLite looks for itself.
pub(in crate::db) fn reset_sequence(connection: &mut Connection, table: &str) -> QueryResult<()> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    postgres.batch_execute(&format!(
        "SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
    ))
}

/// The last id that the engine gave in a table, whether or not its row is still there.
pub(in crate::db) fn last_id(connection: &mut Connection, table: &str) -> QueryResult<i64> {
    let given = match connection {
        Connection::Sqlite(_) => format!("SELECT seq FROM sqlite_sequence WHERE name = '{table}'"),
        Connection::Postgres(_) => {
            format!(
                "SELECT pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id')::regclass)"
            )
        }
    };
    let used = format!("SELECT max(id) FROM {table}");
    let ids: (Option<i64>, Option<i64>) = diesel::select((
        sql::<Nullable<BigInt>>(&format!("({given})")),
        sql::<Nullable<BigInt>>(&format!("({used})")),
    ))
    .get_result(connection)?;
    Ok(ids.0.max(ids.1).unwrap_or_default())
}

/// Makes the next id of a table one after `last`. Where SQLite never gives an id twice it keeps
/// count of them; elsewhere the rows tell.
pub(in crate::db) fn set_sequence(
    connection: &mut Connection,
    table: &str,
    last: i64,
) -> QueryResult<()> {
    let statements = match connection {
        _ if last == 0 => return Ok(()),
        Connection::Sqlite(_) => format!(
            "DELETE FROM sqlite_sequence WHERE name = '{table}';
             INSERT INTO sqlite_sequence (name, seq)
                 SELECT name, {last} FROM sqlite_schema
                 WHERE name = '{table}' AND sql LIKE '%AUTOINCREMENT%';"
        ),
        Connection::Postgres(_) => {
            format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})")
        }
    };
    connection.batch_execute(&statements)
}

/// Lets PostgreSQL know what a table holds that was filled just now: until it has found that out
/// by itself, it guesses. SQLite's plans are made without.
pub(in crate::db) fn analyze(connection: &mut Connection, table: &str) -> QueryResult<()> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    postgres.batch_execute(&format!("ANALYZE {table}"))
}

/// Writes 1 MB, which needs new pages, and leaves nothing behind: fails where the disk is full. Of a
/// file it writes a page to the log: how much room there is, its file system tells. Of a Citus cluster
/// it is only the coordinator's room.
pub(in crate::db) fn probe_room(connection: &mut Connection) -> Result<(), QueryError> {
    if let Connection::Sqlite(_) = connection {
        return cluster::touch(connection);
    }
    for statement in [
        // Where the tables are, too.
        "SET LOCAL temp_tablespaces = ''",
        "CREATE TEMPORARY TABLE new_pages (filler TEXT) ON COMMIT DROP",
        "INSERT INTO new_pages SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
    ] {
        connection.batch_execute(statement)?;
    }
    Ok(())
}

/// Bytes that the database takes; of a SQLite file without what is still in its log.
pub(in crate::db) fn size(connection: &mut Connection) -> QueryResult<i64> {
    if citus::is_installed(connection)? {
        return citus::size(connection);
    }
    let size = match connection {
        Connection::Sqlite(_) => {
            "(SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
        }
        Connection::Postgres(_) => "pg_database_size(current_database())",
    };
    diesel::select(sql::<BigInt>(size)).get_result(connection)
}

/// See [`crate::db::Database::data_version`].
pub(in crate::db) fn data_version(connection: &mut Connection) -> QueryResult<i64> {
    let version = sql::<BigInt>("(SELECT data_version FROM pragma_data_version)");
    KeepPrepared(diesel::select(version)).get_result(connection)
}

/// What the engine itself finds wrong with what it stores, line by line. PostgreSQL has no such
/// question without extensions: it checks pages as it reads them, if its data checksums are on.
pub(in crate::db) fn integrity_errors(connection: &mut Connection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        quick_check: String,
    }
    let Connection::Sqlite(sqlite) = connection else { return Ok(Vec::new()) };
    let lines: Vec<Line> = diesel::sql_query("PRAGMA quick_check").load(sqlite)?;
    Ok(lines.into_iter().map(|line| line.quick_check).filter(|line| line != "ok").collect())
}

pub(in crate::db) fn has_table(connection: &mut Connection, table: &str) -> QueryResult<bool> {
    let exists = match connection {
        Connection::Sqlite(_) => {
            format!("EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '{table}')")
        }
        Connection::Postgres(_) => format!("to_regclass('{table}') IS NOT NULL"),
    };
    diesel::select(sql::<Bool>(&exists)).get_result(connection)
}

/// How the database stores texts (`UTF8`, `LATIN1` …), and the language of the server's messages
/// (`en_US.UTF-8` …). `None`: SQLite, whose texts are what the program stores.
pub fn encoding(connection: &mut Connection) -> Result<Option<(String, String)>, QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(None) };
    let setting = |name| sql::<Text>(&format!("current_setting('{name}')"));
    let settings = (setting("server_encoding"), setting("lc_messages"));
    Ok(Some(diesel::select(settings).get_result(postgres)?))
}

/// Lets the queries of this transaction take as long as they need.
pub fn without_time_limit(connection: &mut Connection) -> Result<(), QueryError> {
    match connection {
        Connection::Sqlite(_) => TimeLimit::lift(),
        Connection::Postgres(postgres) => {
            postgres.batch_execute("SET LOCAL statement_timeout = 0")?;
        }
    }
    Ok(())
}
