//! A test's own databases, and what can happen to them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
use ostrakon::config::Config;
use ostrakon::db::{Address, ReadPreference, Settings};
use ostrakon::http::{RateLimits, TrustedProxies};
use ostrakon::store::{Clock, SetupError};
use tempfile::TempDir;

use crate::support::engine::{Engine, engine};
use crate::support::postgres::SharedServer;

/// The folder of the files: the program's default.
const DATA: &str = "data";

/// A folder and, on PostgreSQL, databases of its own. They are deleted when it is dropped.
pub struct TestCluster {
    folder: TempDir,
    engine: Engine,
    /// Options of `CREATE DATABASE`, if any.
    options: Option<String>,
    /// Where the test has placed databases itself.
    placed: RefCell<BTreeMap<String, Address>>,
    /// The names of its databases on the server.
    names: RefCell<BTreeMap<String, String>>,
    /// Those of them that were dropped.
    dropped: RefCell<BTreeSet<String>>,
}

impl TestCluster {
    /// On the engine of this thread's test.
    pub fn new() -> TestCluster {
        TestCluster {
            folder: tempfile::tempdir().unwrap(),
            engine: engine(),
            options: None,
            placed: RefCell::default(),
            names: RefCell::default(),
            dropped: RefCell::default(),
        }
    }

    /// On PostgreSQL, with databases that are created with these options.
    pub fn with_create_options(options: &str) -> TestCluster {
        let mut cluster = TestCluster::new();
        cluster.options = Some(options.to_owned());
        cluster
    }

    /// Places a database on a server of the test's own.
    pub fn place(&self, database: &str, url: &str) {
        self.placed.borrow_mut().insert(database.to_owned(), url.parse().unwrap());
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A configuration with this number of reviews databases. On PostgreSQL they exist, but are empty.
    pub fn config(&self, databases: u16) -> Config {
        let reviews: Vec<_> = (1..=databases).map(|number| format!("reviews-{number}")).collect();
        let address = |database: &str| {
            let placed = self.placed.borrow().get(database).cloned();
            placed.or_else(|| {
                let server = self.engine.server()?;
                let dropped = self.dropped.borrow().contains(database);
                if dropped {
                    self.create(server, database);
                }
                Some(self.address(database))
            })
        };
        Config {
            file: None,
            data_dir: self.folder().join(DATA),
            listen: ([127, 0, 0, 1], 0).into(),
            reviews_databases: databases,
            spread: None,
            app_dir: self.folder().join("no-app"),
            default_url: address("default"),
            reviews_urls: reviews
                .iter()
                .filter_map(|it| Some((it.clone(), address(it)?)))
                .collect(),
            replicas: BTreeMap::new(),
            reads: ReadPreference::Primary,
            max_replica_lag_ms: 1_000,
            connections: Settings {
                read_connections: 4,
                write_connections: 4,
                checkout_timeout_ms: 20_000,
                lock_timeout_ms: 20_000,
                statement_timeout_ms: 20_000,
            },
            guest_reviews: true,
            pre_moderation: false,
            trusted_proxies: TrustedProxies::default(),
            public_url: None,
            rate_limits: RateLimits {
                sign_ins_per_minute: 0,
                registrations_per_hour: 0,
                reviews_per_minute: 0,
            },
            secret_key_file: None,
            request_timeout_ms: 20_000,
            keep_alive_ms: 20_000,
            cache_mib: 8,
            audit_days: 365,
            log: String::new(),
            warnings: Vec::new(),
            clock: Clock::default(),
        }
    }

    /// A database's file on SQLite.
    pub fn file(&self, database: &str) -> PathBuf {
        self.folder().join(DATA).join(format!("{database}.sqlite3"))
    }

    /// The address of a database.
    pub fn address(&self, database: &str) -> Address {
        if let Some(placed) = self.placed.borrow().get(database) {
            return placed.clone();
        }
        match self.engine.server() {
            None => Address::Sqlite(self.file(database)),
            Some(server) => Address::Postgres(server.url(&self.name(server, database))),
        }
    }

    /// The name of a database on the server.
    fn name(&self, server: &SharedServer, database: &str) -> String {
        let mut names = self.names.borrow_mut();
        let take = || match &self.options {
            Some(options) => server.create_with_options(options),
            None => server.acquire_database(),
        };
        names.entry(database.to_owned()).or_insert_with(take).clone()
    }

    fn create(&self, server: &SharedServer, database: &str) {
        server.create(&self.name(server, database));
        self.dropped.borrow_mut().remove(database);
    }

    /// Drops a database, even while it is in use.
    pub fn drop_database(&self, database: &str) {
        match self.engine.server() {
            None => {
                for suffix in ["", "-wal", "-shm"] {
                    std::fs::remove_file(with_suffix(self.file(database), suffix)).ok();
                }
            }
            Some(server) => {
                server.drop_database(&self.name(server, database));
                self.dropped.borrow_mut().insert(database.to_owned());
            }
        }
    }

    /// Overwrites the file of a database, also for processes that have it open; on a server, drops it.
    pub fn corrupt(&self, database: &str) {
        if self.engine != Engine::Sqlite {
            return self.drop_database(database);
        }
        for suffix in ["-wal", "-shm"] {
            std::fs::remove_file(with_suffix(self.file(database), suffix)).ok();
        }
        // Overwritten, not removed: a removed file still exists for processes that have it open.
        std::fs::write(self.file(database), "this is no database ".repeat(1000)).unwrap();
    }

    /// The problem of requests that need a corrupt database: one that is missing may come back, a
    /// damaged file stays damaged.
    pub fn corrupt_problem(&self) -> (u16, &'static str) {
        match self.engine {
            Engine::Sqlite => (500, "internal"),
            Engine::Postgres | Engine::Citus => (503, "database_unavailable"),
        }
    }

    /// Replaces a database with an empty one.
    pub fn recreate_empty(&self, database: &str) {
        self.drop_database(database);
        match self.engine.server() {
            None => std::fs::write(self.file(database), "").unwrap(),
            Some(server) => self.create(server, database),
        }
    }

    /// Replaces a database with a copy of another one, which must not be in use.
    pub fn replace_with_copy(&self, database: &str, other: &TestCluster, others: &str) {
        self.drop_database(database);
        match self.engine.server() {
            None => {
                std::fs::copy(other.file(others), self.file(database)).unwrap();
            }
            Some(server) => {
                server.copy(&other.name(server, others), &self.name(server, database));
                self.dropped.borrow_mut().remove(database);
            }
        }
    }

    /// Runs SQL on a database, as an operator could.
    pub fn try_sql(&self, database: &str, statements: &str) -> QueryResult<()> {
        match self.address(database) {
            Address::Sqlite(file) => open(&file).batch_execute(statements),
            Address::Postgres(url) => connect(&url).batch_execute(statements),
        }
    }

    #[track_caller]
    pub fn sql(&self, database: &str, statements: &str) {
        self.try_sql(database, statements).unwrap();
    }

    /// Holds a file's write lock until the connection is dropped.
    pub fn lock_file(&self, database: &str) -> SqliteConnection {
        let mut holder = open(&self.file(database));
        holder.batch_execute("BEGIN IMMEDIATE").unwrap();
        holder
    }

    /// Runs SQL without checking foreign keys.
    pub fn sql_without_foreign_keys(&self, database: &str, statements: &str) {
        let without = match self.engine {
            Engine::Sqlite => "PRAGMA foreign_keys = OFF",
            Engine::Postgres | Engine::Citus => "SET session_replication_role = replica",
        };
        if self.engine == Engine::Citus {
            // Workers check them in spite of the coordinator's setting.
            let key = "idempotency_key_bucket_review_id_fkey";
            self.sql(database, &format!("ALTER TABLE idempotency_key DROP CONSTRAINT {key}"));
        }
        self.sql(database, &format!("{without}; {statements}"));
    }

    /// The result of a query for one number.
    pub fn query_number(&self, database: &str, query: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            value: i64,
        }
        let query = format!("SELECT ({query}) AS value");
        match self.address(database) {
            Address::Sqlite(file) => {
                diesel::sql_query(query).get_result::<Row>(&mut open(&file)).unwrap().value
            }
            Address::Postgres(url) => {
                diesel::sql_query(query).get_result::<Row>(&mut connect(&url)).unwrap().value
            }
        }
    }

