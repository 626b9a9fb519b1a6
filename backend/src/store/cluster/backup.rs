//! `backup`: copies all databases without downtime to a new folder that can be checked and
//! restored.
//!
//! A folder contains many backups (`folder`), each named after its start time. A backup is written
//! under a name that ends in `.partial`, its manifest last, and renamed when it is complete on
//! disk. `default` comes last, so that it contains all products and accounts of the copied reviews.

mod check;
mod folder;
mod manifest;

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::db::cluster;
use crate::db::migrate::Kind;
use crate::db::{Context, Database, DbError, backup, copy, files, transfer};
use crate::store::cluster::Cluster;
use crate::store::cluster::setup::SetupError;
use crate::store::error::StoreError;

pub use check::{check, compare};
pub use folder::find;
use folder::{Backups, PARTIAL, backup_name};
use manifest::{BackupStart, ClusterPins, FileEntry, MANIFEST, entry_name};
pub use manifest::{Manifest, SavedDatabase};

/// A progress callback: gets the name of the current database, and the number of its rows that were
/// processed since the last call.
pub type DatabaseProgressFn<'a> = &'a dyn Fn(&str, u64);

/// Why a backup failed or can't be used, one line per problem.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BackupError(pub String);

impl From<DbError> for BackupError {
    fn from(error: DbError) -> BackupError {
        BackupError(error.to_string())
    }
}

/// The result of a backup.
#[derive(Debug)]
pub struct BackupResult {
    /// The new backup.
    pub folder: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// The deleted older backups.
    pub deleted: Vec<PathBuf>,
}

impl Cluster<'_> {
    /// Fails unless these databases can be backed up now.
    pub fn require_backup_possible(&self) -> Result<(), SetupError> {
        let default = &self.shared.shards.default;
        if default.read_latest(&Context::default(), transfer::source_id)?.is_some() {
            let problem = "these databases are read-only because of `ostrakon transfer`: back up its target \
                           instead";
            return Err(problem.to_owned().into());
        }
        for (database, _) in self.backup_order() {
            backup::require_supported(database)?;
        }
        self.require_no_moves("a backup")
    }

    /// The number of rows to back up.
    pub fn rows(&self) -> Result<u64, StoreError> {
        let mut rows = 0;
        for (database, kind) in self.backup_order() {
            for table in copy::tables(kind) {
                rows += table.count(database)?;
            }
        }
        Ok(rows)
    }

    /// Saves all databases and the existing files in `others` to a new folder below `folder`. Then
    /// deletes all but the newest `keep` backups of this cluster there.
    pub fn back_up(
        &self,
        folder: &Path,
        others: &[PathBuf],
        keep: Option<NonZero<usize>>,
        progress: DatabaseProgressFn<'_>,
    ) -> Result<BackupResult, BackupError> {
        // The backup saves the databases of the map that this process knows.
        let version = self.shared.shards.map().version();
        let at = |error: io::Error| BackupError(format!("{}: {error}", folder.display()));
        files::create_folder(folder).map_err(at)?;
        let folder = &folder.canonicalize().map_err(at)?;
        let backups = Backups::lock(folder)?;
        let started_at = Timestamp::now();
        let start = BackupStart { sequence: backups.next_sequence().map_err(at)?, started_at };
        let name = backup_name(started_at);
        let (partial, whole) = (folder.join(format!("{name}{PARTIAL}")), folder.join(name));
        let saved = self.save_into(&partial, others, start, progress).and_then(|manifest| {
            if self.map_version()? != version {
                let problem =
                    "buckets have moved during the backup, so it may lack reviews: repeat it";
                return Err(BackupError(problem.to_owned()));
            }
            fs::rename(&partial, &whole).and_then(|()| backup::sync_folder(folder)).map_err(at)?;
            Ok(manifest)
        });
        let manifest = saved.inspect_err(|_| {
            // The first error is returned; the next backup removes the remains.
            fs::remove_dir_all(&partial).ok();
        })?;
        let deleted = match keep {
            Some(keep) => {
                backups.remove_old(&whole, &manifest.cluster.id, keep.get()).map_err(at)?
            }
            None => Vec::new(),
        };
        Ok(BackupResult { folder: whole, manifest, deleted })
    }

    /// All databases in the order of a backup.
    fn backup_order(&self) -> impl Iterator<Item = (&Database, Kind)> {
        let shards = &self.shared.shards;
        let reviews = shards.reviews().into_iter().map(|database| (&**database, Kind::Reviews));
        reviews.chain(std::iter::once((&*shards.default, Kind::Default)))
    }

    fn map_version(&self) -> Result<i64, DbError> {
        self.shared.shards.default.read_latest(&Context::default(), cluster::map_version)
    }

    fn save_into(
        &self,
        folder: &Path,
        others: &[PathBuf],
        start: BackupStart,
        progress: DatabaseProgressFn<'_>,
    ) -> Result<Manifest, BackupError> {
        let at = |error: io::Error| BackupError(format!("{}: {error}", folder.display()));
        files::create_folder(folder).map_err(at)?;
        let pins = self.shared.shards.default.read_latest(&Context::default(), cluster::pins)?;
        let pins = pins.ok_or_else(|| BackupError("default has no pins".to_owned()))?;
        let cluster = ClusterPins::from(pins);
        let mut databases = Vec::new();
        for (database, kind) in self.backup_order() {
            databases.push(save(database, kind, folder, &cluster, progress)?);
        }
        let others = others.iter().filter(|other| other.exists());
        let files = others.map(|other| save_file(other, folder)).collect::<io::Result<_>>();
        let manifest = Manifest::new(cluster, start, databases, files.map_err(at)?);
        write_manifest(folder, &manifest).map_err(at)?;
        Ok(manifest)
    }
}

