//! On what was measured, and with what.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::server::OSTRAKON;

/// In which the kernel counts processor time, per second: USER_HZ of proc(5).
const TICKS_PER_S: f64 = 100.0;

/// The machine, and the versions of what runs on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub cores: usize,
    /// What kind they are, as they say.
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

impl Machine {
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

/// Processor time of a process so far, in seconds: of `fields` 2 its own, of 4 also that of its
/// children that have ended. `process` is its id, or `self`.
pub fn cpu_s(process: &str, fields: usize) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name, in which there may be anything.
    let (_, rest) = stat.rsplit_once(')').ok_or("an odd /proc/<pid>/stat")?;
    seconds(rest.split_whitespace().skip(11).take(fields))
}

/// Processor time of this machine so far that was not idle, in seconds: also what its host has
/// taken away from it.
pub fn busy_s() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let all = stat.lines().next().and_then(|line| line.strip_prefix("cpu "));
    let fields = all.ok_or("an odd /proc/stat")?.split_whitespace();
    // user, nice, system; not idle, iowait; irq, softirq, steal.
    let busy = fields.enumerate().filter(|(at, _)| matches!(at, 0..=2 | 5..=7));
    seconds(busy.map(|(_, ticks)| ticks))
}

fn seconds<'a>(ticks: impl Iterator<Item = &'a str>) -> Result<f64> {
    let ticks: u64 = ticks.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks as f64 / TICKS_PER_S)
}

/// What a program says first; wrk tells its version with an exit code of 1.
fn first_line(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().ok_or_else(|| format!("{program} says nothing"))?;
    Ok(line.split("Copyright").next().unwrap_or(line).trim().to_owned())
}
