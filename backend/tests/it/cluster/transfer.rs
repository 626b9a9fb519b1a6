//! Moving a cluster to other databases: SQLite files, a real PostgreSQL server and Citus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use ostrakon::db::Address;

use crate::support::app::Answer;
use crate::support::cli::{Serving, fails};
use crate::support::engine::Engine;
use crate::support::place::{Place, open};
use crate::support::postgres::{Postgres, shared};

const DATABASES: [&str; 4] = ["default", "reviews-1", "reviews-2", "reviews-3"];

/// The configuration file of a cluster, and where its databases are.
struct Cluster {
    folder: PathBuf,
    config: String,
    places: BTreeMap<&'static str, String>,
    /// Keeps the databases that the tests share a server for.
    _shared: Option<Place>,
}

impl Cluster {
    fn new(folder: &Path, name: &str, lines: &str, place: impl Fn(&str) -> String) -> Cluster {
        let config = format!("{name}.toml");
        let limits =
            "reviews_per_minute = 0\nregistrations_per_hour = 0\nsign_ins_per_minute = 0\n";
        let text = format!("listen = '127.0.0.1:0'\nlock_timeout_ms = 20000\n{limits}{lines}");
        std::fs::write(folder.join(&config), text).unwrap();
        let places = DATABASES.map(|database| (database, place(database))).into();
        Cluster { folder: folder.to_owned(), config, places, _shared: None }
    }

    fn sqlite(folder: &Path, name: &str) -> Cluster {
        Cluster::new(folder, name, &format!("data_dir = '{name}'\n"), |database| {
            folder.join(name).join(format!("{database}.sqlite3")).to_str().unwrap().to_owned()
        })
    }

    fn postgres(folder: &Path, server: &Postgres, name: &str) -> Cluster {
        let place = |database: &str| server.url(&format!("{name}_{}", database.replace('-', "_")));
        let mut root = PgConnection::establish(&server.url("ostrakon")).unwrap();
        let mut lines = format!("default_url = '{}'\nreviews_urls = [", place("default"));
        for database in DATABASES {
            let name = format!("{name}_{}", database.replace('-', "_"));
            // Another order than SQLite's.
            let create = format!(
                "CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'"
            );
            root.batch_execute(&create).unwrap();
            if database != "default" {
                write!(lines, "'{}',", place(database)).unwrap();
            }
        }
        Cluster::new(folder, name, &(lines + "]\n"), place)
    }

