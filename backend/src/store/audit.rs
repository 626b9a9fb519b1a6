//! The audit trail: who did what, when and from where.
//!
//! An entry is written in the transaction of its action. Failed sign-ins are counted in memory
//! instead, so that attackers can't fill the disk: attempts on one account from one network share
//! an entry per hour. Beyond [`MAX_KEYS`] of these, attempts on one account from all networks share
//! an entry, so that each account's trail shows attempts to guess its password.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use jiff::Timestamp;
use ostrakon_shared::{
    Account, AccountId, AuditAction, AuditChange, AuditPage, AuditVia, Page, PageLimit, ProductId,
};

use crate::db::accounts::AccountRow;
use crate::db::audit::{self, Filter, NewEntry};
use crate::db::{Connection, Context, Database, DbError, QueryError, RequestDatabase};
use crate::store::actor::Actor;
use crate::store::error::StoreError;
use crate::store::routing::cursor::{self, ListScope};

/// The maximum number of entries per hour and process for pairs of account and network.
const MAX_KEYS: usize = 250;
/// The maximum number of further entries per account; beyond it, all failures share one.
const MAX_ACCOUNTS: usize = 10_000;
/// How often repeated failures are written, in milliseconds. The first is written at once.
const WRITE_EVERY_MS: i64 = 10_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;
/// The maximum number of entries searched for the last recorded settings.
const SETTINGS_ENTRIES: usize = 1_000;
/// The stored length of a changed value.
const MAX_VALUE_CHARS: usize = 200;

/// The source of an action: the account, how it was authenticated, and the network.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The account; None for an operator or guest.
    pub actor: Option<Actor>,
    /// How it was authenticated; None for a guest.
    pub via: Option<AuditVia>,
    /// The network: an IPv4 address, or an IPv6 address whose last 64 bits are zero.
    pub network: Option<IpAddr>,
}

impl Source {
    /// An account in one of its sessions.
    pub(in crate::store) fn session_of(
        account: &AccountRow,
        network: Option<IpAddr>,
    ) -> Result<Source, QueryError> {
        let actor = Account::try_from(account.clone())?.into();
        Ok(Source { actor: Some(actor), via: Some(AuditVia::Session), network })
    }

    /// An operator at the command line.
    pub fn operator() -> Source {
        Source { actor: None, via: Some(AuditVia::Operator), network: None }
    }
}

/// The parameters of a page of the audit trail.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only entries with this action.
    pub action: Option<AuditAction>,
    /// Only entries by or about this account.
    pub account: Option<AccountId>,
    /// The maximum number of entries.
    pub limit: PageLimit,
    /// The start of the page.
    pub cursor: Option<String>,
}

/// The object of an entry.
#[derive(Clone, Copy)]
pub(in crate::store) enum AuditTarget<'a> {
    Account(&'a AccountRow),
    Product(ProductId),
    /// Its settings or databases.
    Service,
}

/// Writes an entry in the transaction of its action.
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
        AuditTarget::Service => (None, None),
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

/// A change of a value, shortened for an entry.
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

/// The failures that share an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FailureKey {
    /// The hour since the Unix epoch.
    hour: i64,
    action: AuditAction,
    account: Option<(i64, String)>,
    network: Option<IpAddr>,
}

/// The number of failures, and their entry.
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
    /// Held while writing.
    writer: Mutex<()>,
}

#[derive(Default)]
struct State {
    counts: HashMap<FailureKey, FailureCount>,
    written_at: i64,
    /// Whether a thread is going to write.
    is_scheduled: bool,
}

impl State {
    /// The key under which a failure is counted: without the network or account beyond the limits.
    fn counted_as(&mut self, failure: FailureKey) -> FailureKey {
        if self.counts.contains_key(&failure) {
            return failure;
        }
        // Drops counts that could not be written for hours.
        if self.counts.len() > 4 * (MAX_KEYS + MAX_ACCOUNTS) {
            self.counts.retain(|other, _| other.hour == failure.hour);
        }
        let hour = failure.hour;
        let keys = |with_network: bool| {
            let is_counted =
                |it: &&FailureKey| it.hour == hour && it.network.is_some() == with_network;
            self.counts.keys().filter(is_counted).count()
        };
        if failure.network.is_some() && keys(true) < MAX_KEYS {
            return failure;
        }
        let failure = FailureKey { network: None, ..failure };
        if keys(false) < MAX_ACCOUNTS || self.counts.contains_key(&failure) {
            return failure;
        }
        FailureKey { account: None, ..failure }
    }
}

impl FailedSignIns {
    pub fn new(default: &Arc<Database>) -> FailedSignIns {
        let (default, state, writer) = (Arc::clone(default), Mutex::default(), Mutex::default());
        FailedSignIns(Arc::new(FailureBuffer { default, state, writer }))
    }

    /// Counts a failure. Only names of accounts are stored: others may be passwords typed into the
    /// wrong field. Another thread writes it, so that the response time does not reveal whether an
    /// account exists.
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
            tracing::warn!(%error, "the thread that writes failed sign-ins can't be started");
        }
    }

    /// Writes all unwritten counts.
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
    /// Counts a failure; returns whether it is time to write.
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
            // The counts stay, and the next attempt writes them.
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

/// Adds to the entry of a key, or creates it; returns its id.
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

/// The audit trail, for one request.
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

    /// A page of the audit trail, the newest entry first.
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

    /// Records the settings of a starting server that differ from the last recorded ones.
    pub fn record_settings(&self, settings: &[(&str, String)]) -> Result<(), StoreError> {
        let filter = Filter { action: Some(AuditAction::SettingsChanged), account: None };
        let recorded = self.default.write(|connection| {
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
            record(connection, &Source::operator(), action, AuditTarget::Service, &changes)
        });
        match recorded {
            Err(DbError::ReadOnly { .. }) => Ok(()),
            recorded => Ok(recorded?),
        }
    }
}
