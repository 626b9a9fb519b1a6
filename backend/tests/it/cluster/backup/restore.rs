//! Restoring all databases, or some of them.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::{REVIEWS, drop_all_databases, exits, review, serve, status, the_backup};
use crate::support::cli::{ServerProcess, demo_cluster, fails, ostrakon, succeeds};
use crate::support::cluster::{TestCluster, open};
use crate::support::engine::{Engine, engine};

#[test]
fn empty_files_and_files_without_tables_can_be_restored() {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    drop_all_databases(&cluster);
    let without_tables = "PRAGMA journal_mode = WAL; CREATE TABLE gone (n); DROP TABLE gone;";
    fs::write(cluster.file("default"), "").unwrap();
    fs::write(cluster.file("reviews-1"), "").unwrap();
    cluster.sql("reviews-2", without_tables);
    let restored = succeeds(&cluster, &["restore", "backups"]);
    assert!(restored.contains("5000 reviews in 3 databases, all in their place"), "{restored}");
    for database in ["reviews-3", "default"] {
        cluster.drop_database(database);
        cluster.sql(database, without_tables);
        succeeds(&cluster, &["restore", "backups", "--database", database]);
        cluster.recreate_empty(database);
        succeeds(&cluster, &["restore", "backups", "--database", database]);
    }
    // A log that SQLite would apply to the restored file is refused beside an empty file too.
    cluster.recreate_empty("reviews-1");
    fs::write(cluster.file("reviews-1").with_extension("sqlite3-wal"), "left").unwrap();
    let said = fails(ostrakon(&cluster, &["restore", "backups", "--database", "reviews-1"]), 2);
    assert!(said.contains("reviews-1.sqlite3-wal is left"), "{said}");
    fs::remove_file(cluster.file("reviews-1").with_extension("sqlite3-wal")).unwrap();
    succeeds(&cluster, &["restore", "backups", "--database", "reviews-1"]);
    review(&serve(&cluster), 1, "", "new");
    succeeds(&cluster, &["verify"]);
}

#[test]
fn a_symbolic_link_is_restored_at_its_target() {
    let cluster = demo_cluster();
    let (disk, link) = (cluster.folder().join("disk"), cluster.file("reviews-1"));
    let real = disk.join("one.sqlite3");
    fs::create_dir(&disk).unwrap();
    fs::rename(&link, &real).unwrap();
    symlink("../disk/one.sqlite3", &link).unwrap();
    succeeds(&cluster, &["backup", "backups"]);
    fs::remove_file(&real).unwrap();
    let wal = disk.join("one.sqlite3-wal");
    fs::write(&wal, "left").unwrap();
    let restore = ["restore", "backups", "--database", "reviews-1"];
    let said = fails(ostrakon(&cluster, &restore), 2);
    assert!(said.contains("one.sqlite3-wal is left"), "{said}");
    fs::remove_file(&wal).unwrap();
    succeeds(&cluster, &restore);
    assert!(link.symlink_metadata().unwrap().is_symlink() && real.exists());

    // The same of all, with the key of the data folder, and of files that are yet to be made.
    let (key, real_key) = (cluster.folder().join("data/secret-key"), disk.join("key"));
    fs::write(&real_key, "a secret of this cluster, which nobody guesses").unwrap();
    symlink(&real_key, &key).unwrap();
    succeeds(&cluster, &["backup", "backups"]);
    REVIEWS[1..].iter().chain(&["default"]).for_each(|database| cluster.drop_database(database));
    fs::remove_file(&real).unwrap();
    fs::remove_file(&real_key).unwrap();
    succeeds(&cluster, &["restore", "backups"]);
    for (link, real) in [(&link, &real), (&key, &real_key)] {
        assert!(link.symlink_metadata().unwrap().is_symlink() && real.exists());
    }
    let new = TestCluster::new();
    fs::create_dir_all(new.folder().join("data")).unwrap();
    symlink("../elsewhere.sqlite3", new.file("reviews-2")).unwrap();
    succeeds(&new, &["migrate"]);
    assert!(new.folder().join("elsewhere.sqlite3").exists());
    succeeds(&new, &["verify"]);
}

on_engines!(one_reviews_database_of_three_can_be_restored, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    let server = serve(&cluster);
    let written: Vec<_> = (1..=60).map(|n| review(&server, n, "", "since")).collect();
    drop(server);
    let count = |database| cluster.query_number(database, "SELECT count(*) FROM review");
    let before = REVIEWS.map(count);
    let said = fails(ostrakon(&cluster, &["restore", "backups", "--database", "reviews-2"]), 2);
    assert!(said.contains("reviews-2") && said.contains("is not empty"), "{said}");
    fails(ostrakon(&cluster, &["restore", "backups", "--database", "reviews-9"]), 2);

    cluster.drop_database("reviews-2");
    if engine() == Engine::Sqlite {
        // A log that SQLite would apply to the restored file.
        let wal = cluster.file("reviews-2").with_extension("sqlite3-wal");
        fs::write(&wal, "left").unwrap();
        let said = fails(ostrakon(&cluster, &["restore", "backups", "--database", "reviews-2"]), 2);
        assert!(said.contains("reviews-2.sqlite3-wal is left"), "{said}");
        fs::remove_file(wal).unwrap();
    }
    let said = succeeds(&cluster, &["restore", "backups", "--database", "reviews-2"]);
    assert!(said.contains("reviews-2 is as of") && !said.contains("sessions"), "{said}");
    let after = REVIEWS.map(count);
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert!(after[1] < before[1], "{before:?} {after:?}");
    let server = serve(&cluster);
    let there =
        written.iter().filter(|id| status(&server, &format!("/api/reviews/{id}"), "") == 200);
    assert_eq!(there.count() as i64, 60 - (before[1] - after[1]));
});

