//! From configured files to a running cluster: migrating, creating, and checking at start-up
//! that every database is the one that the cluster means.

use std::collections::HashSet;
use std::sync::RwLock;

use arc_swap::ArcSwap;
use ostrakon_shared::ReviewId;
use uuid::Uuid;

use super::{Store, mint};
use crate::db::cluster::{self, Member, Pins};
use crate::db::migrate::{self, Kind, Progress};
use crate::db::{Database, DbError, sqlite_version_problem};
use crate::shard::{BUCKETS, HASH, ShardMap, Spread};

/// The databases that the configuration names.
pub struct Databases {
    /// Products, accounts and the shard map.
    pub default: Database,
    /// `reviews-1` to `reviews-N`.
    pub reviews: Vec<Database>,
    /// The spread of a new cluster; an existing one must have it. None: whatever it has.
    pub spread: Option<Spread>,
}

/// Why a cluster can't be used as it is: one line a problem.
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

/// How far one database has come, for people.
#[derive(Clone, Debug)]
pub struct MigrationStatus {
    /// Its name.
    pub database: String,
    /// Its file.
    pub path: std::path::PathBuf,
    /// None: there is no file.
    pub progress: Option<Progress>,
}

impl Databases {
    fn all(&self) -> impl Iterator<Item = (&Database, Kind)> {
        let reviews = self.reviews.iter().map(|database| (database, Kind::Reviews));
        std::iter::once((&self.default, Kind::Default)).chain(reviews)
    }

    /// Brings every database, or just the one named `only`, to this program's tables, and makes
    /// new ones members of the cluster. Says what it does, a line each.
    pub fn migrate(
        &self,
        only: Option<&str>,
        say: &mut dyn FnMut(String),
    ) -> Result<(), SetupError> {
        if let Some(problem) = sqlite_version_problem() {
            return Err(problem.into());
        }
        if let Some(name) = only
            && !self.all().any(|(database, _)| database.name() == name)
        {
            let names: Vec<_> = self.all().map(|(database, _)| database.name()).collect();
            return Err(format!("there is no database {name}, only {}", names.join(", ")).into());
        }
        let wanted = |database: &Database| only.is_none_or(|only| only == database.name());
        if wanted(&self.default) {
            self.migrate_default(say)?;
        }
        for database in self.reviews.iter().filter(|database| wanted(database)) {
            self.migrate_reviews(database, say)?;
        }
        Ok(())
    }

    /// How far each database has come.
    pub fn status(&self) -> Result<Vec<MigrationStatus>, SetupError> {
        let status = |(database, kind): (&Database, Kind)| {
            let exists = database.path().exists();
            let progress = exists.then(|| migrate::progress(database, kind)).transpose()?;
            Ok(MigrationStatus {
                database: database.name().to_owned(),
                path: database.path().to_owned(),
                progress,
            })
        };
        self.all().map(status).collect()
    }

    fn migrate_default(&self, say: &mut dyn FnMut(String)) -> Result<(), SetupError> {
        match existing_pins(&self.default, Kind::Default)? {
            Some(pins) => self.check_default_pins(&pins).map(drop)?,
            None => self.refuse_orphans()?,
        }
        apply(&self.default, Kind::Default, say)?;
        if self.default.read(cluster::pins)?.is_some() {
            return Ok(());
        }
        let pins = Pins {
            id: Uuid::new_v4().to_string(),
            database: self.default.name().to_owned(),
            hash: HASH.to_owned(),
            epoch: epoch(),
            buckets: BUCKETS.into(),
            spread: self.spread.unwrap_or(Spread::DEFAULT).get().into(),
        };
        let members: Vec<_> = self.reviews.iter().map(|d| d.name().to_owned()).collect();
        self.default.write(|connection| cluster::create(connection, &pins, &members))?;
        say(format!("default: created cluster {} of {} reviews databases", pins.id, members.len()));
        Ok(())
    }

    /// Reviews without their `default` must not get a new, foreign one.
    fn refuse_orphans(&self) -> Result<(), SetupError> {
        for database in &self.reviews {
            if let Some(pins) = existing_pins(database, Kind::Reviews)? {
                return Err(format!(
                    "default ({}) is missing or empty, but {} belongs to cluster {}: restore \
                     default from a backup",
                    self.default.path().display(),
                    database.name(),
                    pins.id
                )
                .into());
            }
        }
        Ok(())
    }

