//! Commands that report: a table for people, or one JSON document with stable names of fields.

use jiff::Timestamp;
use ostrakon_shared::{DatabaseInfo, ReviewId, ReviewStatus};
use serde::Serialize;

use crate::cli::Failure;
use crate::cli::commands::{open, progress_bar};
use crate::cli::output::say;
use crate::config::Config;
use crate::store::{DbError, MigrationStatus, Store, StoreError};

/// Writes a report to standard output.
pub fn print_json(report: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report);
    let json = json.map_err(|error| Failure::Failed(error.to_string()))?;
    say!("{json}");
    Ok(())
}

/// A list of reports.
#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
}

/// The migrations of one database, by their versions.
#[derive(Serialize)]
struct Migrations {
    database: String,
    address: String,
    /// Whether the file exists; always true for a server's database.
    exists: bool,
    applied: Vec<String>,
    pending: Vec<String>,
    /// Migrations that only another version of this program knows.
    unknown: Vec<String>,
}

impl From<MigrationStatus> for Migrations {
    fn from(status: MigrationStatus) -> Migrations {
        let exists = status.progress.is_some();
        let progress = status.progress.unwrap_or_default();
        Migrations {
            database: status.database,
            address: status.address.to_string(),
            exists,
            applied: progress.applied,
            pending: progress.pending,
            unknown: progress.unknown,
        }
    }
}

pub fn migration_status(config: &Config, only: Option<&str>, json: bool) -> Result<(), Failure> {
    let all = config.databases()?.status()?.into_iter().map(Migrations::from);
    let items: Vec<_> =
        all.filter(|status| only.is_none_or(|only| only == status.database)).collect();
    let is_behind = |status: &Migrations| {
        !status.exists || !status.pending.is_empty() || !status.unknown.is_empty()
    };
    let behind = items.iter().any(is_behind);
    if json {
        print_json(&List { items })?;
    } else {
        items.iter().for_each(show_migrations);
    }
    if behind { Err(Failure::Found) } else { Ok(()) }
}

fn show_migrations(status: &Migrations) {
    say!("{} ({})", status.database, status.address);
    if !status.exists {
        say!("  no such file");
    }
    for (what, versions) in [
        ("applied", &status.applied),
        ("pending", &status.pending),
        ("unknown to this program", &status.unknown),
    ] {
        versions.iter().for_each(|version| say!("  {version}  {what}"));
    }
}

pub fn databases(config: &Config, json: bool) -> Result<(), Failure> {
    let store = open(config)?;
    let list = store.cluster().databases()?;
    if json {
        return print_json(&list);
    }
    say!(
        "{:<14} {:<8} {:<9} {:>7} {:>10} {:>8} {:>9}",
        "database",
        "engine",
        "health",
        "buckets",
        "reviews",
        "share",
        "MB"
    );
    for DatabaseInfo { name, engine, health, buckets, reviews, share, size_bytes, .. } in list.items
    {
        let reviews = reviews.map_or_else(|| "-".to_owned(), |reviews| reviews.to_string());
        let share = share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0));
        let size =
            size_bytes.map_or_else(|| "-".to_owned(), |it| format!("{:.1}", it as f64 / 1e6));
        say!("{name:<14} {engine:<8} {health:<9} {buckets:>7} {reviews:>10} {share:>8} {size:>9}");
    }
    if let Ok(rebalance) = store.cluster().rebalance()
        && rebalance.finished_at.is_none()
    {
        let (moved, all) = (rebalance.moved_buckets, rebalance.buckets);
        say!("rebalance: {}, {moved} of {all} buckets have moved", rebalance.state);
    }
    Ok(())
}

/// The location of a review.
#[derive(Serialize)]
struct Located {
    id: ReviewId,
    /// The id in its row: as text, because not every reader of JSON has whole numbers of 64 bits.
    number: String,
    product_id: String,
    status: ReviewStatus,
    created_at: Timestamp,
    bucket: u16,
    database: String,
    /// A command for the shell that shows the row.
    row: String,
}

