//! Signing in, and creating an account.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use ostrakon_shared::{
    Credentials, FieldError, FieldErrorCode, MAX_NAME_CHARS, MAX_PASSWORD_CHARS, Session,
};

use crate::components::{FormEnd, TextField};
use crate::dom::title::set_title;
use crate::net::api;
use crate::net::http::{Answer, escape};
use crate::routing::url::page_query;
use crate::state::session::{current_session, next_address};
use crate::state::submission::Submission;

/// The page to sign in.
#[component]
pub fn SignIn() -> impl IntoView {
    const FORM: Form = Form {
        heading: "Sign in",
        button: "Sign in",
        failure: "That did not work",
        password: "current-password",
        hints: ["", ""],
        other: ("/register", "New here?", "Create an account"),
        errors: |credentials| {
            let missing = |field, text: &str, detail: &str| {
                let code = FieldErrorCode::Blank;
                text.is_empty().then(|| FieldError::at_field(field, code, detail.to_owned()))
            };
            let name = missing("name", &credentials.name, "Please type your name.");
            let password = missing("password", &credentials.password, "Please type your password.");
            name.into_iter().chain(password).collect()
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
        button: "Create the account",
        failure: "The account is not created",
        password: "new-password",
        hints: ["letters, digits, dots and dashes", "10 characters or more; a sentence is fine"],
        other: ("/sign-in", "Have an account?", "Sign in"),
        errors: Credentials::errors,
        send: |credentials| Box::pin(async move { api::register(&credentials).await }),
    };
    credentials_page(FORM)
}

/// What the two pages differ in.
struct Form {
    heading: &'static str,
    button: &'static str,
    failure: &'static str,
    /// What browsers may fill in as the password.
    password: &'static str,
    hints: [&'static str; 2],
    /// Where the other page is, and how to ask.
    other: (&'static str, &'static str, &'static str),
    errors: fn(&Credentials) -> Vec<FieldError>,
    send: fn(Credentials) -> Answer<Session>,
}

fn credentials_page(form: Form) -> AnyView {
    set_title(form.heading);
    let session = current_session();
    let navigate = use_navigate();
    let query = page_query();
    let next = Memo::new(move |_| next_address(query.read().get_str("next")));
    // Whoever is signed in already, or has just done so, has nothing to do here.
    Effect::new(move || {
        if session.account().is_some() {
            let options = NavigateOptions { replace: true, ..Default::default() };
            navigate(&next.read_untracked(), options);
        }
    });
    let name = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let submission = Submission::new();
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
        submission.submit("sign-in", errors, "", Box::pin(work));
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
                    error=submission.error("name")
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
                    error=submission.error("password")
                />
                <FormEnd submission button=form.button failure=form.failure />
            </form>
            <p>{question} " " <a href=other>{answer}</a></p>
        </div>
    }
    .into_any()
}
