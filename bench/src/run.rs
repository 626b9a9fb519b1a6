//! Runs the rounds. Each measures every workload in turn, so that workloads that are compared are measured
//! within a minute.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::baseline::{self, SqliteBaseline};
use crate::deployments::Deployments;
use crate::open_loop;
use crate::postgres::Servers;
use crate::sample::Sample;
use crate::server::Server;
use crate::traffic::{Request, Requests, Traffic};
use crate::workload::{Baseline, Deployment, Load, READS, Workload};
use crate::wrk;
use crate::{Result, cpu_time};

/// How long each deployment is warmed up by each workload, in seconds.
const WARM_UP_S: u64 = 1;
/// Requests that a load generator has left unanswered are done after this time, so that they don't delay
/// the next measurement.
const SETTLE: Duration = Duration::from_millis(250);
/// New reviews for each read of the mix.
const CREATES_PER_READ: f64 = 4.0 / 96.0;
/// wrk's connections for reading while reviews are created.
const CONNECTIONS: u32 = 64;
/// Connections of the open loop.
const OPEN_CONNECTIONS: usize = 64;
/// Connections of an overload: more than the server admits.
const OVERLOAD_CONNECTIONS: usize = 1_000;

/// The workloads, and the servers that they use.
pub struct Run<'a> {
    /// The workloads, in the order of measuring.
    pub workloads: &'a [Workload],
    pub deployments: Deployments,
    /// For `Baseline::Pgbench`.
    pub postgres: Option<&'a Servers>,
    pub products: usize,
    /// How long each measurement takes, in seconds.
    pub seconds: u64,
    pub folder: PathBuf,
}

impl Run<'_> {
    /// The samples of each workload, one per round, and how many processors other programs used on
    /// average, which should be close to 0.
    pub fn rounds(&mut self, rounds: usize) -> Result<(Vec<Vec<Sample>>, f64)> {
        let mut sqlite = self.open_baseline()?;
        self.warm_up()?;
        let (began, before_s) = (Instant::now(), self.others_s()?);
        let mut samples = vec![Vec::new(); self.workloads.len()];
        for round in 1..=rounds {
            for (at, workload) in self.workloads.iter().enumerate() {
                progress(&format!("Round {round} of {rounds}: {}", workload.name));
                let per_second = match workload.load {
                    Load::BesideCreates => self.last(&samples, READS),
                    Load::Overload { capacity, .. } => self.last(&samples, capacity),
                    Load::Closed { .. } | Load::Baseline(_) => 0.0,
                };
                let sample = self.sample(workload, sqlite.as_mut(), per_second);
                samples[at].push(sample.map_err(|error| format!("{}: {error}", workload.name))?);
            }
        }
        progress("");
        let others = (self.others_s()? - before_s) / began.elapsed().as_secs_f64();
        Ok((samples, others))
    }

    /// The sample of the workload with this name in this round.
    fn last(&self, samples: &[Vec<Sample>], name: &str) -> f64 {
        let at = self.workloads.iter().position(|workload| workload.name == name);
        let last = at.and_then(|at| samples[at].last());
        last.map_or(0.0, |sample| sample.per_second)
    }

    /// Processor time that other programs, including PostgreSQL's servers, have used so far, in
    /// seconds.
    fn others_s(&self) -> Result<f64> {
        let mut ours_s = cpu_time::process_s("self", 4)?;
        for (server, _) in self.deployments.running.values() {
            ours_s += server.cpu_s()?;
        }
        Ok(cpu_time::machine_s()? - ours_s)
    }

    fn open_baseline(&self) -> Result<Option<SqliteBaseline>> {
        if self.postgres.is_some() {
            return Ok(None);
        }
        let file = self.deployments.unserved.join("reviews-1.sqlite3");
        SqliteBaseline::open(&file, self.products).map(Some)
    }

    fn warm_up(&mut self) -> Result<()> {
        for workload in self.workloads {
            if let Load::Closed { deployment, traffic, connections, .. } = workload.load {
                progress(&format!("Warming up: {}", workload.name));
                let (server, requests) = self.deployments.get(deployment)?;
                requests.prepare(traffic, server)?;
                let warmed = self.closed(deployment, traffic, connections, WARM_UP_S);
                warmed.map_err(|error| format!("{}: {error}", workload.name))?;
            }
        }
        Ok(())
    }

    fn sample(
        &mut self,
        workload: &Workload,
        sqlite: Option<&mut SqliteBaseline>,
        base_per_s: f64,
    ) -> Result<Sample> {
        match workload.load {
            Load::Closed { deployment, traffic, connections, at_half } => {
                let mut sample = self.closed(deployment, traffic, connections, self.seconds)?;
                if at_half {
                    let (server, requests) = self.deployments.get(deployment)?;
                    let rate = sample.per_second / 2.0;
                    let half =
                        open(server, requests, traffic, rate, self.seconds, OPEN_CONNECTIONS)?;
                    sample.at_half = Some(half.latency);
                    sample.errors += half.errors + half.refused;
                }
                Ok(sample)
            }
            Load::BesideCreates => self.beside_creates(base_per_s * CREATES_PER_READ),
            Load::Overload { deployment, traffic, .. } => {
                self.overload(deployment, traffic, base_per_s)
            }
            Load::Baseline(what) => {
                let per_second = self.baseline(what, sqlite)?;
                Ok(Sample { per_second, ..Sample::default() })
            }
        }
    }

    /// Sends as many requests as the server answers.
    fn closed(
        &mut self,
        deployment: Deployment,
        traffic: Traffic,
        connections: u32,
        seconds: u64,
    ) -> Result<Sample> {
        let file = self.folder.join("requests");
        let (server, requests) = self.deployments.get(deployment)?;
        requests.write(traffic, seconds, &file)?;
        let before_s = server.cpu_s()?;
        let outcome = wrk::run(&server.address, &file, connections, seconds)?;
        let cpu_s = server.cpu_s()? - before_s;
        if traffic.writes() && outcome.repeated > 0 {
            return Err("more was answered than was prepared: prepare more".into());
        }
        thread::sleep(SETTLE);
        let per_second = outcome.per_second();
        Ok(Sample {
            per_second,
            latency: Some(outcome.latency),
            at_half: None,
            cpu_us: Some(cpu_s * 1e6 / outcome.requests as f64),
            cpu_s: Some(cpu_s),
            errors: outcome.errors(),
        })
    }

    fn overload(
        &mut self,
        deployment: Deployment,
        traffic: Traffic,
        capacity: f64,
    ) -> Result<Sample> {
        let (server, requests) = self.deployments.get(deployment)?;
        let before_s = server.cpu_s()?;
        let (rate, seconds) = (2.0 * capacity, self.seconds);
        let outcome = open(server, requests, traffic, rate, seconds, OVERLOAD_CONNECTIONS)?;
        if outcome.per_second < 0.9 * rate {
            eprintln!("\nOnly {:.0} requests a second came, not {rate:.0}", outcome.per_second);
        }
        Ok(Sample {
            per_second: outcome.succeeded_per_s,
            latency: Some(outcome.latency),
            cpu_s: Some(server.cpu_s()? - before_s),
            errors: outcome.errors,
            ..Sample::default()
        })
    }

    fn beside_creates(&mut self, creates_per_s: f64) -> Result<Sample> {
        let (server, requests) = self.deployments.get(Deployment::Main)?;
        let address = server.address.clone();
        let seconds = self.seconds;
        let creates = prepared(requests, Traffic::Create, creates_per_s, seconds)?;
        let create = || open_loop::run(&address, &creates, creates_per_s, OPEN_CONNECTIONS);
        let (created, sample) = thread::scope(|scope| {
            let creating = scope.spawn(|| create().map_err(|error| error.to_string()));
            let sample = self.closed(Deployment::Main, Traffic::MixReads, CONNECTIONS, seconds);
            (creating.join(), sample)
        });
        let created = created.map_err(|_| "creating reviews panicked")??;
        // Otherwise the reads were not beside what they should have been.
        if created.per_second < 0.9 * creates_per_s {
            eprintln!(
                "\nOnly {:.0} reviews a second were created, not {creates_per_s:.0}",
                created.per_second
            );
        }
        let mut sample = sample?;
        sample.errors += created.errors + created.refused;
        Ok(sample)
    }

    fn baseline(&self, what: Baseline, sqlite: Option<&mut SqliteBaseline>) -> Result<f64> {
        let duration = Duration::from_secs(self.seconds);
        match (what, sqlite) {
            (Baseline::ReadPages, Some(sqlite)) => sqlite.read_pages(duration),
            (Baseline::Insert(per_commit), Some(sqlite)) => sqlite.insert(per_commit, duration),
            (Baseline::Verify, _) => {
                let file = self.deployments.unserved.join("default.sqlite3");
                baseline::verify_passwords(&file, duration)
            }
            (Baseline::Pgbench, _) => {
                let servers = self.postgres.ok_or("pgbench needs PostgreSQL servers")?;
                servers.pgbench(self.products, self.seconds)
            }
            (_, None) => Err("there is no SQLite file".into()),
        }
    }
}

