//! `restore`: fills empty databases from a backup.
//!
//! Servers refuse the databases until the restore is complete. Until then each has a marker, like
//! the targets of `ostrakon transfer` (`db/transfer.rs`): `restore <backup>`, and once its rows are
//! complete, `restored <backup>`. Then the missing migrations run, ids and sessions are adjusted,
//! and the markers are removed, that of `default` last. Repeat an interrupted restore to resume it.

mod check;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::db::cluster;
use crate::db::files::{self, ServeLock};
use crate::db::ids;
use crate::db::migrate::{self, Kind, MigrationLock};
use crate::db::owner::{self, OwnerState};
use crate::db::{Context, Database, backup, sqlite_version_problem, transfer};
use crate::store::cluster::backfill;
use crate::store::cluster::backup::{DatabaseProgressFn, Manifest, SavedDatabase, compare};
use crate::store::cluster::ids::{adopt_default, named_in};
use crate::store::cluster::setup::{Databases, SetupError, all_of};

/// A checked restore: the backup is complete and its targets are empty.
pub struct Restore {
    databases: Databases,
    folder: PathBuf,
    manifest: Manifest,
    selected: BTreeSet<String>,
    _serving: Vec<ServeLock>,
}

/// The result of a restore.
#[derive(Debug)]
pub struct Restored {
    /// The restored databases.
    pub databases: Vec<String>,
    /// One line per change or loss.
    pub lines: Vec<String>,
}

/// The state of a target before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    /// A server whose rows may be incomplete.
    Started,
    /// Its rows are complete.
    Filled,
    /// An interrupted run has finished it.
    Complete,
}

impl Databases {
    /// Checks that the backup in `folder`, or the databases in `only`, can be restored here. The
    /// targets must be empty, all others must exist, and no server may run.
    pub fn restore(
        self,
        folder: &Path,
        manifest: Manifest,
        only: &[String],
    ) -> Result<Restore, SetupError> {
        if let Some(problem) = sqlite_version_problem() {
            return Err(problem.into());
        }
        let names = || manifest.databases.iter().map(|saved| saved.name.clone());
        let reviews = manifest.databases.iter().filter(|saved| saved.kind() == Kind::Reviews);
        let databases = self.with_reviews(reviews.map(|saved| saved.name.clone()));
        if let Some(unknown) = only.iter().find(|only| !names().any(|name| name == **only)) {
            let names = names().collect::<Vec<_>>().join(", ");
            return Err(format!("the backup has no database {unknown}, only {names}").into());
        }
        let selected: BTreeSet<String> =
            if only.is_empty() { names().collect() } else { only.iter().cloned().collect() };
        let is_selected = |database: &Database| selected.contains(database.name());
        databases.require_unused(is_selected)?;
        let restore = Restore {
            databases,
            folder: folder.to_owned(),
            manifest,
            selected,
            _serving: Vec::new(),
        };
        restore.check()?;
        let _serving = restore.databases.lock_to_serve(true)?;
        Ok(Restore { _serving, ..restore })
    }
}

impl Databases {
    /// Fails if other processes use the `wanted` PostgreSQL databases; reports all at once.
    pub fn require_unused(&self, wanted: impl Fn(&Database) -> bool) -> Result<(), SetupError> {
        let wanted = self.all().filter(|(database, _)| wanted(database));
        let used = wanted.filter_map(|(database, _)| backup::require_unused(database).err());
        let problems: Vec<_> = used.map(|error| error.to_string()).collect();
        if problems.is_empty() { Ok(()) } else { Err(SetupError(problems)) }
    }
}

impl Restore {
    /// The manifest of the backup.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether a database will be restored.
    pub fn is_selected(&self, name: &str) -> bool {
        self.selected.contains(name)
    }

    fn saved(&self, database: &Database) -> Result<&SavedDatabase, SetupError> {
        let mut databases = self.manifest.databases.iter();
        let saved = databases.find(|saved| saved.name == database.name());
        saved.ok_or_else(|| format!("the backup has no database {}", database.name()).into())
    }

