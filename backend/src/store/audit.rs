//! The audit trail: who did what, when and from where.
//!
//! An entry is written in the transaction of what it tells of. Only failed sign-ins have none: they
//! are gathered in memory, so that an attacker can't fill the disk with them. One account tried from
//! one network is one entry an hour. Beyond [`MAX_KEYS`] of these, there is one entry for each
//! account that was tried: however many names are tried as a distraction, an account's trail shows
//! the attempts to guess its password.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use jiff::Timestamp;
use ostrakon_shared::{
    AccountId, AuditAction, AuditChange, AuditPage, AuditVia, Page, PageLimit, ProductId,
};

use crate::db::accounts::AccountRow;
use crate::db::audit::{self, Filter, NewEntry};
use crate::db::{Connection, Context, Database, DbError, QueryError, RequestDatabase};
use crate::store::actor::Actor;
use crate::store::error::StoreError;
use crate::store::routing::cursor::{self, ListScope};

/// Failures are told apart by account and network in so many entries an hour, per process.
const MAX_KEYS: usize = 250;
/// Further ones are told apart by account alone in so many entries, and share one beyond these.
const MAX_ACCOUNTS: usize = 10_000;
/// How often repeated failures are written, in milliseconds. The first of its kind is at once.
const WRITE_EVERY_MS: i64 = 10_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;
/// Entries in which the settings that were noted last are looked for.
const SETTINGS_ENTRIES: usize = 1_000;
/// Characters that are kept of a value that was changed.
const MAX_VALUE_CHARS: usize = 200;

/// Who does something, by what means and from where.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The account; None: an operator, or somebody who is not signed in.
    pub actor: Option<Actor>,
    /// By what means; None: not signed in.
    pub via: Option<AuditVia>,
    /// From which network: an IPv4 address, or an IPv6 address whose last 64 bits are zero.
    pub network: Option<IpAddr>,
}

impl Source {
    /// An operator, at the command line.
    pub fn operator() -> Source {
        Source { actor: None, via: Some(AuditVia::Operator), network: None }
    }
}

/// A page of the audit trail, as it is asked for.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only what was done in this way.
    pub action: Option<AuditAction>,
    /// Only what this account has done, or what was done to it.
    pub account: Option<AccountId>,
    /// Entries on the page at most.
    pub limit: PageLimit,
    /// Where the page starts.
    pub cursor: Option<String>,
}

/// What an entry is about.
#[derive(Clone, Copy)]
pub(in crate::store) enum AuditTarget<'a> {
    Account(&'a AccountRow),
    Product(ProductId),
    Settings,
}

/// Writes an entry, in the transaction of what it tells of.
pub(in crate::store) fn record(
    connection: &mut Connection,
    source: &Source,
    action: AuditAction,
    about: AuditTarget<'_>,
    changes: &[AuditChange],
) -> Result<(), QueryError> {
    let now_ms = Timestamp::now().as_millisecond();
    let changes = serde_json::to_string(changes)
        .map_err(|error| QueryError::CorruptData(error.to_string()))?;
    let (account, product) = match about {
        AuditTarget::Account(row) => (Some(row), None),
        AuditTarget::Product(id) => (None, Some(id)),
        AuditTarget::Settings => (None, None),
    };
    let entry = NewEntry {
        action: action.to_string(),
        at: now_ms,
        last_at: now_ms,
        count: 1,
        actor_id: source.actor.as_ref().map(|actor| actor.id.get()),
        actor_name: source.actor.as_ref().map(|actor| actor.name.clone()),
        via: source.via.map(|via| via.to_string()),
        network: source.network.map(network_text),
        account_id: account.map(|row| row.id),
        account_name: account.map(|row| row.name.clone()),
        product_id: product.map(ProductId::get),
        changes,
    };
    audit::insert(connection, &entry).map(drop)
}

/// A change of a value, as an entry keeps it.
pub(in crate::store) fn audit_change(
    field: &str,
    from: Option<&str>,
    to: Option<&str>,
) -> AuditChange {
    let short = |text: &str| text.chars().take(MAX_VALUE_CHARS).collect();
    AuditChange { field: field.to_owned(), from: from.map(short), to: to.map(short) }
}

fn network_text(network: IpAddr) -> String {
    match network {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(network) => format!("{network}/64"),
    }
}

