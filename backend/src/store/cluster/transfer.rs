//! `transfer`: moves a cluster to other databases of any engine.
//!
//! The source is made read-only for good before the first row is copied, so that the target
//! contains all acknowledged writes and no process writes to the old databases. When all targets
//! are filled and compared, each joins the cluster in one transaction, `default` last; until then
//! servers refuse them.
//!
//! 1. Each target gets a table `transfer_target` with the name of the database and the transfer's
//!    id, which is also in `transfer_source` of the source's `default`; then the migrations run.
//!    While that table exists, `serve` and `migrate` refuse the database.
//! 2. Each table of the source gets a trigger that refuses changes by any process. Creating it
//!    waits for transactions that have written. Its message becomes `DbError::ReadOnly`, 503. If
//!    one can't be created, all are removed again.
//! 3. The rows are copied in the order of their keys, a thousand per transaction (`db/copy.rs`). An
//!    interrupted run is resumed after the last row. In keys with texts, which engines sort
//!    differently, it is resumed at the numbers before the text.
//! 4. All rows of both sides are read: their number and the sum of their hashes must be equal in
//!    each bucket.
//! 5. The pins replace `transfer_target`, in one transaction for each database, `default` last.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::db::backfill;
use crate::db::cluster::{self, Pins};
use crate::db::copy::{Digests, ProgressFn, Table, tables};
use crate::db::migrate::{self, Kind, MigrationLock};
use crate::db::{Address, Context, Database, DbError, transfer};
use crate::store::cluster::Cluster;
use crate::store::cluster::setup::{
    Databases, Places, SetupError, all_of, existing_pins, exists, refuse_newer, require_place,
    require_utf8,
};
use crate::store::routing::Shards;

/// A checked transfer that has not started.
pub struct Transfer {
    source: Databases,
    target: Databases,
}

/// A transfer whose target has tables and is locked.
pub struct PreparedTransfer {
    source: Databases,
    target: Databases,
    id: String,
    locks: Vec<MigrationLock>,
}

/// A transfer whose source is read-only.
pub struct RunningTransfer {
    source: Databases,
    target: Databases,
    id: String,
    _locks: Vec<MigrationLock>,
}

/// The state of a target before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    Started,
    Complete,
}

impl Transfer {
    fn check(source: Databases, target: Databases) -> Result<Transfer, SetupError> {
        let [has, names] = [&source, &target].map(|databases| databases.reviews.len());
        if has != names {
            let problem = format!(
                "this cluster has {has} reviews databases, but the target's configuration names \
                 {names}: a transfer keeps their number"
            );
            return Err(problem.into());
        }
        let names = source.reviews.iter().map(|database| database.name().to_owned());
        let target = target.with_reviews(names);
        all_of(target.reviews.iter().map(|database| require_place(&*target.places, database)))?;
        refuse_same_addresses(&source, &target)?;
        all_of(target.all().map(|(database, _)| require_utf8(database)))?;
        let id = source.default.read_latest(&Context::default(), transfer::source_id)?;
        for (from, to, kind) in pairs(&source, &target) {
            state(from, to, kind, id.as_deref())?;
        }
        Ok(Transfer { source, target })
    }

    /// Creates the target's tables. The source does not change.
    pub fn prepare(self) -> Result<PreparedTransfer, SetupError> {
        let Transfer { source, target } = self;
        let new_id = Uuid::new_v4().to_string();
        let id = source
            .default
            .write(&Context::default(), |connection| transfer::mark_source(connection, &new_id))?;
        let locks = pairs(&source, &target).map(|(from, to, kind)| prepare(from, to, kind, &id));
        let locks = locks.collect::<Result<_, _>>()?;
        Ok(PreparedTransfer { source, target, id, locks })
    }
}

impl PreparedTransfer {
    /// Makes all source databases read-only; on failure reverts this unless an earlier run has
    /// copied rows.
    pub fn start(self) -> Result<RunningTransfer, SetupError> {
        let PreparedTransfer { source, target, id, locks } = self;
        let begun = RunningTransfer { source, target, id, _locks: locks };
        let Err(error) = begun.source.make_read_only() else { return Ok(begun) };
        let (_, copied) = begun.rows()?;
        if copied == 0 {
            begun.source.make_writable()?;
        }
        Err(error)
    }
}