    /// The results of a query whose only column is the text `value`.
    pub fn query_texts(&self, database: &str, query: &str) -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            value: String,
        }
        let rows: Vec<Row> = match self.address(database) {
            Address::Sqlite(file) => diesel::sql_query(query).load(&mut open(&file)).unwrap(),
            Address::Postgres(url) => diesel::sql_query(query).load(&mut connect(&url)).unwrap(),
        };
        rows.into_iter().map(|row| row.value).collect()
    }

    /// Copies the rows of some tables that meet a condition from a database to another.
    pub fn copy_rows(&self, from: &str, to: &str, tables: &[&str], condition: &str) {
        if self.engine == Engine::Sqlite {
            let copies: String = tables
                .iter()
                .map(|table| {
                    format!("INSERT INTO {table} SELECT * FROM source.{table} WHERE {condition};")
                })
                .collect();
            self.sql(to, &format!("ATTACH '{}' AS source; {copies}", self.file(from).display()));
            return;
        }
        for table in tables {
            let rows = format!(
                "SELECT coalesce(json_agg(t), '[]')::text AS value
                 FROM (SELECT * FROM {table} WHERE {condition}) AS t"
            );
            let rows = self.query_texts(from, &rows)[0].replace('\'', "''");
            let copy = format!("SELECT * FROM json_populate_recordset(NULL::{table}, '{rows}')");
            self.sql(to, &format!("INSERT INTO {table} {copy}"));
        }
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        let Some(server) = self.engine.server() else { return };
        let dropped = self.dropped.borrow();
        for (database, name) in self.names.borrow().iter() {
            if dropped.contains(database) {
                continue;
            }
            match self.options {
                Some(_) => server.drop_database(name),
                None => server.release_database(name),
            }
        }
    }
}

/// Migrates the databases that `config` names.
pub fn migrate(config: &Config) -> Result<(), SetupError> {
    config.databases()?.migrate(None, &mut drop)
}

pub fn with_suffix(path: PathBuf, suffix: &str) -> PathBuf {
    let mut path = path.into_os_string();
    path.push(suffix);
    path.into()
}

/// Opens a file with a busy timeout, because the program writes in the background.
pub fn open(file: &Path) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 20000").unwrap();
    connection
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap()
}
