//! Something that somebody tries to do: a form that is sent, a button that is pressed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{FieldError, FieldErrorCode, ProblemCode};

use crate::dom::document::focus_first_invalid;
use crate::net::http::{Answer, ApiError};

/// How far it has come.
#[derive(Clone, Copy)]
pub struct Submission {
    pending: RwSignal<bool>,
    errors: RwSignal<Vec<FieldError>>,
    failure: RwSignal<Option<ApiError>>,
    done: RwSignal<Option<&'static str>>,
    form: StoredValue<Form>,
}

/// What is known of the form that is sent.
#[derive(Default)]
struct Form {
    /// What the ids of its fields begin with; empty for a button.
    prefix: String,
    /// The fields beside which errors are shown.
    fields: Vec<&'static str>,
    /// Problems that are about one field, though the server does not name it.
    mapped: Vec<(ProblemCode, &'static str, &'static str)>,
}

impl Submission {
    /// Nothing has been tried so far.
    pub fn new() -> Submission {
        Submission {
            pending: RwSignal::new(false),
            errors: RwSignal::new(Vec::new()),
            failure: RwSignal::new(None),
            done: RwSignal::new(None),
            form: StoredValue::new(Form::default()),
        }
    }

    /// Shows this problem as `text` beside a field.
    pub fn map_problem(
        self,
        problem: ProblemCode,
        field: &'static str,
        text: &'static str,
    ) -> Submission {
        self.form.update_value(|form| form.mapped.push((problem, field, text)));
        self
    }

    /// Tries it, unless that is under way. `done` is said when it worked.
    pub fn start(self, done: &'static str, work: Answer<()>) {
        if self.pending.get_untracked() {
            return;
        }
        self.forget();
        self.pending.set(true);
        spawn_local(async move {
            let result = work.await;
            // The page may be gone by now.
            if self.pending.try_set(false).is_some() {
                return;
            }
            match result {
                Ok(()) => self.done.set(Some(done)),
                Err(error) => self.refuse(error),
            }
        });
    }

    fn refuse(self, error: ApiError) {
        let mapped = self.form.with_value(|form| {
            let of = |(problem, ..): &&(ProblemCode, _, _)| Some(*problem) == error.code();
            form.mapped.iter().find(of).map(|(_, field, text)| {
                FieldError::at_field(field, FieldErrorCode::InvalidValue, (*text).to_owned())
            })
        });
        let errors = mapped.map_or_else(|| error.field_errors().to_vec(), |error| vec![error]);
        self.show(errors);
        self.failure.set(Some(error));
    }

    /// Shows what is wrong, and gives the focus to the first wrong field.
    fn show(self, errors: Vec<FieldError>) {
        let prefix = self.form.with_value(|form| form.prefix.clone());
        if !prefix.is_empty() && errors.iter().any(|error| self.field_of(error).is_some()) {
            focus_first_invalid(prefix);
        }
        self.errors.set(errors);
    }

    /// The same for a form, which is sent only without errors. `prefix` is what the ids of its
    /// fields begin with.
    pub fn submit(
        self,
        prefix: &str,
        errors: Vec<FieldError>,
        done: &'static str,
        work: Answer<()>,
    ) {
        self.form.update_value(|form| prefix.clone_into(&mut form.prefix));
        if errors.is_empty() {
            self.start(done, work);
        } else {
            self.forget();
            self.show(errors);
        }
    }

    /// As if nothing had been tried.
    pub fn forget(self) {
        self.errors.set(Vec::new());
        self.failure.set(None);
        self.done.set(None);
    }

    /// Whether it is under way.
    pub fn pending(self) -> bool {
        self.pending.get()
    }

    /// What is to be said because it worked.
    pub fn done(self) -> Option<&'static str> {
        self.done.get()
    }

    /// The kind of problem that stood in the way.
    pub fn problem(self) -> Option<ProblemCode> {
        self.failure.read().as_ref().and_then(ApiError::code)
    }

    /// What is wrong with the field of this name, to be shown beside it.
    pub fn error(self, field: &'static str) -> Signal<Option<String>> {
        self.form.update_value(|form| form.fields.push(field));
        Signal::derive(move || {
            let errors = self.errors.read();
            let error = errors.iter().find(|error| self.field_of(error) == Some(field));
            error.map(|error| error.detail.clone())
        })
    }

    /// The field beside which an error is shown: the one that its JSON pointer begins with.
    fn field_of(self, error: &FieldError) -> Option<&'static str> {
        let name = error.pointer.as_deref()?.split('/').nth(1)?;
        self.form.with_value(|form| form.fields.iter().copied().find(|field| *field == name))
    }

    /// Why it failed, as far as that is not shown beside a field.
    pub fn failure(self) -> Option<String> {
        let errors = self.errors.read();
        if errors.is_empty() {
            return self.failure.read().as_ref().map(ToString::to_string);
        }
        let others = errors.iter().filter(|error| self.field_of(error).is_none());
        let texts: Vec<_> = others.map(|error| error.detail.as_str()).collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    }
}
