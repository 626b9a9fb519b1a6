//! Making backups: while the server writes, one at a time, and how many are kept.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use serde_json::{Value, json};

use super::{backups, drop_all_databases, register, review, said, serve, status, the_backup};
use crate::support::cli::{demo_cluster, fails, ostrakon, run, succeeds};
use crate::support::engine::{Engine, engine};

on_engines!(a_backup_made_under_writes_has_every_review_acknowledged_before, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    let server = serve(&cluster);
    let author = register(&server, "Aspasia");
    let own = review(&server, 1, &author, "of an account");
    // As the first start makes it.
    let key = cluster.folder().join("data/secret-key");
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    fs::write(&key, "a secret of this cluster, which nobody guesses").unwrap();
    let secret = fs::read(&key).unwrap();
    let stop = AtomicBool::new(false);
    let (written, acknowledged) = mpsc::channel();
    let before = std::thread::scope(|scope| {
        for writer in 0..4 {
            let (written, server, stop) = (written.clone(), &server, &stop);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let text = format!("{n} by {writer}");
                    written.send(review(server, n % 62 + 1, "", &text)).unwrap();
                }
            });
        }
        let before: Vec<String> = acknowledged.iter().take(40).collect();
        let output = run(&cluster, &["backup", "backups"]);
        stop.store(true, Ordering::Relaxed);
        assert!(output.status.success(), "{output:?}");
        before
    });
    let backup = the_backup(&cluster);
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let manifest: Value =
        serde_json::from_slice(&fs::read(backup.join("manifest.json")).unwrap()).unwrap();
    let names = manifest["databases"].as_array().unwrap().iter().map(|saved| &saved["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["reviews-1", "reviews-2", "reviews-3", "default"]);
    for folder in ["backups", backup.to_str().unwrap()] {
        let checked = succeeds(&cluster, &["backup", "check", folder]);
        assert!(checked.contains("4 databases") && checked.contains("as the manifest says"));
    }

    let checked = succeeds(&cluster, &["backup", "check", "backups", "--json"]);
    let checked: Value = serde_json::from_str(&checked).unwrap();
    assert_eq!((&checked["databases"], &checked["problems"]), (&json!(4), &json!([])));
    assert!(checked["rows"].as_u64().unwrap() > 5_000);

    drop(server);
    drop_all_databases(&cluster);
    fs::remove_file(&key).unwrap();
    let restored = succeeds(&cluster, &["restore", "backups"]);
    assert!(restored.contains("all in their place"), "{restored}");
    assert!(restored.contains("ended 1 sessions and 0 API tokens"), "{restored}");
    assert_eq!(fs::read(&key).unwrap(), secret);
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let server = serve(&cluster);
    for id in before.iter().chain([&own]) {
        assert_eq!(status(&server, &format!("/api/reviews/{id}"), ""), 200, "{id}");
    }
    assert_eq!(status(&server, "/api/session", &author), 401);
    if engine() == Engine::Sqlite {
        for database in ["default", "reviews-3"] {
            let mode = "SELECT journal_mode AS value FROM pragma_journal_mode";
            assert_eq!(cluster.query_texts(database, mode), ["wal"]);
        }
    }
    // The restored cluster accepts writes.
    review(&server, 2, &register(&server, "Pericles"), "new");
    drop(server);
    succeeds(&cluster, &["verify"]);
    succeeds(&cluster, &["backup", "backups"]);
});

on_engines!(a_complete_backup_gets_its_name_and_the_oldest_are_deleted, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    let folder = cluster.folder().join("backups");
    let leftover = folder.join("2026-01-01T00-00-00.000Z.partial");
    let others = [folder.join("2026-01-01T00-00-00.000Z"), folder.join("mine.partial")];
    for folder in [&leftover, &others[0], &others[1]] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("default.sqlite3"), "half").unwrap();
    }
    let said = fails(ostrakon(&cluster, &["backup", "check", "backups"]), 2);
    assert!(said.contains("contains no backup"), "{said}");
    fails(ostrakon(&cluster, &["restore", "backups"]), 2);

    succeeds(&cluster, &["backup", "backups"]);
    assert!(!leftover.exists());
    // Backups of other clusters, and other files, stay.
    let another = demo_cluster();
    let elsewhere = folder.to_str().unwrap();
    succeeds(&another, &["backup", elsewhere]);
    let first: HashSet<_> = backups(&cluster).into_iter().collect();
    assert_eq!(first.len(), 4, "{first:?}");
    succeeds(&cluster, &["backup", "backups"]);
    let said = succeeds(&cluster, &["backup", "backups", "--keep", "2"]);
    assert_eq!(said.lines().count(), 2, "{said}");
    let left: HashSet<_> = backups(&cluster).into_iter().collect();
    assert_eq!(left.len(), 5, "{left:?}");
    let gone: Vec<_> = first.difference(&left).collect();
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(others.iter().all(|other| other.exists()));

    // Only one backup runs at a time. A failed one leaves nothing, and deletes none.
    let lock = File::open(folder.join(".ostrakon-lock")).unwrap();
    lock.lock().unwrap();
    let said = fails(ostrakon(&cluster, &["backup", "backups", "--keep", "1"]), 1);
    assert!(said.contains("another process is writing a backup"), "{said}");
    drop(lock);
    for bad in [&["backup"][..], &["backup", "backups", "--keep", "0"]] {
        fails(ostrakon(&cluster, bad), 2);
    }
    assert_eq!(backups(&cluster).into_iter().collect::<HashSet<_>>(), left);
});

