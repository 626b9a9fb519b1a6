//! Something that somebody tries to do: a form that is sent, a button that is pressed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{FieldError, ProblemCode};

use crate::http::{Answer, ApiError};
use crate::page::focus_soon;

/// How far it has come.
#[derive(Clone, Copy)]
pub struct Attempt {
    pending: RwSignal<bool>,
    errors: RwSignal<Vec<FieldError>>,
    failure: RwSignal<Option<ApiError>>,
    done: RwSignal<Option<&'static str>>,
}

impl Attempt {
    /// Nothing has been tried so far.
    pub fn new() -> Attempt {
        Attempt {
            pending: RwSignal::new(false),
            errors: RwSignal::new(Vec::new()),
            failure: RwSignal::new(None),
            done: RwSignal::new(None),
        }
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
                Err(error) => {
                    self.errors.set(error.field_errors().to_vec());
                    self.failure.set(Some(error));
                }
            }
        });
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
        if let Some(pointer) = errors.first().and_then(|error| error.pointer.as_deref()) {
            focus_soon(format!("{prefix}-{}", pointer.trim_start_matches('/')));
            self.forget();
            self.errors.set(errors);
        } else {
            self.start(done, work);
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

    /// What is wrong with the field of this name.
    pub fn error(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            let is_of = |error: &&FieldError| {
                error.pointer.as_deref().and_then(|at| at.strip_prefix('/')) == Some(field)
            };
            self.errors.read().iter().find(is_of).map(|error| error.detail.clone())
        })
    }

    /// Why it failed, as far as no field is to blame.
    pub fn failure(self) -> Option<String> {
        let failure = self.failure.read();
        failure.as_ref().filter(|_| self.errors.read().is_empty()).map(ToString::to_string)
    }
}
