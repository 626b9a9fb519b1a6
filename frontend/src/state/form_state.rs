//! The state of a form, or of a button that calls the API: idle, sending, failed or done.

use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{FieldError, FieldErrorCode, ProblemCode};

use crate::dom::document::{focus_first_invalid, focus_soon};
use crate::net::http::{ApiError, ResponseFuture};
use crate::state::success;

/// A form's state, with the errors beside its fields.
#[derive(Clone, Copy)]
pub struct FormState {
    step: RwSignal<Step>,
    errors: RwSignal<Vec<FieldError>>,
    form: StoredValue<Form>,
}

#[derive(Clone)]
enum Step {
    Idle,
    Sending,
    /// The form's own check failed, or the server refused.
    Failed {
        code: Option<ProblemCode>,
        /// The part of the explanation that is not shown beside a field.
        notice: Option<String>,
    },
    Done(&'static str),
}

/// What the state knows of its form.
struct Form {
    /// The first part of the fields' element ids; empty for a button.
    prefix: String,
    /// The fields that show errors.
    fields: Vec<&'static str>,
    /// Problems to be shown beside a field that the server does not name.
    mapped: Vec<(ProblemCode, &'static str, &'static str)>,
}

impl FormState {
    /// The state of a form. The element ids of its fields are `prefix`, a dash and the field's name.
    pub fn new(prefix: impl Into<String>) -> FormState {
        let form = Form { prefix: prefix.into(), fields: Vec::new(), mapped: Vec::new() };
        FormState {
            step: RwSignal::new(Step::Idle),
            errors: RwSignal::new(Vec::new()),
            form: StoredValue::new(form),
        }
    }

    /// The state of a button without fields.
    pub fn button() -> FormState {
        FormState::new("")
    }

    /// Shows this problem as `text` beside a field.
    pub fn map_problem(
        self,
        problem: ProblemCode,
        field: &'static str,
        text: &'static str,
    ) -> FormState {
        self.form.update_value(|form| form.mapped.push((problem, field, text)));
        self
    }

    /// Sends the form if it has no errors, and otherwise shows them. `done` is the message of success.
    pub fn submit(self, errors: Vec<FieldError>, done: &'static str, request: ResponseFuture<()>) {
        if errors.is_empty() {
            self.start(done, request);
        } else {
            self.refuse(errors);
        }
    }

    /// Shows errors that the form itself has found.
    pub fn refuse(self, errors: Vec<FieldError>) {
        if !untrack(|| self.pending()) {
            self.fail(None, errors);
        }
    }

    /// Sends the request, unless one is under way. `done` is the message of success.
    pub fn start(self, done: &'static str, request: ResponseFuture<()>) {
        if untrack(|| self.pending()) {
            return;
        }
        success::clear();
        self.errors.set(Vec::new());
        self.step.set(Step::Sending);
        spawn_local(async move {
            let result = request.await;
            if self.step.is_disposed() {
                // The user has left the page.
                return;
            }
            match result {
                Ok(()) => {
                    self.step.set(Step::Done(done));
                    success::shown(move || self.take_away(done));
                }
                Err(error) => {
                    let errors = self.errors_of(&error);
                    self.fail(Some(error), errors);
                }
            }
        });
    }

    /// Takes the message of success away, if it is still shown.
    fn take_away(self, said: &'static str) {
        let step = self.step.try_get_untracked();
        if matches!(step, Some(Step::Done(message)) if message == said) {
            self.step.set(Step::Idle);
        }
    }

    /// The errors that the server names, or the one that a problem stands for.
    fn errors_of(self, error: &ApiError) -> Vec<FieldError> {
        let code = error.code();
        let mapped = self
            .form
            .with_value(|form| form.mapped.iter().find(|mapped| Some(mapped.0) == code).copied());
        match mapped {
            Some((_, field, text)) => {
                vec![FieldError::at_field(field, FieldErrorCode::InvalidValue, text.to_owned())]
            }
            None => error.field_errors().to_vec(),
        }
    }

