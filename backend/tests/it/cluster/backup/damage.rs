//! Damaged backups are found, and not restored.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{drop_all_databases, exits, the_backup};
use crate::support::cli::{demo_cluster, fails, ostrakon, succeeds};
use crate::support::engine::{Engine, engine};

/// A file of the backup of `reviews-2` that has rows.
fn a_file(backup: &Path) -> PathBuf {
    if engine() == Engine::Sqlite {
        return backup.join("reviews-2.sqlite3");
    }
    let files = backup.join("reviews-2").read_dir().unwrap().map(|entry| entry.unwrap().path());
    files.max_by_key(|file| file.metadata().unwrap().len()).unwrap()
}

on_engines!(a_damaged_backup_is_detected_and_not_restored, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    let backup = the_backup(&cluster);
    let file = a_file(&backup);
    let manifest = backup.join("manifest.json");
    drop_all_databases(&cluster);
    let nothing_changed = || match engine() {
        Engine::Sqlite => assert!(!cluster.file("default").exists()),
        _ => assert_eq!(
            cluster.query_number("default", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
            0
        ),
    };
    let refused = |finding: &str| {
        let found = exits(&cluster, &["backup", "check", "backups"], 1);
        assert!(found.contains(finding), "{finding}: {found}");
        let refused = exits(&cluster, &["restore", "backups"], 2);
        assert!(refused.contains(finding), "{finding}: {refused}");
        nothing_changed();
    };
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&file, flipped).unwrap();
    refused("is damaged");
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    refused("bytes, but");
    fs::remove_file(&file).unwrap();
    refused("No such file");
    fs::write(&file, &whole).unwrap();
    if engine() == Engine::Postgres {
        fs::write(file.with_file_name("more"), "").unwrap();
        refused("is not in the manifest");
        fs::remove_file(file.with_file_name("more")).unwrap();
    }

    let says = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, &says[..says.len() / 2]).unwrap();
    refused("not a manifest");
    fs::write(&manifest, says.replacen("\"format\":1", "\"format\":2", 1)).unwrap();
    refused("format 2");
    fs::write(&manifest, says.replacen("\"reviews-2\"", "\"reviews-4\"", 1)).unwrap();
    exits(&cluster, &["backup", "check", "backups"], 1);
    exits(&cluster, &["restore", "backups"], 2);
    nothing_changed();
    fs::write(&manifest, says).unwrap();
    succeeds(&cluster, &["backup", "check", "backups"]);
    succeeds(&cluster, &["restore", "backups"]);
});

on_engines!(a_restore_whose_rows_differ_from_the_manifest_fails, [sqlite Sqlite, postgres Postgres], || {
    let cluster = demo_cluster();
    succeeds(&cluster, &["backup", "backups"]);
    let manifest = the_backup(&cluster).join("manifest.json");
    let mut says: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let saved = &mut says["databases"][1]["tables"]["review"][0];
    saved["hash"] = Value::from("0".repeat(32));
    fs::write(&manifest, says.to_string()).unwrap();
    drop_all_databases(&cluster);
    let said = match engine() {
        Engine::Sqlite => exits(&cluster, &["restore", "backups"], 2),
        // The rows of pg_dump can only be compared after they are restored.
        _ => exits(&cluster, &["restore", "backups"], 1),
    };
    assert!(said.contains("reviews-2: review: rows differ"), "{said}");
    fails(ostrakon(&cluster, &["serve"]), 2);
});
