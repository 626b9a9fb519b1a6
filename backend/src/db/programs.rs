//! Runs `pg_dump` and `pg_restore`, which must be in PATH.
//!
//! Passwords are passed in the environment, which only the same user can read, never on the command
//! line, which every user of the machine can read.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::db::connection::address::Address;

/// A running program; dropping it ends the program.
pub(super) struct RunningProgram {
    name: &'static str,
    child: Child,
}

/// Fails if the program is missing, or its major version is older than the server's.
pub(super) fn require(name: &'static str, server: u32) -> Result<(), String> {
    let output = Command::new(name).arg("--version").stdin(Stdio::null()).output();
    let output = output.map_err(|error| not_run(name, &error))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)
    let version = said.split_whitespace().nth(2).and_then(|version| {
        version.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()
    });
    match version {
        Some(version) if version >= server => Ok(()),
        Some(version) => Err(format!(
            "{name} is version {version}, older than this server, which is {server}: install \
             PostgreSQL's client programs of version {server} (Debian: postgresql-client)"
        )),
        None => Err(format!("{name} --version prints no version: {:?}", said.trim())),
    }
}

/// Saves a schema of the database, as the named snapshot sees it, to a new folder.
pub(super) fn dump(
    address: &Address,
    snapshot: &str,
    schema: &str,
    to: &Path,
) -> Result<RunningProgram, String> {
    let mut command = connected("pg_dump", address)?;
    command.args(["--format=directory", "--no-owner", "--no-privileges", "--no-password"]);
    // Only changes of tables make it wait for locks.
    command.arg("--lock-wait-timeout=60s").arg(format!("--snapshot={snapshot}"));
    command.arg(format!("--schema=\"{}\"", schema.replace('"', "\"\""))).arg("--file").arg(to);
    RunningProgram::start("pg_dump", command)
}

/// Reads a saved database completely.
pub(super) fn read(saved: &Path) -> Result<(), String> {
    let mut command = Command::new("pg_restore");
    command.arg("--file=/dev/null").arg(saved);
    RunningProgram::start("pg_restore", command)?.finish()
}

/// Fills a schema of an empty database in one transaction. The saved schema has the same name, and
/// exists already.
pub(super) fn load(address: &Address, schema: &str, saved: &Path) -> Result<(), String> {
    let mut command = connected("pg_restore", address)?;
    command.args(["--single-transaction", "--exit-on-error", "--no-password"]);
    command.args(["--no-owner", "--no-privileges", "--format=directory"]);
    command.arg(format!("--schema={schema}")).arg(saved);
    RunningProgram::start("pg_restore", command)?.finish()
}

fn connected(name: &'static str, address: &Address) -> Result<Command, String> {
    let (url, password) = address.without_password()?;
    let mut command = Command::new(name);
    command.arg("--dbname").arg(url);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    Ok(command)
}

impl RunningProgram {
    fn start(name: &'static str, mut command: Command) -> Result<RunningProgram, String> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| not_run(name, &error))?;
        Ok(RunningProgram { name, child })
    }

    /// Waits until it has ended; fails if the program has failed.
    pub(super) fn finish(mut self) -> Result<(), String> {
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            io::Read::read_to_string(&mut stderr, &mut said).map_err(|e| not_run(self.name, &e))?;
        }
        let status = self.child.wait().map_err(|error| not_run(self.name, &error))?;
        if status.success() {
            return Ok(());
        }
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        Err(format!("{} failed ({status}): {said}", self.name))
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        // Nothing to end after `finish`.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn not_run(name: &str, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        format!(
            "{name} is not installed, and PostgreSQL databases need it (Debian: postgresql-client)"
        )
    } else {
        format!("{name}: {error}")
    }
}