/// Failures that are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FailureKey {
    /// In which hour since the Unix epoch.
    hour: i64,
    action: AuditAction,
    account: Option<(i64, String)>,
    network: Option<IpAddr>,
}

/// How often, and what of that is stored.
#[derive(Clone)]
struct FailureCount {
    entry: Option<i64>,
    since: i64,
    last_at: i64,
    unwritten: i32,
}

/// The failed sign-ins of this hour.
pub(in crate::store) struct FailedSignIns(Arc<FailureBuffer>);

struct FailureBuffer {
    default: Arc<Database>,
    state: Mutex<State>,
    /// One at a time writes.
    writer: Mutex<()>,
}

#[derive(Default)]
struct State {
    counts: HashMap<FailureKey, FailureCount>,
    written_at: i64,
    /// Whether a thread is about to write.
    is_scheduled: bool,
}

impl State {
    /// The failure as it is counted: without its network where too many networks were seen, and
    /// without its account where too many accounts were tried.
    fn counted_as(&mut self, failure: FailureKey) -> FailureKey {
        if self.counts.contains_key(&failure) {
            return failure;
        }
        // What could not be written for hours has to go.
        if self.counts.len() > 4 * (MAX_KEYS + MAX_ACCOUNTS) {
            self.counts.retain(|other, _| other.hour == failure.hour);
        }
        let hour = failure.hour;
        let others = |have_network: bool| {
            let is_such =
                |it: &&FailureKey| it.hour == hour && it.network.is_some() == have_network;
            self.counts.keys().filter(is_such).count()
        };
        if failure.network.is_some() && others(true) < MAX_KEYS {
            return failure;
        }
        let failure = FailureKey { network: None, ..failure };
        if others(false) < MAX_ACCOUNTS || self.counts.contains_key(&failure) {
            return failure;
        }
        FailureKey { account: None, ..failure }
    }
}

impl FailedSignIns {
    /// None so far.
    pub fn new(default: &Arc<Database>) -> FailedSignIns {
        let (default, state, writer) = (Arc::clone(default), Mutex::default(), Mutex::default());
        FailedSignIns(Arc::new(FailureBuffer { default, state, writer }))
    }

    /// Counts a failure. Of names, only those of accounts are kept: others may be passwords that
    /// were typed into the wrong field. It is written by another thread, so that the time of an
    /// answer does not tell whether there is an account.
    pub fn record(
        &self,
        action: AuditAction,
        account: Option<&AccountRow>,
        network: Option<IpAddr>,
    ) {
        let account = account.map(|row| (row.id, row.name.clone()));
        if !self.0.count(action, account, network) {
            return;
        }
        let buffer = Arc::clone(&self.0);
        let thread = thread::Builder::new().name("audit".to_owned());
        if let Err(error) = thread.spawn(move || buffer.write()) {
            tracing::warn!(%error, "no thread to write failed sign-ins");
        }
    }

    /// Writes what is not written yet.
    pub fn write(&self) {
        self.0.write();
    }
}

impl Drop for FailedSignIns {
    fn drop(&mut self) {
        self.write();
    }
}

impl FailureBuffer {
    /// Counts a failure; says whether it is time to write.
    fn count(
        &self,
        action: AuditAction,
        account: Option<(i64, String)>,
        network: Option<IpAddr>,
    ) -> bool {
        let now_ms = Timestamp::now().as_millisecond();
        let hour = now_ms / HOUR_MS;
        let mut state = lock(&self.state);
        let failure = state.counted_as(FailureKey { hour, action, account, network });
        let is_new = !state.counts.contains_key(&failure);
        let count = state.counts.entry(failure).or_insert(FailureCount {
            entry: None,
            since: now_ms,
            last_at: now_ms,
            unwritten: 0,
        });
        count.last_at = now_ms;
        count.unwritten = count.unwritten.saturating_add(1);
        let is_due = is_new || now_ms - state.written_at >= WRITE_EVERY_MS;
        if !is_due || state.is_scheduled {
            return false;
        }
        (state.written_at, state.is_scheduled) = (now_ms, true);
        true
    }

