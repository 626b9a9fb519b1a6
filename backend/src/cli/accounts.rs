//! Accounts at the command line.

use std::io::{self, IsTerminal};

use ostrakon_shared::{Account, AccountPage, Credentials};

use super::commands::open;
use super::reports::print_json;
use super::{AccountCommand, Failure};
use crate::config::Config;
use crate::store::{AccountQuery, Store};

pub fn account(config: &Config, command: AccountCommand) -> Result<(), Failure> {
    let store = open(config)?;
    match command {
        AccountCommand::Create { name, role } => {
            store.check_ids()?;
            let credentials = Credentials { name, password: new_password()? };
            let created = store.create_account(&credentials, role)?;
            println!("account: created {} ({role})", created.name);
        }
        AccountCommand::Password { name } => {
            store.require_account(&name)?;
            store.set_password(&name, &new_password()?)?;
            println!("account: {name} has a new password");
        }
        AccountCommand::Disable { name } => {
            println!("account: {} is disabled", store.set_disabled(&name, true)?.name);
        }
        AccountCommand::Enable { name } => {
            println!("account: {} is enabled", store.set_disabled(&name, false)?.name);
        }
        AccountCommand::List { form } => list(&store, form.json)?,
    }
    Ok(())
}

/// A password that nobody sees: asked for twice on a terminal, else a line of standard input.
fn new_password() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        let password = line.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            let problem = "no password: write it to standard input, as one line";
            return Err(Failure::Refused(problem.to_owned()));
        }
        return Ok(password.to_owned());
    }
    let password = rpassword::prompt_password("New password: ")?;
    if rpassword::prompt_password("Again: ")? != password {
        return Err(Failure::Refused("these are two different passwords".to_owned()));
    }
    Ok(password)
}

fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let mut query = AccountQuery::default();
    let mut items = Vec::new();
    loop {
        let page = store.accounts(&query)?;
        items.extend(page.items);
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => break,
        }
    }
    if json {
        return print_json(&AccountPage { items, next_cursor: None });
    }
    println!("{:>6}  {:<40} {:<10} {:<9} created", "id", "name", "role", "state");
    for Account { id, name, role, disabled, created_at } in items {
        let state = if disabled { "disabled" } else { "enabled" };
        println!("{id:>6}  {name:<40} {:<10} {state:<9} {created_at:.0}", role.as_str());
    }
    Ok(())
}
