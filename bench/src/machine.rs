//! On what was measured, and with what.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::server::OSTRAKON;

/// The machine, and the versions of what runs on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Processors.
    pub cores: usize,
    /// What kind they are, as they say.
    pub cpu: String,
    /// The kernel's version.
    pub kernel: String,
    /// Ostrakon's version.
    pub ostrakon: String,
    /// Its commit.
    pub commit: String,
    /// wrk's version.
    pub wrk: String,
    /// The compiler's version.
    pub rustc: String,
}

impl Machine {
    /// This one.
    pub fn this() -> Result<Machine> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let cpu =
            cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Ok(Machine {
            cores: std::thread::available_parallelism()?.get(),
            cpu: cpu.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned()),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            ostrakon: first_line(OSTRAKON, &["--version"])?,
            commit: first_line("git", &["describe", "--always", "--dirty"])
                // Sources from an archive have none.
                .unwrap_or_else(|_| "unknown".to_owned()),
            wrk: first_line("wrk", &["--version"])?,
            rustc: first_line("rustc", &["--version"])?,
        })
    }
}

/// What a program says first; wrk tells its version with an exit code of 1.
fn first_line(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().ok_or_else(|| format!("{program} says nothing"))?;
    Ok(line.split("Copyright").next().unwrap_or(line).trim().to_owned())
}
