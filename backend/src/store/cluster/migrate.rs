//! Migrates databases, and adds new ones to the cluster.
//!
//! Look here for the order in which a new cluster comes into being, so that an interrupted run can
//! be repeated. `db/migrate.rs` applies the migrations of one database.

use uuid::Uuid;

use crate::db::cluster::{self, Pins, StoredMap};
use crate::db::migrate::{self, Applied, Kind, MigrationLock};
use crate::db::{Context, Database, sqlite_version_problem};
use crate::shard::{BUCKETS, HASH, Spread};
use crate::store::cluster::backfill;
use crate::store::cluster::setup::{
    Databases, SetupError, all_of, check_pins, emptied, epoch, existing_pins, exists, missing,
    refuse_newer, require_place, require_utf8,
};

impl Databases {
    /// Migrates all databases, or the one named `only`, and adds new ones to the cluster. Passes
    /// one line per step to `say`.
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
        all_of(self.all().map(|(database, _)| database).filter(|d| wanted(d)).map(require_utf8))?;
        if wanted(&self.default) {
            self.migrate_default(say)?;
        }
        for database in self.reviews.iter().filter(|database| wanted(database)) {
            if only.is_none() && self.is_begun_elsewhere(database)? {
                let name = database.name();
                say(format!(
                    "{name}: skipped, because an interrupted `databases add` has begun it and it has no \
                     URL: add it again, or remove it"
                ));
                continue;
            }
            self.migrate_reviews(database, say)?;
        }
        Ok(())
    }

    /// Whether the cluster does not need a database yet, and the configuration has no address for
    /// it.
    fn is_begun_elsewhere(&self, database: &Database) -> Result<bool, SetupError> {
        if require_place(&*self.places, database).is_ok() {
            return Ok(false);
        }
        let map = self.default.read_latest(&Context::default(), cluster::shard_map)?;
        let name = database.name();
        let is_ready = map.active().any(|member| member.name == name && member.ready);
        Ok(!is_ready && map.buckets_of(name).next().is_none())
    }

    fn migrate_default(&self, say: &mut dyn FnMut(String)) -> Result<(), SetupError> {
        let is_new = || Ok::<_, SetupError>(existing_pins(&self.default, Kind::Default)?.is_none());
        if is_new()? {
            all_of(self.reviews.iter().map(|database| require_place(&*self.places, database)))?;
        }
        // Reviews that have appeared since then are from another process, which migrated `default`
        // first.
        if is_new()?
            && let Err(orphans) = self.refuse_orphans()
            && is_new()?
        {
            return Err(orphans);
        }
        let lock = migrate::lock(&self.default)?;
        if let Some(pins) = existing_pins(&self.default, Kind::Default)? {
            self.check_default_pins(&pins)?;
        }
        apply(&self.default, Kind::Default, &lock, say)?;
        backfill::run(&self.default, &self.default, say)?;
        if self.default.read_latest(&Context::default(), cluster::pins)?.is_some() {
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
        self.default.write(&Context::default(), |connection| {
            cluster::create(connection, &pins, &members)
        })?;
        say(format!("default: created cluster {} of {} reviews databases", pins.id, members.len()));
        Ok(())
    }

    /// Refuses reviews databases without their `default`: they must not join a new cluster.
    fn refuse_orphans(&self) -> Result<(), SetupError> {
        for database in &self.reviews {
            if let Some(pins) = existing_pins(database, Kind::Reviews)? {
                return Err(format!(
                    "default ({}) is missing or empty, but {} belongs to cluster {}: restore \
                     default from a backup",
                    self.default.address(),
                    database.name(),
                    pins.id
                )
                .into());
            }
        }
        Ok(())
    }

    pub(super) fn migrate_reviews(
        &self,
        database: &Database,
        say: &mut dyn FnMut(String),
    ) -> Result<(), SetupError> {
        let root = existing_pins(&self.default, Kind::Default)?.ok_or_else(|| {
            "default is not migrated: run `ostrakon migrate` for it first".to_owned()
        })?;
        let map = self.default.read_latest(&Context::default(), cluster::shard_map)?;
        let name = database.name();
        let member = map.active().find(|member| member.name == name);
        let member = member.ok_or_else(|| format!("{name} is not part of this cluster"))?;
        if !exists(database) && member.ready {
            return Err(missing(database, map.buckets_of(name).count()).into());
        }
        let lock = migrate::lock(database)?;
        let pins = Pins { database: database.name().to_owned(), ..root };
        match existing_pins(database, Kind::Reviews)? {
            Some(found) => check_pins(database, &found, &pins)?,
            None if member.ready => return Err(emptied(database).into()),
            None => {}
        }
        apply(database, Kind::Reviews, &lock, say)?;
        backfill::run(&self.default, database, say)?;
        if !member.ready {
            join(database, &pins, &map)?;
            self.default
                .write(&Context::default(), |connection| cluster::set_ready(connection, name))?;
            let buckets = map.buckets_of(name).count();
            say(format!("{name}: joined the cluster with {buckets} buckets"));
        }
        Ok(())
    }
}

fn apply(
    database: &Database,
    kind: Kind,
    lock: &MigrationLock,
    say: &mut dyn FnMut(String),
) -> Result<(), SetupError> {
    refuse_newer(database, &migrate::state(database, kind)?)?;
    let Applied { versions, distributed } = migrate::run(database, kind, lock)?;
    let name = database.name();
    match versions.as_slice() {
        [] => say(format!("{name}: up to date")),
        [one] => say(format!("{name}: applied migration {one}")),
        several => say(format!("{name}: applied migrations {}", several.join(", "))),
    }
    if !distributed.is_empty() {
        say(format!("{name}: distributed {} by bucket over Citus", distributed.join(", ")));
    }
    Ok(())
}

/// Writes the pins and owner rows of a new member, unless an interrupted migration has done so.
fn join(database: &Database, pins: &Pins, map: &StoredMap) -> Result<(), SetupError> {
    Ok(database.write(&Context::default(), |connection| {
        if cluster::pins(connection)?.is_some() {
            return Ok(());
        }
        cluster::join(connection, pins, map.buckets_of(database.name()))
    })?)
}
