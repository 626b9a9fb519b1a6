//! The form to change the password.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{MAX_PASSWORD_CHARS, PasswordChange, ProblemCode};

use crate::components::{FormEnd, TextField};
use crate::net::api;
use crate::state::form_state::{FormState, missing};

pub fn password_panel(on_tokens_revoked: Callback<()>) -> AnyView {
    let current = RwSignal::new(String::new());
    let new = RwSignal::new(String::new());
    let revoke_tokens = RwSignal::new(false);
    let state = FormState::new("password").map_problem(
        ProblemCode::PasswordWrong,
        "current_password",
        "The password is incorrect.",
    );
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let change = PasswordChange {
            current_password: current.get_untracked(),
            new_password: new.get_untracked(),
            revoke_tokens: revoke_tokens.get_untracked(),
        };
        let mut errors = change.validate();
        if change.current_password.is_empty() {
            errors.push(missing("current_password", "Please enter your current password."));
        }
        let work = async move {
            api::change_password(&change).await?;
            current.set(String::new());
            new.set(String::new());
            if revoke_tokens.get_untracked() {
                on_tokens_revoked.run(());
            }
            Ok(())
        };
        let done = if revoke_tokens.get_untracked() {
            "Your password has been changed. All other sessions and all API tokens have ended."
        } else {
            "Your password has been changed. All other sessions have ended."
        };
        state.submit(errors, done, Box::pin(work));
    };
    view! {
        <section class="panel" aria-labelledby="password">
            <h2 id="password">"Password"</h2>
            <form class="form" aria-labelledby="password" novalidate on:submit=submit>
                {fields(current, new, revoke_tokens, state)}
                <FormEnd state button="Change password" failure="Your password was not changed" />
            </form>
        </section>
    }
    .into_any()
}

fn fields(
    current: RwSignal<String>,
    new: RwSignal<String>,
    revoke_tokens: RwSignal<bool>,
    state: FormState,
) -> AnyView {
    view! {
        <TextField
            id="password-current_password"
            label="Current password"
            kind="password"
            autocomplete="current-password"
            required=true
            text=current
            max_chars=MAX_PASSWORD_CHARS
            error=state.error("current_password")
        />
        <TextField
            id="password-new_password"
            label="New password"
            hint="at least 10 characters; a sentence works well"
            kind="password"
            autocomplete="new-password"
            required=true
            text=new
            max_chars=MAX_PASSWORD_CHARS
            error=state.error("new_password")
        />
        <label class="choice">
            <input type="checkbox" bind:checked=revoke_tokens />
            "Revoke all API tokens too"
        </label>
    }
    .into_any()
}