fn save(
    database: &Database,
    kind: Kind,
    folder: &Path,
    cluster: &ClusterPins,
    progress: DatabaseProgressFn<'_>,
) -> Result<SavedDatabase, BackupError> {
    let name = database.name();
    let at = |error: io::Error| BackupError(format!("{}: {error}", folder.display()));
    progress(name, 0);
    let engine = database.address().engine();
    let path = folder.join(entry_name(name, engine));
    let taken_at = Timestamp::now();
    let contents = backup::save(database, kind, &path, &|rows| progress(name, rows))?;
    if contents.pins != Some(cluster.pins(name)) {
        return Err(BackupError(format!(
            "{name} was replaced by another database during the backup"
        )));
    }
    Ok(SavedDatabase {
        name: name.to_owned(),
        engine,
        taken_at,
        migrations: contents.migrations,
        files: written_files(folder, &path).map_err(at)?,
        tables: manifest::rows(contents.tables),
    })
}

/// Copies a file; returns its name and digest.
fn save_file(file: &Path, folder: &Path) -> io::Result<(String, FileEntry)> {
    let name = file.file_name().unwrap_or_default();
    let mut copy = files::create_file(&folder.join(name))?;
    let digest = backup::copy_file(file, &mut copy)?;
    copy.sync_all()?;
    Ok((name.to_string_lossy().into_owned(), digest.into()))
}

/// The files of a saved database, synced to disk and readable only by this user.
fn written_files(folder: &Path, path: &Path) -> io::Result<BTreeMap<String, FileEntry>> {
    let mut entries = BTreeMap::new();
    for (name, file) in files_of(folder, path)? {
        fs::set_permissions(&file, Permissions::from_mode(0o600))?;
        let digest = backup::copy_file(&file, &mut io::sink())?;
        File::open(&file)?.sync_all()?;
        entries.insert(name, digest.into());
    }
    if path.is_dir() {
        backup::sync_folder(path)?;
    }
    Ok(entries)
}

/// The files of a saved database, a file or a folder, by their names in the manifest.
fn files_of(folder: &Path, path: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let paths = if path.is_dir() {
        let entries = path.read_dir()?.map(|entry| Ok(entry?.path()));
        entries.collect::<io::Result<Vec<_>>>()?
    } else {
        vec![path.to_owned()]
    };
    let name = |path: &Path| {
        let below = path.strip_prefix(folder).unwrap_or(path);
        below.to_string_lossy().into_owned()
    };
    Ok(paths.into_iter().map(|path| (name(&path), path)).collect())
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut file = files::create_file(&folder.join(MANIFEST))?;
    serde_json::to_writer(&file, manifest)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    backup::sync_folder(folder)
}
