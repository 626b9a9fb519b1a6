//! Restoring all databases, or some of them.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::{REVIEWS, exits, lose_all, review, serve, status, the_backup};
use crate::support::cli::{Serving, demo, fails, ostrakon, succeeds};
use crate::support::engine::{Engine, engine};
use crate::support::place::{Place, open};

#[test]
fn empty_files_and_files_without_tables_are_filled() {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    lose_all(&place);
    let without_tables = "PRAGMA journal_mode = WAL; CREATE TABLE gone (n); DROP TABLE gone;";
    fs::write(place.file("default"), "").unwrap();
    fs::write(place.file("reviews-1"), "").unwrap();
    place.sql("reviews-2", without_tables);
    let restored = succeeds(&place, &["restore", "backups"]);
    assert!(restored.contains("5000 reviews in 3 databases, all in their place"), "{restored}");
    for database in ["reviews-3", "default"] {
        place.lose(database);
        place.sql(database, without_tables);
        succeeds(&place, &["restore", "backups", "--database", database]);
        place.empty(database);
        succeeds(&place, &["restore", "backups", "--database", database]);
    }
    // What SQLite would apply to the next file of that name is as bad beside an empty one.
    place.empty("reviews-1");
    fs::write(place.file("reviews-1").with_extension("sqlite3-wal"), "left").unwrap();
    let said = fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-1"]), 2);
    assert!(said.contains("reviews-1.sqlite3-wal is left"), "{said}");
    fs::remove_file(place.file("reviews-1").with_extension("sqlite3-wal")).unwrap();
    succeeds(&place, &["restore", "backups", "--database", "reviews-1"]);
    review(&serve(&place), 1, "", "new");
    succeeds(&place, &["verify"]);
}

#[test]
fn a_database_that_is_a_link_is_restored_where_it_leads() {
    let place = demo();
    let (disk, link) = (place.folder().join("disk"), place.file("reviews-1"));
    let real = disk.join("one.sqlite3");
    fs::create_dir(&disk).unwrap();
    fs::rename(&link, &real).unwrap();
    symlink("../disk/one.sqlite3", &link).unwrap();
    succeeds(&place, &["backup", "backups"]);
    fs::remove_file(&real).unwrap();
    let wal = disk.join("one.sqlite3-wal");
    fs::write(&wal, "left").unwrap();
    let restore = ["restore", "backups", "--database", "reviews-1"];
    let said = fails(ostrakon(&place, &restore), 2);
    assert!(said.contains("one.sqlite3-wal is left"), "{said}");
    fs::remove_file(&wal).unwrap();
    succeeds(&place, &restore);
    assert!(link.symlink_metadata().unwrap().is_symlink() && real.exists());

    // The same of all, with the key of the data folder, and of files that are yet to be made.
    let (key, real_key) = (place.folder().join("data/secret-key"), disk.join("key"));
    fs::write(&real_key, "a secret of this cluster, which nobody guesses").unwrap();
    symlink(&real_key, &key).unwrap();
    succeeds(&place, &["backup", "backups"]);
    REVIEWS[1..].iter().chain(&["default"]).for_each(|database| place.lose(database));
    fs::remove_file(&real).unwrap();
    fs::remove_file(&real_key).unwrap();
    succeeds(&place, &["restore", "backups"]);
    for (link, real) in [(&link, &real), (&key, &real_key)] {
        assert!(link.symlink_metadata().unwrap().is_symlink() && real.exists());
    }
    let new = Place::new();
    fs::create_dir_all(new.folder().join("data")).unwrap();
    symlink("../elsewhere.sqlite3", new.file("reviews-2")).unwrap();
    succeeds(&new, &["migrate"]);
    assert!(new.folder().join("elsewhere.sqlite3").exists());
    succeeds(&new, &["verify"]);
}

on_engines!(one_reviews_database_of_three_can_be_restored, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let serving = serve(&place);
    let written: Vec<_> = (1..=60).map(|n| review(&serving, n, "", "since")).collect();
    drop(serving);
    let count = |database| place.number(database, "SELECT count(*) FROM review");
    let before = REVIEWS.map(count);
    let said = fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-2"]), 2);
    assert!(said.contains("reviews-2") && said.contains("is not empty"), "{said}");
    fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-9"]), 2);

    place.lose("reviews-2");
    if engine() == Engine::Sqlite {
        // What SQLite would apply to the next file of that name.
        let wal = place.file("reviews-2").with_extension("sqlite3-wal");
        fs::write(&wal, "left").unwrap();
        let said = fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-2"]), 2);
        assert!(said.contains("reviews-2.sqlite3-wal is left"), "{said}");
        fs::remove_file(wal).unwrap();
    }
    let said = succeeds(&place, &["restore", "backups", "--database", "reviews-2"]);
    assert!(said.contains("reviews-2 is as of") && !said.contains("sessions"), "{said}");
    let after = REVIEWS.map(count);
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert!(after[1] < before[1], "{before:?} {after:?}");
    let serving = serve(&place);
    let there =
        written.iter().filter(|id| status(&serving, &format!("/api/reviews/{id}"), "") == 200);
    assert_eq!(there.count() as i64, 60 - (before[1] - after[1]));
});

