//! Checks whether a backup can be restored, before anything is written.

use crate::db::migrate::{self, Kind};
use crate::db::{Context, Database, backup, transfer};
use crate::store::cluster::backup::compare;
use crate::store::cluster::restore::{Restore, State};
use crate::store::cluster::setup::{SetupError, all_of, existing_pins, exists, require_utf8};

impl Restore {
    /// Checks the configuration and all targets; reports all problems at once.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let checked =
            all_of(self.databases.all().map(|(database, kind)| self.check_one(database, kind)));
        // If this can't be determined, the problems above are reported.
        if checked.is_err() && self.is_done().unwrap_or(false) {
            let done = "this backup has already been restored here";
            return Err(done.to_owned().into());
        }
        checked
    }

    /// Whether the targets already contain the backup. Of `default` only products and accounts are
    /// compared, because a restore changes its other tables.
    fn is_done(&self) -> Result<bool, SetupError> {
        for (database, kind) in self.databases.all().filter(|(d, _)| self.is_selected(d.name())) {
            if backup::is_vacant(database, kind)?
                || existing_pins(database, kind)?
                    != Some(self.manifest.cluster.pins(database.name()))
            {
                return Ok(false);
            }
            let mut saved = self.saved(database)?.clone();
            if kind == Kind::Default {
                saved.tables.retain(|table, _| ["product", "account"].contains(&table.as_str()));
            }
            if !compare(database, &saved, &|_| ())?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn check_one(&self, database: &Database, kind: Kind) -> Result<(), SetupError> {
        let place = || format!("{} ({})", database.name(), database.address());
        let saved = self.saved(database)?;
        require_utf8(database)?;
        if !self.is_selected(database.name()) {
            // Only a restore of `default` compares its ids with those of all other databases.
            if kind == Kind::Reviews && !self.is_selected("default") {
                return Ok(());
            }
            return match existing_pins(database, kind)? {
                Some(pins) if pins.id == self.manifest.cluster.id => Ok(()),
                Some(_) => Err(format!("{} belongs to another cluster", place()).into()),
                None => Err(format!(
                    "{} is missing or empty: restore it together with the others, with one more \
                     --database",
                    place()
                )
                .into()),
            };
        }
        if database.address().engine() != saved.engine {
            return Err(format!(
                "{} has another engine than the backup: restore to the same engine, then run \
                 `ostrakon transfer`",
                place()
            )
            .into());
        }
        let unknown = migrate::unknown(database, kind, &saved.migrations)?;
        if !unknown.is_empty() {
            return Err(format!(
                "{}: the backup has migrations that this program doesn't know ({}): use the newer \
                 program that applied them",
                database.name(),
                unknown.join(", ")
            )
            .into());
        }
        self.state(database, kind).map(drop)
    }

    /// The state of a target; an error if it is neither empty nor partly filled by this restore.
    pub(super) fn state(&self, database: &Database, kind: Kind) -> Result<State, SetupError> {
        if backup::is_vacant(database, kind)? {
            return Ok(State::Empty);
        }
        if let Some((by, name)) = database.read_latest(&Context::default(), transfer::marker)?
            && name == database.name()
        {
            if by == self.marker(false) {
                return Ok(State::Started);
            } else if by == self.marker(true) {
                return Ok(State::Filled);
            }
        }
        let place = format!("{} ({})", database.name(), database.address());
        let default = &self.databases.default;
        let is_default_ours = || -> Result<bool, SetupError> {
            if !self.is_selected("default") || !exists(default) {
                return Ok(false);
            }
            let marker = default.read_latest(&Context::default(), transfer::marker)?;
            Ok(marker.is_some_and(|(by, _)| by == self.marker(true)))
        };
        if kind == Kind::Reviews
            && is_default_ours()?
            && existing_pins(database, kind)? == Some(self.manifest.cluster.pins(database.name()))
        {
            return Ok(State::Complete);
        }
        Err(format!(
            "{place} is not empty: a restore only fills empty databases. Move this one away \
             first"
        )
        .into())
    }
}