/// Renames a backup as if it had been made in another year.
fn rename(backup: &Path, year: u16) -> PathBuf {
    let name = backup.file_name().unwrap().to_str().unwrap();
    let renamed = backup.with_file_name(format!("{year}{}", &name[4..]));
    fs::rename(backup, &renamed).unwrap();
    renamed
}

on_engines!(a_clock_that_was_wrong_deletes_no_newer_backup, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    let newest = || {
        let checked = succeeds(&cluster, &["backup", "check", "backups", "--json"]);
        let checked: Value = serde_json::from_str(&checked).unwrap();
        PathBuf::from(checked["folder"].as_str().unwrap()).file_name().unwrap().to_owned()
    };
    let the_new_one = |before: &[PathBuf]| {
        let new: Vec<_> = backups(&cluster).into_iter().filter(|it| !before.contains(it)).collect();
        assert_eq!(new.len(), 1, "{new:?}");
        new[0].clone()
    };
    succeeds(&cluster, &["backup", "backups"]);
    let ahead = rename(&the_backup(&cluster), 2068);
    let output = run(&cluster, &["backup", "backups", "--keep", "1"]);
    assert!(output.status.success(), "{output:?}");
    let said = said(&output);
    assert!(said.contains("dated ahead of the clock") && said.contains("deleted"), "{said}");
    let right = the_backup(&cluster);
    assert_ne!(right, ahead);

    succeeds(&cluster, &["backup", "backups"]);
    let behind = rename(&the_new_one(std::slice::from_ref(&right)), 2001);
    assert_eq!(Some(newest().as_os_str()), behind.file_name());
    succeeds(&cluster, &["backup", "backups", "--keep", "2"]);
    assert!(behind.exists() && !right.exists());
    let last = rename(&the_new_one(std::slice::from_ref(&behind)), 2000);
    drop_all_databases(&cluster);
    let restored = succeeds(&cluster, &["restore", "backups"]);
    let name = last.file_name().unwrap().to_str().unwrap();
    assert!(restored.contains(name), "{restored}");

    // Manifests of an earlier program, which had no sequence numbers.
    for backup in backups(&cluster) {
        let manifest = backup.join("manifest.json");
        let mut says: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
        assert!(says.as_object_mut().unwrap().remove("sequence").is_some());
        fs::write(&manifest, says.to_string()).unwrap();
    }
    assert_eq!(Some(newest().as_os_str()), behind.file_name());
    let ahead = rename(&behind, 2068);
    assert_eq!(Some(newest().as_os_str()), last.file_name());
    succeeds(&cluster, &["backup", "backups", "--keep", "2"]);
    assert!(last.exists() && !ahead.exists());
});

on_engines!(a_backup_into_the_data_folder_is_refused, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    fs::create_dir_all(cluster.folder().join("data")).unwrap();
    symlink("data", cluster.folder().join("link")).unwrap();
    for folder in ["data", "data/backups/daily", "link/backups", "backups/../data/."] {
        let said = fails(ostrakon(&cluster, &["backup", folder]), 2);
        assert!(said.contains("a backup belongs elsewhere"), "{said}");
    }
    assert!(!cluster.folder().join("data/backups").exists());
    if engine() == Engine::Sqlite {
        let mut elsewhere = ostrakon(&cluster, &["backup", "data"]);
        elsewhere.env("OSTRAKON_DATA_DIR", "other");
        let files = ["default", "reviews-1"].map(|name| format!("sqlite:data/{name}.sqlite3"));
        elsewhere.env("OSTRAKON_DEFAULT_URL", &files[0]).env("OSTRAKON_REVIEWS_URLS", &files[1]);
        fails(elsewhere, 2);
    }
    succeeds(&cluster, &["backup", "database"]);
});

// pg_dump would save the tables of a coordinator without rows.
on_engines!(a_backup_of_citus_is_refused, [citus Citus], || {
    let cluster = demo_cluster();
    let said = fails(ostrakon(&cluster, &["backup", "backups"]), 1);
    assert!(said.contains("it is a Citus coordinator"), "{said}");
    assert!(!cluster.folder().join("backups").exists());
});

#[test]
fn pg_dump_must_be_installed_and_not_older_than_the_server() {
    let _on = Engine::Postgres.enter();
    let cluster = demo_cluster();
    let programs = cluster.folder().join("programs");
    fs::create_dir(&programs).unwrap();
    let backup = || {
        let mut command = ostrakon(&cluster, &["backup", "backups"]);
        command.env("PATH", &programs);
        fails(command, 2)
    };
    assert!(backup().contains("pg_dump is not installed"));
    let old = programs.join("pg_dump");
    fs::write(&old, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n").unwrap();
    Command::new("chmod").arg("755").arg(&old).status().unwrap();
    let said = backup();
    assert!(said.contains("pg_dump is version 9, older than this server"), "{said}");
    assert!(!cluster.folder().join("backups").exists());
}
