//! The pages to sign in and to create an account.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use ostrakon_shared::{Credentials, FieldError, MAX_NAME_CHARS, MAX_PASSWORD_CHARS, Session};

use crate::components::{FormEnd, TextField};
use crate::dom::title::set_title;
use crate::net::api;
use crate::net::http::{ResponseFuture, escape};
use crate::routing::url::page_query;
use crate::state::form_state::{FormState, missing};
use crate::state::session::{current_session, next_address};

/// The page to sign in.
#[component]
pub fn SignIn() -> impl IntoView {
    const FORM: Form = Form {
        heading: "Sign in",
        button: "Sign in",
        failure: "You were not signed in",
        password: "current-password",
        hints: ["", ""],
        other: ("/register", "New here?", "Create an account"),
        errors: |credentials| {
            let mut errors = Vec::new();
            if credentials.name.is_empty() {
                errors.push(missing("name", "Please enter your name."));
            }
            if credentials.password.is_empty() {
                errors.push(missing("password", "Please enter your password."));
            }
            errors
        },
        send: |credentials| Box::pin(async move { api::sign_in(&credentials).await }),
    };
    credentials_page(FORM)
}

/// The page to create an account.
#[component]
pub fn Register() -> impl IntoView {
    const FORM: Form = Form {
        heading: "Create an account",
        button: "Create account",
        failure: "Your account was not created",
        password: "new-password",
        hints: [
            "letters, digits, dots and dashes",
            "at least 10 characters; a sentence works well",
        ],
        other: ("/sign-in", "Already have an account?", "Sign in"),
        errors: Credentials::validate,
        send: |credentials| Box::pin(async move { api::register(&credentials).await }),
    };
    credentials_page(FORM)
}

/// The differences between the two pages.
struct Form {
    heading: &'static str,
    button: &'static str,
    failure: &'static str,
    /// The password's `autocomplete`.
    password: &'static str,
    hints: [&'static str; 2],
    /// The other page's address, the question and the link's text.
    other: (&'static str, &'static str, &'static str),
    errors: fn(&Credentials) -> Vec<FieldError>,
    send: fn(Credentials) -> ResponseFuture<Session>,
}

fn credentials_page(form: Form) -> AnyView {
    set_title(form.heading);
    let session = current_session();
    let navigate = use_navigate();
    let query = page_query();
    let next = Memo::new(move |_| next_address(query.read().get_str("next")));
    // Users who are signed in, already or just now, move on.
    Effect::new(move || {
        if session.account().is_some() {
            let options = NavigateOptions { replace: true, ..Default::default() };
            navigate(&next.read_untracked(), options);
        }
    });
    let name = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let state = FormState::new("sign-in");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let credentials =
            Credentials { name: name.get_untracked(), password: password.get_untracked() };
        let errors = (form.errors)(&credentials);
        let work = async move {
            let entered = (form.send)(credentials).await?;
            session.enter(entered);
            Ok(())
        };
        state.submit(errors, "", Box::pin(work));
    };
    let (href, question, answer) = form.other;
    let other = move || {
        let next = next.read();
        if *next == "/" { href.to_owned() } else { format!("{href}?next={}", escape(&next)) }
    };
    view! {
        <div class="narrow">
            <h1>{form.heading}</h1>
            <form class="form panel" aria-label=form.heading novalidate on:submit=submit>
                <TextField
                    id="sign-in-name"
                    label="Name"
                    hint=form.hints[0]
                    autocomplete="username"
                    required=true
                    text=name
                    max_chars=MAX_NAME_CHARS
                    error=state.error("name")
                />
                <TextField
                    id="sign-in-password"
                    label="Password"
                    kind="password"
                    hint=form.hints[1]
                    autocomplete=form.password
                    required=true
                    text=password
                    max_chars=MAX_PASSWORD_CHARS
                    error=state.error("password")
                />
                <FormEnd state button=form.button failure=form.failure />
            </form>
            <p>{question} " " <a href=other>{answer}</a></p>
        </div>
    }
    .into_any()
}
