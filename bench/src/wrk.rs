//! Load in a closed loop, by wrk: as much as the server can answer.

use std::path::Path;

use serde::Deserialize;

use crate::Result;
use crate::sample::Latency;
use crate::server::bound_to_us;

const SCRIPT: &str = "bench/wrk.lua";
const MAX_THREADS: u32 = 2;

/// The result. wrk sends the next request when the last one is answered, so its latencies show how long
/// clients wait at that load, not whether the load is too high.
#[derive(Debug, Deserialize)]
pub struct Outcome {
    /// Answers, including errors.
    pub requests: u64,
    duration_us: u64,
    /// Their latencies.
    #[serde(flatten)]
    pub latency: Latency,
    refused: u64,
    broken: u64,
    /// How often a thread has sent all its requests and started again.
    pub repeated: u64,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.requests as f64 * 1e6 / self.duration_us as f64
    }

    /// Answers with a status of 400 and more, connections that broke, and timeouts.
    pub fn errors(&self) -> u64 {
        self.refused + self.broken
    }
}

/// Sends the requests of `file` for some seconds.
pub fn run(address: &str, file: &Path, connections: u32, seconds: u64) -> Result<Outcome> {
    let threads = connections.min(MAX_THREADS).to_string();
    let output = bound_to_us("wrk".as_ref())
        .args(["--threads", &threads, "--connections", &connections.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--timeout", "10s", "--script", SCRIPT])
        .arg(format!("http://{address}"))
        .arg("--")
        .arg(file)
        .arg(&threads)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let json = text.lines().find(|line| line.starts_with('{'));
    json.map(serde_json::from_str).transpose()?.ok_or_else(|| {
        format!("wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr)).into()
    })
}
