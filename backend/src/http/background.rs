//! What the server does beside requests: it removes old entries, and reads its configuration again.

use std::io;
use std::time::Duration;

use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use actix_web::rt::task::spawn_blocking;
use actix_web::rt::time::interval;

use crate::store::{Context, Store};

/// How often old audit entries and expired sessions are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);

/// Removes audit entries older than `days` and expired sessions: now, and every hour while the server
/// runs.
pub async fn prune(store: Store, days: u32) {
    let mut hours = interval(PRUNE_EVERY);
    loop {
        hours.tick().await;
        let request = store.with(Context::default());
        let pruned = spawn_blocking(move || request.accounts().remove_old(days)).await;
        if let Ok(Err(error)) = pruned {
            tracing::warn!(%error, "old audit entries and sessions could not be removed");
        }
    }
}

/// Listens for SIGHUP, which would otherwise end the process.
pub fn hangups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// At SIGHUP, tries again to open the databases that could not be opened, with the URLs of the current
/// configuration.
pub async fn reload_on_hangup(store: Store, mut hangups: Signal) {
    while hangups.recv().await.is_some() {
        let store = store.clone();
        let opened = spawn_blocking(move || store.cluster().reopen_databases());
        match opened.await {
            Ok(Ok(())) => {
                tracing::info!("SIGHUP: the configuration of new databases is read again")
            }
            Ok(Err(error)) => tracing::error!(%error, "SIGHUP: the shard map can't be read"),
            Err(error) => tracing::error!(%error, "SIGHUP: the configuration can't be read again"),
        }
    }
}
