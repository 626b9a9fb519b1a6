//! Setting up: what a program with these files and this configuration does, or refuses.

use std::fs;
use std::path::Path;

use ostrakon::config::Config;
use ostrakon::shard::Spread;
use ostrakon::store::SetupError;

use crate::app::{config, migrate, sql};

fn file(config: &Config, database: &str) -> std::path::PathBuf {
    config.data_dir.join(format!("{database}.sqlite3"))
}

/// A migrated cluster of three, nobody using it.
fn cluster(folder: &Path) -> Config {
    let config = config(folder, 3);
    migrate(&config).unwrap();
    config
}

fn open(config: &Config) -> Result<(), SetupError> {
    config.open().map(drop)
}

/// Both refuse, and say so in one line that holds each of these words.
#[track_caller]
fn refused(config: &Config, words: &[&str]) {
    for (what, result) in [("serve", open(config)), ("migrate", migrate(config))] {
        let SetupError(lines) = result.expect_err(what);
        assert_eq!(lines.len(), 1, "{what}: {lines:?}");
        for word in words {
            assert!(lines[0].contains(word), "{what}: {word:?} is not in {:?}", lines[0]);
        }
    }
}

#[test]
fn migrating_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = cluster(folder.path());
    let mut lines = Vec::new();
    config.databases().migrate(None, &mut |line| lines.push(line)).unwrap();
    let up_to_date =
        ["default", "reviews-1", "reviews-2", "reviews-3"].map(|d| format!("{d}: up to date"));
    assert_eq!(lines, up_to_date);
    open(&config).unwrap();
}

#[test]
fn nothing_is_served_before_it_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 3);
    let SetupError(lines) = open(&config).unwrap_err();
    assert!(lines[0].contains("default") && lines[0].contains("ostrakon migrate"), "{lines:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is created by looking");
}

#[test]
fn databases_can_be_migrated_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 2);
    let one = |name| config.databases().migrate(Some(name), &mut drop);
    let SetupError(lines) = one("reviews-1").unwrap_err();
    assert!(lines[0].contains("default is not migrated"), "{lines:?}");
    let SetupError(lines) = one("reviews-3").unwrap_err();
    assert_eq!(lines, ["there is no database reviews-3, only default, reviews-1, reviews-2"]);
    for name in ["default", "reviews-2"] {
        one(name).unwrap();
    }
    let SetupError(lines) = open(&config).unwrap_err();
    assert!(lines.len() == 1 && lines[0].starts_with("reviews-1"), "{lines:?}");
    one("reviews-1").unwrap();
    open(&config).unwrap();
}

#[test]
fn an_interrupted_beginning_is_finished_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = cluster(folder.path());
    // As if the program had been killed before it noted that reviews-2 was ready, and before it
    // created reviews-3.
    sql(&file(&config, "default"), "UPDATE database SET state = 'new' WHERE name <> 'reviews-1'");
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(folder.path().join(format!("reviews-3.sqlite3{suffix}"))).ok();
    }
    let SetupError(lines) = open(&config).unwrap_err();
    assert!(
        lines.iter().any(|line| line.contains("reviews-3") && line.contains("migrate")),
        "{lines:?}"
    );
    migrate(&config).unwrap();
    open(&config).unwrap();
}

#[test]
fn a_missing_database_is_a_loss() {
    for database in ["reviews-2", "default"] {
        let folder = tempfile::tempdir().unwrap();
        let config = cluster(folder.path());
        fs::remove_file(file(&config, database)).unwrap();
        if database == "default" {
            let SetupError(lines) = migrate(&config).unwrap_err();
            assert!(lines[0].contains("restore default from a backup"), "{lines:?}");
        } else {
            refused(&config, &["reviews-2", "is missing", "341 buckets", "backup"]);
        }
        assert!(!file(&config, database).exists(), "{database} came back empty");
    }
}

#[test]
fn an_emptied_database_is_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let config = cluster(folder.path());
    fs::write(file(&config, "reviews-2"), "").unwrap();
    let SetupError(lines) = migrate(&config).unwrap_err();
    assert!(lines[0].contains("reviews-2") && lines[0].contains("backup"), "{lines:?}");
    open(&config).unwrap_err();
}

#[test]
fn a_database_of_another_cluster_is_refused() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (config, other) = (cluster(folder.path()), cluster(other.path()));
    fs::copy(file(&other, "reviews-3"), file(&config, "reviews-3")).unwrap();
    refused(&config, &["reviews-3", "belongs to cluster"]);
}

#[test]
fn a_database_under_another_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = cluster(folder.path());
    fs::copy(file(&config, "reviews-1"), file(&config, "reviews-3")).unwrap();
    refused(&config, &["reviews-3", "calls itself reviews-1"]);
}

#[test]
fn every_pin_is_compared() {
    for (change, words) in [
        ("hash = 'md5'", "is pinned to the hash md5"),
        ("epoch = '1970-01-01T00:00:00Z'", "counts ids from 1970"),
        ("buckets = 4096", "has a bucket count of 4096"),
        ("spread = 4", "has a spread of 4, expected is 8"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = cluster(folder.path());
        sql(&file(&config, "reviews-2"), &format!("UPDATE cluster SET {change}"));
        refused(&config, &["reviews-2", words]);
    }
}

#[test]
fn the_number_of_databases_and_the_spread_are_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = cluster(folder.path());
    for databases in [1, 2, 4] {
        let other = Config { reviews_databases: databases, ..cluster.clone() };
        refused(&other, &[&format!("names {databases} reviews databases"), "has 3"]);
    }
    let same = Config { spread: Some(Spread::DEFAULT), ..cluster.clone() };
    open(&same).unwrap();
    let other = Config { spread: Spread::new(16), ..cluster };
    refused(&other, &["wants spread 16", "was created with 8"]);
}

#[test]
fn a_newer_programs_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = cluster(folder.path());
    sql(
        &file(&config, "reviews-2"),
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')",
    );
    refused(&config, &["reviews-2", "20991231000000", "newer program"]);
}

#[test]
fn several_broken_databases_are_all_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = cluster(folder.path());
    for database in ["reviews-1", "reviews-3"] {
        fs::remove_file(file(&config, database)).unwrap();
    }
    let SetupError(lines) = open(&config).unwrap_err();
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[test]
fn folders_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let strange = folder.path().join("50% of a? #1 'quoted' å");
    let config = config(&strange, 1);
    migrate(&config).unwrap();
    open(&config).unwrap();
    assert!(file(&config, "reviews-1").exists());
}
