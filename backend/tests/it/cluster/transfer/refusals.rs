//! Transfers that are refused, and what they leave behind.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use super::{Deployment, Member, REVIEWS, Server};
use crate::support::cli::fails;
use crate::support::engine::Engine;
use crate::support::postgres::{Postgres, shared};

/// A transfer that stops when its first row is to be copied.
fn stop_early(source: &Deployment, server: &Server, target: &Deployment) {
    let obstacle = format!("{}-migrate", target.addresses["reviews-3"]);
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
    assert!(said.contains("run it again to resume"), "{said}");
    target.is_no_cluster();
    target.execute("default", "DROP TRIGGER obstacle");
}

#[test]
fn a_target_that_differs_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let source = Deployment::sqlite(folder.path(), "source").small();
    let server = source.serve();
    for _ in 0..8 {
        server.made(REVIEWS, &[], &json!({"body": "text"}));
    }
    let target = Deployment::sqlite(folder.path(), "target");
    stop_early(&source, &server, &target);
    let other = "INSERT INTO product (id, name, search_text) VALUES (1, 'Another', 'one')";
    target.execute("default", other);
    let said = source.transfer_fails(&target, 1);
    assert!(said.starts_with("default: product: rows differ in the target\n"), "{said}");
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
    let source = Deployment::sqlite(folder.path(), "source").small();
    let target = Deployment::sqlite(folder.path(), "target");
    let server = source.serve();
    let body = json!({"body": "text"});
    server.made(REVIEWS, &[], &body);
    stop_early(&source, &server, &target);
    server.refuses(Method::POST, REVIEWS, &[], &body);
    source.succeeds(&["transfer", "--abandon"]);
    source.succeeds(&["transfer", "--abandon"]);
    server.made(REVIEWS, &[], &body);
    let said = source.transfer_fails(&target, 2);
    assert!(said.contains("partly filled by another transfer"), "{said}");
    server.made(REVIEWS, &[], &body);
    let next = Deployment::sqlite(folder.path(), "next");
    source.transfer(&next);
    assert_eq!(next.all_reviews(), 3 + 1);
    server.refuses(Method::POST, REVIEWS, &[], &body);
}

/// An open transaction has locked a table of the source for longer than a transfer waits.
fn is_refused_while_a_table_is_held(source: &Deployment) {
    let folder = &source.folder;
    let server = source.serve();
    server.made(REVIEWS, &[], &json!({"body": "text"}));
    let mut holder = PgConnection::establish(&source.addresses["reviews-2"]).unwrap();
    let hold = "BEGIN; DELETE FROM report WHERE bucket = 400 AND review_id = 1 AND reader = 'x'";
    holder.batch_execute(hold).unwrap();
    let config = std::fs::read_to_string(folder.join(&source.config)).unwrap();
    let impatient = config.replace("lock_timeout_ms = 20000", "lock_timeout_ms = 500");
    std::fs::write(folder.join(&source.config), impatient).unwrap();
    let target = Deployment::sqlite(folder, "target");
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
    let source = Deployment::postgres(folder.path(), &postgres, "source").small();
    is_refused_while_a_table_is_held(&source);
}

#[test]
fn a_refused_transfer_leaves_no_table_of_citus_read_only() {
    if Engine::Citus.is_available() {
        let folder = tempfile::tempdir().unwrap();
        is_refused_while_a_table_is_held(&Deployment::citus(folder.path(), "source").small());
    }
}

#[test]
fn a_database_that_can_t_store_every_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = Deployment::sqlite(folder.path(), "source").small();
    for (name, encoding) in [("narrow", "LATIN1"), ("unknown", "SQL_ASCII")] {
        let database = format!("{name}_{}", std::process::id());
        let create = format!("CREATE DATABASE {database} ENCODING {encoding} LOCALE 'C'");
        shared().execute_on_all_nodes(&format!("{create} TEMPLATE template0"));
        let url = shared().url(&database);
        let urls = format!(
            "data_dir = '{name}'\n
             reviews_urls = ['sqlite:{name}/1', '{url}', 'sqlite:{name}/3']"
        );
        let cluster = Deployment::new(folder.path(), name, &urls, |_| url.clone());
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
fn impossible_transfers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let source = Deployment::sqlite(folder, "source").small();
    let check = |to: &str, words: &str| {
        let said = fails(source.command(&["transfer", "--to", to]), 2);
        assert!(said.contains(words), "{said}");
    };
    let four = Deployment::new(folder, "four", "data_dir = 'four'\nreviews_databases = 4", |_| {
        folder.join("four").to_str().unwrap().to_owned()
    });
    check(&four.config, "has 3 reviews databases, but the target's configuration names 4");
    check("source.toml", "is the address of another database too");
    check("none.toml", "none.toml");
    let urls =
        "default_url = 'sqlite:x/d'\nreviews_urls = ['sqlite:x/1', 'sqlite:x/2', 'sqlite:x/2']";
    check(
        &Deployment::new(folder, "twice", urls, |_| String::new()).config,
        "reviews-2 and reviews-3 have the same URL",
    );
    let full = Deployment::sqlite(folder, "full").small();
    check(&full.config, "is not empty");
    let free = Deployment::sqlite(folder, "free");
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
