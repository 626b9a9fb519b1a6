//! The account's API tokens.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{
    CreatedToken, FieldError, FieldErrorCode, MAX_TOKEN_DAYS, MAX_TOKEN_NAME_CHARS, NewToken,
    TokenInfo,
};
use wasm_bindgen_futures::JsFuture;

use crate::api;
use crate::attempt::Attempt;
use crate::components::{Ago, FormEnd, TextField, failure_line};
use crate::format::day;
use crate::listing::{List, Listing};
use crate::page::focus_soon;
use crate::paging::Pages;

/// The tokens, the way to revoke each, and the form for a new one.
pub fn tokens_panel() -> AnyView {
    let tokens = Listing::new(|_| {
        Box::pin(async { api::tokens().await.map(|list| Pages::from(list.items)) })
    });
    let revoking = Attempt::new();
    let row = move |token: TokenInfo| {
        let id = token.id;
        let revoke = move |_| {
            let work = async move {
                api::revoke_token(id).await?;
                tokens.items.update(|items| items.retain(|token| token.id != id));
                Ok(())
            };
            revoking.start("The token is revoked.", Box::pin(work));
        };
        let end = match token.expires_at {
            Some(at) => format!("ends on {}", day(at)),
            None => "never ends".to_owned(),
        };
        view! {
            <li>
                <div class="row-text">
                    <p>
                        <bdi>{token.name.clone()}</bdi>
                    </p>
                    <p class="muted small">"Created "<Ago at=token.created_at />", "{end}</p>
                </div>
                <button type="button" class="button button-small" on:click=revoke>
                    "Revoke"
                    <span class="visually-hidden">" "<bdi>{token.name}</bdi></span>
                </button>
            </li>
        }
        .into_any()
    };
    view! {
        <section class="panel" aria-labelledby="tokens">
            <h2 id="tokens">"API tokens"</h2>
            <p class="muted small">
                "For programs that act for you: they send one as "
                <span class="code">"Authorization: Bearer"</span> "."
            </p>
            {token_form(tokens)}
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

const SECRET_ID: &str = "token-secret";

fn token_form(tokens: Listing<TokenInfo>) -> AnyView {
    let name = RwSignal::new(String::new());
    let days = RwSignal::new("90".to_owned());
    let created = RwSignal::new(None::<CreatedToken>);
    let attempt = Attempt::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let (token, errors) = read_form(name.get_untracked(), &days.read_untracked());
        let work = async move {
            let new = api::create_token(&token).await?;
            tokens.items.update(|items| items.insert(0, new.token.clone()));
            created.set(Some(new));
            name.set(String::new());
            focus_soon(SECRET_ID.to_owned());
            Ok(())
        };
        attempt.submit("token", errors, "The token is created.", Box::pin(work));
    };
    view! {
        <form class="form" aria-label="New API token" novalidate on:submit=submit>
            <TextField
                id="token-name"
                label="What it is for"
                required=true
                text=name
                max_chars=MAX_TOKEN_NAME_CHARS
                error=attempt.error("name")
            />
            <TextField
                id="token-expires_in_days"
                label="Days until it ends"
                hint="empty: never"
                text=days
                max_chars=10
                error=attempt.error("expires_in_days")
            />
            <FormEnd attempt button="Create token" failure="The token is not created" />
        </form>
        {move || created.get().map(|created| secret(created.secret))}
    }
    .into_any()
}

/// What the form asks for, and what is wrong with it.
fn read_form(name: String, days: &str) -> (NewToken, Vec<FieldError>) {
    let days = days.trim();
    let expires_in_days = days.parse().ok();
    let token = NewToken { name, expires_in_days };
    let mut errors = token.errors();
    if !days.is_empty() && token.expires_in_days.is_none() {
        let detail = format!("This is a whole number from 1 to {MAX_TOKEN_DAYS}, or empty.");
        let code = FieldErrorCode::OutOfRange;
        errors.push(FieldError::at_field("expires_in_days", code, detail));
    }
    (token, errors)
}

/// The secret of a new token. Once the page is left, nobody can tell it.
fn secret(secret: String) -> AnyView {
    let copied = RwSignal::new(None);
    let text = secret.clone();
    let copy = move |_| {
        // Only where the browser has a clipboard for us: not without HTTPS, say.
        let clipboard = window().navigator().clipboard();
        let copying = js_sys::Reflect::has(&window().navigator(), &"clipboard".into())
            .unwrap_or_default()
            .then(|| clipboard.write_text(&text));
        spawn_local(async move {
            let done = match copying {
                Some(copying) => JsFuture::from(copying).await.is_ok(),
                None => false,
            };
            copied.set(Some(if done { "Copied." } else { "Please copy it by hand." }));
        });
    };
    view! {
        <div class="notice" role="group" aria-label="The new token" id=SECRET_ID tabindex="-1">
            <p>
                <strong>"This is shown only now."</strong>
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
    use super::read_form;

    #[test]
    fn days_are_a_number_or_none() {
        let read = |days| {
            let (token, errors) = read_form("import".to_owned(), days);
            (token.expires_in_days, errors.len())
        };
        assert_eq!(read(""), (None, 0));
        assert_eq!(read(" 90 "), (Some(90), 0));
        assert_eq!(read("soon"), (None, 1));
        assert_eq!(read("1.5"), (None, 1));
        assert_eq!(read("0"), (Some(0), 1));
        assert_eq!(read("367"), (Some(367), 1));
    }
}
