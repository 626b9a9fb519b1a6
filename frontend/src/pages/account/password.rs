//! The password.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{
    FieldError, FieldErrorCode, MAX_PASSWORD_CHARS, PasswordChange, ProblemCode,
};

use crate::components::{FormEnd, TextField};
use crate::net::api;
use crate::state::submission::Submission;

/// The form to change it.
pub fn password_panel(on_tokens_revoked: Callback<()>) -> AnyView {
    let current = RwSignal::new(String::new());
    let new = RwSignal::new(String::new());
    let revoke_tokens = RwSignal::new(false);
    let submission = Submission::new().map_problem(
        ProblemCode::PasswordWrong,
        "current_password",
        "This is not your password.",
    );
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let change = PasswordChange {
            current_password: current.get_untracked(),
            new_password: new.get_untracked(),
            revoke_tokens: revoke_tokens.get_untracked(),
        };
        let missing = change.current_password.is_empty().then(|| {
            let detail = "Please type your current password.".to_owned();
            FieldError::at_field("current_password", FieldErrorCode::Blank, detail)
        });
        let errors = missing.into_iter().chain(change.errors()).collect();
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
            "Your password is changed. All other sessions and all API tokens have ended."
        } else {
            "Your password is changed. All other sessions have ended."
        };
        submission.submit("password", errors, done, Box::pin(work));
    };
    view! {
        <section class="panel" aria-labelledby="password">
            <h2 id="password">"Password"</h2>
            <form class="form" aria-labelledby="password" novalidate on:submit=submit>
                <TextField
                    id="password-current_password"
                    label="Current password"
                    kind="password"
                    autocomplete="current-password"
                    required=true
                    text=current
                    max_chars=MAX_PASSWORD_CHARS
                    error=submission.error("current_password")
                />
                <TextField
                    id="password-new_password"
                    label="New password"
                    hint="10 characters or more; a sentence is fine"
                    kind="password"
                    autocomplete="new-password"
                    required=true
                    text=new
                    max_chars=MAX_PASSWORD_CHARS
                    error=submission.error("new_password")
                />
                <label class="choice">
                    <input type="checkbox" bind:checked=revoke_tokens />
                    "Revoke all API tokens too"
                </label>
                <FormEnd submission button="Change password" failure="Your password is not changed" />
            </form>
        </section>
    }
    .into_any()
}
