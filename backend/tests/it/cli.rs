//! The command line, as people run it.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::cli::{Serving, demo, fails, json, ostrakon, run, succeeds, with_password};
use crate::support::engine::{Engine, engine};
use crate::support::place::Place;
use crate::support::postgres::shared;

on_every_engine!(the_demo_is_the_same_every_time_and_seeded_once, || {
    let (one, two) = (demo(), demo());
    let table = succeeds(&one, &["databases"]);
    assert_eq!(table, succeeds(&two, &["databases"]));
    assert_eq!(succeeds(&one, &["demo"]), "demo: already there\n");
    assert_eq!(table, succeeds(&one, &["databases"]));
    assert_eq!(table.matches(&format!(" {} ", engine().name())).count(), 3, "{table}");
    let reviews: u64 = table
        .lines()
        .skip(1)
        .map(|row| row.split_whitespace().nth(3).unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(reviews, 5_000);
    let verified = succeeds(&one, &["verify"]);
    assert_eq!(verified, "verify: 5000 reviews in 3 databases, all in their place\n");
});

on_every_engine!(an_interrupted_demo_is_finished_by_the_next_one, || {
    let place = demo();
    place.sql("reviews-2", "DELETE FROM review; DELETE FROM product_rating;");
    let finished = succeeds(&place, &["demo"]);
    assert!(finished.starts_with("demo: added 0 products and 1"), "{finished}");
    assert!(succeeds(&place, &["verify"]).starts_with("verify: 5000 reviews"));
});

on_every_engine!(verify_finds_what_is_wrong, || {
    for (change, finding) in [
        ("UPDATE product_rating SET r5 = r5 + 1 WHERE rowid_of_first", "rating of product"),
        ("DELETE FROM review WHERE rowid_of_first", "rating of product"),
        // Not by UPDATE: Citus keeps a row where its bucket has put it.
        (
            "CREATE TABLE strayed AS SELECT * FROM review WHERE rowid_of_first;
             UPDATE strayed SET bucket = (bucket + 1) % 1024;
             DELETE FROM review WHERE rowid_of_first;
             INSERT INTO review SELECT * FROM strayed",
            "its hash says",
        ),
        ("UPDATE review SET product_id = 1000 WHERE rowid_of_first", "product 1000"),
        (
            "DELETE FROM bucket_owner WHERE bucket = (SELECT min(bucket) FROM bucket_owner)",
            "by the shard map",
        ),
        ("INSERT INTO idempotency_key VALUES (700, 1, 'k', a_byte, 1)", "has no review"),
    ] {
        let place = demo();
        let table = if change.contains("product_rating") { "product_rating" } else { "review" };
        let first = if table == "review" {
            "(product_id, id) = (SELECT product_id, id FROM review ORDER BY product_id, id LIMIT 1)"
        } else {
            "(product_id, bucket) = (SELECT product_id, bucket FROM product_rating ORDER BY product_id, bucket LIMIT 1)"
        };
        let change = change.replace("rowid_of_first", first);
        let change = change.replace("a_byte", &engine().bytes("00"));
        place.sql_without_foreign_keys("reviews-3", &change);
        let output = run(&place, &["verify"]);
        assert_eq!(output.status.code(), Some(1), "{change}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.lines().any(|l| l.starts_with("reviews-3: ") && l.contains(finding)),
            "{change}: {said}"
        );
        assert!(said.lines().last().unwrap().contains("problem"), "{said}");
    }
});

on_every_engine!(locate_shows_the_way_to_the_row, || {
    let place = demo();
    let serving = Serving::start(&place);
    let page = serving.get("/api/products/1/reviews?limit=1");
    let id = page.split("\"id\":\"").nth(1).unwrap()[..13].to_owned();
    let location = serving.get(&format!("/api/reviews/{id}/location"));
    drop(serving);
    let said = succeeds(&place, &["locate", &id]);
    let value = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim().to_owned()
    };
    assert_eq!(
        location,
        format!(
            "{{\"id\":\"{id}\",\"bucket\":{},\"database\":\"{}\"}}",
            value("bucket"),
            value("database")
        )
    );
    let client = if engine() == Engine::Sqlite { "sqlite3 -readonly" } else { "psql -x" };
    assert!(value("row").starts_with(client), "{said}");
    let shell = Command::new("sh")
        .current_dir(place.folder())
        .args(["-c", &value("row")])
        .output()
        .unwrap();
    let row = String::from_utf8(shell.stdout).unwrap();
    let fields = row.lines().map(|line| line.split_whitespace().next().unwrap_or_default());
    assert!({ fields }.any(|field| field == "body"), "{said}{row}");
    // What a person finds in a row is a number.
    assert_eq!(succeeds(&place, &["locate", &value("number")]), said);
    let located = json(&place, &["locate", &value("number"), "--json"]);
    for name in ["number", "status", "bucket", "database", "row"] {
        let shown = located[name].to_string();
        assert_eq!(shown.trim_matches('"').replace("\\\"", "\""), value(name), "{located}");
    }
    assert_eq!((&located["id"], &located["product_id"]), (&id.into(), &"1".into()));
    assert_eq!(located["created_at"], value("date"));
    let missing = fails(ostrakon(&place, &["locate", "7ZZZZZZZZZZZZ"]), 1);
    assert_eq!(missing, "error: there is no review 7ZZZZZZZZZZZZ\n");
});

