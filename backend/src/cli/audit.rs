//! The audit trail at the command line.

use std::num::NonZero;

use ostrakon_shared::{AuditAction, AuditChange, AuditEntry, AuditPage, Page, PageLimit};

use crate::cli::Failure;
use crate::cli::accounts::printable;
use crate::cli::commands::open;
use crate::cli::output::say;
use crate::cli::reports::print_json;
use crate::config::Config;
use crate::store::{AuditQuery, Store, StoreError};

pub fn audit(
    config: &Config,
    account: Option<&str>,
    action: Option<AuditAction>,
    limit: NonZero<usize>,
    json: bool,
) -> Result<(), Failure> {
    let store = open(config)?;
    let account = account.map(|name| store.accounts().named(name)).transpose()?;
    let account = account.map(|account| account.id);
    let query = AuditQuery { action, account, ..AuditQuery::default() };
    let trail = entries(&store, query, limit.get())?;
    if json {
        return print_json(&trail);
    }
    trail.items.iter().for_each(|entry| say!("{}", printable(&line(entry))));
    Ok(())
}

/// The newest entries, up to `limit`, from as many pages as they take.
fn entries(store: &Store, mut query: AuditQuery, limit: usize) -> Result<AuditPage, StoreError> {
    let mut items = Vec::new();
    loop {
        query.limit = PageLimit::nearest(limit - items.len());
        let page = store.audit().list(&query)?;
        items.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() || items.len() == limit {
            return Ok(Page::new(items, query.cursor));
        }
    }
}

/// The columns of an entry: time, action, object, actor, network and changes.
fn line(entry: &AuditEntry) -> String {
    let mut line = format!("{:.0}  {:<19}", entry.last_at, entry.action.as_str());
    let mut add = |text: String| line = format!("{line}  {text}");
    if let Some(account) = &entry.account {
        add(account.clone());
    }
    if let Some(product) = entry.product_id {
        add(format!("product {product}"));
    }
    if entry.count > 1 {
        add(format!("{} times", entry.count));
    }
    match (&entry.actor, entry.via) {
        (Some(actor), via) => {
            add(format!("by {actor} ({})", via.map_or("-", |via| via.as_str())));
        }
        (None, Some(via)) => add(format!("by {via}")),
        (None, None) => {}
    }
    if let Some(network) = &entry.network {
        add(format!("from {network}"));
    }
    entry.changes.iter().for_each(|change| add(in_words(change)));
    line
}

fn in_words(AuditChange { field, from, to }: &AuditChange) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    format!("{field}: {} -> {}", text(from), text(to))
}