    fn migrate_reviews(
        &self,
        database: &Database,
        say: &mut dyn FnMut(String),
    ) -> Result<(), SetupError> {
        let root = existing_pins(&self.default, Kind::Default)?.ok_or_else(|| {
            "default is not migrated: `ostrakon migrate` begins with it".to_owned()
        })?;
        let map = self.default.read(cluster::shard_map)?;
        let members = self.default.read(cluster::members)?;
        let (index, member) = self.member(&members, database)?;
        if !database.path().exists() && member.ready {
            return Err(missing(database, map.buckets_of(index).count()).into());
        }
        let pins = Pins { database: database.name().to_owned(), ..root };
        match existing_pins(database, Kind::Reviews)? {
            Some(found) => check_pins(database, &found, &pins)?,
            None if member.ready => return Err(emptied(database).into()),
            None => {}
        }
        apply(database, Kind::Reviews, say)?;
        if !member.ready {
            join(database, &pins, &map, index)?;
            self.default.write(|connection| cluster::set_ready(connection, database.name()))?;
            let buckets = map.buckets_of(index).count();
            say(format!("{}: joined the cluster with {buckets} buckets", database.name()));
        }
        Ok(())
    }

    fn member<'a>(
        &self,
        members: &'a [Member],
        database: &Database,
    ) -> Result<(usize, &'a Member), SetupError> {
        self.check_members(members)?;
        let index = members.iter().position(|member| member.name == database.name());
        index
            .map(|index| (index, &members[index]))
            .ok_or_else(|| format!("{} is not part of this cluster", database.name()).into())
    }

    fn check_members(&self, members: &[Member]) -> Result<(), SetupError> {
        let (configured, has) = (self.reviews.len(), members.len());
        if configured == has {
            return Ok(());
        }
        Err(format!(
            "the configuration names {configured} reviews databases, this cluster has {has}: \
             set reviews_databases = {has} (OSTRAKON_REVIEWS_DATABASES)"
        )
        .into())
    }

    fn check_default_pins(&self, found: &Pins) -> Result<Spread, SetupError> {
        let pinned = u16::try_from(found.spread).ok().and_then(Spread::new);
        let spread = pinned
            .ok_or_else(|| format!("default: pinned with an impossible spread {}", found.spread))?;
        if let Some(configured) = self.spread.filter(|&configured| configured != spread) {
            return Err(format!(
                "the configuration wants spread {}, this cluster was created with {}: a spread \
                 is fixed for ever",
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

    /// The store of these databases, after checking that they are one migrated cluster; all
    /// problems at once.
    pub fn open(self) -> Result<Store, SetupError> {
        if let Some(problem) = sqlite_version_problem() {
            return Err(problem.into());
        }
        require_migrated(&self.default, Kind::Default)?;
        let root = existing_pins(&self.default, Kind::Default)?
            .ok_or_else(|| not_migrated(&self.default))?;
        let spread = self.check_default_pins(&root)?;
        self.check_members(&self.default.read(cluster::members)?)?;
        let map = self.default.read(cluster::shard_map)?;
        let mut problems = Vec::new();
        for (index, database) in self.reviews.iter().enumerate() {
            let checked = self.check_reviews(database, &root, map.buckets_of(index).count());
            problems.extend(checked.err().into_iter().flat_map(|SetupError(lines)| lines));
        }
        if !problems.is_empty() {
            return Err(SetupError(problems));
        }
        Ok(Store {
            default: self.default,
            reviews: self.reviews,
            spread,
            map: ArcSwap::from_pointee(map),
            mint: mint::Mint::default(),
            known_products: RwLock::new(HashSet::new()),
        })
    }

    fn check_reviews(
        &self,
        database: &Database,
        root: &Pins,
        buckets: usize,
    ) -> Result<(), SetupError> {
        let members = self.default.read(cluster::members)?;
        let (_, member) = self.member(&members, database)?;
        if !database.path().exists() && member.ready {
            return Err(missing(database, buckets).into());
        }
        require_migrated(database, Kind::Reviews)?;
        match existing_pins(database, Kind::Reviews)? {
            Some(found) => {
                let expected = Pins { database: database.name().to_owned(), ..root.clone() };
                check_pins(database, &found, &expected)
            }
            None if member.ready => Err(emptied(database).into()),
            None => Err(not_migrated(database).into()),
        }
    }
}

/// The moment that ids count from, as it is pinned.
fn epoch() -> String {
    jiff::Timestamp::from_millisecond(ReviewId::EPOCH_UNIX_MS)
        .map_or_else(|error| error.to_string(), |epoch| epoch.to_string())
}

/// The pins of a database that may not exist, or not be migrated yet.
fn existing_pins(database: &Database, kind: Kind) -> Result<Option<Pins>, SetupError> {
    if !database.path().exists() || migrate::progress(database, kind)?.applied.is_empty() {
        return Ok(None);
    }
    Ok(database.read(cluster::pins)?)
}

fn check_pins(database: &Database, found: &Pins, expected: &Pins) -> Result<(), SetupError> {
    let name = format!("{} ({})", database.name(), database.path().display());
    let differences = [
        ("belongs to cluster", found.id.clone(), expected.id.clone()),
        ("calls itself", found.database.clone(), expected.database.clone()),
        ("is pinned to the hash", found.hash.clone(), expected.hash.clone()),
        ("counts ids from", found.epoch.clone(), expected.epoch.clone()),
        ("has a bucket count of", found.buckets.to_string(), expected.buckets.to_string()),
        ("has a spread of", found.spread.to_string(), expected.spread.to_string()),
    ];
    let problems: Vec<_> = differences
        .into_iter()
        .filter(|(_, found, expected)| found != expected)
        .map(|(what, found, expected)| format!("{name} {what} {found}, expected is {expected}"))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(SetupError(problems)) }
}

fn missing(database: &Database, buckets: usize) -> String {
    format!(
        "{} ({}) is missing, and the shard map needs it for {buckets} buckets: restore it from a \
         backup",
        database.name(),
        database.path().display()
    )
}

fn emptied(database: &Database) -> String {
    format!(
        "{} ({}) is not the database that joined this cluster, it belongs to none: restore it \
         from a backup",
        database.name(),
        database.path().display()
    )
}

fn not_migrated(database: &Database) -> String {
    format!(
        "{} ({}) is not migrated: run `ostrakon migrate`, or `ostrakon serve --migrate`",
        database.name(),
        database.path().display()
    )
}

fn require_migrated(database: &Database, kind: Kind) -> Result<(), SetupError> {
    if !database.path().exists() {
        return Err(not_migrated(database).into());
    }
    let progress = migrate::progress(database, kind)?;
    refuse_newer(database, &progress)?;
    if progress.pending.is_empty() { Ok(()) } else { Err(not_migrated(database).into()) }
}

fn refuse_newer(database: &Database, progress: &Progress) -> Result<(), SetupError> {
    if progress.unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} ({}) has migrations that this program doesn't know ({}): use the newer program that \
         applied them",
        database.name(),
        database.path().display(),
        progress.unknown.join(", ")
    )
    .into())
}

fn apply(database: &Database, kind: Kind, say: &mut dyn FnMut(String)) -> Result<(), SetupError> {
    migrate::create_file(database)?;
    refuse_newer(database, &migrate::progress(database, kind)?)?;
    let versions = migrate::run(database, kind)?;
    let name = database.name();
    match versions.as_slice() {
        [] => say(format!("{name}: up to date")),
        [one] => say(format!("{name}: applied migration {one}")),
        several => say(format!("{name}: applied migrations {}", several.join(", "))),
    }
    Ok(())
}

/// Writes a new member's pins and owner rows, unless an interrupted migration did already.
fn join(database: &Database, pins: &Pins, map: &ShardMap, index: usize) -> Result<(), SetupError> {
    Ok(database.write(|connection| {
        if cluster::pins(connection)?.is_some() {
            return Ok(());
        }
        let owned = map.buckets_of(index).map(|bucket| (bucket, map.owner(bucket).epoch));
        cluster::join(connection, pins, owned)
    })?)
}