impl Databases {
    /// Makes all tables read-only.
    fn make_read_only(&self) -> Result<(), SetupError> {
        for (database, kind) in self.all() {
            for table in transfer::table_names(kind) {
                database.write(&Context::default(), |connection| {
                    transfer::make_read_only(connection, table)
                })?;
            }
            refuse_newer(database, &migrate::state(database, kind)?)?;
        }
        Ok(())
    }

    /// Makes all tables writable again.
    fn make_writable(&self) -> Result<(), DbError> {
        for (database, kind) in self.all() {
            for table in transfer::table_names(kind) {
                database.write(&Context::default(), |connection| {
                    transfer::make_writable(connection, table)
                })?;
            }
        }
        Ok(())
    }
}

impl RunningTransfer {
    /// The number of rows in the source and in the target.
    pub fn rows(&self) -> Result<(u64, u64), SetupError> {
        let mut rows = (0, 0);
        for (source, target, table) in self.tables() {
            rows.0 += table.count(source)?;
            rows.1 += table.count(target)?;
        }
        Ok(rows)
    }

    /// Copies the missing rows.
    pub fn copy(&self, progress: ProgressFn<'_>) -> Result<(), SetupError> {
        for (source, target, table) in self.tables() {
            table.copy(source, target, progress)?;
        }
        Ok(())
    }

    /// Compares all rows of both sides; returns one line per difference.
    pub fn compare(&self, progress: ProgressFn<'_>) -> Result<Vec<String>, SetupError> {
        let mut differences = Vec::new();
        for (source, target, table) in self.tables() {
            let [has, got] = [source, target].map(|database| table.digests(database, progress));
            differences.extend(compare(source.name(), table.name, &has?, &got?));
        }
        Ok(differences)
    }

    /// Completes the target, so that servers accept it.
    pub fn finish(self) -> Result<(), SetupError> {
        if self.source.default.read_latest(&Context::default(), transfer::source_id)?.as_ref()
            != Some(&self.id)
        {
            let problem = "the source has become writable since the copy began: the target may lack \
                           later writes, so empty it and start again";
            return Err(problem.to_owned().into());
        }
        let last_ids = self.source.default.read_latest(&Context::default(), transfer::last_ids)?;
        let version = self.source.default.read_latest(&Context::default(), cluster::map_version)?;
        let mut pairs: Vec<_> = pairs(&self.source, &self.target).collect();
        pairs.reverse();
        for (source, target, kind) in pairs {
            let pins = source.read_latest(&Context::default(), cluster::pins)?;
            let pins = pins.ok_or_else(|| format!("{} has no pins", source.name()))?;
            target.write(&Context::default(), |connection| {
                if transfer::marker(connection)?.is_none() {
                    return Ok(());
                }
                if kind == Kind::Default {
                    transfer::set_sequences(connection, last_ids)?;
                    cluster::set_map_version(connection, version)?;
                }
                transfer::finalize(connection, kind, &pins)
            })?;
        }
        Ok(())
    }

    fn tables(&self) -> impl Iterator<Item = (&Database, &Database, &'static Table)> {
        pairs(&self.source, &self.target).flat_map(|(source, target, kind)| {
            tables(kind).iter().map(move |table| (source, target, table))
        })
    }
}

impl Cluster<'_> {
    /// Prepares to move this cluster to `target`, which must be empty or partly filled by this
    /// transfer.
    pub fn transfer_to(&self, target: Databases) -> Result<Transfer, SetupError> {
        self.require_no_moves("a transfer")?;
        Transfer::check(self.as_databases(), target)
    }

    /// Makes a cluster writable again that a transfer has made read-only. That transfer can't be
    /// resumed.
    pub fn abandon_transfer(&self) -> Result<(), DbError> {
        // First, so that no transfer resumes while triggers are being dropped.
        self.shared.shards.default.write(&Context::default(), transfer::unmark_source)?;
        self.as_databases().make_writable()
    }

    fn as_databases(&self) -> Databases {
        let shards = Arc::clone(&self.shared.shards);
        let reviews = shards.reviews().into_iter().cloned().collect();
        let (default, spread) = (Arc::clone(&shards.default), Some(shards.spread));
        Databases { default, reviews, spread, places: shards }
    }
}

