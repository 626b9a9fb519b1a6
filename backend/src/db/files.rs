//! SQLite's files as files: their modes, their log, and the locks beside them.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::db::connection::address::Address;
use crate::db::connection::database::Database;
use crate::db::dialect::wal_size;
use crate::db::error::DbError;

/// What SQLite and this program keep beside a database's file, and the file itself.
const SUFFIXES: [&str; 6] = ["", "-wal", "-shm", "-journal", MIGRATE, SERVE];
/// Held by the process that migrates.
pub(super) const MIGRATE: &str = "-migrate";
/// Held by the process that serves.
const SERVE: &str = "-serve";

/// The right to serve a SQLite file, which one process has at a time; until it is dropped.
pub struct ServeLock {
    _locked: File,
}

impl ServeLock {
    /// Takes the lock of this file. `None`: another process has it.
    pub fn take(database: &Path) -> io::Result<Option<ServeLock>> {
        let file = lock_file(database, SERVE)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(ServeLock { _locked: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Links that are followed at most, as many as Linux does.
const MAX_LINKS: usize = 40;

/// The file that a path leads to, whether or not it is there: links in the last part are followed. So
/// SQLite does, and puts its log beside that file.
pub fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = path.read_link() else { break };
        path = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    path
}

/// A path with something appended to its last part.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens the file of a lock, which is not the database's own: closing that would end the locks
/// that SQLite holds on it. Links to the same database lead to the same lock.
pub(super) fn lock_file(database: &Path, suffix: &str) -> io::Result<File> {
    let real = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    if let Some(folder) = real.parent() {
        create_folder(folder)?;
    }
    let mut options = private();
    options.truncate(false).open(beside(&real, suffix))
}

/// Creates a folder, and those above it, for this user alone. One that exists stays as it is.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    // A relative file's folder may be no name at all.
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Creates a file for this user alone, which must not exist. What SQLite puts beside a database
/// gets that file's mode.
pub fn create_file(path: &Path) -> io::Result<File> {
    private().create_new(true).open(path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// Takes the rights of other users away from a database's files, which older versions created by
/// the umask. The rights of the group and of the folder stay: an operator may have granted the former,
/// and the folder may hold more than databases.
pub fn close_to_others(database: &Path) {
    for path in SUFFIXES.map(|suffix| beside(database, suffix)) {
        close_file_to_others(&path);
    }
}

/// The same of one file, if it is there.
pub fn close_file_to_others(path: &Path) {
    let Some(mode) = mode_if_open_to_others(path) else { return };
    let closed = std::fs::set_permissions(path, Permissions::from_mode(mode & !0o007));
    let path = path.display();
    match closed {
        Ok(()) => tracing::info!(%path, "was open to every user of this machine: closed"),
        Err(error) => tracing::warn!(%path, %error, "is open to every user of this machine"),
    }
}

/// Whether every user of this machine has rights to a file.
pub fn is_open_to_others(path: &Path) -> bool {
    mode_if_open_to_others(path).is_some()
}

fn mode_if_open_to_others(path: &Path) -> Option<u32> {
    let metadata = path.metadata().ok().filter(Metadata::is_file)?;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o007 != 0).then_some(mode)
}

/// Why this process can't write to a database's files, or create those that SQLite puts beside it;
/// `None` when it can. Asks the file system: SQLite opens a file that may not be written to all the
/// same, and tells at the first write.
pub fn write_problem(database: &Path) -> Option<String> {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    let needed = [database, folder.unwrap_or(Path::new("."))].map(Path::to_owned);
    let beside = ["-wal", "-shm"].map(|suffix| beside(database, suffix));
    needed.into_iter().chain(beside.into_iter().filter(|path| path.exists())).find_map(|path| {
        let refused = access(&path, Access::READ_OK | Access::WRITE_OK).err()?;
        let error = io::Error::from(refused);
        Some(format!("{}: {error}: a server must be able to write to it", path.display()))
    })
}

/// Makes a SQLite file use a write-ahead log, on which readers and the writer don't wait for each
/// other. A copy made by other tools may have lost the setting. Servers have none.
pub fn use_write_ahead_log(database: &Database) -> Result<(), DbError> {
    match database.address() {
        Address::Sqlite(_) => database.with_writer(wal_size::use_write_ahead_log),
        Address::Postgres(_) => Ok(()),
    }
}
