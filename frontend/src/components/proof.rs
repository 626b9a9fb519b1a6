//! The question for the password, before the server does what an open browser alone is no proof for.

use futures::channel::oneshot;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{FieldError, FieldErrorCode, MAX_PASSWORD_CHARS, PasswordProof, ProblemCode};

use crate::components::{Dialog, FormEnd, TextField, close_dialog};
use crate::net::api;
use crate::net::http::on_proof_required;
use crate::state::submission::Submission;

const ID: &str = "proof";

/// Requests that wait for the answer.
type Waiting = StoredValue<Vec<oneshot::Sender<bool>>, LocalStorage>;

/// The dialog, which opens when the server wants a proof. Requests that were refused for the lack of
/// it are sent again after it.
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
            // Its page may have been left.
            _ = request.send(is_proved);
        }
    };
    let content = move || proof_form(Callback::new(move |()| answer(true)));
    view! {
        <Dialog
            id=ID
            open
            heading="Your password, please"
            content=content.into()
            on_close=Callback::new(move |()| answer(false))
        />
    }
}

fn proof_form(on_proved: Callback<()>) -> AnyView {
    let password = RwSignal::new(String::new());
    let submission = Submission::new().map_problem(
        ProblemCode::PasswordWrong,
        "password",
        "This is not your password.",
    );
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let proof = PasswordProof { password: password.get_untracked() };
        let missing = proof.password.is_empty().then(|| {
            let detail = "Please type your password.".to_owned();
            FieldError::at_field("password", FieldErrorCode::Blank, detail)
        });
        let work = async move {
            api::prove_password(&proof).await?;
            on_proved.run(());
            close_dialog(ID);
            Ok(())
        };
        submission.submit(ID, missing.into_iter().collect(), "", Box::pin(work));
    };
    view! {
        <form class="form" aria-label="Your password" novalidate on:submit=submit>
            <p>"You typed it more than 15 minutes ago. This change asks for it again."</p>
            <TextField
                id="proof-password"
                label="Password"
                kind="password"
                autocomplete="current-password"
                required=true
                text=password
                max_chars=MAX_PASSWORD_CHARS
                error=submission.error("password")
            />
            <FormEnd submission button="Continue" failure="That did not work" />
        </form>
    }
    .into_any()
}