    /// Its reviews are distributed by their engine; products and accounts are in a file.
    fn citus(folder: &Path, name: &str) -> Cluster {
        let _on = Engine::Citus.enter();
        let shared = Place::new();
        let file = folder.join(name).join("default.sqlite3");
        let place = |database: &str| match shared.address(database) {
            Address::Postgres(url) if database != "default" => url,
            _ => file.to_str().unwrap().to_owned(),
        };
        let urls: Vec<String> = DATABASES[1..].iter().map(|database| place(database)).collect();
        let lines = format!("data_dir = '{name}'\nreviews_urls = {urls:?}\n");
        let cluster = Cluster::new(folder, name, &lines, place);
        Cluster { _shared: Some(shared), ..cluster }
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
    fn transfer_fails(&self, to: &Cluster, code: i32) -> String {
        let output = self.run(&["transfer", "--to", &to.config]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    #[track_caller]
    fn transfer(&self, to: &Cluster) {
        let said = self.succeeds(&["transfer", "--to", &to.config]);
        assert_eq!(said.lines().count(), 3, "{said}");
        assert!(said.contains("compared on both sides"), "{said}");
    }

    /// Migrated, with products 1 and 2.
    fn small(self) -> Cluster {
        self.succeeds(&["migrate"]);
        let products = "INSERT INTO product (id, name, search_text)
                        VALUES (1, 'One', 'one'), (2, 'Two', 'two')";
        self.execute("default", products);
        self
    }

    fn serve(&self) -> Server {
        Server(Serving::spawn(self.command(&["serve"])))
    }

    fn execute(&self, database: &str, statements: &str) {
        let place = &self.places[database];
        if place.starts_with("postgres:") {
            PgConnection::establish(place).unwrap().batch_execute(statements).unwrap();
        } else {
            open(Path::new(place)).batch_execute(statements).unwrap();
        }
    }

    /// The texts of a query's only column, which is called `line`; an error where it can't run.
    fn lines(&self, database: &str, query: &str) -> Result<Vec<String>, String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            line: String,
        }
        let place = &self.places[database];
        let query = diesel::sql_query(query);
        let rows: QueryResult<Vec<Row>> = if place.starts_with("postgres:") {
            query.load(&mut PgConnection::establish(place).map_err(|e| e.to_string())?)
        } else if !Path::new(place).exists() {
            return Err(format!("no {place}"));
        } else {
            query.load(&mut open(Path::new(place)))
        };
        let rows = rows.map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|row| row.line).collect())
    }

    /// Every row of every table of a SQLite database, also those that count ids; but not the number
    /// that another change of owners has changed, and no tasks, of which none is left.
    fn dump(&self, database: &str) -> BTreeMap<String, Vec<String>> {
        let tables = "SELECT name AS line FROM sqlite_schema WHERE type = 'table'";
        let tables = self.lines(database, tables).unwrap().into_iter();
        tables
            .filter(|table| {
                let other =
                    ["__diesel_schema_migrations", "transfer_source", "owner_version", "backfill"];
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
    fn same_rows(&self, other: &Cluster) -> BTreeMap<String, usize> {
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

    fn all_reviews(&self) -> usize {
        DATABASES[1..].iter().map(|database| self.reviews(database).unwrap()).sum()
    }

    /// No server takes it for a cluster, and nobody makes a new one of it.
    #[track_caller]
    fn is_no_cluster(&self) {
        for command in ["serve", "migrate"] {
            let said = fails(self.command(&[command]), 2);
            assert!(said.contains("only in part filled by `ostrakon transfer`"), "{said}");
        }
    }
}

struct Server(Serving);

type Headers<'a> = &'a [(&'a str, &'a str)];

impl Server {
    fn send(&self, method: Method, path: &str, headers: Headers, body: Option<&Value>) -> Answer {
        let url = format!("http://{}{path}", self.0.address);
        let mut request = reqwest::Client::new().request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        actix_web::rt::System::new().block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status(), response.headers().clone());
            Answer { status, headers, text: response.text().await.unwrap() }
        })
    }

    fn post(&self, path: &str, headers: Headers, body: &Value) -> Answer {
        self.send(Method::POST, path, headers, Some(body))
    }

    #[track_caller]
    fn made(&self, path: &str, headers: Headers, body: &Value) -> Value {
        let answer = self.post(path, headers, body);
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.json()
    }

    #[track_caller]
    fn read(&self, path: &str, headers: Headers) -> Value {
        let answer = self.send(Method::GET, path, headers, None);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    #[track_caller]
    fn refuses(&self, method: Method, path: &str, headers: Headers, body: &Value) {
        let answer = self.send(method, path, headers, Some(body));
        assert_eq!(answer.problem(503), "database_unavailable");
        assert_eq!(answer.header("retry-after"), "2");
        assert!(answer.json()["detail"].as_str().unwrap().contains("takes no changes"));
    }
}

const REVIEWS: &str = "/api/products/1/reviews";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Who does things in the tests: an `Authorization`.
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

    fn with_session(server: &Server, answer: &Answer, role: Role) -> Member {
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
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

/// Adds what the demo hasn't: all kinds of rows; returns a member and an admin.
fn use_it(server: &Server) -> (Member, Member) {
    let admin = json!({"name": "admin", "password": "admin"});
    let admin =
        Member::with_session(server, &server.post("/api/session", &[], &admin), Role::Admin);
    let member = Member::register(server, "Aspasia");
    for key in ["a", "B", "c-1", "c_1"] {
        server.made(
            REVIEWS,
            &[("idempotency-key", key)],
            &json!({"body": "ärgerlich 'quoted' 😀"}),
        );
    }
    let reviews: Vec<Value> = (1..=3)
        .map(|product| {
            let path = format!("/api/products/{product}/reviews");
            server.made(&path, &member.token(), &json!({"body": "mine", "rating": product}))
        })
        .collect();
    let at = |review: &Value| format!("/api/reviews/{}", text(&review["id"]));
    let changes = [("authorization", &*member.authorization), ("if-match", "\"1\"")];
    let edited =
        server.send(Method::PATCH, &at(&reviews[0]), &changes, Some(&json!({"title": "a"})));
    assert_eq!(edited.status, 200, "{edited:?}");
    assert!(server.send(Method::DELETE, &at(&reviews[1]), &changes, None).status.is_success());
    let report = json!({"reason": "other", "note": "not a pot"});
    for headers in [&[][..], &admin.token()] {
        let path = format!("{}/reports", at(&reviews[2]));
        let answer = server.post(&path, headers, &report);
        assert!(answer.status.is_success(), "{answer:?}");
    }
    let guest = server.made("/api/products/9/reviews", &[], &json!({"body": "buy gold"}));
    let decision = json!({"decision": "spam", "reason": "advertising", "note": "gold",
                          "reviews": [{"id": guest["id"], "version": 1}]});
    let decided = server.made("/api/moderation/decisions", &admin.token(), &decision);
    assert_eq!(decided["items"][0]["status"], "spam", "{decided}");
    // The newest session and the newest account's id, which must not be given again.
    let gone = Member::register(server, "Pericles");
    assert_eq!(
        server.send(Method::DELETE, "/api/session", &[("cookie", &gone.cookie)], None).status,
        204
    );
    (member, admin)
}

/// What a cluster answers, wherever its databases are.
fn answers(server: &Server, (member, admin): &(Member, Member)) -> Vec<(String, Value)> {
    let public = [
        "/api/products?limit=100",
        "/api/products/2000",
        "/api/products/1/rating",
        "/api/ratings?product_ids=1,2,3",
        "/api/products/1/reviews?limit=100",
        "/api/products/3/reviews?sort=highest&limit=50",
    ];
    let by_member = ["/api/accounts/me/reviews", "/api/accounts/me/tokens"];
    let by_admin = [
        "/api/admin/reviews?limit=100",
        "/api/admin/reviews?status=deleted",
        "/api/admin/reviews?status=spam",
        "/api/admin/accounts",
        "/api/admin/products?limit=100",
        "/api/moderation/queue",
    ];
    let read = |path: &str, headers: Headers| (path.to_owned(), server.read(path, headers));
    let mut answers: Vec<_> = public.iter().map(|path| read(path, &[])).collect();
    answers.push(read("/api/session", &[("cookie", &member.cookie)]));
    answers.extend(by_member.iter().map(|path| read(path, &[("cookie", &member.cookie)])));
    answers.extend(by_admin.iter().map(|path| read(path, &admin.token())));
    answers
}

#[test]
fn a_cluster_goes_to_postgres_and_back() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    goes_and_comes_back(folder.path(), &Cluster::postgres(folder.path(), &postgres, "second"));
}

#[test]
fn a_cluster_goes_to_citus_and_back() {
    if Engine::Citus.is_available() {
        let folder = tempfile::tempdir().unwrap();
        goes_and_comes_back(folder.path(), &Cluster::citus(folder.path(), "second"));
    }
}

fn goes_and_comes_back(folder: &Path, second: &Cluster) {
    let first = Cluster::sqlite(folder, "first");
    first.succeeds(&["migrate"]);
    first.succeeds(&["demo"]);
    let gap = "INSERT INTO product (id, name, search_text) VALUES (2000, 'Far', 'far')";
    first.execute("default", gap);
    let server = first.serve();
    let people = use_it(&server);
    first.succeeds(&["verify"]);
    // The use of a token is written down later than the answer to it.
    let own_tokens = || server.read("/api/accounts/me/tokens", &[("cookie", &people.0.cookie)]);
    while own_tokens()["items"][0]["last_used_at"].is_null() {
        std::thread::yield_now();
    }
    let before = answers(&server, &people);
    drop(server);

    let third = Cluster::sqlite(folder, "third");
    first.transfer(second);
    second.transfer(&third);
    // One without rows would tell nothing about its transfer.
    let filled = first.same_rows(&third);
    assert!(filled.values().all(|rows| *rows > 0), "{filled:?}");
    for cluster in [second, &third] {
        assert!(cluster.succeeds(&["verify"]).contains("all in their place"));
        assert_eq!(answers(&cluster.serve(), &people), before);
    }

    second.succeeds(&["transfer", "--abandon"]);
    for cluster in [second, &third] {
        let server = cluster.serve();
        let (member, admin) = &people;
        let product = server.made("/api/admin/products", &admin.token(), &json!({"name": "New"}));
        assert_eq!(product["id"], "2001", "{product}");
        Member::register(&server, "Socrates");
        let accounts = server.read("/api/admin/accounts", &admin.token());
        // After the demo's admin, Aspasia and Pericles.
        assert_eq!(accounts["items"][3]["id"], "4", "{accounts}");
        let again = json!({"body": "ärgerlich 'quoted' 😀"});
        let again = server.post(REVIEWS, &[("idempotency-key", "c_1")], &again);
        assert_eq!(again.header("idempotency-replayed"), "true", "{again:?}");
        let twice = server.post(REVIEWS, &member.token(), &json!({"body": "mine again"}));
        assert_eq!(twice.problem(409), "review_exists");
        let password = json!({"name": "aspasia", "password": "a long sentence"});
        server.made("/api/session", &[], &password);
        drop(server);
        assert!(cluster.succeeds(&["verify"]).contains("all in their place"));
    }
}

/// Writes to the source while it is transferred: what it acknowledges arrives, and then it takes
/// no more.
fn keeps_what_is_acknowledged(source: &Cluster, target: &Cluster) {
    let server = source.serve();
    let member = Member::register(&server, "Aspasia");
    let mine = server.made(REVIEWS, &member.token(), &json!({"body": "mine"}));
    let (sender, acknowledged) = mpsc::channel();
    let ids: Vec<String> = std::thread::scope(|threads| {
        for _ in 0..3 {
            let (server, sender) = (&server, sender.clone());
            threads.spawn(move || {
                loop {
                    let answer = server.post(REVIEWS, &[], &json!({"body": "quick", "rating": 3}));
                    if answer.status != 201 {
                        assert_eq!(answer.problem(503), "database_unavailable");
                        break;
                    }
                    sender.send(text(&answer.json()["id"]).to_owned()).unwrap();
                }
            });
        }
        drop(sender);
        let mut ids: Vec<_> = acknowledged.iter().take(20).collect();
        source.transfer(target);
        ids.extend(acknowledged.iter());
        ids
    });

    let body = json!({"body": "late"});
    let token = member.token();
    let change = [token[0], ("if-match", "\"1\"")];
    let at = format!("/api/reviews/{}", text(&mine["id"]));
    let credentials = json!({"name": "Aspasia", "password": "a long sentence"});
    let newcomer = json!({"name": "Pericles", "password": "a long sentence"});
    server.refuses(Method::POST, REVIEWS, &[], &body);
    server.refuses(Method::POST, "/api/products/2/reviews", &token, &body);
    server.refuses(Method::PATCH, &at, &change, &body);
    server.refuses(Method::POST, &format!("{at}/reports"), &[], &json!({"reason": "spam"}));
    server.refuses(Method::POST, "/api/session", &[], &credentials);
    server.refuses(Method::POST, "/api/accounts", &[], &newcomer);
    assert_eq!(server.read("/readyz", &[])["status"], "ok");
    assert_eq!(server.read(&at, &[])["body"], "mine");
    assert!(server.read(REVIEWS, &[])["items"].as_array().unwrap().len() > 10);
    drop(server);
    source.succeeds(&["verify"]);
    let said = source.run(&["demo"]);
    assert!(!said.status.success(), "{said:?}");

    assert_eq!(source.all_reviews(), ids.len() + 1);
    assert_eq!(target.all_reviews(), ids.len() + 1);
    let server = target.serve();
    for id in &ids {
        assert_eq!(server.read(&format!("/api/reviews/{id}"), &[])["body"], "quick");
    }
    server.made(REVIEWS, &[], &body);
    assert!(target.succeeds(&["verify"]).contains("all in their place"));
}

#[test]
fn what_a_busy_sqlite_server_acknowledges_arrives() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    let source = Cluster::sqlite(folder.path(), "source").small();
    let target = Cluster::postgres(folder.path(), &postgres, "target");
    keeps_what_is_acknowledged(&source, &target);
}

