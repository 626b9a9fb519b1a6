//! Accounts at the command line.

use std::io::{self, IsTerminal};

use jiff::Timestamp;
use ostrakon_shared::format::counted;
use ostrakon_shared::{
    Account, AccountId, CredentialId, Credentials, Page, SessionInfo, TokenInfo,
};

use crate::cli::commands::open;
use crate::cli::output::say;
use crate::cli::reports::print_json;
use crate::cli::{AccountCommand, Failure};
use crate::config::Config;
use crate::store::{AccountQuery, Accounts, EndedCredentials, Source};

pub fn account(config: &Config, command: AccountCommand) -> Result<(), Failure> {
    let store = open(config)?;
    let accounts = store.accounts();
    match command {
        AccountCommand::Create { name, role } => {
            store.cluster().check_ids()?;
            let credentials = Credentials { name, password: new_password()? };
            let created = accounts.create(&credentials, role)?;
            say!("account: created {} ({role})", created.name);
        }
        AccountCommand::Password { name } => {
            accounts.named(&name)?;
            let ended = accounts.reset_password(&name, &new_password()?)?;
            say!("account: {name} has a new password; {} ended", in_words(ended));
        }
        AccountCommand::Disable { name } => {
            say!("account: {} is disabled", accounts.set_disabled(&name, true)?.name);
        }
        AccountCommand::Enable { name } => {
            say!("account: {} is enabled", accounts.set_disabled(&name, false)?.name);
        }
        AccountCommand::Sessions { name, form } => {
            let list = accounts.sessions_of(accounts.named(&name)?.id)?;
            if form.json { print_json(&list)? } else { print_sessions(list.items) }
        }
        AccountCommand::Tokens { name, form } => {
            let list = accounts.tokens_of(accounts.named(&name)?.id)?;
            if form.json { print_json(&list)? } else { print_tokens(list.items) }
        }
        AccountCommand::Revoke { name, session, token } => {
            let account = accounts.named(&name)?;
            let ended = revoke(accounts, account.id, session, token)?;
            say!("account: {} of {} ended", in_words(ended), account.name);
        }
        AccountCommand::List { form } => list(accounts, form.json)?,
    }
    Ok(())
}

fn in_words(EndedCredentials { sessions, tokens }: EndedCredentials) -> String {
    format!("{} and {}", counted(sessions as u64, "session"), counted(tokens as u64, "API token"))
}

/// Ends one session or token, or all of them if none is named.
fn revoke(
    accounts: Accounts<'_>,
    account: AccountId,
    session: Option<CredentialId>,
    token: Option<CredentialId>,
) -> Result<EndedCredentials, Failure> {
    let operator = Source::operator();
    if session.is_none() && token.is_none() {
        return Ok(accounts.revoke_all(&operator, account)?);
    }
    session.map_or(Ok(()), |id| accounts.end_session(&operator, account, id))?;
    token.map_or(Ok(()), |id| accounts.revoke_token(&operator, account, id))?;
    let count = |id: Option<CredentialId>| usize::from(id.is_some());
    Ok(EndedCredentials { sessions: count(session), tokens: count(token) })
}

fn print_sessions(sessions: Vec<SessionInfo>) {
    say!("{:>6}  {:<20}  {:<20}  {:<20}  browser", "id", "began", "last used", "ends");
    for session in sessions {
        let SessionInfo { id, created_at, last_used_at, expires_at, user_agent, .. } = session;
        let used = last_used_at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}"));
        let browser = printable(user_agent.as_deref().unwrap_or("-"));
        say!("{id:>6}  {created_at:<20.0}  {used:<20}  {expires_at:<20.0}  {browser}");
    }
}

fn print_tokens(tokens: Vec<TokenInfo>) {
    say!("{:>6}  {:<20}  {:<20}  {:<20}  scopes: name", "id", "created", "last used", "expires");
    for TokenInfo { id, name, scopes, created_at, last_used_at, expires_at } in tokens {
        let moment =
            |at: Option<Timestamp>| at.map_or_else(|| "never".into(), |at| format!("{at:.0}"));
        let (used, end) = (moment(last_used_at), moment(expires_at));
        let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
        let (scopes, name) = (scopes.join(" "), printable(&name));
        say!("{id:>6}  {created_at:<20.0}  {used:<20}  {end:<20}  {scopes}: {name}");
    }
}

/// A text from a client, without the control characters that a terminal would execute.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A new password, without echo: on a terminal it is asked for twice, otherwise it is a line of
/// standard input.
fn new_password() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        let password = line.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            let problem = "no password: pass it on standard input, as one line";
            return Err(Failure::Refused(problem.to_owned()));
        }
        return Ok(password.to_owned());
    }
    let password = rpassword::prompt_password("New password: ")?;
    if rpassword::prompt_password("Again: ")? != password {
        return Err(Failure::Refused("the passwords do not match".to_owned()));
    }
    Ok(password)
}

fn list(accounts: Accounts<'_>, json: bool) -> Result<(), Failure> {
    let mut query = AccountQuery::default();
    let mut items = Vec::new();
    loop {
        let page = accounts.list(&query)?;
        items.extend(page.items);
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => break,
        }
    }
    if json {
        return print_json(&Page::new(items, None));
    }
    say!("{:>6}  {:<40} {:<10} {:<9} created", "id", "name", "role", "state");
    for Account { id, name, role, disabled, created_at } in items {
        let state = if disabled { "disabled" } else { "enabled" };
        say!("{id:>6}  {name:<40} {:<10} {state:<9} {created_at:.0}", role.as_str());
    }
    Ok(())
}
