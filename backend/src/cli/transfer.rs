//! Moves a cluster to other databases, at the command line.

use std::path::Path;

use crate::cli::Failure;
use crate::cli::commands::{open, progress_bar};
use crate::cli::output::say;
use crate::config::Config;
use crate::store::{RunningTransfer, SetupError, StoreError};

pub fn transfer(config: &Config, to: &Path) -> Result<(), Failure> {
    let target = Config::load_file(to)?;
    let transfer = open(config)?.cluster().transfer_to(target.new_databases())?;
    let transfer = transfer.prepare()?.start()?;
    let rows = copy(transfer).map_err(|error| stopped(&error))?;
    let Some(rows) = rows else { return Err(Failure::Found) };
    say!("transfer: {rows} rows copied, and compared on both sides");
    say!("transfer: serve with --config {} from now on", to.display());
    say!(
        "transfer: the old databases stay read-only until `ostrakon transfer --abandon`: never \
         write to both"
    );
    Ok(())
}

/// Returns the number of rows; `None` if the target differs.
fn copy(transfer: RunningTransfer) -> Result<Option<u64>, SetupError> {
    let (rows, done) = transfer.rows()?;
    let bar = progress_bar(rows, "rows copied");
    bar.set_position(done);
    bar.reset_eta();
    transfer.copy(&|rows| bar.inc(rows))?;
    bar.finish_and_clear();
    let bar = progress_bar(2 * rows, "rows compared");
    let differences = transfer.compare(&|rows| bar.inc(rows))?;
    bar.finish_and_clear();
    if differences.is_empty() {
        transfer.finish()?;
        return Ok(Some(rows));
    }
    differences.iter().for_each(|line| say!("{line}"));
    say!(
        "transfer: {} differences, so the target can't be used: empty it and start again. {STAYS}",
        differences.len()
    );
    Ok(None)
}

const STAYS: &str =
    "The source stays read-only; `ostrakon transfer --abandon` makes it writable again";

fn stopped(error: &SetupError) -> Failure {
    Failure::Failed(format!("{error}\nnot finished: run it again to resume. {STAYS}"))
}

pub fn abandon(config: &Config) -> Result<(), Failure> {
    open(config)?.cluster().abandon_transfer().map_err(StoreError::from)?;
    say!("transfer: these databases are writable again; never serve their copies as well");
    Ok(())
}
