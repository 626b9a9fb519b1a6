//! Asks for the password again before a sensitive change.

use futures::channel::oneshot;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{MAX_PASSWORD_CHARS, PasswordProof, ProblemCode};

use crate::components::{Dialog, FormEnd, TextField, close_dialog};
use crate::net::api;
use crate::net::http::on_proof_required;
use crate::state::form_state::{FormState, missing};

const ID: &str = "proof";

/// Requests that wait for the user's password.
type Waiting = StoredValue<Vec<oneshot::Sender<bool>>, LocalStorage>;

/// The dialog, which opens when the server requires the password. The refused requests are sent again
/// afterwards.
#[component]
pub fn PasswordPrompt() -> impl IntoView {
    let open = RwSignal::new(false);
    let waiting: Waiting = StoredValue::new_local(Vec::new());
    on_proof_required(move || {
        let (sender, answer) = oneshot::channel();
        waiting.update_value(|waiting| waiting.push(sender));
        open.set(true);
        Box::pin(async move { answer.await.unwrap_or(false) })
    });
    let answer = move |is_proved: bool| {
        for request in waiting.try_update_value(std::mem::take).unwrap_or_default() {
            // The user may have left the page.
            _ = request.send(is_proved);
        }
    };
    let content = move || proof_form(Callback::new(move |()| answer(true)));
    view! {
        <Dialog
            id=ID
            open
            heading="Confirm your password"
            content=content.into()
            on_close=Callback::new(move |()| answer(false))
        />
    }
}

fn proof_form(on_proved: Callback<()>) -> AnyView {
    let password = RwSignal::new(String::new());
    let state = FormState::new(ID).map_problem(
        ProblemCode::PasswordWrong,
        "password",
        "The password is incorrect.",
    );
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let proof = PasswordProof { password: password.get_untracked() };
        let mut errors = Vec::new();
        if proof.password.is_empty() {
            errors.push(missing("password", "Please enter your password."));
        }
        let work = async move {
            api::prove_password(&proof).await?;
            on_proved.run(());
            close_dialog(ID);
            Ok(())
        };
        state.submit(errors, "", Box::pin(work));
    };
    view! {
        <form class="form" aria-label="Your password" novalidate on:submit=submit>
            <p>"You entered it more than 15 minutes ago. Please enter it again to make this change."</p>
            <TextField
                id="proof-password"
                label="Password"
                kind="password"
                autocomplete="current-password"
                required=true
                text=password
                max_chars=MAX_PASSWORD_CHARS
                error=state.error("password")
            />
            <FormEnd state button="Continue" failure="Your password was not confirmed" />
        </form>
    }
    .into_any()
}