on_engines!(an_interrupted_restore_is_not_served_and_can_be_continued, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    drop_all_databases(&cluster);
    drop(cluster.config(3));
    let obstacle = cluster.file("reviews-3").with_extension("sqlite3.partial");
    match engine() {
        Engine::Sqlite => fs::create_dir_all(&obstacle).unwrap(),
        _ => cluster.sql("reviews-3", "CREATE TABLE review_id (n INTEGER)"),
    }
    let said = exits(&cluster, &["restore", "backups"], 1);
    assert!(said.contains("not finished"), "{said}");
    for command in ["serve", "migrate", "backup"] {
        let arguments = if command == "backup" { &["backup", "backups"][..] } else { &[command] };
        let said = exits(&cluster, arguments, 2);
        assert!(said.contains("only partly filled by `ostrakon restore`"), "{said}");
    }
    // The restore continues with the same backup.
    match engine() {
        Engine::Sqlite => fs::remove_dir(&obstacle).unwrap(),
        _ => cluster.sql("reviews-3", "DROP TABLE review_id"),
    }
    let said = succeeds(&cluster, &["restore", "backups"]);
    assert!(said.contains("5000 reviews in 3 databases, all in their place"), "{said}");
    let server = serve(&cluster);
    let said = fails(ostrakon(&cluster, &["restore", "backups", "--database", "reviews-1"]), 2);
    let open = if engine() == Engine::Sqlite { "already" } else { "is used by" };
    assert!(said.contains(open), "{said}");
    drop(server);
    let said = fails(ostrakon(&cluster, &["restore", "backups"]), 2);
    assert!(said.contains("has already been restored here"), "{said}");
    review(&serve(&cluster), 1, "", "since");
    let said = fails_all(&cluster, &["restore", "backups"]);
    assert!(said.lines().count() == 4 && said.contains("is not empty"), "{said}");
});

fn fails_all(cluster: &TestCluster, arguments: &[&str]) -> String {
    exits(cluster, arguments, 2)
}

#[test]
fn databases_that_a_server_uses_are_not_restored() {
    let _on = Engine::Postgres.enter();
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    let server = ServerProcess::start(&cluster);
    assert_eq!(server.get("/readyz"), "{\"status\":\"ok\"}");
    for arguments in [&["restore", "backups"][..], &["restore", "--repair-ids"]] {
        let said = exits(&cluster, arguments, 2);
        assert!(said.contains("default: it is used by"), "{said}");
        assert!(!said.contains("is not empty"), "{said}");
    }
}

#[test]
fn a_file_is_not_restored_under_a_server_that_has_it_open() {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    let server = ServerProcess::start(&cluster);
    cluster.drop_database("reviews-2");
    let restore = ["restore", "backups", "--database", "reviews-2"];
    let said = fails(ostrakon(&cluster, &restore), 2);
    assert!(said.contains("served by another process"), "{said}");
    drop(server);
    succeeds(&cluster, &restore);
}

/// A backup that an older program has made is migrated when it is restored.
#[test]
fn a_backup_of_an_older_program_is_restored() {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    let backup = the_backup(&cluster);
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
    drop_all_databases(&cluster);
    succeeds(&cluster, &["backup", "check", "backups"]);
    succeeds(&cluster, &["restore", "backups"]);
    assert!(!succeeds(&cluster, &["migrate", "--status"]).contains("pending"));
}

#[test]
fn one_database_is_not_restored_from_before_its_buckets_moved() {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    succeeds(&cluster, &["databases", "add"]);
    succeeds(&cluster, &["rebalance", "plan"]);
    succeeds(&cluster, &["rebalance", "start"]);
    for name in ["default", "reviews-2"] {
        let (file, away) = (cluster.file(name), cluster.file(&format!("{name}-away")));
        fs::rename(&file, &away).unwrap();
        let restore = ["restore", "backups", "--database", name];
        let output = ostrakon(&cluster, &restore).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains("buckets, which have moved since the backup"), "{said}");
        // No server starts from it.
        let said = fails(ostrakon(&cluster, &["databases"]), 2);
        assert!(said.contains("is only partly filled by `ostrakon restore`"), "{said}");
        fs::rename(&away, &file).unwrap();
    }
    let verified = succeeds(&cluster, &["verify"]);
    assert!(verified.contains("5000 reviews in 4 databases, all in their place"), "{verified}");
    let other = TestCluster::new();
    succeeds(&other, &["restore", cluster.folder().join("backups").to_str().unwrap()]);
    let verified = succeeds(&other, &["verify"]);
    assert!(verified.contains("5000 reviews in 3 databases, all in their place"), "{verified}");
}