    /// The marker of a database whose rows are incomplete or complete.
    fn marker(&self, is_filled: bool) -> String {
        let word = if is_filled { "restored" } else { "restore" };
        format!("{word} {}", self.manifest.id())
    }

    /// Restores missing files of the data folder together with `default`.
    pub fn restore_files(&self, data_folder: &Path) -> io::Result<()> {
        if !self.is_selected("default") {
            return Ok(());
        }
        files::create_folder(data_folder)?;
        for name in self.manifest.files.keys() {
            // Only the file name counts, so that a manifest can't write elsewhere.
            let to = data_folder.join(Path::new(name).file_name().unwrap_or_default());
            let to = files::behind_links(&to);
            if to.exists() {
                continue;
            }
            let partial = files::beside(&to, ".partial");
            fs::remove_file(&partial).or_else(unless_missing)?;
            let mut file = files::create_file(&partial)?;
            backup::copy_file(&self.folder.join(name), &mut file)?;
            file.sync_all()?;
            fs::rename(&partial, &to)?;
            backup::sync_folder(to.parent().unwrap_or(data_folder))?;
        }
        Ok(())
    }

    /// Restores the databases.
    pub fn run(&self, progress: DatabaseProgressFn<'_>) -> Result<Restored, SetupError> {
        // `default` first: its marker blocks servers.
        let selected: Vec<_> =
            self.databases.all().filter(|(d, _)| self.is_selected(d.name())).collect();
        let locks = selected.iter().map(|(database, _)| migrate::lock_existing(database));
        let locks: Vec<MigrationLock> = locks.collect::<Result<_, _>>()?;
        let mut done = Vec::new();
        for ((database, kind), lock) in selected.iter().zip(&locks) {
            self.fill(database, *kind, progress)?;
            migrate::run(database, *kind, lock)?;
            backfill::run(&self.databases.default, database, &mut |line| done.push(line))?;
        }
        self.require_owners()?;
        let mut lines = self.lost();
        lines.extend(done);
        lines.extend(self.settle_ids()?);
        for (database, kind) in selected.iter().rev() {
            database.write(&Context::default(), |connection| {
                if transfer::marker(connection)?.is_none() {
                    return Ok(());
                }
                transfer::release(connection, *kind)
            })?;
        }
        let databases = selected.iter().map(|(database, _)| database.name().to_owned()).collect();
        Ok(Restored { databases, lines })
    }

    fn fill(
        &self,
        database: &Database,
        kind: Kind,
        progress: DatabaseProgressFn<'_>,
    ) -> Result<(), SetupError> {
        let saved = self.saved(database)?;
        let state = self.state(database, kind)?;
        match database.address().file() {
            _ if matches!(state, State::Filled | State::Complete) => {
                progress(&saved.name, saved.rows());
                Ok(())
            }
            Some(path) => {
                progress(&saved.name, 0);
                self.fill_file(database, path, saved)?;
                progress(&saved.name, saved.rows());
                Ok(())
            }
            None => self.fill_server(database, kind, state, progress),
        }
    }

    /// Adds the marker to the copy before renaming it.
    fn fill_file(
        &self,
        database: &Database,
        path: &Path,
        saved: &SavedDatabase,
    ) -> Result<(), SetupError> {
        let at = |error: io::Error| format!("{}: {error}", path.display());
        let partial = files::beside(path, ".partial");
        for left in [&partial, &files::beside(&partial, "-journal")] {
            fs::remove_file(left).or_else(unless_missing).map_err(at)?;
        }
        let mut file = files::create_file(&partial).map_err(at)?;
        let from = saved.path(&self.folder);
        let copied = backup::copy_file(&from, &mut file).map_err(at)?;
        file.sync_all().map_err(at)?;
        drop(file);
        if !saved.files.values().any(|expected| *expected == copied.clone().into()) {
            return Err(
                format!("{} is damaged: see `ostrakon backup check`", from.display()).into()
            );
        }
        let copy = Database::file(database.name(), &partial);
        copy.write(&Context::default(), |connection| {
            transfer::mark_target(connection, &self.marker(true), database.name())
        })?;
        drop(copy);
        fs::rename(&partial, path).map_err(at)?;
        if let Some(folder) = path.canonicalize().map_err(at)?.parent() {
            backup::sync_folder(folder).map_err(at)?;
        }
        Ok(database.use_write_ahead_log()?)
    }