fn keys(object: &serde_json::Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

on_every_engine!(reports_can_be_had_as_json, || {
    let place = Place::new();
    let status = run(&place, &["migrate", "--status", "--json"]);
    assert_eq!(status.status.code(), Some(1), "{status:?}");
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let default = &status["items"][0];
    assert_eq!(
        keys(default),
        ["address", "applied", "database", "exists", "pending", "unknown"],
        "{default}"
    );
    assert_eq!(default["database"], "default");
    assert_eq!(default["exists"], engine() != Engine::Sqlite, "a test gets empty databases");
    succeeds(&place, &["migrate"]);
    succeeds(&place, &["demo"]);
    let status = json(&place, &["migrate", "--status", "--json"]);
    let items = status["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    for database in items {
        assert_eq!(
            (&database["exists"], &database["pending"]),
            (&true.into(), &[(); 0][..].into())
        );
        assert!(!database["applied"].as_array().unwrap().is_empty());
    }

    let databases = json(&place, &["databases", "--json"]);
    let reviews = databases["items"].as_array().unwrap().iter();
    let reviews: u64 = reviews.map(|database| database["reviews"].as_u64().unwrap()).sum();
    assert_eq!(reviews, 5_000);
    assert_eq!(databases["items"][0]["engine"], engine().name());

    let accounts = json(&place, &["account", "list", "--json"]);
    let account = &accounts["items"][0];
    assert_eq!((&account["name"], &account["role"]), (&"admin".into(), &"admin".into()));
    assert_eq!(accounts["next_cursor"], serde_json::Value::Null);

    let verified = json(&place, &["verify", "--json"]);
    let items = verified["items"].as_array().unwrap();
    assert_eq!(keys(&items[0]), ["database", "problem_count", "problems", "reviews"]);
    assert_eq!(items.iter().map(|item| item["reviews"].as_u64().unwrap()).sum::<u64>(), 5_000);
    place.sql("reviews-2", "UPDATE product_rating SET r5 = r5 + 1");
    let wrong = run(&place, &["verify", "--json"]);
    assert_eq!(wrong.status.code(), Some(1));
    let wrong: serde_json::Value = serde_json::from_slice(&wrong.stdout).unwrap();
    assert_eq!(wrong["items"][0]["problem_count"], 0);
    assert!(wrong["items"][1]["problem_count"].as_u64() > Some(0), "{wrong}");
    assert!(wrong["items"][1]["problems"][0].as_str().unwrap().contains("rating of product"));
});

/// A pipe whose reader is closed.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

on_every_engine!(a_reader_may_stop_reading, || {
    let place = demo();
    let id = place.number("reviews-1", "SELECT min(id) FROM review").to_string();
    let backups = place.folder().join("backups");
    let backups = backups.to_str().unwrap();
    let unread_by = |arguments: &[&str], code: i32| {
        let output = ostrakon(&place, arguments).stdout(unread()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    };
    for arguments in [
        &["--help"][..],
        &["account", "list", "--help"],
        &["openapi"],
        &["locate", &id],
        &["locate", &id, "--json"],
        &["databases"],
        &["databases", "--json"],
        &["account", "list"],
        &["account", "list", "--json"],
        &["account", "sessions", "admin"],
        &["account", "disable", "admin"],
        &["audit"],
        &["migrate"],
        &["migrate", "--status"],
        &["demo"],
        &["verify"],
    ] {
        unread_by(arguments, 0);
    }
    // What was to be done is done.
    assert!(succeeds(&place, &["account", "list"]).contains("disabled"));
    if engine() != Engine::Citus {
        unread_by(&["backup", backups], 0);
        assert!(
            succeeds(&place, &["backup", "check", backups]).contains("all as the manifest says")
        );
    }
    place.sql("reviews-2", "UPDATE product_rating SET r5 = r5 + 1");
    unread_by(&["verify"], 1);
    unread_by(&["verify", "--json"], 1);
    // So it is with what is said about mistakes.
    for (arguments, code) in [(&["launch"][..], 2), (&["locate", "7ZZZZZZZZZZZZ"], 1)] {
        let output = ostrakon(&place, arguments).stderr(unread()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
});

#[test]
fn a_report_that_is_lost_is_a_failure() {
    let place = demo();
    for arguments in [&["account", "list"][..], &["databases", "--json"], &["openapi"], &["--help"]]
    {
        let mut command = ostrakon(&place, arguments);
        command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        let said = fails(command, 1);
        assert!(said.starts_with("error: standard output: No space left"), "{arguments:?}: {said}");
    }
}

#[test]
fn mistakes_are_one_line_and_exit_code_2() {
    let place = Place::new();
    for (arguments, word) in [
        (&["locate", "x"][..], "13 characters"),
        (&["locate", "0"], "number"),
        (&["migrate", "--json"], "--status"),
        (&["locate"], "REVIEW_ID"),
        (&["serve", "--fast"], "--fast"),
        (&["launch"], "launch"),
        (&["serve"], "not migrated"),
        (&["--config", "no.toml", "serve"], "no.toml"),
        (&["migrate", "--database", "reviews-9"], "reviews-9"),
    ] {
        let said = fails(ostrakon(&place, arguments), 2);
        assert!(said.contains(word), "{said}");
    }
    let mut command = ostrakon(&place, &["migrate"]);
    command.env("OSTRAKON_REVIEWS_DATABASES", "many");
    assert!(fails(command, 2).contains("OSTRAKON_REVIEWS_DATABASES"));
    assert!(!place.folder().join("data").exists(), "mistakes create nothing");
}

/// What the help of a command promises about `--json` is kept.
#[test]
fn reports_are_described() {
    let page = include_str!("../../../docs/production.md");
    for report in [
        "audit",
        "databases",
        "locate",
        "verify",
        "account list",
        "account sessions",
        "backup check",
        "migrate --status",
    ] {
        let row = |line: &&str| {
            line.starts_with(&format!("| `ostrakon {report} ")) && line.contains("--json")
        };
        assert!(page.lines().any(|line| row(&line)), "{report}");
    }
}

#[test]
fn urls_that_lead_nowhere_are_one_line() {
    let place = Place::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let there = shared();
    for (url, code, word) in [
        (format!("postgres://ostrakon@{closed}/ostrakon"), 2, "default"),
        (there.url("no_such_database"), 2, "no_such_database"),
        (there.url("ostrakon"), 2, "not migrated"),
        ("mysql://a/b".to_owned(), 2, "OSTRAKON_DEFAULT_URL"),
    ] {
        let mut command = ostrakon(&place, &["serve"]);
        command.env("OSTRAKON_DEFAULT_URL", &url);
        let said = fails(command, code);
        assert!(said.contains(word), "{url}: {said}");
    }
    assert!(!place.folder().join("data").exists(), "mistakes create nothing");
}

#[test]
fn the_environment_is_not_ours_alone() {
    let place = Place::new();
    // What Kubernetes gives every pod beside a Service called ostrakon, and a slip.
    let mut command = ostrakon(&place, &["migrate"]);
    command.envs([
        ("OSTRAKON_SERVICE_HOST", "10.96.0.7"),
        ("OSTRAKON_SERVICE_PORT", "80"),
        ("OSTRAKON_SERVICE_PORT_HTTP", "80"),
        ("OSTRAKON_PORT", "tcp://10.96.0.7:80"),
        ("OSTRAKON_PORT_80_TCP", "tcp://10.96.0.7:80"),
        ("OSTRAKON_PORT_80_TCP_ADDR", "10.96.0.7"),
        ("OSTRAKON_REVIEW_DATABASES", "1"),
    ]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    for (variable, meant) in [
        ("OSTRAKON_PORT", "OSTRAKON_LISTEN"),
        ("OSTRAKON_HOST", "OSTRAKON_LISTEN"),
        ("OSTRAKON_BIND", "OSTRAKON_LISTEN"),
        ("OSTRAKON_DATABASE_URL", "OSTRAKON_DEFAULT_URL"),
        ("OSTRAKON_LOG_LEVEL", "OSTRAKON_LOG"),
    ] {
        let output = ostrakon(&place, &["migrate"]).env(variable, "8080").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let hint = format!("{variable}: unknown, did you mean {meant}?");
        assert!(said.contains(&hint), "{said}");
    }
    let hint = "OSTRAKON_REVIEW_DATABASES: unknown, did you mean OSTRAKON_REVIEWS_DATABASES?";
    assert!(said.contains("WARN") && said.contains(hint), "{said}");

    std::fs::write(place.folder().join("ostrakon.toml"), "review_databases = 1").unwrap();
    let refused = fails(ostrakon(&place, &["migrate"]), 2);
    assert!(refused.contains("review_databases: unknown, did you mean reviews_databases?"));
}

on_every_engine!(many_may_migrate_at_once, || {
    let place = Place::new();
    let migrate = || ostrakon(&place, &["migrate"]).stdout(Stdio::null()).spawn().unwrap();
    let migrations: Vec<_> = (0..6).map(|_| migrate()).collect();
    for mut migration in migrations {
        assert!(migration.wait().unwrap().success());
    }
    assert_eq!(succeeds(&place, &["migrate"]).matches("up to date").count(), 4);
    let verified = succeeds(&place, &["verify"]);
    assert_eq!(verified, "verify: 0 reviews in 3 databases, all in their place\n");
    let owned = |database| place.number(database, "SELECT count(*) FROM bucket_owner");
    let owned = ["reviews-1", "reviews-2", "reviews-3"].map(owned);
    assert_eq!(owned, [342, 341, 341]);
});

on_every_engine!(migration_status_says_what_is_pending, || {
    let place = Place::new();
    let before = run(&place, &["migrate", "--status"]);
    assert_eq!(before.status.code(), Some(1));
    succeeds(&place, &["migrate", "--database", "default"]);
    let only = succeeds(&place, &["migrate", "--status", "--database", "default"]);
    assert!(only.contains("applied") && !only.contains("reviews-1"), "{only}");
    succeeds(&place, &["migrate"]);
    // Those of `default`, and those of each of three others.
    let count = |kind: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite").join(kind);
        std::fs::read_dir(folder).unwrap().count()
    };
    let all = count("default") + 3 * count("reviews");
    assert_eq!(succeeds(&place, &["migrate", "--status"]).matches("applied").count(), all);
});

#[test]
fn the_document_can_be_printed_anywhere() {
    let place = Place::new();
    assert_eq!(succeeds(&place, &["openapi"]), include_str!("../../../openapi.yaml"));
}

on_every_engine!(a_port_in_use_is_one_line, || {
    let place = demo();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = ostrakon(&place, &["serve"]);
    command.env("OSTRAKON_LISTEN", &address);
    assert!(fails(command, 1).contains(&format!("{address} is in use")));
});

#[test]
fn a_secret_key_is_made_or_must_be_there() {
    let place = Place::new();
    succeeds(&place, &["migrate"]);
    let file = place.folder().join("key");
    let serve = || {
        let mut command = ostrakon(&place, &["serve"]);
        command.env("OSTRAKON_LISTEN", "127.0.0.1:0").env("OSTRAKON_SECRET_KEY_FILE", &file);
        command
    };
    assert!(fails(serve(), 2).contains("key: No such file"));
    std::fs::write(&file, "short\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert!(fails(serve(), 2).contains("32 characters or more"));
    std::fs::write(&file, "a key of more than 32 characters\n").unwrap();
    assert_eq!(Serving::spawn(serve()).get("/healthz"), "{\"status\":\"ok\"}");
    let own = place.folder().join("data").join("secret-key");
    assert!(!own.exists(), "another one is configured");

    std::fs::create_dir(&own).unwrap();
    let mut command = ostrakon(&place, &["serve"]);
    command.env("OSTRAKON_LISTEN", "127.0.0.1:0");
    assert!(fails(command, 2).contains("data/secret-key"));
}

on_every_engine!(a_server_says_where_it_is_and_ends_by_a_signal, || {
    let place = Place::new();
    let serving = Serving::start_with(&place, &["serve", "--migrate"]);
    assert_eq!(serving.get("/readyz"), "{\"status\":\"ok\"}");
    assert_eq!(serving.get("/api/products"), "{\"items\":[],\"next_cursor\":null}");
    assert!(serving.stop().success());
});

on_every_engine!(what_is_no_request_fills_no_log, || {
    let place = Place::new();
    succeeds(&place, &["migrate"]);
    let log = |directives: Option<&str>| {
        let mut command = ostrakon(&place, &["serve"]);
        command.env("OSTRAKON_LISTEN", "127.0.0.1:0").stderr(Stdio::piped());
        command.envs(directives.map(|directives| ("OSTRAKON_LOG", directives)));
        let mut serving = Serving::spawn(command);
        for broken in ["GET\r\n\r\n", "\u{1}\u{2}\u{3}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
            let mut stream = TcpStream::connect(&serving.address).unwrap();
            stream.write_all(broken.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 400"), "{broken:?}: {answer}");
        }
        let mut stderr = serving.child.stderr.take().unwrap();
        assert!(serving.stop().success());
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        said
    };
    let said = log(None);
    assert!(!said.contains("ERROR") && !said.contains("parse error"), "{said}");
    let said = log(Some("warn,ostrakon=debug"));
    assert!(!said.contains("ERROR"), "{said}");
    assert_eq!(said.matches("request parse error").count(), 3, "{said}");
});

/// A machine that has no memory for another thread, for a while.
#[test]
fn reviews_are_written_as_soon_as_a_writer_can_start() {
    let place = demo();
    let serving = Serving::start(&place);
    let pid = serving.child.id();
    let limit = |bytes: &str| {
        let mut prlimit = Command::new("prlimit");
        prlimit.args([format!("--pid={pid}"), format!("--as={bytes}:")]);
        assert!(prlimit.status().unwrap().success());
    };
    let review = serde_json::json!({"body": "text"});
    serving.get("/api/products/1/reviews");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size_kib: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    // A thread takes 2 MiB at least.
    limit(&((size_kib + 1024) * 1024).to_string());
    for _ in 0..3 {
        assert_eq!(serving.post("/api/products/1/reviews", &review), 503);
    }
    limit("unlimited");
    assert_eq!(serving.post("/api/products/1/reviews", &review), 201);
}

on_every_engine!(accounts_can_be_managed, || {
    let place = Place::new();
    succeeds(&place, &["migrate"]);
    let create = |name: &str, role: &str, password: &str| {
        let output = with_password(&place, &["account", "create", name, "--role", role], password);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let said = |code, text: &str| (Some(code), format!("{text}\n"));
    assert_eq!(
        create("Aspasia", "admin", "a long sentence"),
        said(0, "account: created Aspasia (admin)")
    );
    assert_eq!(
        create("aspasia", "admin", "another sentence"),
        said(1, "error: this name is taken")
    );
    for (name, role, password, word) in [
        ("a b", "member", "a long sentence", "letters, digits"),
        ("pericles", "member", "1234567", "10 characters"),
        ("pericles", "member", "1234567890", "too easy to guess"),
        ("pericles", "member", "PERICLES", "must not be the name"),
        ("pericles", "member", "", "no password"),
        ("pericles", "king", "a long sentence", "member, moderator, admin"),
        ("x", "member", "x", "3 characters. A password"),
    ] {
        let (code, said) = create(name, role, password);
        assert_eq!((code, said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.starts_with("error: ") && said.contains(word), "{said}");
    }
    let unknown = fails(ostrakon(&place, &["account", "password", "pericles"]), 1);
    assert_eq!(unknown, "error: there is no account pericles\n");
    fails(ostrakon(&place, &["account", "disable", "pericles"]), 1);

    let serving = Serving::start(&place);
    let sign_in = |password: &str| {
        let body = serde_json::json!({"name": "aspasia", "password": password});
        serving.post("/api/session", &body)
    };
    assert_eq!(sign_in("a long sentence"), 201);
    place.sql(
        "default",
        "INSERT INTO api_token (account_id, secret_hash, name, created_at)
         SELECT account_id, secret_hash, 'import', created_at FROM session",
    );
    let changed = with_password(&place, &["account", "password", "ASPASIA"], "another sentence");
    assert!(changed.status.success(), "{changed:?}");
    assert_eq!(
        String::from_utf8(changed.stdout).unwrap(),
        "account: ASPASIA has a new password; 1 session and 1 API token ended\n"
    );
    assert_eq!([sign_in("a long sentence"), sign_in("another sentence")], [401, 201]);
    assert_eq!(
        succeeds(&place, &["account", "disable", "aspasia"]),
        "account: Aspasia is disabled\n"
    );
    assert_eq!(sign_in("another sentence"), 401);
    let list = succeeds(&place, &["account", "list"]);
    let row: Vec<_> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["1", "Aspasia", "admin", "disabled"]);
    succeeds(&place, &["account", "enable", "aspasia"]);
    assert_eq!(sign_in("another sentence"), 201);
});

on_every_engine!(an_operator_sees_and_ends_sessions_and_tokens, || {
    let place = Place::new();
    succeeds(&place, &["migrate"]);
    let created = with_password(&place, &["account", "create", "Aspasia"], "a long sentence");
    assert!(created.status.success(), "{created:?}");
    let hash = |digits: &str| crate::support::engine::engine().bytes(digits);
    place.sql(
        "default",
        &format!(
            "INSERT INTO session (account_id, secret_hash, user_agent, created_at, expires_at)
             VALUES (1, {}, 'Lynx \u{1b}[2J', 0, 4000000000000), (1, {}, NULL, 0, 4000000000000);
             INSERT INTO api_token (account_id, secret_hash, name, scopes, created_at)
             VALUES (1, {}, 'import', 'read write', 0), (1, {}, 'export', 'read', 0)",
            hash("00"),
            hash("01"),
            hash("02"),
            hash("03")
        ),
    );
    let rows = |arguments: &[&str]| {
        let said = succeeds(&place, arguments);
        said.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let sessions = rows(&["account", "sessions", "ASPASIA"]);
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert!(sessions[1].ends_with("Lynx \u{fffd}[2J"), "{sessions:?}");
    let tokens = rows(&["account", "tokens", "aspasia"]);
    assert!(tokens[0].contains(" never ") && tokens[0].ends_with("read: export"), "{tokens:?}");
    let json = succeeds(&place, &["account", "tokens", "aspasia", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["items"][1]["scopes"], serde_json::json!(["read", "write"]));

    let revoke = |more: &[&str]| {
        let arguments = [&["account", "revoke", "aspasia"], more].concat();
        succeeds(&place, &arguments)
    };
    assert_eq!(revoke(&["--token", "1"]), "account: 0 sessions and 1 API token of Aspasia ended\n");
    assert_eq!(rows(&["account", "tokens", "aspasia"]), [tokens[0].clone()]);
    assert_eq!(revoke(&[]), "account: 2 sessions and 1 API token of Aspasia ended\n");
    assert_eq!(rows(&["account", "sessions", "aspasia"]).len(), 0);
    for (arguments, code) in [
        (&["account", "revoke", "aspasia", "--session", "7"][..], 1),
        (&["account", "revoke", "aspasia", "--session", "x"], 2),
        (&["account", "tokens", "nobody"], 1),
    ] {
        assert_eq!(fails(ostrakon(&place, arguments), code).lines().count(), 1);
    }
});

on_every_engine!(the_audit_trail_has_as_many_entries_as_are_asked_for, || {
    let place = Place::new();
    succeeds(&place, &["migrate"]);
    place.sql(
        "default",
        "INSERT INTO audit_entry (action, at, last_at, count, account_name, changes)
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 250)
         SELECT 'signed_in', n, n, 1, 'name-' || n, '[]' FROM number",
    );
    let lines = |more: &[&str]| {
        let said = succeeds(&place, &[&["audit"], more].concat());
        said.lines().map(|line| line.split("  ").last().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let newest = |count: usize| -> Vec<_> {
        (1..=250).rev().take(count).map(|number| format!("name-{number}")).collect()
    };
    assert_eq!(lines(&[]), newest(20));
    for (limit, count) in [("1", 1), ("100", 100), ("101", 101), ("250", 250), ("100000", 250)] {
        assert_eq!(lines(&["--limit", limit]), newest(count));
        let trail = json(&place, &["audit", "--limit", limit, "--json"]);
        assert_eq!(trail["items"].as_array().unwrap().len(), count);
        assert_eq!(trail["next_cursor"].is_null(), count == 250, "{limit}");
    }
    for limit in ["0", "-1", "many"] {
        let said = fails(ostrakon(&place, &["audit", "--limit", limit]), 2);
        assert!(said.contains("limit") || said.contains(limit), "{said}");
    }
});

on_every_engine!(the_demo_s_password_is_for_loopback_only, || {
    let place = Place::new();
    succeeds(&place, &["migrate"]);
    let said = succeeds(&place, &["demo"]);
    let line = "demo: on this machine, sign in as admin with the password admin";
    assert_eq!(said.lines().last(), Some(line));
    let serve = |address: &str| {
        let mut command = ostrakon(&place, &["serve"]);
        command.env("OSTRAKON_LISTEN", address);
        command
    };
    for address in ["0.0.0.0:0", "[::]:0"] {
        let said = fails(serve(address), 2);
        assert!(said.contains("`ostrakon account password admin`"), "{said}");
    }
    let serving = Serving::start(&place);
    let admin = serde_json::json!({"name": "admin", "password": "admin"});
    assert_eq!(serving.post("/api/session", &admin), 201);
    drop(serving);

    succeeds(&place, &["account", "disable", "admin"]);
    assert_eq!(Serving::start_at(&place, "0.0.0.0:0").get("/healthz"), "{\"status\":\"ok\"}");
    succeeds(&place, &["account", "enable", "admin"]);
    fails(serve("0.0.0.0:0"), 2);
    assert!(
        with_password(&place, &["account", "password", "admin"], "another sentence")
            .status
            .success()
    );
    assert_eq!(Serving::start_at(&place, "0.0.0.0:0").get("/healthz"), "{\"status\":\"ok\"}");
    assert_eq!(succeeds(&place, &["demo"]), "demo: already there\n");
});
