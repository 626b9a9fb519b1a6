//! Ids of accounts and products that a restored `default` does not know are not reused.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::{exits, register, review, send, serve, status};
use crate::support::cli::{demo_cluster, fails, ostrakon, succeeds};
use crate::support::cluster::TestCluster;
use crate::support::engine::{Engine, engine};

/// Registers an account after the backup and writes a review; returns the session and both ids.
fn late(cluster: &TestCluster) -> (String, i64, String) {
    let server = serve(cluster);
    let session = register(&server, "late");
    let id = review(&server, 1, &session, "mine");
    drop(server);
    let account = cluster.query_number("default", "SELECT id FROM account WHERE name = 'late'");
    (session, account, id)
}

/// The next account gets an id above a lost account's, and none of its reviews.
fn a_new_account_inherits_nothing(
    cluster: &TestCluster,
    account: i64,
    reviewed: &str,
    old_session: &str,
) {
    let server = serve(cluster);
    assert_eq!(status(&server, "/api/session", old_session), 401);
    let session = register(&server, "next");
    let own = send(&server, Method::GET, "/api/accounts/me/reviews", &session, &Value::Null);
    assert_eq!(own.json()["items"], json!([]));
    assert_eq!(status(&server, &format!("/api/reviews/{reviewed}"), ""), 200);
    review(&server, 1, &session, "another one's");
    drop(server);
    let next = cluster.query_number("default", "SELECT id FROM account WHERE name = 'next'");
    assert!(next > account, "{next} {account}");
}

on_engines!(an_older_default_does_not_reuse_the_ids_of_lost_accounts, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    let (session, account, reviewed) = late(&cluster);
    cluster.drop_database("default");
    let said = succeeds(&cluster, &["restore", "backups", "--database", "default"]);
    assert!(said.contains(&format!("account {account}.")), "{said}");
    assert!(said.contains("default is as of") && !said.contains("reviews-1 is"), "{said}");
    a_new_account_inherits_nothing(&cluster, account, &reviewed, &session);
    // Its ids can't be compared with those of a database that is missing as well.
    cluster.drop_database("default");
    cluster.drop_database("reviews-2");
    let said = fails(ostrakon(&cluster, &["restore", "backups", "--database", "default"]), 2);
    assert!(said.contains("reviews-2") && said.contains("one more --database"), "{said}");
    let both = ["restore", "backups", "--database", "default", "--database", "reviews-2"];
    succeeds(&cluster, &both);
    // The id of a lost product is not reused either.
    cluster.sql("default", "INSERT INTO product (name, search_text) VALUES ('new', 'new')");
    assert!(cluster.query_number("default", "SELECT max(id) FROM product") > 1_000);
});

on_engines!(a_default_restored_by_other_tools_is_not_served_before_its_ids_are_repaired, [sqlite Sqlite, postgres Postgres], || {
    let (cluster, other) = (demo_cluster(), TestCluster::new());
    fs::create_dir_all(other.folder().join("data")).unwrap();
    other.replace_with_copy("default", &cluster, "default");
    let (session, account, reviewed) = late(&cluster);
    cluster.replace_with_copy("default", &other, "default");
    for command in [&["serve"][..], &["demo"], &["account", "create", "next"]] {
        let said = fails(ostrakon(&cluster, command), 2);
        assert!(said.contains("`ostrakon restore --repair-ids`"), "{said}");
        assert!(said.contains(&format!("account {account}:")), "{said}");
    }
    // Commands that only read may run.
    for command in ["verify", "databases"] {
        succeeds(&cluster, &[command]);
    }
    let said = succeeds(&cluster, &["restore", "--repair-ids"]);
    assert!(said.contains(&format!("account {account}.")), "{said}");
    a_new_account_inherits_nothing(&cluster, account, &reviewed, &session);

    // A product that is missing, too; its reviews are found.
    let last = "UPDATE review SET product_id = 70 WHERE (product_id, id) =
                (SELECT product_id, id FROM review ORDER BY product_id, id LIMIT 1)";
    cluster.sql_without_foreign_keys("reviews-1", last);
    cluster.sql(
        "default",
        match engine() {
            Engine::Sqlite => "UPDATE sqlite_sequence SET seq = 62 WHERE name = 'product'",
            _ => "SELECT setval(pg_get_serial_sequence('product', 'id'), 62)",
        },
    );
    let said = fails(ostrakon(&cluster, &["serve"]), 2);
    assert!(said.contains("reviews refer to product 70"), "{said}");
    let said = exits(&cluster, &["restore", "--repair-ids"], 1);
    assert!(said.contains("them: product 70.") && said.contains("verify: 3 problems"), "{said}");
});
