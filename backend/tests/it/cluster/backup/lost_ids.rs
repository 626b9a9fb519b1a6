//! Ids of accounts and products that an older `default` does not know are not given again.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::{exits, register, review, send, serve, status};
use crate::support::cli::{demo, fails, ostrakon, succeeds};
use crate::support::engine::{Engine, engine};
use crate::support::place::Place;

/// Registers somebody after the backup, who writes; returns the session, the account's id and the
/// review's.
fn late(place: &Place) -> (String, i64, String) {
    let serving = serve(place);
    let session = register(&serving, "late");
    let id = review(&serving, 1, &session, "mine");
    drop(serving);
    let account = place.number("default", "SELECT id FROM account WHERE name = 'late'");
    (session, account, id)
}

/// Whoever registers next gets an id above a lost account's, and none of its reviews.
fn next_is_somebody_else(place: &Place, account: i64, reviewed: &str, old_session: &str) {
    let serving = serve(place);
    assert_eq!(status(&serving, "/api/session", old_session), 401);
    let session = register(&serving, "next");
    let own = send(&serving, Method::GET, "/api/accounts/me/reviews", &session, &Value::Null);
    assert_eq!(own.json()["items"], json!([]));
    assert_eq!(status(&serving, &format!("/api/reviews/{reviewed}"), ""), 200);
    review(&serving, 1, &session, "another one's");
    drop(serving);
    let next = place.number("default", "SELECT id FROM account WHERE name = 'next'");
    assert!(next > account, "{next} {account}");
}

on_engines!(an_older_default_gives_nobody_a_lost_account_s_reviews, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let (session, account, reviewed) = late(&place);
    place.lose("default");
    let said = succeeds(&place, &["restore", "backups", "--database", "default"]);
    assert!(said.contains(&format!("account {account}.")), "{said}");
    assert!(said.contains("default is as of") && !said.contains("reviews-1 is"), "{said}");
    next_is_somebody_else(&place, account, &reviewed, &session);
    // Its ids can't be compared with those of a database that is missing as well.
    place.lose("default");
    place.lose("reviews-2");
    let said = fails(ostrakon(&place, &["restore", "backups", "--database", "default"]), 2);
    assert!(said.contains("reviews-2") && said.contains("one more --database"), "{said}");
    let both = ["restore", "backups", "--database", "default", "--database", "reviews-2"];
    succeeds(&place, &both);
    // A lost product's id is nobody's either.
    place.sql("default", "INSERT INTO product (name, search_text) VALUES ('new', 'new')");
    assert!(place.number("default", "SELECT max(id) FROM product") > 1_000);
});

on_engines!(an_older_default_of_other_tools_is_not_served_before_it_is_repaired, [sqlite Sqlite, postgres Postgres], || {
    let (place, other) = (demo(), Place::new());
    fs::create_dir_all(other.folder().join("data")).unwrap();
    other.replace("default", &place, "default");
    let (session, account, reviewed) = late(&place);
    place.replace("default", &other, "default");
    for command in [&["serve"][..], &["demo"], &["account", "create", "next"]] {
        let said = fails(ostrakon(&place, command), 2);
        assert!(said.contains("`ostrakon restore --repair-ids`"), "{said}");
        assert!(said.contains(&format!("account {account}:")), "{said}");
    }
    // What looks only, may.
    for command in ["verify", "databases"] {
        succeeds(&place, &[command]);
    }
    let said = succeeds(&place, &["restore", "--repair-ids"]);
    assert!(said.contains(&format!("account {account}.")), "{said}");
    next_is_somebody_else(&place, account, &reviewed, &session);

    // A product that is missing, too; its reviews are found.
    let last = "UPDATE review SET product_id = 70 WHERE (product_id, id) =
                (SELECT product_id, id FROM review ORDER BY product_id, id LIMIT 1)";
    place.sql_without_foreign_keys("reviews-1", last);
    place.sql(
        "default",
        match engine() {
            Engine::Sqlite => "UPDATE sqlite_sequence SET seq = 62 WHERE name = 'product'",
            _ => "SELECT setval(pg_get_serial_sequence('product', 'id'), 62)",
        },
    );
    let said = fails(ostrakon(&place, &["serve"]), 2);
    assert!(said.contains("reviews name product 70"), "{said}");
    let said = exits(&place, &["restore", "--repair-ids"], 1);
    assert!(said.contains("them: product 70.") && said.contains("verify: 3 problems"), "{said}");
});
