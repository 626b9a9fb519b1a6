//! What each command does.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use ostrakon_shared::{DatabaseInfo, Engine, PageLimit, ReviewId};

use super::Failure;
use crate::config::Config;
use crate::db::Address;
use crate::store::{DEMO_NAME, MigrationStatus, ProductQuery, Store, StoreError};
use crate::{demo, http};

pub fn serve(config: &Config, migrate_first: bool) -> Result<(), Failure> {
    if migrate_first {
        migrate(config, None)?;
    }
    let store = open(config)?;
    refuse_demo_password(&store, config.listen)?;
    let listener = TcpListener::bind(config.listen).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure::Failed(format!(
            "{} is in use by another program: set another address (OSTRAKON_LISTEN)",
            config.listen
        )),
        _ => Failure::Failed(format!("{}: {error}", config.listen)),
    })?;
    let address = format!("http://{}", listener.local_addr()?);
    actix_web::rt::System::new().block_on(async {
        let server = http::server(listener, store, config.http())?;
        announce(&address);
        Ok(server.await?)
    })
}

/// The demo's password is for this machine only, and everybody knows it.
fn refuse_demo_password(store: &Store, listen: SocketAddr) -> Result<(), Failure> {
    if listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let Some(name) = store.with_demo_password()?.into_iter().next() else { return Ok(()) };
    Err(Failure::Refused(format!(
        "{name} has the demo's password, so {listen} is too open: set another one first \
         (`ostrakon account password {name}`), or disable it (`ostrakon account disable {name}`)"
    )))
}

fn announce(address: &str) {
    let text = format!(
        "Ostrakon is serving, until Ctrl-C\n\
         \x20 app       {address}/\n\
         \x20 API docs  {address}/docs/\n\
         \x20 try       curl '{address}/api/products/1/reviews?limit=3'\n"
    );
    // Whoever started the server may not listen; that is no reason not to serve.
    if let Err(error) = io::stdout().write_all(text.as_bytes()) {
        tracing::warn!(%error, address, "serving, but can't say so on standard output");
    }
}

pub fn migrate(config: &Config, only: Option<&str>) -> Result<(), Failure> {
    Ok(config.databases().migrate(only, &mut |line| println!("{line}"))?)
}

pub fn migration_status(config: &Config, only: Option<&str>) -> Result<(), Failure> {
    let mut behind = false;
    for MigrationStatus { database, address, progress } in config.databases().status()? {
        if only.is_some_and(|only| only != database) {
            continue;
        }
        println!("{database} ({address})");
        let Some(progress) = progress else {
            println!("  no such file");
            behind = true;
            continue;
        };
        behind |= !progress.pending.is_empty() || !progress.unknown.is_empty();
        let lines = [
            ("applied", progress.applied),
            ("pending", progress.pending),
            ("unknown to this program", progress.unknown),
        ];
        for (what, versions) in lines {
            versions.iter().for_each(|version| println!("  {version}  {what}"));
        }
    }
    if behind { Err(Failure::Found) } else { Ok(()) }
}

pub fn demo(config: &Config) -> Result<(), Failure> {
    let store = open(config)?;
    let demo = demo::content();
    let one = ProductQuery { limit: PageLimit::default(), ..ProductQuery::default() };
    let first = store.list_products(&one)?.items.into_iter().next();
    if first.is_some_and(|first| first.name != demo.products[0].name) {
        let problem = "there are other products here: the demo is for a new cluster";
        return Err(Failure::Refused(problem.to_owned()));
    }
    let bar = progress_bar(demo.reviews.len() as u64, "reviews");
    let seeded = store.seed(&demo.products, &demo.reviews, |reviews| bar.inc(reviews))?;
    bar.finish_and_clear();
    if seeded.products + seeded.reviews == 0 {
        println!("demo: already there");
    } else {
        println!("demo: added {} products and {} reviews", seeded.products, seeded.reviews);
    }
    if store.create_demo_admin()? {
        println!("demo: on this machine, sign in as {DEMO_NAME} with the password {DEMO_NAME}");
    }
    Ok(())
}

pub fn databases(config: &Config) -> Result<(), Failure> {
    let list = open(config)?.databases()?;
    println!(
        "{:<14} {:<8} {:>7} {:>10} {:>8}",
        "database", "engine", "buckets", "reviews", "share"
    );
    for DatabaseInfo { name, engine, buckets, reviews, share, .. } in list.items {
        let engine = match engine {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        };
        let reviews = reviews.map_or_else(|| "down".to_owned(), |reviews| reviews.to_string());
        let share = share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0));
        println!("{name:<14} {engine:<8} {buckets:>7} {reviews:>10} {share:>8}");
    }
    Ok(())
}

pub fn locate(config: &Config, id: ReviewId) -> Result<(), Failure> {
    let store = open(config)?;
    let place = store.place(id);
    let review = store.review_detail(id)?.review.review;
    println!("review    {id}");
    println!("status    {}", review.status);
    println!("date      {}", id.created_at());
    println!("bucket    {}", place.bucket);
    println!("database  {}", place.database);
    let client = match &place.address {
        Address::Sqlite(path) => {
            format!("sqlite3 -readonly -line {}", shell_quoted(&path.display().to_string()))
        }
        server => format!("psql -x {} -c", shell_quoted(&server.to_string())),
    };
    println!(
        "row       {client} 'SELECT * FROM review WHERE bucket = {} AND id = {}'",
        place.bucket,
        id.get()
    );
    Ok(())
}

/// As a POSIX shell reads it back: quoted only where it must be.
fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

pub fn verify(config: &Config) -> Result<(), Failure> {
    let store = open(config)?;
    let all: u64 = store.databases()?.items.iter().filter_map(|database| database.reviews).sum();
    let bar = progress_bar(all, "reviews");
    let mut problems = Vec::new();
    let mut reviews = 0;
    for index in 0..store.reviews_databases().len() {
        let started_at = Timestamp::now();
        let report = store.verify(index, |seen| bar.inc(seen))?;
        match store.keep_verification(index, started_at, &report) {
            // It can be checked all the same.
            Ok(()) | Err(StoreError::ReadOnly(_)) => {}
            Err(error) => return Err(error.into()),
        }
        reviews += report.reviews;
        problems.extend(report.problems);
    }
    bar.finish_and_clear();
    let databases = store.reviews_databases().len();
    if problems.is_empty() {
        println!("verify: {reviews} reviews in {databases} databases, all in their place");
        return Ok(());
    }
    for problem in &problems {
        println!("{problem}");
    }
    println!("verify: {} problems in {reviews} reviews", problems.len());
    Err(Failure::Found)
}

pub fn openapi() -> Result<(), Failure> {
    let yaml = http::document().to_yaml().map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(io::stdout().lock().write_all(yaml.as_bytes())?)
}

pub fn open(config: &Config) -> Result<Store, Failure> {
    Ok(config.open()?)
}

/// A bar on the terminal; nothing where standard error is none.
pub fn progress_bar(length: u64, unit: &str) -> ProgressBar {
    let template = format!("{{bar:40}} {{pos}} of {{len}} {unit}, {{eta}} left");
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(length).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