#[test]
fn what_a_busy_postgres_server_acknowledges_arrives() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    let source = Cluster::postgres(folder.path(), &postgres, "source").small();
    let target = Cluster::postgres(folder.path(), &postgres, "target");
    keeps_what_is_acknowledged(&source, &target);
}

#[test]
fn what_a_busy_citus_server_acknowledges_arrives() {
    if Engine::Citus.is_available() {
        let folder = tempfile::tempdir().unwrap();
        let source = Cluster::citus(folder.path(), "source").small();
        keeps_what_is_acknowledged(&source, &Cluster::citus(folder.path(), "target"));
    }
}

/// Kills a transfer when some reviews have arrived.
fn interrupt(source: &Cluster, target: &Cluster) {
    let mut command = source.command(&["transfer", "--to", &target.config]);
    let mut transfer = command.stdout(Stdio::null()).spawn().unwrap();
    while target.reviews("reviews-1").unwrap_or(0) == 0 {
        assert!(transfer.try_wait().unwrap().is_none(), "it has ended too early");
        std::thread::yield_now();
    }
    transfer.kill().unwrap();
    transfer.wait().unwrap();
    assert!(target.reviews("reviews-3").unwrap() < source.reviews("reviews-3").unwrap());
    target.is_no_cluster();
}

