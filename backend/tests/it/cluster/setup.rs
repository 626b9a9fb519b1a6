//! Which databases `serve` and `migrate` accept with a configuration, and which they refuse.

use std::fs;

use ostrakon::config::Config;
use ostrakon::shard::Spread;
use ostrakon::store::SetupError;

use crate::support::cluster::{TestCluster, migrate};
use crate::support::engine::{Engine, engine};

/// A migrated cluster of three databases that is not served.
fn migrated_cluster() -> (TestCluster, Config) {
    let cluster = TestCluster::new();
    let config = cluster.config(3);
    migrate(&config).unwrap();
    (cluster, config)
}

fn open(config: &Config) -> Result<usize, SetupError> {
    Ok(config.open()?.cluster().reviews_databases().len())
}

/// Both commands refuse, with one line that contains each of these words.
#[track_caller]
fn refused(config: &Config, words: &[&str]) {
    for (what, result) in [("serve", open(config).map(drop)), ("migrate", migrate(config))] {
        let SetupError(lines) = result.expect_err(what);
        assert_eq!(lines.len(), 1, "{what}: {lines:?}");
        for word in words {
            assert!(lines[0].contains(word), "{what}: {word:?} is not in {:?}", lines[0]);
        }
    }
}

on_every_engine!(migrating_again_changes_nothing, || {
    let (_cluster, config) = migrated_cluster();
    let mut lines = Vec::new();
    config.databases().unwrap().migrate(None, &mut |line| lines.push(line)).unwrap();
    let up_to_date =
        ["default", "reviews-1", "reviews-2", "reviews-3"].map(|d| format!("{d}: up to date"));
    assert_eq!(lines, up_to_date);
    open(&config).unwrap();
});

