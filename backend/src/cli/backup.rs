//! Creates, checks and restores backups at the command line.

use std::io;
use std::num::NonZero;
use std::path::{Component, Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::commands::{open, progress_bar};
use crate::cli::output::say;
use crate::cli::reports::{print_json, verify_store};
use crate::cli::{Failure, Form};
use crate::config::Config;
use crate::store::backup::{self, BackupError, BackupResult, Manifest};

/// `ostrakon backup`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BackupArguments {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// The folder for backups; created if missing
    #[arg(value_name = "DIR", required = true)]
    dir: Option<PathBuf>,
    /// Keep only the newest N backups of this cluster in DIR, including the new one
    #[arg(long, value_name = "N")]
    keep: Option<NonZero<usize>>,
}

#[derive(Subcommand)]
enum BackupCommand {
    /// Check the files of a backup against its manifest; exit code 1 and a list of problems if any
    /// are found
    Check {
        /// The folder of a backup, or of several backups: the newest one
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        form: Form,
    },
}

/// `ostrakon restore`.
#[derive(Args)]
pub struct RestoreArguments {
    /// The folder of a backup, or of several backups: the newest one
    #[arg(value_name = "DIR", required_unless_present = "repair_ids")]
    dir: Option<PathBuf>,
    /// Only this database: default, reviews-1, reviews-2, …; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with = "repair_ids")]
    database: Vec<String>,
    /// Restore nothing: adjust ids and end sessions after other tools have restored `default`
    #[arg(long, conflicts_with = "dir")]
    repair_ids: bool,
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Failure {
        Failure::Failed(error.to_string())
    }
}

pub fn backup(config: &Config, arguments: BackupArguments) -> Result<(), Failure> {
    match arguments {
        BackupArguments { command: Some(BackupCommand::Check { dir, form }), .. } => {
            check(&dir, form.json)
        }
        BackupArguments { dir: Some(dir), keep, .. } => save(config, &dir, keep),
        BackupArguments { dir: None, .. } => Err(Failure::Refused("no folder given".to_owned())),
    }
}

/// Refuses a backup folder inside the data folder: both would be lost together.
fn refuse_among_data(config: &Config, dir: &Path) -> Result<(), Failure> {
    let dir = real(dir)?;
    let mut is_among = dir.starts_with(real(&config.data_dir)?);
    for folder in config.databases()?.folders() {
        is_among |= real(&folder)? == dir;
    }
    if !is_among {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "{} is where the databases are: a backup belongs elsewhere, best on another disk",
        dir.display()
    )))
}

/// A path without links, of which the last parts may not exist yet.
fn real(path: &Path) -> io::Result<PathBuf> {
    let mut real = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        if part == Component::ParentDir {
            real.pop();
            continue;
        }
        real.push(part);
        real = real.canonicalize().unwrap_or(real);
    }
    Ok(real)
}

fn save(config: &Config, dir: &Path, keep: Option<NonZero<usize>>) -> Result<(), Failure> {
    refuse_among_data(config, dir)?;
    let store = open(config)?;
    store.cluster().require_backup_possible()?;
    let bar = progress_bar(store.cluster().rows()?, "rows saved");
    let done = store.cluster().back_up(dir, &[config.own_secret_key()], keep, &|database, rows| {
        bar.set_message(database.to_owned());
        bar.inc(rows);
    });
    bar.finish_and_clear();
    let BackupResult { folder, manifest, deleted } = done?;
    let (databases, rows) = (manifest.databases.len(), manifest.rows(|_| true));
    say!("backup: {databases} databases with {rows} rows, in {}", folder.display());
    for folder in deleted {
        say!("backup: deleted {}", folder.display());
    }
    Ok(())
}

/// The result of a check.
#[derive(Serialize)]
struct Checked {
    folder: PathBuf,
    databases: usize,
    rows: u64,
    problems: Vec<String>,
}

fn check(dir: &Path, json: bool) -> Result<(), Failure> {
    let folder = find(dir)?;
    let (databases, rows, problems) = match Manifest::read(&folder) {
        Ok(manifest) => {
            let problems = compare(&folder, &manifest, |_| true);
            (manifest.databases.len(), manifest.rows(|_| true), problems)
        }
        Err(problem) => (0, 0, vec![problem]),
    };
    let checked = Checked { folder, databases, rows, problems };
    if json {
        print_json(&checked)?;
    } else if checked.problems.is_empty() {
        say!("backup: {databases} databases with {rows} rows, all as the manifest says");
    } else {
        checked.problems.iter().for_each(|problem| say!("{problem}"));
        say!("backup: {} problems in {}", checked.problems.len(), checked.folder.display());
    }
    if checked.problems.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

fn find(dir: &Path) -> Result<PathBuf, Failure> {
    backup::find(dir).map_err(|BackupError(problem)| Failure::Refused(problem))
}

fn compare(folder: &Path, manifest: &Manifest, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let bar = progress_bar(manifest.rows(&wanted), "rows compared");
    let problems = backup::check(folder, manifest, wanted, &|database, rows| {
        bar.set_message(database.to_owned());
        bar.inc(rows);
    });
    bar.finish_and_clear();
    problems
}

pub fn restore(config: &Config, arguments: &RestoreArguments) -> Result<(), Failure> {
    let Some(dir) = &arguments.dir else { return repair_ids(config) };
    let folder = find(dir)?;
    let manifest = Manifest::read(&folder).map_err(Failure::Refused)?;
    let restore = config.new_databases().restore(&folder, manifest, &arguments.database)?;
    let manifest = restore.manifest();
    let problems = compare(&folder, manifest, |name| restore.is_selected(name));
    if !problems.is_empty() {
        let folder = folder.display();
        let refused = format!("{folder} can't be restored; nothing has changed");
        return Err(Failure::Refused(format!("{}\n{refused}", problems.join("\n"))));
    }
    let bar = progress_bar(manifest.rows(|name| restore.is_selected(name)), "rows restored");
    restore.restore_files(&config.data_dir)?;
    let restored = restore.run(&|database, rows| {
        bar.set_message(database.to_owned());
        bar.inc(rows);
    });
    bar.finish_and_clear();
    let restored = restored.map_err(|error| {
        Failure::Failed(format!(
            "{error}\nnot finished, so nothing can be served: repair that, then run it again"
        ))
    })?;
    drop(restore);
    say!("restore: {} from {}", restored.databases.join(", "), folder.display());
    restored.lines.iter().for_each(|line| say!("restore: {line}"));
    verify_store(&open(config)?, false)
}

fn repair_ids(config: &Config) -> Result<(), Failure> {
    let databases = config.databases()?;
    databases.require_unused(|database| database.name() == "default")?;
    let _locks = databases.lock_to_serve(false)?;
    let store = open(config)?;
    store.cluster().repair_ids()?.iter().for_each(|line| say!("restore: {line}"));
    verify_store(&store, false)
}
