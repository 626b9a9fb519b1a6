//! Measures Ostrakon, and baselines on the same machine, in one run.
//!
//! `just bench` runs it with `tools/bench`, which creates its folder and deletes it. The workloads, their
//! baselines and targets are in [`workload`].

mod baseline;
mod chart;
mod cpu_time;
mod dataset;
mod deployments;
mod environment;
mod open_loop;
mod postgres;
mod report;
mod run;
mod sample;
mod server;
mod text;
mod traffic;
mod workload;
mod wrk;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use dataset::Scale;
use deployments::Deployments;
use environment::Environment;
use postgres::Servers;
use report::{Report, Row};
use run::{Run, step};
use sample::median;
use workload::{Deployment, Load, POSTGRES, SQLITE, selected};

/// Errors are printed in one line.
pub type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Measure Ostrakon against what the machine can do without it
#[derive(Parser)]
#[command(name = "just bench", max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Draw the figures of a run as docs/performance-light.svg and -dark.svg
    Chart {
        /// The JSON file of the run
        #[arg(default_value = "target/bench/sqlite.json")]
        json: PathBuf,
    },
    /// Serve a response of this size from bare actix-web, as a baseline
    #[command(hide = true)]
    Bare {
        #[arg(long)]
        bytes: usize,
    },
}

#[derive(Args)]
struct Settings {
    /// The engine to measure
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// Number of products
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    products: u32,
    /// Number of reviews; the larger data sets grow in proportion
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..))]
    reviews: u32,
    /// How often each workload is measured; the table shows the medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Duration of each measurement, in seconds
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Only workloads whose name contains this, and those they are compared with
    #[arg(long, value_name = "PART", default_value = "")]
    only: String,
    /// Write the figures to this file (default: target/bench/ENGINE.json)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// An empty folder on a disk; tools/bench creates it
    #[arg(long, hide = true)]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    Sqlite,
    Postgres,
}

fn main() -> ExitCode {
    let Arguments { command, settings } = Arguments::parse();
    let done = match command {
        Some(Command::Chart { json }) => chart::draw(&json).map(|()| ExitCode::SUCCESS),
        Some(Command::Bare { bytes }) => server::serve_bare(bytes).map(|()| ExitCode::SUCCESS),
        None => bench(&settings),
    };
    done.unwrap_or_else(|error| {
        eprintln!("\nerror: {error}");
        ExitCode::FAILURE
    })
}

/// Fails if any request was answered wrongly. A missed target is no failure, because it depends on the
/// machine: the table marks it.
fn bench(settings: &Settings) -> Result<ExitCode> {
    let report = measure(settings)?;
    println!("{}", report.table());
    let name = format!("target/bench/{}.json", report.engine);
    let json = settings.json.clone().unwrap_or_else(|| name.into());
    if let Some(folder) = json.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&json, serde_json::to_string_pretty(&report)?)?;
    println!("All samples are in {}.", json.display());
    let errors = report.errors();
    if errors > 0 {
        eprintln!("\nerror: {errors} requests failed: the figures are invalid");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(settings: &Settings) -> Result<Report> {
    let &Settings { engine, seconds, rounds, ref only, ref folder, .. } = settings;
    let folder = folder.as_deref().ok_or("start this with `just bench` or tools/bench")?;
    run::refuse_memory(folder)?;
    let all = if engine == Engine::Sqlite { SQLITE } else { POSTGRES };
    let workloads = selected(all, only);
    if workloads.is_empty() {
        return Err(format!("no workload has {only:?} in its name").into());
    }
    let products = usize::try_from(settings.products)?;
    let scale = Scale { products, reviews: usize::try_from(settings.reviews)?, extra: 0 };
    let postgres = (engine == Engine::Postgres)
        .then(|| step("Starting PostgreSQL servers", || Servers::start(folder)))
        .transpose()?;
    let deployments = step("Filling the databases", || {
        Deployments::start(folder, scale, &deployments_of(&workloads), postgres.as_ref())
    })?;
    let page_bytes = deployments.page_bytes;
    let folder = folder.to_owned();
    let postgres = postgres.as_ref();
    let mut run = Run { workloads: &workloads, deployments, postgres, products, seconds, folder };
    let start_s = median(run.deployments.starts_s.clone());
    let (samples, others) = run.rounds(usize::try_from(rounds)?)?;
    let rss_mb = run.deployments.get(Deployment::Main)?.0.rss_mb()?;
    let rows = workloads
        .iter()
        .zip(samples)
        .map(|(workload, samples)| Row { name: workload.name.to_owned(), samples })
        .collect();
    Ok(Report {
        engine: format!("{engine:?}").to_lowercase(),
        environment: Environment::this()?,
        products,
        reviews: scale.reviews,
        seconds,
        page_bytes,
        start_s,
        rss_mb,
        others,
        rows,
    })
}

/// The servers that these workloads need, and always the main one.
fn deployments_of(workloads: &[workload::Workload]) -> Vec<Deployment> {
    let mut deployments = BTreeSet::from([Deployment::Main]);
    for workload in workloads {
        if let Load::Closed { deployment, .. } | Load::Overload { deployment, .. } = workload.load {
            deployments.insert(deployment);
        }
    }
    deployments.into_iter().collect()
}