#[test]
fn an_interrupted_transfer_goes_on() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    let folder = folder.path();
    let source = Cluster::sqlite(folder, "source");
    source.succeeds(&["migrate"]);
    source.succeeds(&["demo"]);
    let server = source.serve();
    let postgres = Cluster::postgres(folder, &postgres, "target");
    interrupt(&source, &postgres);
    server.refuses(Method::POST, REVIEWS, &[], &json!({"body": "meanwhile"}));
    server.read(REVIEWS, &[]);
    source.transfer(&postgres);
    assert_eq!(postgres.all_reviews(), 5_000);
    let back = Cluster::sqlite(folder, "back");
    interrupt(&postgres, &back);
    postgres.transfer(&back);
    source.same_rows(&back);
    assert!(back.succeeds(&["verify"]).contains("all in their place"));
    let said = source.transfer_fails(&postgres, 2);
    assert!(said.starts_with("error: default (") && said.contains("holds this cluster already"));
}

/// A transfer that stops when its first row is to be copied.
fn stop_early(source: &Cluster, server: &Server, target: &Cluster) {
    let obstacle = format!("{}-migrate", target.places["reviews-3"]);
    std::fs::create_dir_all(&obstacle).unwrap();
    source.transfer_fails(target, 2);
    std::fs::remove_dir(obstacle).unwrap();
    target.is_no_cluster();
    // The source is as before.
    server.made(REVIEWS, &[], &json!({"body": "text"}));

    let obstacle = "CREATE TRIGGER obstacle BEFORE INSERT ON product
                    BEGIN SELECT RAISE(ABORT, 'no'); END";
    target.execute("default", obstacle);
    let said = source.transfer_fails(target, 1);
    assert!(said.contains("run it again to go on"), "{said}");
    target.is_no_cluster();
    target.execute("default", "DROP TRIGGER obstacle");
}

