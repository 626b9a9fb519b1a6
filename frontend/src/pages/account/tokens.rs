//! API tokens.

use leptos::ev::{MouseEvent, SubmitEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{
    AccountId, CreatedToken, DEFAULT_TOKEN_DAYS, MAX_TOKEN_NAME_CHARS, NewToken, Role, TokenInfo,
    TokenScope,
};

use crate::components::paginated_list::{List, PaginatedList};
use crate::components::{Ago, FieldGroup, FormEnd, TextField, failure_line};
use crate::dom::clipboard;
use crate::dom::document::focus_soon;
use crate::format::day;
use crate::net::api;
use crate::state::form_state::FormState;
use crate::state::loaded_pages::LoadedPages;
use crate::state::session::current_session;

/// The tokens of an account or of the user, with buttons to revoke them.
pub fn token_list(of: Option<AccountId>) -> PaginatedList<TokenInfo> {
    PaginatedList::new(move |_| {
        Box::pin(async move { api::tokens(of).await.map(|list| LoadedPages::from(list.items)) })
    })
}

/// The tokens with buttons to revoke them and, for the user's own, the form for a new one.
pub fn tokens_panel(of: Option<AccountId>, tokens: PaginatedList<TokenInfo>) -> AnyView {
    let revoking = FormState::button();
    let row = move |token: TokenInfo| {
        let id = token.id;
        let revoke = move |_| {
            let work = async move {
                api::revoke_token(of, id).await?;
                tokens.items.update(|items| items.retain(|token| token.id != id));
                Ok(())
            };
            revoking.start("The token has been revoked.", Box::pin(work));
        };
        token_row(token, Box::new(revoke))
    };
    view! {
        <section class="panel" aria-labelledby="tokens">
            <h2 id="tokens">"API tokens"</h2>
            <p class="muted small">
                {if of.is_none() { "For programs that act on your behalf" } else { "For programs" }}
                "; they send a token as " <span class="code">"Authorization: Bearer"</span> "."
            </p>
            {of.is_none().then(|| token_form(tokens))}
            {failure_line(revoking)}
            <p role="status" class="write-status">
                {move || revoking.done()}
            </p>
            <List
                list=tokens.state
                thing="token"
                empty=|| view! { <p class="muted">"There are no tokens."</p> }
            >
                <ul class="rows" role="list" aria-labelledby="tokens">
                    {tokens.rows(row)}
                </ul>
            </List>
        </section>
    }
    .into_any()
}

fn token_row(token: TokenInfo, revoke: Box<dyn FnMut(MouseEvent)>) -> AnyView {
    let end = match token.expires_at {
        Some(at) => format!("expires on {}", day(at)),
        None => "never expires".to_owned(),
    };
    let used = match token.last_used_at {
        Some(at) => view! { "last used "<Ago at /> }.into_any(),
        None => "not used yet".into_any(),
    };
    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope_label(*scope)).collect();
    view! {
        <li>
            <div class="row-text">
                <p>
                    <bdi>{token.name.clone()}</bdi>
                </p>
                <p class="muted small">{scopes.join(", ")}</p>
                <p class="muted small">
                    "Created "<Ago at=token.created_at />", "{used}", "{end}
                </p>
            </div>
            <button type="button" class="button button-small" on:click=revoke>
                "Revoke"
                <span class="visually-hidden">" "<bdi>{token.name}</bdi></span>
            </button>
        </li>
    }
    .into_any()
}

/// The label of a scope.
fn scope_label(scope: TokenScope) -> &'static str {
    match scope {
        TokenScope::Read => "Read your reviews",
        TokenScope::Write => "Write reviews",
        TokenScope::Moderate => "Moderate",
        TokenScope::Admin => "Administer",
        TokenScope::Unknown => "Other",
    }
}

const SECRET_ID: &str = "token-secret";

