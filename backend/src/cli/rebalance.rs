//! Growing and shrinking a cluster, at the command line.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use clap::{Args, Subcommand, value_parser};
use ostrakon_shared::{MAX_RATE, Rebalance, RebalanceState};

use crate::cli::commands::open;
use crate::cli::output::say;
use crate::cli::reports::print_json;
use crate::cli::{Failure, Form};
use crate::config::Config;
use crate::store::{Address, Goal, RebalancePlan, Source, Store};

/// How often `status --watch` and `start --wait` read the state.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

const MAX: i64 = MAX_RATE as i64;

#[derive(Subcommand)]
pub enum DatabasesCommand {
    /// Add reviews databases; `ostrakon rebalance` moves buckets to them
    ///
    /// A SQLite file is created. For a PostgreSQL database its URL must be in the configuration of
    /// each server under the name that the new database gets (reviews_urls =
    /// ["reviews-4=postgres://…"]).
    Add {
        /// How many to add
        #[arg(long, value_name = "N", default_value = "1")]
        count: NonZero<u16>,
        /// The URL of the new database, if the configuration does not have it yet
        #[arg(long, conflicts_with = "count")]
        url: Option<Address>,
    },
    /// Retire a reviews database that owns no buckets; its name is never used again
    Remove {
        /// Its name, e.g. reviews-2
        name: String,
    },
}

#[derive(Subcommand)]
pub enum RebalanceCommand {
    /// Show which buckets would move, and store the plan; moves nothing
    Plan {
        #[command(flatten)]
        goal: GoalArguments,
        #[command(flatten)]
        form: Form,
    },
    /// Start the stored plan; refused if the databases have changed since
    Start {
        /// Copy at most this many reviews per second
        #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=MAX))]
        rate: Option<u32>,
        /// Wait until it has ended; Ctrl-C only stops waiting
        #[arg(long)]
        wait: bool,
    },
    /// Show the progress of the rebalance, or the last one
    Status {
        /// Keep showing it until it ends
        #[arg(long, conflicts_with = "json")]
        watch: bool,
        #[command(flatten)]
        form: Form,
    },
    /// Pause after the current bucket
    Pause,
    /// Resume a paused rebalance
    Resume,
    /// Change the maximum copy rate
    Throttle {
        /// Reviews per second; 0: adapt to the load of clients
        #[arg(value_parser = value_parser!(u32).range(..=MAX))]
        rate: u32,
    },
    /// Undo the current bucket's move and end; buckets that have moved stay
    Abort,
}

/// What a plan is for; without any, all databases get the same number of buckets.
#[derive(Args)]
#[group(multiple = false)]
pub struct GoalArguments {
    /// The first N databases own all buckets
    #[arg(long, value_name = "N")]
    to_databases: Option<u32>,
    /// This database is to own no buckets
    #[arg(long, value_name = "NAME")]
    drain: Option<String>,
    /// All databases own the same number of buckets (default)
    #[arg(long)]
    even: bool,
}

impl GoalArguments {
    fn goal(self) -> Goal {
        match (self.to_databases, self.drain) {
            (Some(number), _) => Goal::ToDatabases(number),
            (_, Some(name)) => Goal::Drain(name),
            _ => Goal::Even,
        }
    }
}

pub fn databases(config: &Config, command: DatabasesCommand) -> Result<(), Failure> {
    match command {
        DatabasesCommand::Add { url: Some(url), .. } => add_url(config, &url),
        DatabasesCommand::Add { count, url: None } => {
            Ok(config.databases()?.add(count.get(), &mut |line| say!("{line}"))?)
        }
        DatabasesCommand::Remove { name } => {
            let store = open(config)?;
            store.cluster().retire_database(&name)?;
            say!(
                "{name}: retired. Servers close it within a second; after that, it can be deleted"
            );
            if config.reviews_urls.contains_key(&name) {
                say!(
                    "{name}: before you remove its URL from reviews_urls, write the names of the \
                     others before theirs (reviews-1=…): URLs without a name are counted"
                );
            }
            Ok(())
        }
    }
}

/// Adds a database whose URL is not in the configuration yet.
fn add_url(config: &Config, url: &Address) -> Result<(), Failure> {
    if let Some(name) = config.databases()?.add_at(url, &mut |line| say!("{line}"))? {
        say!(
            "{name}: add \"{name}={}\" to reviews_urls in the configuration of each server",
            url.configured_url()
        );
    }
    Ok(())
}

pub fn rebalance(config: &Config, command: RebalanceCommand) -> Result<(), Failure> {
    // The state of a rebalance is in `default`, so it can be shown and ended while others are down.
    let store = config.open_default()?;
    let (cluster, operator) = (store.cluster(), Source::operator());
    match command {
        RebalanceCommand::Plan { goal, form } => {
            let store = open(config)?;
            let cluster = store.cluster();
            let plan = cluster.plan_rebalance(&goal.goal())?;
            if form.json {
                // A plan without moves is not stored: the last rebalance would be an older one.
                let stored = !plan.moves.is_empty();
                return print_json(&stored.then(|| cluster.rebalance()).transpose()?);
            }
            show_plan(&plan);
            return Ok(());
        }
        RebalanceCommand::Start { rate, wait } => {
            cluster.start_rebalance(&operator, rate)?;
            return run(config, &store, wait);
        }
        RebalanceCommand::Status { watch: true, .. } => return watch(&store),
        RebalanceCommand::Status { form, .. } => {
            let rebalance = cluster.rebalance()?;
            if form.json {
                return print_json(&rebalance);
            }
            show(&rebalance);
            return Ok(());
        }
        RebalanceCommand::Pause => cluster.pause_rebalance(&operator)?,
        RebalanceCommand::Resume => {
            // A running rebalance may have lost the process that moved its buckets.
            if !goes_on(&cluster.rebalance()?) {
                cluster.resume_rebalance(&operator)?;
            }
            return run(config, &store, false);
        }
        RebalanceCommand::Throttle { rate } => {
            cluster.throttle_rebalance(&operator, Some(rate).filter(|&rate| rate > 0))?;
        }
        RebalanceCommand::Abort => {
            let is_planned = cluster.rebalance()?.state == RebalanceState::Planned;
            cluster.abort_rebalance(&operator)?;
            if is_planned {
                say!("rebalance: the plan is discarded");
                return Ok(());
            }
            return run(config, &store, false);
        }
    }
    show(&cluster.rebalance()?);
    Ok(())
}

