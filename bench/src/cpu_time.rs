//! Processor time of a process, and of the whole machine.

use std::fs;

use crate::Result;

/// Ticks of processor time per second: USER_HZ of proc(5).
const TICKS_PER_S: f64 = 100.0;

/// Processor time of a process so far, in seconds: its own for 2 `fields`, also that of its ended
/// children for 4. `process` is its id, or `self`.
pub fn process_s(process: &str, fields: usize) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the program's name, in which there may be anything.
    let (_, rest) = stat.rsplit_once(')').ok_or("an odd /proc/<pid>/stat")?;
    seconds(rest.split_whitespace().skip(11).take(fields))
}

/// Processor time of this machine so far that was not idle, in seconds, including the time that its
/// host has stolen.
pub fn machine_s() -> Result<f64> {
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
