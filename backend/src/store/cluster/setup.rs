//! Shared by migrating and opening a cluster: the configured databases and their checks.
//!
//! [`Databases`] are the configured ones, which may lack tables or belong elsewhere; `open` turns
//! them into a running cluster.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostrakon_shared::ReviewId;

use crate::db::cluster::{self, Pins};
use crate::db::files::{self, ServeLock};
use crate::db::migrate::{self, Kind, MigrationState};
use crate::db::{self, Address, Context, Database, DbError, transfer as transfers};
use crate::shard::{BUCKETS, HASH, Spread};

/// The databases of a cluster, or those that a new one gets.
pub struct Databases {
    /// Products, accounts and the shard map.
    pub default: Arc<Database>,
    /// `reviews-1` to `reviews-N`, without retired ones.
    pub reviews: Vec<Arc<Database>>,
    /// The spread of a new cluster, which an existing one must match; None: any.
    pub spread: Option<Spread>,
    /// The addresses of databases by name.
    pub places: Arc<dyn Places>,
}

/// Finds databases by their names, as the configuration says.
pub trait Places: Send + Sync {
    /// The database with this name.
    fn connect(&self, name: &str) -> Arc<Database>;

    /// The database with this name at an address that the configuration does not have yet.
    fn connect_to(&self, name: &str, address: Address) -> Arc<Database>;

    /// Whether a new database with this name may be created where [`Places::connect`] looks for it.
    fn may_create(&self, name: &str) -> bool;
}

/// Why a cluster can't be used, one line per problem.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SetupError(pub Vec<String>);

impl From<String> for SetupError {
    fn from(problem: String) -> SetupError {
        SetupError(vec![problem])
    }
}

impl From<DbError> for SetupError {
    fn from(error: DbError) -> SetupError {
        SetupError(vec![error.to_string()])
    }
}

/// The migration state of one database.
#[derive(Clone, Debug)]
pub struct MigrationStatus {
    pub database: String,
    pub address: Address,
    /// None: the file does not exist.
    pub progress: Option<MigrationState>,
}

impl Databases {
    /// `default` and the reviews databases with these names.
    pub fn named(
        places: Arc<dyn Places>,
        names: impl Iterator<Item = String>,
        spread: Option<Spread>,
    ) -> Databases {
        let reviews = names.map(|name| places.connect(&name)).collect();
        Databases { default: places.connect("default"), reviews, spread, places }
    }

    /// The same with the reviews databases that `default` names, if it is the root of a cluster.
    pub fn of_cluster(self) -> Result<Databases, SetupError> {
        if !exists(&self.default) {
            return Ok(self);
        }
        // By connections of its own, which end here: a restore may replace the file, and some
        // commands need to be the only user of a server's database.
        let default = self.places.connect("default");
        let members = default.read_latest(&Context::default(), cluster::member_names)?;
        Ok(if members.is_empty() { self } else { self.with_reviews(members.into_iter()) })
    }

    /// The same with these reviews databases.
    pub(super) fn with_reviews(self, names: impl Iterator<Item = String>) -> Databases {
        Databases { reviews: names.map(|name| self.places.connect(&name)).collect(), ..self }
    }

    /// The reviews database with this name.
    pub(super) fn reviews_database(&self, name: &str) -> Result<&Arc<Database>, SetupError> {
        let found = self.reviews.iter().find(|database| database.name() == name);
        found.ok_or_else(|| format!("{name} is not part of this cluster").into())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Database, Kind)> {
        let reviews = self.reviews.iter().map(|database| (&**database, Kind::Reviews));
        std::iter::once((&*self.default, Kind::Default)).chain(reviews)
    }

    /// The folders of the SQLite files.
    pub fn folders(&self) -> Vec<PathBuf> {
        let files = self.all().filter_map(|(database, _)| database.address().file());
        // A path without a folder is relative to the working directory.
        let folders = files.filter_map(Path::parent).map(|folder| Path::new(".").join(folder));
        folders.collect()
    }

    /// The migration state of each database.
    pub fn status(&self) -> Result<Vec<MigrationStatus>, SetupError> {
        let status = |(database, kind): (&Database, Kind)| {
            let progress = exists(database).then(|| migrate::state(database, kind)).transpose()?;
            Ok(MigrationStatus {
                database: database.name().to_owned(),
                address: database.address().clone(),
                progress,
            })
        };
        self.all().map(status).collect()
    }

    /// Makes this process the only server of the SQLite files until the locks are dropped. Other
    /// commands may use them, with SQLite's own locks; but each server assumes that it is the only
    /// writer. `even_missing`: also locks files that don't exist yet.
    pub fn lock_to_serve(&self, even_missing: bool) -> Result<Vec<ServeLock>, SetupError> {
        let mut locks = Vec::new();
        for (database, _) in self.all() {
            let Some(path) = database.address().file() else { continue };
            if !path.exists() && !even_missing {
                continue;
            }
            files::close_to_others(path);
            let place = format!("{} ({})", database.name(), path.display());
            let taken = ServeLock::take(path).map_err(|error| format!("{place}: {error}"))?;
            locks.push(taken.ok_or_else(|| {
                format!(
                    "{place} is served by another process: only one process can serve a SQLite \
                     file, so stop the other one first"
                )
            })?);
        }
        Ok(locks)
    }