#[test]
fn a_target_that_differs_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let source = Cluster::sqlite(folder.path(), "source").small();
    let server = source.serve();
    for _ in 0..8 {
        server.made(REVIEWS, &[], &json!({"body": "text"}));
    }
    let target = Cluster::sqlite(folder.path(), "target");
    stop_early(&source, &server, &target);
    let other = "INSERT INTO product (id, name, search_text) VALUES (1, 'Another', 'one')";
    target.execute("default", other);
    let said = source.transfer_fails(&target, 1);
    assert!(said.starts_with("default: product: other rows in the target\n"), "{said}");
    target.is_no_cluster();
    let added = "INSERT INTO product_rating (bucket, product_id) VALUES (7, 99)";
    target.execute("default", "UPDATE product SET name = 'One' WHERE id = 1");
    target.execute("reviews-1", added);
    let said = source.transfer_fails(&target, 1);
    let line = "reviews-1: product_rating in bucket 7: 0 rows, but 1 in the target\n";
    assert!(said.starts_with(line), "{said}");
    target.is_no_cluster();
    target.execute("reviews-1", "DELETE FROM product_rating WHERE product_id = 99");
    source.transfer(&target);
    assert_eq!(target.all_reviews(), 8 + 1);
}

#[test]
fn a_transfer_can_be_abandoned() {
    let folder = tempfile::tempdir().unwrap();
    let source = Cluster::sqlite(folder.path(), "source").small();
    let target = Cluster::sqlite(folder.path(), "target");
    let server = source.serve();
    let body = json!({"body": "text"});
    server.made(REVIEWS, &[], &body);
    stop_early(&source, &server, &target);
    server.refuses(Method::POST, REVIEWS, &[], &body);
    source.succeeds(&["transfer", "--abandon"]);
    source.succeeds(&["transfer", "--abandon"]);
    server.made(REVIEWS, &[], &body);
    let said = source.transfer_fails(&target, 2);
    assert!(said.contains("filled in part by another transfer"), "{said}");
    server.made(REVIEWS, &[], &body);
    let next = Cluster::sqlite(folder.path(), "next");
    source.transfer(&next);
    assert_eq!(next.all_reviews(), 3 + 1);
    server.refuses(Method::POST, REVIEWS, &[], &body);
}

