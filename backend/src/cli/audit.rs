//! The audit trail at the command line.

use ostrakon_shared::{AuditAction, AuditChange, AuditEntry, PageLimit};

use crate::cli::Failure;
use crate::cli::accounts::printable;
use crate::cli::commands::open;
use crate::cli::reports::print_json;
use crate::config::Config;
use crate::store::AuditQuery;

pub fn audit(
    config: &Config,
    account: Option<&str>,
    action: Option<AuditAction>,
    limit: PageLimit,
    json: bool,
) -> Result<(), Failure> {
    let store = open(config)?;
    let account = account.map(|name| store.accounts().named(name)).transpose()?;
    let account = account.map(|account| account.id);
    let page = store.audit().list(&AuditQuery { action, account, limit, cursor: None })?;
    if json {
        return print_json(&page);
    }
    page.items.iter().for_each(|entry| println!("{}", printable(&line(entry))));
    Ok(())
}

/// When, what, about what, by whom, from where, and what was changed.
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