    fn fill_server(
        &self,
        database: &Database,
        kind: Kind,
        state: State,
        progress: DatabaseProgressFn<'_>,
    ) -> Result<(), SetupError> {
        let saved = self.saved(database)?;
        progress(&saved.name, 0);
        if state == State::Empty {
            let marker = self.marker(false);
            database.write(&Context::default(), |connection| {
                transfer::mark_target(connection, &marker, database.name())
            })?;
        }
        // One transaction creates all tables with all rows, or none.
        if database
            .read_latest(&Context::default(), |connection| transfer::is_empty(connection, kind))?
        {
            backup::load_dump(database, &saved.path(&self.folder))?;
        }
        let differences = compare(database, saved, &|rows| progress(&saved.name, rows))?;
        if !differences.is_empty() {
            return Err(SetupError(differences));
        }
        let marker = self.marker(true);
        Ok(database.write(&Context::default(), |connection| {
            transfer::update_marker(connection, &marker)
        })?)
    }

    /// Fails unless each reviews database owns the buckets that the shard map says. The markers stay
    /// then, so that no server starts: buckets have moved since the backup.
    fn require_owners(&self) -> Result<(), SetupError> {
        let Databases { default, reviews, .. } = &self.databases;
        let map = default.read_latest(&Context::default(), cluster::shard_map)?;
        let concerns = |database: &&Arc<Database>| {
            self.is_selected("default") || self.is_selected(database.name())
        };
        all_of(reviews.iter().filter(concerns).map(|database| {
            let rows = database.read_latest(&Context::default(), owner::all)?;
            let owned = rows.iter().filter(|(_, row)| row.state == OwnerState::Owned);
            let owned: BTreeSet<(i16, i64)> = owned.map(|(bucket, row)| (*bucket, row.epoch)).collect();
            let mapped = map.buckets_of(database.name());
            let mapped: BTreeSet<_> = mapped.map(|(bucket, epoch)| (bucket.number(), epoch)).collect();
            match owned.symmetric_difference(&mapped).count() {
                0 => Ok(()),
                number => Err(format!(
                    "{} and default differ in {number} buckets, which have moved since the backup: move \
                     all databases away, and restore all of them from one backup",
                    database.name()
                )
                .into()),
            }
        }))
    }

    /// The changes that a restore loses.
    fn lost(&self) -> Vec<String> {
        let line = |saved: &SavedDatabase| {
            let (name, at) = (&saved.name, saved.taken_at);
            match saved.kind() {
                Kind::Default => format!(
                    "{name} is as of {at:.0}: later changes to products, accounts, passwords, \
                     roles and settings are lost"
                ),
                Kind::Reviews => format!(
                    "{name} is as of {at:.0}: later reviews are lost; later edits, deletions, \
                     reports and decisions are undone"
                ),
            }
        };
        let databases = self.manifest.databases.iter();
        databases.filter(|saved| self.is_selected(&saved.name)).map(line).collect()
    }

    fn settle_ids(&self) -> Result<Vec<String>, SetupError> {
        let Databases { default, reviews, .. } = &self.databases;
        if self.is_selected("default") {
            return Ok(adopt_default(default, &reviews.iter().collect::<Vec<_>>())?);
        }
        // Restored reviews may refer to ids that a `default` restored by other tools has not
        // assigned.
        let restored = reviews.iter().filter(|d| self.is_selected(d.name())).collect();
        let named = named_in(restored, ids::named)?;
        default.write(&Context::default(), |connection| ids::raise_sequences(connection, named))?;
        Ok(Vec::new())
    }
}

/// Ignores the error that a file to remove does not exist.
fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