/// Somebody has written to a table of the source for longer than a transfer waits.
fn is_refused_while_a_table_is_held(source: &Cluster) {
    let folder = &source.folder;
    let server = source.serve();
    server.made(REVIEWS, &[], &json!({"body": "text"}));
    let mut holder = PgConnection::establish(&source.places["reviews-2"]).unwrap();
    let hold = "BEGIN; DELETE FROM report WHERE bucket = 400 AND review_id = 1 AND reader = 'x'";
    holder.batch_execute(hold).unwrap();
    let config = std::fs::read_to_string(folder.join(&source.config)).unwrap();
    let impatient = config.replace("lock_timeout_ms = 20000", "lock_timeout_ms = 500");
    std::fs::write(folder.join(&source.config), impatient).unwrap();
    let target = Cluster::sqlite(folder, "target");
    let said = source.transfer_fails(&target, 2);
    assert!(said.starts_with("error: reviews-2: "), "{said}");
    for product in [1, 2] {
        for _ in 0..8 {
            let path = format!("/api/products/{product}/reviews");
            server.made(&path, &[], &json!({"body": "text", "rating": 1}));
        }
    }
    Member::register(&server, "Aspasia");
    holder.batch_execute("ROLLBACK").unwrap();
    source.transfer(&target);
    assert_eq!(target.all_reviews(), 17);
    server.refuses(Method::POST, REVIEWS, &[], &json!({"body": "text"}));
}

