//! Reports: `verify`, `locate`, `databases` and others, as text and as JSON.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::cli::{ServerProcess, demo_cluster, fails, json, ostrakon, run, succeeds};
use crate::support::cluster::TestCluster;
use crate::support::engine::{Engine, engine};

on_every_engine!(verify_finds_each_kind_of_error, || {
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
        let cluster = demo_cluster();
        let table = if change.contains("product_rating") { "product_rating" } else { "review" };
        let first = if table == "review" {
            "(product_id, id) = (SELECT product_id, id FROM review ORDER BY product_id, id LIMIT 1)"
        } else {
            "(product_id, bucket) = (SELECT product_id, bucket FROM product_rating ORDER BY product_id, bucket LIMIT 1)"
        };
        let change = change.replace("rowid_of_first", first);
        let change = change.replace("a_byte", &engine().bytes("00"));
        cluster.sql_without_foreign_keys("reviews-3", &change);
        let output = run(&cluster, &["verify"]);
        assert_eq!(output.status.code(), Some(1), "{change}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.lines().any(|l| l.starts_with("reviews-3: ") && l.contains(finding)),
            "{change}: {said}"
        );
        assert!(said.lines().last().unwrap().contains("problem"), "{said}");
    }
});

on_every_engine!(locate_shows_a_command_for_the_row, || {
    let cluster = demo_cluster();
    let server = ServerProcess::start(&cluster);
    let page = server.get("/api/products/1/reviews?limit=1");
    let id = page.split("\"id\":\"").nth(1).unwrap()[..13].to_owned();
    let location = server.get(&format!("/api/reviews/{id}/location"));
    drop(server);
    let said = succeeds(&cluster, &["locate", &id]);
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
        .current_dir(cluster.folder())
        .args(["-c", &value("row")])
        .output()
        .unwrap();
    let row = String::from_utf8(shell.stdout).unwrap();
    let fields = row.lines().map(|line| line.split_whitespace().next().unwrap_or_default());
    assert!({ fields }.any(|field| field == "body"), "{said}{row}");
    // In a row of the table, the id is a number.
    assert_eq!(succeeds(&cluster, &["locate", &value("number")]), said);
    let located = json(&cluster, &["locate", &value("number"), "--json"]);
    for name in ["number", "status", "bucket", "database", "row"] {
        let shown = located[name].to_string();
        assert_eq!(shown.trim_matches('"').replace("\\\"", "\""), value(name), "{located}");
    }
    assert_eq!((&located["id"], &located["product_id"]), (&id.into(), &"1".into()));
    assert_eq!(located["created_at"], value("date"));
    let missing = fails(ostrakon(&cluster, &["locate", "7ZZZZZZZZZZZZ"]), 1);
    assert_eq!(missing, "error: there is no review 7ZZZZZZZZZZZZ\n");
});

fn keys(object: &serde_json::Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

on_every_engine!(reports_are_available_as_json, || {
    let cluster = TestCluster::new();
    let status = run(&cluster, &["migrate", "--status", "--json"]);
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
    succeeds(&cluster, &["migrate"]);
    succeeds(&cluster, &["demo"]);
    let status = json(&cluster, &["migrate", "--status", "--json"]);
    let items = status["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    for database in items {
        assert_eq!(
            (&database["exists"], &database["pending"]),
            (&true.into(), &[(); 0][..].into())
        );
        assert!(!database["applied"].as_array().unwrap().is_empty());
    }

    let databases = json(&cluster, &["databases", "--json"]);
    let reviews = databases["items"].as_array().unwrap().iter();
    let reviews: u64 = reviews.map(|database| database["reviews"].as_u64().unwrap()).sum();
    assert_eq!(reviews, 5_000);
    assert_eq!(databases["items"][0]["engine"], engine().name());

    let accounts = json(&cluster, &["account", "list", "--json"]);
    let account = &accounts["items"][0];
    assert_eq!((&account["name"], &account["role"]), (&"admin".into(), &"admin".into()));
    assert_eq!(accounts["next_cursor"], serde_json::Value::Null);

    let verified = json(&cluster, &["verify", "--json"]);
    let items = verified["items"].as_array().unwrap();
    assert_eq!(keys(&items[0]), ["database", "problem_count", "problems", "reviews"]);
    assert_eq!(items.iter().map(|item| item["reviews"].as_u64().unwrap()).sum::<u64>(), 5_000);
    cluster.sql("reviews-2", "UPDATE product_rating SET r5 = r5 + 1");
    let wrong = run(&cluster, &["verify", "--json"]);
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

on_every_engine!(a_reader_may_close_the_pipe, || {
    let cluster = demo_cluster();
    let id = cluster.query_number("reviews-1", "SELECT min(id) FROM review").to_string();
    let backups = cluster.folder().join("backups");
    let backups = backups.to_str().unwrap();
    let unread_by = |arguments: &[&str], code: i32| {
        let output = ostrakon(&cluster, arguments).stdout(unread()).output().unwrap();
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
    // The command has done its work.
    assert!(succeeds(&cluster, &["account", "list"]).contains("disabled"));
    if engine() != Engine::Citus {
        unread_by(&["backup", backups], 0);
        assert!(
            succeeds(&cluster, &["backup", "check", backups]).contains("all as the manifest says")
        );
    }
    cluster.sql("reviews-2", "UPDATE product_rating SET r5 = r5 + 1");
    unread_by(&["verify"], 1);
    unread_by(&["verify", "--json"], 1);
    // The same holds for error messages.
    for (arguments, code) in [(&["launch"][..], 2), (&["locate", "7ZZZZZZZZZZZZ"], 1)] {
        let output = ostrakon(&cluster, arguments).stderr(unread()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
});

#[test]
fn a_report_that_can_t_be_written_is_a_failure() {
    let cluster = demo_cluster();
    for arguments in [&["account", "list"][..], &["databases", "--json"], &["openapi"], &["--help"]]
    {
        let mut command = ostrakon(&cluster, arguments);
        command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        let said = fails(command, 1);
        assert!(said.starts_with("error: standard output: No space left"), "{arguments:?}: {said}");
    }
}

/// The documentation describes the JSON of each report, as the help says.
#[test]
fn reports_are_described() {
    let page = include_str!("../../../../docs/production.md");
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
fn the_document_needs_no_database() {
    let cluster = TestCluster::new();
    assert_eq!(succeeds(&cluster, &["openapi"]), include_str!("../../../../openapi.yaml"));
}