    /// Shows what is wrong. The first invalid field gets the focus, else the notice.
    fn fail(self, error: Option<ApiError>, errors: Vec<FieldError>) {
        let notice = match &error {
            Some(error) if errors.is_empty() => Some(error.to_string()),
            _ => self.text_of_others(&errors),
        };
        let prefix = self.form.with_value(|form| form.prefix.clone());
        if errors.iter().any(|error| self.field_of(error).is_some()) {
            focus_first_invalid(prefix);
        } else if !prefix.is_empty() {
            focus_soon(notice_id(&prefix));
        }
        self.errors.set(errors);
        self.step.set(Step::Failed { code: error.and_then(|error| error.code()), notice });
    }

    /// The errors that belong to no field of the form, as one text.
    fn text_of_others(self, errors: &[FieldError]) -> Option<String> {
        let mut texts = Vec::new();
        for error in errors {
            if self.field_of(error).is_none() {
                texts.push(error.detail.as_str());
            }
        }
        if texts.is_empty() { None } else { Some(texts.join(" ")) }
    }

    /// Updates the errors of a failed form while the user corrects it. `errors` are those of its
    /// present content; the server's errors stay as long as their field is unchanged.
    pub fn recheck(self, mut errors: Vec<FieldError>, is_changed: impl Fn(&str) -> bool) {
        if !untrack(|| self.failed()) {
            return;
        }
        for old in self.errors.get_untracked() {
            let Some(field) = self.field_of(&old) else { continue };
            let is_known = errors.iter().any(|error| self.field_of(error) == Some(field));
            if !is_known && !is_changed(field) {
                errors.push(old);
            }
        }
        self.errors.set(errors);
    }

    /// Forgets the last attempt.
    pub fn reset(self) {
        self.errors.set(Vec::new());
        self.step.set(Step::Idle);
    }

    /// Whether a request is under way.
    pub fn pending(self) -> bool {
        matches!(*self.step.read(), Step::Sending)
    }

    /// Whether the last attempt failed.
    pub fn failed(self) -> bool {
        matches!(*self.step.read(), Step::Failed { .. })
    }

    /// The message of success.
    pub fn done(self) -> Option<&'static str> {
        match *self.step.read() {
            Step::Done(message) => Some(message),
            _ => None,
        }
    }

    /// The server's problem.
    pub fn problem(self) -> Option<ProblemCode> {
        match *self.step.read() {
            Step::Failed { code, .. } => code,
            _ => None,
        }
    }

    /// Why it failed, unless fields show the reason.
    pub fn notice(self) -> Option<String> {
        match &*self.step.read() {
            Step::Failed { notice, .. } => notice.clone(),
            _ => None,
        }
    }

    /// The element id of the notice.
    pub fn notice_id(self) -> String {
        self.form.with_value(|form| notice_id(&form.prefix))
    }

    /// The error to be shown beside the field of this name.
    pub fn error(self, field: &'static str) -> Signal<Option<String>> {
        self.form.update_value(|form| form.fields.push(field));
        Signal::derive(move || {
            let errors = self.errors.read();
            let error = errors.iter().find(|error| self.field_of(error) == Some(field));
            error.map(|error| error.detail.clone())
        })
    }

    /// The field that shows an error: the one with which its JSON pointer begins.
    fn field_of(self, error: &FieldError) -> Option<&'static str> {
        let name = error.pointer.as_deref()?.split('/').nth(1)?;
        self.form.with_value(|form| form.fields.iter().copied().find(|field| *field == name))
    }
}

/// The error of a field that is required, but empty.
pub fn missing(field: &str, detail: &str) -> FieldError {
    FieldError::at_field(field, FieldErrorCode::Blank, detail.to_owned())
}

fn notice_id(prefix: &str) -> String {
    format!("{prefix}-notice")
}