on_every_engine!(nothing_is_served_before_it_is_migrated, || {
    let cluster = TestCluster::new();
    let config = cluster.config(3);
    let SetupError(lines) = open(&config).unwrap_err();
    assert!(lines[0].contains("default") && lines[0].contains("ostrakon migrate"), "{lines:?}");
    let created = match engine() {
        Engine::Sqlite => fs::read_dir(cluster.folder()).unwrap().count() as i64,
        Engine::Postgres | Engine::Citus => cluster
            .query_number("default", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
    };
    assert_eq!(created, 0, "nothing is created by looking");
});

on_every_engine!(databases_can_be_migrated_one_by_one, || {
    let cluster = TestCluster::new();
    let config = cluster.config(2);
    let one = |name| config.databases().unwrap().migrate(Some(name), &mut drop);
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
});

on_every_engine!(an_interrupted_first_migration_is_finished_by_the_next_one, || {
    let (cluster, config) = migrated_cluster();
    // As if the program had been killed before it noted that reviews-2 was ready, and before it
    // created reviews-3.
    cluster.sql("default", "UPDATE database SET state = 'new' WHERE name <> 'reviews-1'");
    cluster.drop_database("reviews-3");
    assert_eq!(cluster.config(3), config, "a new database without tables, where that is needed");
    let SetupError(lines) = open(&config).unwrap_err();
    assert!(
        lines.iter().any(|line| line.contains("reviews-3") && line.contains("migrate")),
        "{lines:?}"
    );
    migrate(&config).unwrap();
    open(&config).unwrap();
});

on_every_engine!(a_missing_database_is_not_recreated, || {
    let (cluster, config) = migrated_cluster();
    cluster.drop_database("reviews-2");
    match engine() {
        Engine::Sqlite => refused(&config, &["reviews-2", "is missing", "341 buckets", "backup"]),
        Engine::Postgres | Engine::Citus => refused(&config, &["reviews-2", "does not exist"]),
    }
    assert!(!cluster.file("reviews-2").exists(), "it came back empty");

    let (cluster, config) = migrated_cluster();
    cluster.drop_database("default");
    let SetupError(lines) = migrate(&config).unwrap_err();
    match engine() {
        Engine::Sqlite => assert!(lines[0].contains("restore default from a backup"), "{lines:?}"),
        Engine::Postgres | Engine::Citus => refused(&config, &["default", "does not exist"]),
    }
    assert!(!cluster.file("default").exists(), "it came back empty");
});

on_every_engine!(an_emptied_database_is_refused, || {
    let (cluster, config) = migrated_cluster();
    cluster.recreate_empty("reviews-2");
    let SetupError(lines) = migrate(&config).unwrap_err();
    assert!(lines[0].contains("reviews-2") && lines[0].contains("backup"), "{lines:?}");
    open(&config).unwrap_err();

    let (cluster, config) = migrated_cluster();
    cluster.recreate_empty("default");
    let SetupError(lines) = migrate(&config).unwrap_err();
    assert!(lines[0].contains("restore default from a backup"), "{lines:?}");
    open(&config).unwrap_err();
});

on_every_engine!(a_database_of_another_cluster_is_refused, || {
    let ((cluster, config), (other, _)) = (migrated_cluster(), migrated_cluster());
    cluster.replace_with_copy("reviews-3", &other, "reviews-3");
    refused(&config, &["reviews-3", "belongs to cluster"]);
});

on_every_engine!(a_database_under_another_name_is_refused, || {
    let (cluster, config) = migrated_cluster();
    cluster.replace_with_copy("reviews-3", &cluster, "reviews-1");
    refused(&config, &["reviews-3", "has the name reviews-1"]);
});

on_every_engine!(every_pin_is_compared, || {
    for (change, words) in [
        ("hash = 'md5'", "is pinned to the hash md5"),
        ("epoch = '1970-01-01T00:00:00Z'", "counts ids from 1970"),
        ("buckets = 4096", "has a bucket count of 4096"),
        ("spread = 4", "has a spread of 4, expected 8"),
    ] {
        let (cluster, config) = migrated_cluster();
        cluster.sql("reviews-2", &format!("UPDATE cluster SET {change}"));
        refused(&config, &["reviews-2", words]);
    }
});

on_every_server!(a_database_that_can_t_store_every_text_is_refused, || {
    let (cluster, config) = migrated_cluster();
    let encode = |encoding: &str| {
        let encode = format!(
            "UPDATE pg_database SET encoding = pg_char_to_encoding('{encoding}')
             WHERE datname = current_database()"
        );
        cluster.sql("reviews-2", &encode);
    };
    for encoding in ["LATIN1", "SQL_ASCII"] {
        encode(encoding);
        refused(&config, &["reviews-2", encoding, "ENCODING 'UTF8'"]);
    }
    encode("UTF8");
    open(&config).unwrap();
});

on_every_engine!(the_cluster_has_its_own_databases_and_spread, || {
    let (cluster, config) = migrated_cluster();
    for databases in [3, 4] {
        assert_eq!(open(&cluster.config(databases)).unwrap(), 3);
    }
    let same = Config { spread: Some(Spread::DEFAULT), ..config.clone() };
    open(&same).unwrap();
    let other = Config { spread: Spread::new(16), ..config };
    refused(&other, &["has spread 16", "was created with 8"]);
});

/// A migration that only a newer program has.
const NEWER: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')";

on_every_engine!(a_newer_programs_database_is_refused, || {
    let (cluster, config) = migrated_cluster();
    cluster.sql("reviews-2", NEWER);
    refused(&config, &["reviews-2", "20991231000000", "newer program"]);
});

on_every_engine!(several_broken_databases_are_all_named, || {
    let (cluster, config) = migrated_cluster();
    cluster.drop_database("reviews-1");
    cluster.sql("reviews-2", "UPDATE cluster SET hash = 'md5', buckets = 1");
    cluster.sql("reviews-3", NEWER);
    let SetupError(lines) = open(&config).unwrap_err();
    let named: Vec<_> = lines.iter().map(|line| line.split([' ', ':']).next().unwrap()).collect();
    assert_eq!(named, ["reviews-1", "reviews-2", "reviews-2", "reviews-3"], "{lines:?}");
});

#[test]
fn folders_may_have_any_name() {
    let cluster = TestCluster::new();
    let strange = cluster.folder().join("50% of a? #1 'quoted' å");
    let config = Config { data_dir: strange.clone(), ..cluster.config(1) };
    migrate(&config).unwrap();
    open(&config).unwrap();
    assert!(strange.join("reviews-1.sqlite3").exists());
}
