//! The servers and data that the selected workloads need.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use crate::Result;
use crate::dataset::{Dataset, Scale};
use crate::postgres::Servers;
use crate::server::Server;
use crate::traffic::Requests;
use crate::workload::Deployment;

/// The setting that keeps the server from caching responses.
const NOTHING_CACHED: &str = "cache_mib = 0\n";

/// The reviews of the deployment "ten times the reviews", as a multiple of the usual number.
const GROWTH: usize = 10;
/// Additional reviews of the most popular product, as a multiple of all reviews.
const HOT_SHARE: f64 = 2.5;

/// How often the start of the server with 64 databases is measured.
const STARTS: usize = 5;

/// Servers that run until they are dropped, by deployment.
pub struct Deployments {
    /// Each server, with the requests for its data.
    pub running: BTreeMap<Deployment, (Server, Requests)>,
    /// Bytes of a first page of reviews, and of the static page.
    pub page_bytes: usize,
    /// A folder with a copy of the main deployment's databases that no server has open.
    pub unserved: PathBuf,
    /// Seconds from each start of the server with 64 databases to its first response; empty if it is
    /// not measured.
    pub starts_s: Vec<f64>,
}

impl Deployments {
    /// Fills the databases, and starts the servers, in `folder`.
    pub fn start(
        folder: &Path,
        scale: Scale,
        wanted: &[Deployment],
        postgres: Option<&Servers>,
    ) -> Result<Deployments> {
        let app = folder.join("app");
        let describe = |deployment| configuration(folder, &app, deployment, postgres);
        let filled = fill(scale, wanted, &describe)?;
        let main = filled.get(&Deployment::Main).ok_or("the main deployment is always filled")?;
        let page_bytes = main.page_bytes;
        let unserved = folder.join("unserved");
        if postgres.is_none() {
            let main = data_dir(folder, Deployment::Main);
            copy_files(&main, &unserved)?;
            copy_files(&main, &data_dir(folder, Deployment::Uncached))?;
        }
        write_app(&app, page_bytes)?;
        let (mut running, mut starts_s) = (BTreeMap::new(), Vec::new());
        for &deployment in wanted {
            let start = || match deployment {
                Deployment::Bare => Server::bare(page_bytes),
                _ => Server::ostrakon(&describe(deployment)?),
            };
            if deployment == Deployment::SixtyFour {
                // One ends before the next one starts: a SQLite file has one server at a time.
                for _ in 0..STARTS {
                    starts_s.push(start()?.started_in.as_secs_f64());
                }
            }
            let server = start()?;
            let reviews = filled.get(&deployment).unwrap_or(main).reviews.clone();
            running.insert(deployment, (server, Requests::new(scale.products, reviews)));
        }
        Ok(Deployments { running, page_bytes, unserved, starts_s })
    }

    pub fn get(&mut self, deployment: Deployment) -> Result<&mut (Server, Requests)> {
        self.running
            .get_mut(&deployment)
            .ok_or_else(|| format!("{deployment:?} doesn't run").into())
    }
}

/// Fills the databases of all deployments: two at once, because filling one keeps one processor busy.
fn fill(
    scale: Scale,
    wanted: &[Deployment],
    describe: &(impl Fn(Deployment) -> Result<PathBuf> + Sync),
) -> Result<BTreeMap<Deployment, Dataset>> {
    let grown = Scale { reviews: scale.reviews * GROWTH, ..scale };
    let extra = (scale.reviews as f64 * HOT_SHARE) as usize;
    // The largest first, so that both threads end at about the same time.
    let jobs = [
        (Deployment::Grown, grown),
        (Deployment::Hot, Scale { extra, ..scale }),
        (Deployment::Eight, scale),
        (Deployment::SixtyFour, scale),
        (Deployment::Main, scale),
    ];
    let mut jobs: Vec<_> = jobs
        .into_iter()
        .filter(|(deployment, _)| *deployment == Deployment::Main || wanted.contains(deployment))
        .collect();
    jobs.reverse();
    let (jobs, filled) = (Mutex::new(jobs), Mutex::new(BTreeMap::new()));
    let work = || -> Result<(), String> {
        loop {
            let job = jobs.lock().map_err(|error| error.to_string())?.pop();
            let Some((deployment, scale)) = job else { return Ok(()) };
            let create = || Dataset::create(&describe(deployment)?, scale);
            let dataset = create().map_err(|error| format!("{deployment:?}: {error}"))?;
            filled.lock().map_err(|error| error.to_string())?.insert(deployment, dataset);
        }
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().try_for_each(|thread| {
            thread.join().map_err(|_| "filling a database panicked".to_owned())?
        })
    })?;
    Ok(filled.into_inner()?)
}

/// Writes the configuration file of a deployment.
fn configuration(
    folder: &Path,
    app: &Path,
    deployment: Deployment,
    postgres: Option<&Servers>,
) -> Result<PathBuf> {
    let databases = match deployment {
        Deployment::Eight => 8,
        Deployment::SixtyFour => 64,
        _ => 3,
    };
    let data_dir = data_dir(folder, deployment);
    // The sign-in workload exceeds the default limit.
    let mut text =
        format!("listen = \"127.0.0.1:0\"\napp_dir = {app:?}\nsign_ins_per_minute = 0\n");
    match postgres {
        Some(servers) => text += &servers.settings(),
        None => writeln!(text, "data_dir = {data_dir:?}\nreviews_databases = {databases}")?,
    }
    if deployment != Deployment::Main {
        text += NOTHING_CACHED;
    }
    let file = folder.join(format!("{deployment:?}.toml"));
    fs::write(&file, text)?;
    Ok(file)
}

fn data_dir(folder: &Path, deployment: Deployment) -> PathBuf {
    folder.join(format!("{deployment:?}"))
}

/// Writes an app that is one page of this size.
fn write_app(app: &Path, bytes: usize) -> Result<()> {
    let (head, tail) = ("<!doctype html><title>Bench</title><p>", "\n");
    let padding = ".".repeat(bytes.saturating_sub(head.len() + tail.len()));
    fs::create_dir_all(app)?;
    Ok(fs::write(app.join("index.html"), format!("{head}{padding}{tail}"))?)
}

/// Copies the files of databases that no server has open.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