    pub(super) fn check_default_pins(&self, found: &Pins) -> Result<Spread, SetupError> {
        let pinned = u16::try_from(found.spread).ok().and_then(Spread::new);
        let spread = pinned
            .ok_or_else(|| format!("default: its pins have the invalid spread {}", found.spread))?;
        if let Some(configured) = self.spread.filter(|&configured| configured != spread) {
            return Err(format!(
                "the configuration has spread {}, but this cluster was created with {}: the spread \
                 can't be changed",
                configured.get(),
                spread.get()
            )
            .into());
        }
        let expected = Pins {
            id: found.id.clone(),
            database: self.default.name().to_owned(),
            hash: HASH.to_owned(),
            epoch: epoch(),
            buckets: BUCKETS.into(),
            spread: found.spread,
        };
        check_pins(&self.default, found, &expected)?;
        Ok(spread)
    }
}

/// Runs all checks, and reports all problems at once.
pub(super) fn all_of(
    checks: impl Iterator<Item = Result<(), SetupError>>,
) -> Result<(), SetupError> {
    let problems: Vec<String> =
        checks.filter_map(Result::err).flat_map(|SetupError(lines)| lines).collect();
    if problems.is_empty() { Ok(()) } else { Err(SetupError(problems)) }
}

/// Fails if a database does not exist, and the configuration does not say where it is to be.
pub(super) fn require_place(places: &dyn Places, database: &Database) -> Result<(), SetupError> {
    let name = database.name();
    if exists(database) || places.may_create(name) {
        return Ok(());
    }
    Err(format!("{name} has no URL: add \"{name}=postgres://…\" to reviews_urls").into())
}

/// Whether a SQLite file exists; true for servers.
pub(super) fn exists(database: &Database) -> bool {
    database.address().file().is_none_or(Path::exists)
}

/// Refuses a database whose encoding is not UTF-8. Logs a warning if the server's messages are not
/// English.
pub(super) fn require_utf8(database: &Database) -> Result<(), SetupError> {
    // A file is not opened, because a restore may replace it.
    if database.is_file() {
        return Ok(());
    }
    let Some((encoding, language)) = database.read_latest(&Context::default(), db::encoding)?
    else {
        return Ok(());
    };
    let (name, address) = (database.name(), database.address());
    if encoding != "UTF8" {
        return Err(format!(
            "{name} ({address}) has the encoding {encoding}, which lacks characters: create the \
             database again with TEMPLATE template0 ENCODING 'UTF8'"
        )
        .into());
    }
    let tag = language.split(['_', '.']).next().unwrap_or_default();
    if !["", "C", "POSIX", "en"].contains(&tag) {
        tracing::warn!(
            database = name,
            lc_messages = language,
            "the messages of this server are not in English, so lock timeouts are not recognized and \
             answered 500: run ALTER ROLE … SET lc_messages = 'C'"
        );
    }
    Ok(())
}

/// The epoch of ids, as in the pins.
pub(super) fn epoch() -> String {
    jiff::Timestamp::from_millisecond(ReviewId::EPOCH_UNIX_MS)
        .map_or_else(|error| error.to_string(), |epoch| epoch.to_string())
}

/// The pins of a database; None if it does not exist or is not migrated.
pub(super) fn existing_pins(database: &Database, kind: Kind) -> Result<Option<Pins>, SetupError> {
    if !exists(database) {
        return Ok(None);
    }
    if let Some((by, _)) = database.read_latest(&Context::default(), transfers::marker)? {
        return Err(half_filled(database, &by).into());
    }
    if migrate::state(database, kind)?.applied.is_empty() {
        return Ok(None);
    }
    Ok(database.read_latest(&Context::default(), cluster::pins)?)
}

pub(super) fn check_pins(
    database: &Database,
    found: &Pins,
    expected: &Pins,
) -> Result<(), SetupError> {
    let name = format!("{} ({})", database.name(), database.address());
    let differences = [
        ("belongs to cluster", found.id.clone(), expected.id.clone()),
        ("has the name", found.database.clone(), expected.database.clone()),
        ("is pinned to the hash", found.hash.clone(), expected.hash.clone()),
        ("counts ids from", found.epoch.clone(), expected.epoch.clone()),
        ("has a bucket count of", found.buckets.to_string(), expected.buckets.to_string()),
        ("has a spread of", found.spread.to_string(), expected.spread.to_string()),
    ];
    let problems: Vec<_> = differences
        .into_iter()
        .filter(|(_, found, expected)| found != expected)
        .map(|(what, found, expected)| format!("{name} {what} {found}, expected {expected}"))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(SetupError(problems)) }
}

pub(super) fn missing(database: &Database, buckets: usize) -> String {
    let (name, address) = (database.name(), database.address());
    if buckets == 0 {
        return format!("{name} ({address}) is missing; it owns no buckets, so it can be removed");
    }
    format!(
        "{name} ({address}) is missing, and the shard map needs it for {buckets} buckets: restore it \
         from a backup, or add its URL to reviews_urls"
    )
}

pub(super) fn emptied(database: &Database) -> String {
    format!(
        "{} ({}) belongs to no cluster, so it is not the database that joined this one: restore \
         it from a backup",
        database.name(),
        database.address()
    )
}

pub(super) fn half_filled(database: &Database, by: &str) -> String {
    let command = if transfers::is_by_restore(by) { "restore" } else { "transfer" };
    format!(
        "{} ({}) is only partly filled by `ostrakon {command}`: run that command again until it \
         completes, or use an empty database",
        database.name(),
        database.address()
    )
}

pub(super) fn not_migrated(database: &Database) -> String {
    format!(
        "{} ({}) is not migrated: run `ostrakon migrate`, or `ostrakon serve --migrate`",
        database.name(),
        database.address()
    )
}

pub(super) fn refuse_newer(
    database: &Database,
    progress: &MigrationState,
) -> Result<(), SetupError> {
    if progress.unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} ({}) has migrations that this program doesn't know ({}): use the newer program that \
         applied them",
        database.name(),
        database.address(),
        progress.unknown.join(", ")
    )
    .into())
}