fn open(
    server: &Server,
    requests: &mut Requests,
    traffic: Traffic,
    rate: f64,
    seconds: u64,
    connections: usize,
) -> Result<open_loop::Outcome> {
    let prepared = prepared(requests, traffic, rate, seconds)?;
    let outcome = open_loop::run(&server.address, &prepared, rate, connections);
    thread::sleep(SETTLE);
    outcome
}

fn prepared(
    requests: &mut Requests,
    traffic: Traffic,
    rate: f64,
    seconds: u64,
) -> Result<Vec<Request>> {
    let count = (rate * seconds as f64) as usize;
    (0..count).map(|_| requests.request(traffic)).collect()
}

/// Shows what is being measured, in one line; only on a terminal.
fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}

/// Shows what is being done, and how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprint!("» {what} … ");
    let began = Instant::now();
    let done = work()?;
    eprintln!("{:.0} s", began.elapsed().as_secs_f64());
    Ok(done)
}

/// Refuses a folder whose files are in memory: commits to them are not durable, so their figures would be
/// meaningless.
pub fn refuse_memory(folder: &Path) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let folder = folder.canonicalize()?;
    let of = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        Some((PathBuf::from(fields.next()?), fields.next()?.to_owned()))
    };
    let mounted = mounts.lines().filter_map(of).filter(|(at, _)| folder.starts_with(at));
    match mounted.max_by_key(|(at, _)| at.components().count()) {
        Some((_, kind)) if kind == "tmpfs" || kind == "ramfs" => {
            Err(format!("{} is in memory: set TMPDIR to a folder on a disk", folder.display())
                .into())
        }
        _ => Ok(()),
    }
}
