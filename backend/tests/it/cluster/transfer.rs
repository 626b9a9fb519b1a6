//! Moving a cluster to other databases: SQLite files, a real PostgreSQL server and Citus.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use ostrakon::db::Address;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::TestResponse;
use crate::support::cli::{ServerProcess, fails};
use crate::support::cluster::{TestCluster, open};
use crate::support::engine::Engine;
use crate::support::postgres::Postgres;

mod refusals;
mod round_trip;
mod under_load;

const DATABASES: [&str; 4] = ["default", "reviews-1", "reviews-2", "reviews-3"];

/// The configuration file of a cluster, and where its databases are.
struct Deployment {
    folder: PathBuf,
    config: String,
    addresses: BTreeMap<&'static str, String>,
    /// Keeps its databases on the shared server.
    _shared: Option<TestCluster>,
}

impl Deployment {
    fn new(folder: &Path, name: &str, lines: &str, address: impl Fn(&str) -> String) -> Deployment {
        let config = format!("{name}.toml");
        let limits =
            "reviews_per_minute = 0\nregistrations_per_hour = 0\nsign_ins_per_minute = 0\n";
        let text = format!("listen = '127.0.0.1:0'\nlock_timeout_ms = 20000\n{limits}{lines}");
        std::fs::write(folder.join(&config), text).unwrap();
        let addresses = DATABASES.map(|database| (database, address(database))).into();
        Deployment { folder: folder.to_owned(), config, addresses, _shared: None }
    }

    fn sqlite(folder: &Path, name: &str) -> Deployment {
        Deployment::new(folder, name, &format!("data_dir = '{name}'\n"), |database| {
            folder.join(name).join(format!("{database}.sqlite3")).to_str().unwrap().to_owned()
        })
    }

    fn postgres(folder: &Path, server: &Postgres, name: &str) -> Deployment {
        let address =
            |database: &str| server.url(&format!("{name}_{}", database.replace('-', "_")));
        let mut root = PgConnection::establish(&server.url("ostrakon")).unwrap();
        let mut lines = format!("default_url = '{}'\nreviews_urls = [", address("default"));
        for database in DATABASES {
            let name = format!("{name}_{}", database.replace('-', "_"));
            // Sorts texts in another order than SQLite.
            let create = format!(
                "CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"
            );
            root.batch_execute(&create).unwrap();
            if database != "default" {
                write!(lines, "'{}',", address(database)).unwrap();
            }
        }
        Deployment::new(folder, name, &(lines + "]\n"), address)
    }

    /// Its reviews are distributed by their engine; products and accounts are in a file.
    fn citus(folder: &Path, name: &str) -> Deployment {
        let _on = Engine::Citus.enter();
        let shared = TestCluster::new();
        let file = folder.join(name).join("default.sqlite3");
        let address = |database: &str| match shared.address(database) {
            Address::Postgres(url) if database != "default" => url,
            _ => file.to_str().unwrap().to_owned(),
        };
        let urls: Vec<String> = DATABASES[1..].iter().map(|database| address(database)).collect();
        let lines = format!("data_dir = '{name}'\nreviews_urls = {urls:?}\n");
        let cluster = Deployment::new(folder, name, &lines, address);
        Deployment { _shared: Some(shared), ..cluster }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ostrakon"));
        command.current_dir(&self.folder).args(["--config", &self.config]).args(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OSTRAKON_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The lines of a transfer that ends with this code.
    #[track_caller]
    fn transfer_fails(&self, to: &Deployment, code: i32) -> String {
        let output = self.run(&["transfer", "--to", &to.config]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    #[track_caller]
    fn transfer(&self, to: &Deployment) {
        let said = self.succeeds(&["transfer", "--to", &to.config]);
        assert_eq!(said.lines().count(), 3, "{said}");
        assert!(said.contains("compared on both sides"), "{said}");
    }

    /// Migrated, with products 1 and 2.
    fn small(self) -> Deployment {
        self.succeeds(&["migrate"]);
        let products = "INSERT INTO product (id, name, search_text)
                        VALUES (1, 'One', 'one'), (2, 'Two', 'two')";
        self.execute("default", products);
        self
    }

    fn serve(&self) -> Server {
        Server(ServerProcess::spawn(self.command(&["serve"])))
    }

    fn execute(&self, database: &str, statements: &str) {
        let address = &self.addresses[database];
        if address.starts_with("postgres:") {
            PgConnection::establish(address).unwrap().batch_execute(statements).unwrap();
        } else {
            open(Path::new(address)).batch_execute(statements).unwrap();
        }
    }

    /// The texts of a query's only column, which is called `line`; an error where it can't run.
    fn lines(&self, database: &str, query: &str) -> Result<Vec<String>, String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            line: String,
        }
        let address = &self.addresses[database];
        let query = diesel::sql_query(query);
        let rows: QueryResult<Vec<Row>> = if address.starts_with("postgres:") {
            query.load(&mut PgConnection::establish(address).map_err(|e| e.to_string())?)
        } else if !Path::new(address).exists() {
            return Err(format!("no {address}"));
        } else {
            query.load(&mut open(Path::new(address)))
        };
        let rows = rows.map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|row| row.line).collect())
    }

