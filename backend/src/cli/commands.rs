//! The commands, one function each.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ostrakon_shared::PageLimit;

use crate::cli::Failure;
use crate::cli::output::{self, say};
use crate::config::Config;
use crate::demo::{Demo, DemoReport, Until};
use crate::store::{DEMO_NAME, ProductQuery, Reporter, Store, StoreError};
use crate::{demo, http};

pub fn serve(config: &Config, migrate_first: bool) -> Result<(), Failure> {
    if migrate_first {
        migrate(config, None)?;
    }
    // Before anything is read that another server could still change.
    let _locks = config.databases()?.lock_to_serve(false)?;
    let store = open(config)?;
    store.cluster().require_writable()?;
    store.cluster().check_ids()?;
    refuse_demo_password(&store, config.listen)?;
    store.audit().record_settings(&config.audited())?;
    let settings = config.http()?;
    let listener = TcpListener::bind(config.listen).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure::Failed(format!(
            "{} is in use by another program: set another address (OSTRAKON_LISTEN)",
            config.listen
        )),
        _ => Failure::Failed(format!("{}: {error}", config.listen)),
    })?;
    let address = format!("http://{}", listener.local_addr()?);
    Ok(http::serve(listener, store, settings, || announce(&address))?)
}

/// The demo's password is public, so it must only work on this machine.
fn refuse_demo_password(store: &Store, listen: SocketAddr) -> Result<(), Failure> {
    if listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let Some(name) = store.accounts().with_demo_password()?.into_iter().next() else {
        return Ok(());
    };
    Err(Failure::Refused(format!(
        "the account {name} has the demo's password, which is unsafe on {listen}: set another one first \
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
    output::text(&text);
    // That its output is lost is no reason not to serve.
    if let Err(error) = output::finish() {
        tracing::warn!(%error, address, "serving, but standard output is closed");
    }
}

pub fn migrate(config: &Config, only: Option<&str>) -> Result<(), Failure> {
    Ok(config.databases()?.migrate(only, &mut |line| say!("{line}"))?)
}

pub fn demo(config: &Config, until: Until) -> Result<(), Failure> {
    let store = open(config)?;
    store.cluster().check_ids()?;
    let until_ms = demo::earlier_end(&store)?.unwrap_or(until.unix_ms());
    let demo = demo::content(until_ms);
    let one = ProductQuery { limit: PageLimit::default(), ..ProductQuery::default() };
    let first = store.catalog().list(&one)?.items.into_iter().next();
    if first.is_some_and(|first| first.name != demo.products[0].name) {
        let problem = "this cluster has other products: the demo needs a new cluster";
        return Err(Failure::Refused(problem.to_owned()));
    }
    let bar = progress_bar(demo.reviews.len() as u64, "reviews");
    let seeded = store.cluster().seed(&demo.products, &demo.reviews, |reviews| bar.inc(reviews))?;
    bar.finish_and_clear();
    report(&store, &demo)?;
    if seeded.products + seeded.reviews == 0 {
        say!("demo: already there");
    } else {
        say!("demo: added {} products and {} reviews", seeded.products, seeded.reviews);
    }
    if store.accounts().create_demo_admin()? {
        say!("demo: on this machine, sign in as {DEMO_NAME} with the password {DEMO_NAME}");
    }
    Ok(())
}

/// Adds the demo's reports, except for those that are there or whose review is no longer public.
fn report(store: &Store, demo: &Demo) -> Result<(), Failure> {
    for DemoReport { review, reader, report } in &demo.reports {
        let id = store.cluster().seed_id(&demo.reviews[*review])?;
        let reader = Reporter::Guest(format!("demo-{reader}"));
        match store.reviews().report(&reader, id, report) {
            Ok(()) | Err(StoreError::AlreadyReported | StoreError::ReviewNotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

pub fn openapi() -> Result<(), Failure> {
    let yaml = http::document().to_yaml().map_err(|error| Failure::Failed(error.to_string()))?;
    output::text(&yaml);
    Ok(())
}

pub fn open(config: &Config) -> Result<Store, Failure> {
    Ok(config.open()?)
}

/// A progress bar; hidden unless standard error is a terminal.
pub fn progress_bar(length: u64, unit: &str) -> ProgressBar {
    let template = format!("{{bar:40}} {{pos}} of {{len}} {unit}, {{eta}} left {{msg}}");
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(length).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