fn token_form(tokens: PaginatedList<TokenInfo>) -> AnyView {
    let role = current_session().account().map_or(Role::Member, |account| account.role);
    let name = RwSignal::new(String::new());
    let scopes = RwSignal::new(TokenScope::DEFAULT.to_vec());
    let days = RwSignal::new(DEFAULT_TOKEN_DAYS.to_string());
    let created = RwSignal::new(None::<CreatedToken>);
    let state = FormState::new("token");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let token = read_form(name.get_untracked(), scopes.get_untracked(), &days.read_untracked());
        let errors = token.validate(role);
        let work = async move {
            let new = api::create_token(&token).await?;
            tokens.items.update(|items| items.insert(0, new.token.clone()));
            created.set(Some(new));
            name.set(String::new());
            focus_soon(SECRET_ID.to_owned());
            Ok(())
        };
        state.submit(errors, "The token has been created.", Box::pin(work));
    };
    view! {
        <form class="form" aria-label="New API token" novalidate on:submit=submit>
            <TextField
                id="token-name"
                label="Name"
                hint="what the token is for"
                required=true
                text=name
                max_chars=MAX_TOKEN_NAME_CHARS
                error=state.error("name")
            />
            {scopes_field(scopes, role, state.error("scopes"))}
            <div class="field">
                <div class="field-head">
                    <label for="token-expires_in_days">"Expires"</label>
                </div>
                <select id="token-expires_in_days" bind:value=days>
                    {EXPIRIES
                        .iter()
                        .map(|(days, label)| view! { <option value=*days>{*label}</option> })
                        .collect_view()}
                </select>
            </div>
            <FormEnd state button="Create token" failure="The token was not created" />
        </form>
        {move || created.get().map(|created| secret(created.secret))}
    }
    .into_any()
}

/// The scopes that an account with this role can give.
fn scopes_field(
    scopes: RwSignal<Vec<TokenScope>>,
    role: Role,
    error: Signal<Option<String>>,
) -> AnyView {
    let choice = move |scope: TokenScope| {
        let toggle = move |_| {
            scopes.update(|scopes| match scopes.iter().position(|chosen| *chosen == scope) {
                Some(index) => _ = scopes.remove(index),
                None => scopes.push(scope),
            });
        };
        view! {
            <label class="choice">
                <input
                    type="checkbox"
                    prop:checked=move || scopes.read().contains(&scope)
                    on:change=toggle
                />
                {scope_label(scope)}
            </label>
        }
    };
    let for_role = TokenScope::ALL.iter().copied().filter(move |scope| scope.needs() <= role);
    view! {
        <FieldGroup id="token-scopes" label="Scopes" error>
            {for_role.map(choice).collect_view()}
        </FieldGroup>
    }
    .into_any()
}

/// The validity of a token in days, with its label.
const EXPIRIES: [(&str, &str); 5] = [
    ("7", "in 7 days"),
    ("30", "in 30 days"),
    ("90", "in 90 days"),
    ("366", "in a year"),
    (NEVER, "never"),
];
const NEVER: &str = "never";

/// The token that the form describes.
fn read_form(name: String, scopes: Vec<TokenScope>, days: &str) -> NewToken {
    NewToken { name, scopes, expires_in_days: days.parse().ok(), never_expires: days == NEVER }
}

/// The secret of a new token. It can't be shown again later.
fn secret(secret: String) -> AnyView {
    let copied = RwSignal::new(None);
    let text = secret.clone();
    let copy = move |_| {
        let copying = clipboard::copy(&text);
        spawn_local(async move {
            copied.set(Some(if copying.await {
                "Copied."
            } else {
                "Copying failed. Please copy it by hand."
            }));
        });
    };
    view! {
        <div class="notice" role="group" aria-label="The new token" id=SECRET_ID tabindex="-1">
            <p>
                <strong>"Copy it now: it will not be shown again."</strong>
                " Keep it like a password."
            </p>
            <p class="code secret">{secret}</p>
            <p class="write-end">
                <button type="button" class="button" on:click=copy>
                    "Copy"
                </button>
                <span role="status">{copied}</span>
            </p>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_expire_unless_never_is_chosen() {
        for (days, _) in EXPIRIES {
            let token = read_form("import".to_owned(), TokenScope::DEFAULT.to_vec(), days);
            assert_eq!(token.validate(Role::Member), []);
            assert_eq!(token.days(), days.parse().ok(), "{days}");
        }
    }
}