on_engines!(an_interrupted_restore_serves_nothing_and_goes_on, [sqlite Sqlite, postgres Postgres], || {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    lose_all(&place);
    drop(place.config(3));
    let obstacle = place.file("reviews-3").with_extension("sqlite3.partial");
    match engine() {
        Engine::Sqlite => fs::create_dir_all(&obstacle).unwrap(),
        _ => place.sql("reviews-3", "CREATE TABLE review_id (n INTEGER)"),
    }
    let said = exits(&place, &["restore", "backups"], 1);
    assert!(said.contains("not finished"), "{said}");
    for command in ["serve", "migrate", "backup"] {
        let arguments = if command == "backup" { &["backup", "backups"][..] } else { &[command] };
        let said = exits(&place, arguments, 2);
        assert!(said.contains("only in part filled by `ostrakon restore`"), "{said}");
    }
    // Another backup is none of its business.
    match engine() {
        Engine::Sqlite => fs::remove_dir(&obstacle).unwrap(),
        _ => place.sql("reviews-3", "DROP TABLE review_id"),
    }
    let said = succeeds(&place, &["restore", "backups"]);
    assert!(said.contains("5000 reviews in 3 databases, all in their place"), "{said}");
    let serving = serve(&place);
    let said = fails(ostrakon(&place, &["restore", "backups", "--database", "reviews-1"]), 2);
    let open = if engine() == Engine::Sqlite { "already" } else { "is used by" };
    assert!(said.contains(open), "{said}");
    drop(serving);
    let said = fails(ostrakon(&place, &["restore", "backups"]), 2);
    assert!(said.contains("has been restored here already"), "{said}");
    review(&serve(&place), 1, "", "since");
    let said = fails_all(&place, &["restore", "backups"]);
    assert!(said.lines().count() == 4 && said.contains("is not empty"), "{said}");
});

fn fails_all(place: &Place, arguments: &[&str]) -> String {
    exits(place, arguments, 2)
}

#[test]
fn a_server_is_stopped_before_its_databases_are_restored() {
    let _on = Engine::Postgres.enter();
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let serving = Serving::start(&place);
    assert_eq!(serving.get("/readyz"), "{\"status\":\"ok\"}");
    for arguments in [&["restore", "backups"][..], &["restore", "--repair-ids"]] {
        let said = exits(&place, arguments, 2);
        assert!(said.contains("default: it is used by"), "{said}");
        assert!(!said.contains("is not empty"), "{said}");
    }
}

#[test]
fn a_file_is_not_restored_under_a_server_that_has_it_open() {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let serving = Serving::start(&place);
    place.lose("reviews-2");
    let restore = ["restore", "backups", "--database", "reviews-2"];
    let said = fails(ostrakon(&place, &restore), 2);
    assert!(said.contains("served by another process"), "{said}");
    drop(serving);
    succeeds(&place, &restore);
}

/// A backup that an older program has made is migrated when it is restored.
#[test]
fn a_backup_of_an_older_program_is_restored() {
    let place = demo();
    succeeds(&place, &["backup", "backups"]);
    let backup = the_backup(&place);
    let (copy, manifest) = (backup.join("default.sqlite3"), backup.join("manifest.json"));
    let down = include_str!(
        "../../../../../migrations/sqlite/default/2026-11-27-050000_product_ids/down.sql"
    );
    let version = "DELETE FROM __diesel_schema_migrations WHERE version = '20261127050000'";
    let sqlite = |sql: &str| {
        use diesel::connection::SimpleConnection;
        open(&copy).batch_execute(sql).unwrap();
    };
    sqlite(down);
    sqlite(version);
    let mut says: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let bytes = fs::read(&copy).unwrap();
    let sha256: String = {
        use sha2::{Digest, Sha256};
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let saved = &mut says["databases"][3];
    saved["files"]["default.sqlite3"] = json!({"bytes": bytes.len(), "sha256": sha256});
    saved["migrations"].as_array_mut().unwrap().retain(|version| version != "20261127050000");
    fs::write(&manifest, says.to_string()).unwrap();
    lose_all(&place);
    succeeds(&place, &["backup", "check", "backups"]);
    succeeds(&place, &["restore", "backups"]);
    assert!(!succeeds(&place, &["migrate", "--status"]).contains("pending"));
}
