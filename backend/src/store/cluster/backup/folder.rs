//! A folder of backups: their order, and the lock for writing.
//!
//! Names contain the time of a possibly wrong clock. So each manifest has a sequence number, higher
//! than those of all existing backups; the highest number is the newest backup. Backups of older
//! programs without a number come before all others, sorted by name; those dated ahead of the clock
//! come first.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::db::files;
use crate::store::clock::MAX_AHEAD_MS;
use crate::store::cluster::backup::BackupError;
use crate::store::cluster::backup::manifest::{MANIFEST, Manifest};

/// The suffix of incomplete backups.
pub const PARTIAL: &str = ".partial";
/// The file that the writing process locks.
const LOCK: &str = ".ostrakon-lock";
/// The pattern of backup names.
const NAME_PATTERN: &str = "0000-00-00T00-00-00.000Z";

/// The exclusive right to write to a folder of backups, until it is dropped.
pub struct Backups<'a> {
    folder: &'a Path,
    _locked: File,
}

impl Backups<'_> {
    /// Takes the lock, and removes the remains of interrupted backups.
    pub fn lock(folder: &Path) -> Result<Backups<'_>, BackupError> {
        let at = |error: io::Error| BackupError(format!("{}: {error}", folder.display()));
        let path = folder.join(LOCK);
        let file = match files::create_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::open(&path),
            created => created,
        };
        let file = file.map_err(at)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let folder = folder.display();
                return Err(BackupError(format!(
                    "another process is writing a backup to {folder}"
                )));
            }
            Err(fs::TryLockError::Error(error)) => return Err(at(error)),
        }
        remove_partial(folder).map_err(at)?;
        Ok(Backups { folder, _locked: file })
    }

    /// The number of the next backup.
    pub fn next_sequence(&self) -> io::Result<u64> {
        let whole = complete_backups(self.folder)?;
        warn_of_dates_ahead(&whole);
        Ok(whole.iter().map(|backup| backup.sequence).max().unwrap_or_default() + 1)
    }

    /// Deletes all but the newest `keep` backups of this cluster, including `new`; returns the
    /// deleted ones.
    pub fn remove_old(&self, new: &Path, cluster: &str, keep: usize) -> io::Result<Vec<PathBuf>> {
        let mut others = complete_backups(self.folder)?;
        let is_of = |manifest: &Manifest| manifest.cluster.id == cluster;
        others.retain(|it| it.path != new && it.manifest.as_ref().is_some_and(is_of));
        let old = (others.len() + 1).saturating_sub(keep);
        others.truncate(old);
        for CompleteBackup { path, .. } in &others {
            // With this name it does not count as a backup even if deleting its files fails.
            let partial = files::beside(path, PARTIAL);
            fs::rename(path, &partial)?;
            fs::remove_dir_all(&partial)?;
        }
        Ok(others.into_iter().map(|backup| backup.path).collect())
    }
}

/// The name of a backup by its start time, without colons, which some file systems refuse.
pub fn backup_name(started_at: Timestamp) -> String {
    started_at.strftime("%Y-%m-%dT%H-%M-%S.%3fZ").to_string()
}

/// The backup at a path: its folder, or the newest backup in a folder of backups.
pub fn find(path: &Path) -> Result<PathBuf, BackupError> {
    if path.join(MANIFEST).exists() {
        return Ok(path.to_owned());
    }
    let at = |error: io::Error| BackupError(format!("{}: {error}", path.display()));
    let whole = complete_backups(path).map_err(at)?;
    warn_of_dates_ahead(&whole);
    whole.into_iter().next_back().map(|newest| newest.path).ok_or_else(|| {
        let path = path.display();
        BackupError(format!(
            "{path} contains no backup: neither it nor a folder in it has a {MANIFEST}"
        ))
    })
}

/// A complete backup.
struct CompleteBackup {
    path: PathBuf,
    name: String,
    /// `None` if it can't be read.
    manifest: Option<Manifest>,
    sequence: u64,
    is_ahead: bool,
}

/// The backups in a folder, the oldest first.
fn complete_backups(folder: &Path) -> io::Result<Vec<CompleteBackup>> {
    let latest = backup_name(Timestamp::now() + SignedDuration::from_millis(MAX_AHEAD_MS));
    let mut whole = Vec::new();
    for path in subfolders(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_backup_name(&name) && path.join(MANIFEST).exists() {
            let manifest = Manifest::read(&path).ok();
            let is_ahead = name > latest;
            whole.push(CompleteBackup { path, name, manifest, sequence: 0, is_ahead });
        }
    }
    whole.sort_by(|one, other| one.name.cmp(&other.name));
    let mut before = 0;
    for backup in &mut whole {
        // An unreadable backup keeps its position by name, so that its damage is noticed.
        before = backup.manifest.as_ref().map_or(before, |manifest| manifest.sequence);
        backup.sequence = before;
    }
    whole.sort_by_key(|it| (it.sequence, it.sequence > 0 || !it.is_ahead));
    Ok(whole)
}

fn warn_of_dates_ahead(backups: &[CompleteBackup]) {
    for CompleteBackup { path, .. } in backups.iter().filter(|backup| backup.is_ahead) {
        let backup = path.display();
        tracing::warn!(%backup, "dated ahead of the clock: a clock is or was wrong");
    }
}

/// Removes the remains of interrupted backups. The lock keeps other backups out of this folder.
fn remove_partial(folder: &Path) -> io::Result<()> {
    for path in subfolders(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.strip_suffix(PARTIAL).is_some_and(is_backup_name) {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// Whether this is the name of a complete backup.
fn is_backup_name(name: &str) -> bool {
    name.len() == NAME_PATTERN.len()
        && name.bytes().zip(NAME_PATTERN.bytes()).all(|(byte, expected)| match expected {
            b'0' => byte.is_ascii_digit(),
            expected => byte == expected,
        })
}

fn subfolders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}
