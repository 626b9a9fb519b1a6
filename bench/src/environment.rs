//! The environment of a run: processors, kernel, and versions of the programs.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::server::OSTRAKON;

/// The machine, and the versions of the programs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Environment {
    pub cores: usize,
    /// The model name of the processors.
    pub cpu: String,
    /// The kernel's version.
    pub kernel: String,
    /// Ostrakon's version.
    pub ostrakon: String,
    pub commit: String,
    /// wrk's version.
    pub wrk: String,
    /// The compiler's version.
    pub rustc: String,
}

impl Environment {
    pub fn this() -> Result<Environment> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let cpu =
            cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Ok(Environment {
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

/// The first line that a program prints; wrk prints its version with exit code 1.
fn first_line(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().ok_or_else(|| format!("{program} says nothing"))?;
    Ok(line.split("Copyright").next().unwrap_or(line).trim().to_owned())
}
