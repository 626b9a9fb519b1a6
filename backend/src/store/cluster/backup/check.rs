//! `backup check`: compares a backup with its manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use ostrakon_shared::Engine;

use crate::db::cluster;
use crate::db::{Context, Database, DbError, backup, copy, inspect, migrate};
use crate::store::cluster::backup::manifest::{ClusterPins, FileEntry, Manifest, SavedDatabase};
use crate::store::cluster::backup::{DatabaseProgressFn, files_of};

/// Compares the files of a backup with its manifest, and opens the `wanted` databases. Read-only;
/// returns one line per problem.
pub fn check(
    folder: &Path,
    manifest: &Manifest,
    wanted: impl Fn(&str) -> bool,
    progress: DatabaseProgressFn<'_>,
) -> Vec<String> {
    let mut problems = check_names(manifest);
    problems.extend(check_entries(folder, "data folder", &manifest.files));
    for saved in manifest.databases.iter().filter(|saved| wanted(&saved.name)) {
        progress(&saved.name, 0);
        let damaged = check_files(folder, saved);
        // Damaged files are not opened.
        if damaged.is_empty() {
            problems.extend(check_contents(folder, saved, &manifest.cluster, progress));
        }
        problems.extend(damaged);
    }
    problems
}

fn check_names(manifest: &Manifest) -> Vec<String> {
    let names: Vec<_> = manifest.databases.iter().map(|saved| saved.name.as_str()).collect();
    let is_reviews = |name: &&str| {
        let number = name.strip_prefix("reviews-").and_then(|number| number.parse::<u32>().ok());
        number.is_some_and(|number| **name == format!("reviews-{number}"))
    };
    // Some numbers are missing after databases were removed.
    let is_cluster = match names.split_last() {
        Some((&"default", reviews)) => {
            let distinct: BTreeSet<_> = reviews.iter().collect();
            !reviews.is_empty() && distinct.len() == reviews.len() && reviews.iter().all(is_reviews)
        }
        _ => false,
    };
    if is_cluster {
        Vec::new()
    } else {
        vec![format!("the databases in the manifest are not those of a cluster: {names:?}")]
    }
}

/// Compares files with their entries in the manifest.
fn check_entries(folder: &Path, of: &str, files: &BTreeMap<String, FileEntry>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, expected) in files {
        match backup::copy_file(&folder.join(name), &mut io::sink()).map(FileEntry::from) {
            Ok(found) if found == *expected => {}
            Ok(found) if found.bytes != expected.bytes => problems.push(format!(
                "{of}: {name} has {} bytes, but {} in the manifest",
                found.bytes, expected.bytes
            )),
            Ok(_) => problems
                .push(format!("{of}: {name} is damaged: its SHA-256 differs from the manifest")),
            Err(error) => problems.push(format!("{of}: {name}: {error}")),
        }
    }
    problems
}

fn check_files(folder: &Path, saved: &SavedDatabase) -> Vec<String> {
    let mut problems = check_entries(folder, &saved.name, &saved.files);
    match files_of(folder, &saved.path(folder)) {
        Ok(found) => {
            let others = found.keys().filter(|name| !saved.files.contains_key(*name));
            problems.extend(
                others.map(|name| format!("{}: {name} is not in the manifest", saved.name)),
            );
        }
        Err(error) => problems.push(format!("{}: {error}", saved.name)),
    }
    problems
}

fn check_contents(
    folder: &Path,
    saved: &SavedDatabase,
    pinned: &ClusterPins,
    progress: DatabaseProgressFn<'_>,
) -> Vec<String> {
    let path = saved.path(folder);
    match saved.engine {
        Engine::Sqlite => check_file(&Database::file(&saved.name, &path), saved, pinned, progress)
            .unwrap_or_else(|error| vec![error.to_string()]),
        Engine::Postgres | Engine::Unknown => {
            let read = backup::read_dump(&path).map_err(|error| format!("{}: {error}", saved.name));
            // The rows of a dump are only counted when it is restored.
            progress(&saved.name, saved.rows());
            read.err().into_iter().collect()
        }
    }
}

fn check_file(
    copy: &Database,
    saved: &SavedDatabase,
    pinned: &ClusterPins,
    progress: DatabaseProgressFn<'_>,
) -> Result<Vec<String>, DbError> {
    let (damage, pins) = copy.read_latest(&Context::default(), |connection| {
        Ok((inspect::integrity_errors(connection)?, cluster::pins(connection)?))
    })?;
    let name = &saved.name;
    let mut problems: Vec<_> = damage.into_iter().map(|line| format!("{name}: {line}")).collect();
    if pins != Some(pinned.pins(name)) {
        problems.push(format!("{name}: its pins differ from the manifest"));
    }
    problems.extend(compare(copy, saved, &|rows| progress(name, rows))?);
    Ok(problems)
}

/// The differences between a database and its saved state, one line per table.
pub fn compare(
    database: &Database,
    saved: &SavedDatabase,
    progress: copy::ProgressFn<'_>,
) -> Result<Vec<String>, DbError> {
    let kind = saved.kind();
    let migrations = migrate::state(database, kind)?;
    if migrations.applied != saved.migrations {
        return Ok(vec![format!("{}: its migrations differ from the manifest", saved.name)]);
    }
    if migrations.pending.is_empty() && migrations.unknown.is_empty() {
        let found = database.read_latest(&Context::default(), |connection| {
            backup::contents(connection, kind, progress)
        })?;
        return Ok(saved.differences(&found.tables));
    }
    // The rows of another version of this program may have other columns.
    let found = backup::counts(database, kind)?;
    progress(saved.rows());
    Ok(saved.count_differences(&found))
}