    /// Every row of every table of a SQLite database, also those that count ids; but not the number
    /// that another change of owners has changed, no tasks, which have all ended, and no processes.
    fn dump(&self, database: &str) -> BTreeMap<String, Vec<String>> {
        let tables = "SELECT name AS line FROM sqlite_schema WHERE type = 'table'";
        let tables = self.lines(database, tables).unwrap().into_iter();
        tables
            .filter(|table| {
                let other = [
                    "__diesel_schema_migrations",
                    "transfer_source",
                    "owner_version",
                    "backfill",
                    "process",
                ];
                !other.contains(&&**table)
            })
            .map(|table| {
                let columns = format!("SELECT name AS line FROM pragma_table_info('{table}')");
                let columns = self.lines(database, &columns).unwrap();
                assert!(!columns.is_empty());
                let quoted: Vec<_> = columns.iter().map(|c| format!("quote(\"{c}\")")).collect();
                let query = format!(
                    "SELECT {} AS line FROM \"{table}\" ORDER BY line",
                    quoted.join(" || ',' || ")
                );
                let rows = self.lines(database, &query).unwrap();
                (table, rows)
            })
            .collect()
    }

    /// Compares all tables; returns how many rows each has.
    #[track_caller]
    fn same_rows(&self, other: &Deployment) -> BTreeMap<String, usize> {
        let mut rows = BTreeMap::new();
        for database in DATABASES {
            let [mine, others] = [self, other].map(|cluster| cluster.dump(database));
            assert!(mine.keys().eq(others.keys()), "{database}");
            for (table, lines) in mine {
                assert!(lines == others[&table], "{database}: {table}");
                *rows.entry(table).or_default() += lines.len();
            }
        }
        rows
    }

    fn reviews(&self, database: &str) -> Result<usize, String> {
        let query = "SELECT CAST(count(*) AS TEXT) AS line FROM review";
        Ok(self.lines(database, query)?[0].parse().unwrap())
    }

    /// Keeps other processes from writing reviews, and from making them read-only, until it is dropped.
    fn lock(&self, database: &str) -> Box<dyn Any> {
        let address = &self.addresses[database];
        if address.starts_with("postgres:") {
            let mut postgres = PgConnection::establish(address).unwrap();
            postgres.batch_execute("BEGIN; LOCK TABLE review IN SHARE MODE").unwrap();
            return Box::new(postgres);
        }
        let mut sqlite = open(Path::new(address));
        sqlite.batch_execute("BEGIN IMMEDIATE").unwrap();
        Box::new(sqlite)
    }

    /// Whether a transfer has made its reviews read-only.
    fn is_read_only(&self, database: &str) -> bool {
        let triggers = if self.addresses[database].starts_with("postgres:") {
            "SELECT tgname::text AS line FROM pg_trigger WHERE tgname = 'transfer_guard'
                 AND tgrelid = 'review'::regclass"
        } else {
            "SELECT name AS line FROM sqlite_schema WHERE type = 'trigger'
                 AND tbl_name = 'review' AND name LIKE 'transfer_guard%'"
        };
        !self.lines(database, triggers).unwrap().is_empty()
    }

    fn all_reviews(&self) -> usize {
        DATABASES[1..].iter().map(|database| self.reviews(database).unwrap()).sum()
    }

    /// No command accepts it as a cluster.
    #[track_caller]
    fn is_no_cluster(&self) {
        for command in ["serve", "migrate"] {
            let said = fails(self.command(&[command]), 2);
            assert!(said.contains("only partly filled by `ostrakon transfer`"), "{said}");
        }
    }
}

struct Server(ServerProcess);

type Headers<'a> = &'a [(&'a str, &'a str)];

impl Server {
    fn send(
        &self,
        method: Method,
        path: &str,
        headers: Headers,
        body: Option<&Value>,
    ) -> TestResponse {
        self.0.send(method, path, headers, body)
    }

    fn post(&self, path: &str, headers: Headers, body: &Value) -> TestResponse {
        self.send(Method::POST, path, headers, Some(body))
    }

    #[track_caller]
    fn made(&self, path: &str, headers: Headers, body: &Value) -> Value {
        let response = self.post(path, headers, body);
        assert!(response.status.is_success(), "{path}: {response:?}");
        response.json()
    }

    #[track_caller]
    fn read(&self, path: &str, headers: Headers) -> Value {
        let response = self.send(Method::GET, path, headers, None);
        assert_eq!(response.status, 200, "{path}: {response:?}");
        response.json()
    }

    #[track_caller]
    fn refuses(&self, method: Method, path: &str, headers: Headers, body: &Value) {
        let response = self.send(method, path, headers, Some(body));
        assert_eq!(response.problem(503), "database_unavailable");
        assert_eq!(response.header("retry-after"), "2");
        assert!(response.json()["detail"].as_str().unwrap().contains("is read-only"));
    }
}

const REVIEWS: &str = "/api/products/1/reviews";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// An account that acts in the tests, by its token or its session.
struct Member {
    authorization: String,
    cookie: String,
}

impl Member {
    fn register(server: &Server, name: &str) -> Member {
        let credentials = json!({"name": name, "password": "a long sentence"});
        let registered = server.post("/api/accounts", &[], &credentials);
        assert_eq!(registered.status, 201, "{registered:?}");
        Member::with_session(server, &registered, Role::Member)
    }

    fn with_session(server: &Server, response: &TestResponse, role: Role) -> Member {
        let cookie = response.header("set-cookie").split(';').next().unwrap().to_owned();
        let token = match role {
            Role::Admin => {
                json!({"name": "a script", "scopes": ["read", "write", "moderate", "admin"]})
            }
            _ => json!({"name": "a script"}),
        };
        let token = server.made("/api/accounts/me/tokens", &[("cookie", &cookie)], &token);
        Member { authorization: format!("Bearer {}", text(&token["secret"])), cookie }
    }

    fn token(&self) -> [(&str, &str); 1] {
        [("authorization", &self.authorization)]
    }
}
