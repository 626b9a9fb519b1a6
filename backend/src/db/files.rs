//! The files of SQLite databases: their paths, their modes, and the lock files beside them.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// The endings of all files of a database: its own, SQLite's, and this program's locks.
const SUFFIXES: [&str; 6] = ["", "-wal", "-shm", "-journal", MIGRATE, SERVE];
/// Held by the process that migrates.
pub(super) const MIGRATE: &str = "-migrate";
/// Held by the process that serves.
const SERVE: &str = "-serve";

/// The right to serve a SQLite file. One process has it at a time, until this is dropped.
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

/// The maximum number of links that are followed, as on Linux.
const MAX_LINKS: usize = 40;

/// The file that a path leads to, which need not exist. Like SQLite, which puts its log beside that
/// file, it follows links in the last part of the path.
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

/// Opens the lock file of a database. The database's own file would not do: closing it would
/// release SQLite's locks. Links to one database lead to one lock file.
pub(super) fn lock_file(database: &Path, suffix: &str) -> io::Result<File> {
    let real = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    if let Some(folder) = real.parent() {
        create_folder(folder)?;
    }
    let mut options = private();
    options.truncate(false).open(beside(&real, suffix))
}

/// Creates a folder, and its parents, for this user alone. An existing folder stays as it is.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    // The folder of a relative path may be empty.
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Creates a file for this user alone; it must not exist. SQLite gives the files beside a database
/// the same mode.
pub fn create_file(path: &Path) -> io::Result<File> {
    private().create_new(true).open(path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// Removes the rights of other users to a database's files, which older versions created with the
/// umask's permissions. The rights of the group stay, because an operator may have granted them.
/// The folder's rights stay too, because it may hold other files.
pub fn close_to_others(database: &Path) {
    for path in SUFFIXES.map(|suffix| beside(database, suffix)) {
        close_file_to_others(&path);
    }
}

/// [`close_to_others`] for one file, if it exists.
pub fn close_file_to_others(path: &Path) {
    let Some(mode) = mode_if_open_to_others(path) else { return };
    let closed = std::fs::set_permissions(path, Permissions::from_mode(mode & !0o007));
    let path = path.display();
    match closed {
        Ok(()) => tracing::info!(%path, "all users could access it: permissions restricted"),
        Err(error) => tracing::warn!(%path, %error, "all users can access it: can't restrict it"),
    }
}

/// Whether other users of this machine have rights to a file.
pub fn is_open_to_others(path: &Path) -> bool {
    mode_if_open_to_others(path).is_some()
}

fn mode_if_open_to_others(path: &Path) -> Option<u32> {
    let metadata = path.metadata().ok().filter(Metadata::is_file)?;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o007 != 0).then_some(mode)
}

/// Why this process can't write to a database's files, or create those that SQLite puts beside it;
/// `None` if it can. It asks the file system, because SQLite opens a read-only file without an
/// error and fails at the first write.
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