    fn write(&self) {
        let _writer = lock(&self.writer);
        let due: Vec<(FailureKey, FailureCount)> = {
            let mut state = lock(&self.state);
            state.is_scheduled = false;
            let unwritten = state.counts.iter().filter(|(_, count)| count.unwritten > 0);
            unwritten.map(|(failure, count)| (failure.clone(), count.clone())).collect()
        };
        if due.is_empty() {
            return;
        }
        let store = |connection: &mut Connection| {
            due.iter().map(|(failure, count)| store(connection, failure, count)).collect()
        };
        let entries: Vec<i64> = match self.default.write(&Context::default(), store) {
            Ok(entries) => entries,
            // They stay counted, and are written when that is possible again.
            Err(error) => return tracing::debug!(%error, "failed sign-ins are not written yet"),
        };
        let hour = Timestamp::now().as_millisecond() / HOUR_MS;
        let mut state = lock(&self.state);
        for ((failure, written), entry) in due.iter().zip(entries) {
            if let Some(count) = state.counts.get_mut(failure) {
                count.entry = Some(entry);
                count.unwritten -= written.unwritten;
            }
        }
        state.counts.retain(|failure, count| failure.hour == hour || count.unwritten > 0);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds to the entry of some failures, or makes one; returns its id.
fn store(
    connection: &mut Connection,
    failure: &FailureKey,
    count: &FailureCount,
) -> Result<i64, QueryError> {
    if let Some(entry) = count.entry
        && audit::count_more(connection, entry, count.unwritten, count.last_at)?
    {
        return Ok(entry);
    }
    let (account_id, account_name) = failure.account.clone().unzip();
    let entry = NewEntry {
        action: failure.action.to_string(),
        at: count.since,
        last_at: count.last_at,
        count: count.unwritten,
        network: failure.network.map(network_text),
        account_id,
        account_name,
        changes: "[]".to_owned(),
        ..NewEntry::default()
    };
    audit::insert(connection, &entry)
}

/// The audit trail, as one request uses it.
#[derive(Clone, Copy)]
pub struct Audit<'a> {
    default: RequestDatabase<'a>,
    failures: &'a FailedSignIns,
}

impl<'a> Audit<'a> {
    pub(in crate::store) fn new(
        default: RequestDatabase<'a>,
        failures: &'a FailedSignIns,
    ) -> Audit<'a> {
        Audit { default, failures }
    }

    /// A page of the audit trail, the newest first.
    pub fn list(&self, query: &AuditQuery) -> Result<AuditPage, StoreError> {
        self.failures.write();
        let action = query.action.map_or("", AuditAction::as_str);
        let account = query.account.map(|id| id.to_string()).unwrap_or_default();
        let scope = ListScope::of(&["audit", action, &account]);
        let below = cursor::start(scope, query.cursor.as_deref(), i64::MAX)?;
        let limit = query.limit.get();
        let filter = Filter { action: query.action, account: query.account };
        let list = |connection: &mut Connection| audit::list(connection, filter, below, limit + 1);
        let mut items = self.default.read_latest(list)?;
        let next_cursor = cursor::cut(&mut items, limit, scope, |entry| entry.id.get());
        Ok(Page::new(items, next_cursor))
    }

    /// Notes with which settings a server starts, where they differ from what was noted before.
    pub fn record_settings(&self, settings: &[(&str, String)]) -> Result<(), StoreError> {
        let filter = Filter { action: Some(AuditAction::SettingsChanged), account: None };
        let noted = self.default.write(|connection| {
            let mut known: HashMap<String, Option<String>> = HashMap::new();
            for entry in audit::list(connection, filter, i64::MAX, SETTINGS_ENTRIES)? {
                for change in entry.changes {
                    known.entry(change.field).or_insert(change.to);
                }
            }
            let differs = |(field, value): &&(&str, String)| {
                known.get(*field).and_then(Option::as_ref) != Some(value)
            };
            let to_change = |(field, value): &(&str, String)| {
                let from = known.get(*field).and_then(Option::as_deref);
                audit_change(field, from, Some(value))
            };
            let changes: Vec<_> = settings.iter().filter(differs).map(to_change).collect();
            if changes.is_empty() {
                return Ok(());
            }
            let action = AuditAction::SettingsChanged;
            record(connection, &Source::operator(), action, AuditTarget::Settings, &changes)
        });
        match noted {
            Err(DbError::ReadOnly { .. }) => Ok(()),
            noted => Ok(noted?),
        }
    }
}