pub fn locate(config: &Config, id: ReviewId, json: bool) -> Result<(), Failure> {
    let located = located(&open(config)?, id)?;
    if json {
        return print_json(&located);
    }
    say!("review    {}", located.id);
    say!("number    {}", located.number);
    say!("product   {}", located.product_id);
    say!("status    {}", located.status);
    say!("date      {}", located.created_at);
    say!("bucket    {}", located.bucket);
    say!("database  {}", located.database);
    say!("row       {}", located.row);
    Ok(())
}

fn located(store: &Store, id: ReviewId) -> Result<Located, StoreError> {
    let place = store.cluster().locate(id);
    let review = store.reviews().detail(id)?.review.review;
    let bucket = place.bucket.get();
    let client = match place.address.file() {
        Some(path) => {
            format!("sqlite3 -readonly -line {}", shell_quoted(&path.display().to_string()))
        }
        None => format!("psql -x {} -c", shell_quoted(&place.address.to_string())),
    };
    let number = id.get();
    let query = format!("SELECT * FROM review WHERE bucket = {bucket} AND id = {number}");
    Ok(Located {
        id,
        number: number.to_string(),
        product_id: review.product_id.to_string(),
        status: review.status,
        created_at: id.created_at(),
        bucket,
        database: place.database,
        row: format!("{client} '{query}'"),
    })
}

/// The text as an argument for a POSIX shell, quoted only if necessary.
fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The verification of one reviews database.
#[derive(Serialize)]
struct Verified {
    database: String,
    /// The number of checked reviews.
    reviews: u64,
    problem_count: u64,
    problems: Vec<String>,
}

pub fn verify(config: &Config, json: bool) -> Result<(), Failure> {
    verify_store(&open(config)?, json)
}

pub fn verify_store(store: &Store, json: bool) -> Result<(), Failure> {
    let (items, not_stored) = verified(store)?;
    let reviews: u64 = items.iter().map(|database| database.reviews).sum();
    let problems: u64 = items.iter().map(|database| database.problem_count).sum();
    if json {
        print_json(&List { items })?;
    } else if problems == 0 {
        say!("verify: {reviews} reviews in {} databases, all in their place", items.len());
    } else {
        items.iter().flat_map(|database| &database.problems).for_each(|line| say!("{line}"));
        let shown: u64 = items.iter().map(|database| database.problems.len() as u64).sum();
        if shown < problems {
            say!("and {} more", problems - shown);
        }
        say!("verify: {problems} problems in {reviews} reviews");
    }
    if let Some(reason) = not_stored {
        tracing::warn!(%reason, "the result could not be stored: the app shows the previous one");
    }
    if problems == 0 { Ok(()) } else { Err(Failure::Found) }
}

/// Verifies all databases. The second value is the reason why the results could not be stored; the
/// results are valid nevertheless.
fn verified(store: &Store) -> Result<(Vec<Verified>, Option<DbError>), StoreError> {
    let all = store.cluster().databases()?.items;
    let bar = progress_bar(all.iter().filter_map(|database| database.reviews).sum(), "reviews");
    let (mut items, mut not_stored) = (Vec::new(), None);
    for (index, database) in all.into_iter().enumerate() {
        let started_at = Timestamp::now();
        let report = store.cluster().verify(index, |seen| bar.inc(seen))?;
        // If one result could not be stored, the next one can't be stored either.
        if not_stored.is_none() {
            not_stored = store.cluster().keep_verification(index, started_at, &report).err();
        }
        items.push(Verified {
            database: database.name,
            reviews: report.reviews,
            problem_count: report.problem_count,
            problems: report.problems,
        });
    }
    bar.finish_and_clear();
    // A transfer has made the databases read-only; the next verification is that of the new ones.
    Ok((items, not_stored.filter(|error| !matches!(error, DbError::ReadOnly { .. }))))
}