/// Carries the rebalance out if no server runs; otherwise the server does, and `wait` says whether
/// to watch it.
fn run(config: &Config, store: &Store, wait: bool) -> Result<(), Failure> {
    let databases = config.databases()?;
    let is_served = !databases.default.is_file() && store.cluster().is_served()?;
    // For files, these locks give the right to write; processes on servers share a lease instead.
    if let Ok(locks) = databases.lock_to_serve(false) {
        if !is_served {
            say!("rebalance: no server runs, so this command moves the buckets");
            let worker = open(config)?;
            let done = thread::spawn(move || worker.cluster().run_rebalance());
            while !done.is_finished() {
                thread::sleep(WATCH_INTERVAL);
                say!("{}", line(&store.cluster().rebalance()?));
            }
            drop(locks);
            show(&store.cluster().rebalance()?);
            return Ok(());
        }
        if wait {
            // In case that the servers end meanwhile. As they run, they take the lease first.
            thread::sleep(2 * WATCH_INTERVAL);
            let worker = open(config)?;
            thread::spawn(move || worker.cluster().run_rebalance());
        }
    }
    if wait {
        return watch(store);
    }
    show(&store.cluster().rebalance()?);
    Ok(())
}

fn goes_on(rebalance: &Rebalance) -> bool {
    matches!(rebalance.state, RebalanceState::Running | RebalanceState::Aborting)
}

fn watch(store: &Store) -> Result<(), Failure> {
    let mut last = String::new();
    loop {
        let rebalance = store.cluster().rebalance()?;
        let now = line(&rebalance);
        if now != last {
            say!("{now}");
            last = now;
        }
        if !goes_on(&rebalance) {
            show(&rebalance);
            return Ok(());
        }
        thread::sleep(WATCH_INTERVAL);
    }
}

fn show_plan(plan: &RebalancePlan) {
    if plan.moves.is_empty() {
        say!("rebalance: nothing has to move");
        return;
    }
    say!("{:<14} {:<14} {:>8} {:>12} {:>10}", "from", "to", "buckets", "reviews", "MB");
    for ((source, target), part) in &plan.moves {
        let megabytes = part.bytes as f64 / 1e6;
        say!(
            "{source:<14} {target:<14} {:>8} {:>12} {megabytes:>10.1}",
            part.buckets,
            part.reviews
        );
    }
    say!("");
    say!("{:<14} {:>8} {:>8}", "database", "now", "after");
    for (name, (now, after)) in &plan.buckets {
        say!("{name:<14} {now:>8} {after:>8}");
    }
    let buckets: u64 = plan.moves.values().map(|part| part.buckets).sum();
    say!("");
    say!(
        "rebalance: {buckets} buckets, about {}, or {} while clients use the service; nothing has \
         moved yet",
        duration(plan.seconds),
        duration(plan.seconds_beside_clients)
    );
    say!("rebalance: `ostrakon rebalance start` moves them");
}

/// One line of progress.
fn line(rebalance: &Rebalance) -> String {
    let Rebalance { state, moved_buckets, buckets, copied_reviews, .. } = rebalance;
    let mut line =
        format!("{state}: {moved_buckets} of {buckets} buckets, {copied_reviews} reviews copied");
    if let Some(rate) = rebalance.reviews_per_second {
        line += &format!(", {rate:.0} reviews/s");
    }
    if let Some(left) = rebalance.seconds_left {
        line += &format!(", {} left", duration(left));
    }
    if let Some(reason) = &rebalance.waits_for {
        line += &format!(", waits: {reason}");
    }
    line
}

fn show(rebalance: &Rebalance) {
    say!("goal          {}", rebalance.goal);
    say!("state         {}", rebalance.state);
    say!("buckets       {} of {}", rebalance.moved_buckets, rebalance.buckets);
    say!("reviews       {} copied of {}", rebalance.copied_reviews, rebalance.reviews);
    if let Some(rate) = rebalance.reviews_per_second {
        say!("rate          {rate:.0} reviews/s");
    }
    if let Some(limit) = rebalance.max_rate {
        say!("limit         {limit} reviews/s");
    }
    if let Some(left) = rebalance.seconds_left {
        say!("time left     {}", duration(left));
    }
    if let Some(pauses) = rebalance.write_pauses {
        say!(
            "write pauses  p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            pauses.p50_ms,
            pauses.p99_ms,
            pauses.max_ms
        );
    }
    if rebalance.repaired_reviews > 0 {
        say!("repaired      {} reviews differed after copying", rebalance.repaired_reviews);
    }
    for bucket in &rebalance.moving {
        say!(
            "moving        bucket {} from {} to {}, {} of {} reviews",
            bucket.bucket,
            bucket.source,
            bucket.target,
            bucket.copied,
            bucket.reviews
        );
    }
    if let (Some(reason), Some(since)) = (&rebalance.waits_for, rebalance.waits_since) {
        say!("waits         {reason} (since {since:.0})");
    }
    for step in &rebalance.next_steps {
        say!("next          {step}");
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}