/// The databases of the open cluster are found, and no others.
impl Places for Shards {
    fn connect(&self, name: &str) -> Arc<Database> {
        let found = self.databases().find(|database| database.name() == name);
        Arc::clone(found.unwrap_or(&self.default))
    }

    fn connect_to(&self, name: &str, _: Address) -> Arc<Database> {
        self.connect(name)
    }

    fn may_create(&self, _: &str) -> bool {
        false
    }
}

/// Pairs of source and target, `default` first.
fn pairs<'a>(
    source: &'a Databases,
    target: &'a Databases,
) -> impl Iterator<Item = (&'a Database, &'a Database, Kind)> {
    source.all().zip(target.all()).map(|((source, kind), (target, _))| (source, target, kind))
}

fn refuse_same_addresses(source: &Databases, target: &Databases) -> Result<(), SetupError> {
    let mut addresses = HashSet::new();
    for (database, _) in source.all().chain(target.all()) {
        if !addresses.insert(resolved(database.address())) {
            let problem = format!(
                "{} ({}) of the target's configuration is the address of another database too",
                database.name(),
                database.address()
            );
            return Err(problem.into());
        }
    }
    Ok(())
}

/// The address without links, of a file that exists.
fn resolved(address: &Address) -> Address {
    let file = address.file().and_then(|path| path.canonicalize().ok());
    file.map_or_else(|| address.clone(), Address::from)
}

/// The state of a target; an error if the transfer `id` can't fill it.
fn state(
    source: &Database,
    target: &Database,
    kind: Kind,
    id: Option<&str>,
) -> Result<State, SetupError> {
    if !exists(target) {
        return Ok(State::Empty);
    }
    let place = format!("{} ({})", target.name(), target.address());
    if let Some((filled_by, name)) = target.read_latest(&Context::default(), transfer::marker)? {
        if Some(filled_by.as_str()) == id && name == target.name() {
            return Ok(State::Started);
        }
        let problem = "is partly filled by another transfer: use an empty database";
        return Err(format!("{place} {problem}").into());
    }
    if target.read_latest(&Context::default(), |connection| transfer::is_empty(connection, kind))? {
        return Ok(State::Empty);
    }
    let pins: Option<Pins> = existing_pins(target, kind)?;
    if pins.is_none() || pins != source.read_latest(&Context::default(), cluster::pins)? {
        return Err(format!("{place} is not empty: a transfer only fills empty databases").into());
    }
    match kind {
        // Completed before `default` was: the run was interrupted there.
        Kind::Reviews if id.is_some() => Ok(State::Complete),
        _ => Err(format!("{place} already contains this cluster").into()),
    }
}

/// Creates a target's tables; the lock keeps other processes out.
fn prepare(
    source: &Database,
    target: &Database,
    kind: Kind,
    id: &str,
) -> Result<MigrationLock, SetupError> {
    let lock = migrate::lock(target)?;
    if state(source, target, kind, Some(id))? == State::Empty {
        target.write(&Context::default(), |connection| {
            transfer::mark_target(connection, id, target.name())
        })?;
    }
    refuse_newer(target, &migrate::state(target, kind)?)?;
    migrate::run(target, kind, &lock)?;
    // The copied rows need no backfill.
    target.write(&Context::default(), |connection| {
        for task in backfill::pending(connection)? {
            backfill::finish(connection, &task)?;
        }
        Ok(())
    })?;
    Ok(lock)
}

fn compare(database: &str, table: &str, source: &Digests, target: &Digests) -> Vec<String> {
    let buckets: BTreeSet<_> = source.keys().chain(target.keys()).collect();
    let line = |bucket: &Option<i16>| {
        let [has, got] = [source, target].map(|digests| digests.get(bucket).copied());
        let [has, got] = [has, got].map(Option::unwrap_or_default);
        let place = bucket.map(|bucket| format!(" in bucket {bucket}")).unwrap_or_default();
        if has.rows != got.rows {
            let (has, got) = (has.rows, got.rows);
            Some(format!("{database}: {table}{place}: {has} rows, but {got} in the target"))
        } else if has != got {
            Some(format!("{database}: {table}{place}: rows differ in the target"))
        } else {
            None
        }
    };
    buckets.into_iter().filter_map(line).collect()
}