#[test]
fn a_refused_transfer_leaves_no_table_of_postgres_read_only() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    let source = Cluster::postgres(folder.path(), &postgres, "source").small();
    is_refused_while_a_table_is_held(&source);
}

#[test]
fn a_refused_transfer_leaves_no_table_of_citus_read_only() {
    if Engine::Citus.is_available() {
        let folder = tempfile::tempdir().unwrap();
        is_refused_while_a_table_is_held(&Cluster::citus(folder.path(), "source").small());
    }
}

#[test]
fn a_database_that_can_t_store_every_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = Cluster::sqlite(folder.path(), "source").small();
    for (name, encoding) in [("narrow", "LATIN1"), ("unknown", "SQL_ASCII")] {
        let database = format!("{name}_{}", std::process::id());
        let create = format!("CREATE DATABASE {database} ENCODING {encoding} LOCALE 'C'");
        shared().administer(&format!("{create} TEMPLATE template0"));
        let url = shared().url(&database);
        let urls = format!(
            "data_dir = '{name}'\n
             reviews_urls = ['sqlite:{name}/1', '{url}', 'sqlite:{name}/3']"
        );
        let cluster = Cluster::new(folder.path(), name, &urls, |_| url.clone());
        let transfer = ["transfer", "--to", &cluster.config];
        let commands =
            [source.command(&transfer), cluster.command(&["migrate"]), cluster.command(&["serve"])];
        for (number, command) in commands.into_iter().enumerate() {
            let said = fails(command, 2);
            let expected = if number == 2 { "not migrated" } else { encoding };
            assert!(said.contains(expected), "{said}");
        }
        assert!(!folder.path().join(name).exists(), "something was made before");
        shared().drop_database(&database);
    }
    // Nothing has happened to the source.
    source.serve().made(REVIEWS, &[], &json!({"body": "text"}));
}

#[test]
fn what_can_t_be_transferred_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let source = Cluster::sqlite(folder, "source").small();
    let check = |to: &str, words: &str| {
        let said = fails(source.command(&["transfer", "--to", to]), 2);
        assert!(said.contains(words), "{said}");
    };
    let four = Cluster::new(folder, "four", "data_dir = 'four'\nreviews_databases = 4", |_| {
        folder.join("four").to_str().unwrap().to_owned()
    });
    check(&four.config, "has 3 reviews databases, but the target's configuration names 4");
    check("source.toml", "is also another database");
    check("none.toml", "none.toml");
    let urls =
        "default_url = 'sqlite:x/d'\nreviews_urls = ['sqlite:x/1', 'sqlite:x/2', 'sqlite:x/2']";
    check(
        &Cluster::new(folder, "twice", urls, |_| String::new()).config,
        "is also another database",
    );
    let full = Cluster::sqlite(folder, "full").small();
    check(&full.config, "is not empty");
    let free = Cluster::sqlite(folder, "free");
    let said = fails(free.command(&["transfer", "--to", "full.toml"]), 2);
    assert!(said.contains("is not migrated"), "{said}");
    fails(source.command(&["transfer", "--to", "free.toml", "--abandon"]), 2);
    fails(source.command(&["transfer"]), 2);
    for name in ["four", "x", "free"] {
        assert!(!folder.join(name).exists(), "{name}");
    }

    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')";
    source.execute("reviews-2", newer);
    check("free.toml", "has migrations that this program doesn't know");
    source
        .execute("reviews-2", "DELETE FROM __diesel_schema_migrations WHERE version LIKE '2099%'");
    // Nothing was touched.
    source.serve().made(REVIEWS, &[], &json!({"body": "text"}));
    source.transfer(&free);
}
