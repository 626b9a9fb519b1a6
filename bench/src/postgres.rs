//! PostgreSQL servers on this machine, and pgbench.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use ostrakon::shard::{BUCKETS, Spread};

use crate::Result;
use crate::dataset::ZIPF_EXPONENT;
use crate::server::bound_to_us;

const TOOL: &str = "tools/postgres";
/// The first one has the default database.
const NAMES: [&str; 4] = ["default", "reviews-1", "reviews-2", "reviews-3"];
const CLIENTS: &str = "64";

/// Servers that commit durably, until they are dropped.
pub struct Servers {
    folder: PathBuf,
    ports: Vec<u16>,
}

impl Servers {
    /// Creates and starts them in `folder`, which the user postgres must be able to reach.
    pub fn start(folder: &Path) -> Result<Servers> {
        let mut servers = Servers { folder: folder.to_owned(), ports: Vec::new() };
        for name in NAMES {
            let directory = servers.directory(name);
            let port = free_port()?;
            tool(&["create", &directory])?;
            tool(&["start", &directory, &port.to_string()])?;
            servers.ports.push(port);
        }
        Ok(servers)
    }

    /// Their addresses, as lines of Ostrakon's configuration file.
    pub fn settings(&self) -> String {
        let urls: Vec<_> = self
            .ports
            .iter()
            .map(|port| format!("\"postgres://ostrakon@127.0.0.1:{port}/ostrakon\""))
            .collect();
        format!("default_url = {}\nreviews_urls = [{}]\n", urls[0], urls[1..].join(", "))
    }

    /// Reviews per second that pgbench inserts into reviews-1, one per commit, each with its rating.
    pub fn pgbench(&self, products: usize, seconds: u64) -> Result<f64> {
        let script = self.folder.join("pgbench.sql");
        fs::write(&script, pgbench_script(products))?;
        let program = tool(&["path", "pgbench"])?;
        let output = bound_to_us(program.trim().as_ref())
            .args(["--host=127.0.0.1", "--username=ostrakon", "--no-vacuum", "--protocol=prepared"])
            .arg(format!("--port={}", self.ports[1]))
            .arg(format!("--client={CLIENTS}"))
            .arg("--jobs=2")
            .arg(format!("--time={seconds}"))
            .arg(format!("--file={}", script.display()))
            .arg("ostrakon")
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let per_second = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let per_second = per_second.and_then(|rest| rest.split(' ').next()?.parse().ok());
        let failed = || format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr));
        let all_went_well = output.status.success() && !text.contains("aborted");
        per_second.filter(|_| all_went_well).ok_or_else(|| failed().into())
    }

    fn directory(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for name in NAMES {
            // Their data is no longer needed. A server that was never created has no process to end.
            if self.folder.join(name).join("data").exists()
                && let Err(error) = tool(&["kill", &self.directory(name)])
            {
                eprintln!("{error}");
            }
        }
    }
}

/// Runs `tools/postgres`, and returns what it prints.
fn tool(arguments: &[&str]) -> Result<String> {
    let output = Command::new(TOOL).args(arguments).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim_end().into())
    }
}

/// A port that is free at this moment.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// pgbench's transaction: the same rows as Ostrakon's, in two statements, without reading the owner of
/// the bucket. Ids are in order of time. Products are drawn by the same popularity, whose exponent
/// pgbench's own function does not support: by the inverse of its integral, which differs by a few
/// percent for the most popular one.
fn pgbench_script(products: usize) -> String {
    let spread = Spread::DEFAULT.get();
    let homes = BUCKETS / spread;
    let power = 1.0 - ZIPF_EXPONENT;
    let (from, to) = (0.5_f64.powf(power), (products as f64 + 0.5).powf(power));
    let (width, inverse) = (to - from, 1.0 / power);
    let body = crate::text::body(&mut fastrand::Rng::with_seed(6)).replace('\'', "''");
    format!(
        "\\set product least({products}, int(0.5 + pow({from} + {width} * random(0, 999999) / 1000000.0, {inverse})))
\\set bucket mod(:product * 37, {homes}) + {homes} * random(0, {spread} - 1)
\\set free random(0, 4194303)
BEGIN;
INSERT INTO review (bucket, id, product_id, rating, title, body, author_name, status, version, open_reports)
    VALUES (:bucket, (((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 946684800000) << 22) + :free,
            :product, 5, 'Does what it should', '{body}', 'Aspasia', 'approved', 1, 0);
INSERT INTO product_rating AS old (bucket, product_id, r5) VALUES (:bucket, :product, 1)
    ON CONFLICT (product_id, bucket) DO UPDATE SET r5 = old.r5 + 1;
END;
"
    )
}
