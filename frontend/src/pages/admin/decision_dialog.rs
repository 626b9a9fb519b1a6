//! Decisions about one or several reviews, for the queue, the table and the drawer.

use std::collections::BTreeMap;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{
    Decision, DecisionReason, DecisionResult, MAX_DECISIONS, MAX_NOTE_CHARS, NewDecisions,
    ReviewVersion, UndoDecisions,
};

use crate::components::{Dialog, FormEnd, TextField, close_dialog, failure_line, optional};
use crate::dom::document::focus_soon;
use crate::format::{counted, grouped};
use crate::net::api;
use crate::pages::admin::review_history::decision_reason;
use crate::state::form_state::{FormState, missing};

const ID: &str = "decide";
const SAID_ID: &str = "decided";

/// The current and the last decision on a page.
#[derive(Clone, Copy)]
pub struct Decisions {
    open: RwSignal<bool>,
    question: RwSignal<(Decision, Vec<ReviewVersion>)>,
    last: RwSignal<Option<Decided>>,
    /// Why the last decision about a review failed, by its number.
    conflicts: RwSignal<BTreeMap<i64, String>>,
    count: RwSignal<usize>,
    on_results: Callback<Outcome>,
}

/// The results of a decision.
#[derive(Clone)]
pub struct Outcome {
    /// Whether a decision was undone.
    pub undone: bool,
    /// The successful results.
    pub results: Vec<DecisionResult>,
}

#[derive(Clone)]
struct Decided {
    text: String,
    /// The reviews whose decision can be undone.
    reviews: Vec<ReviewVersion>,
}

impl Decisions {
    /// No decisions so far. `on_results` updates the page.
    pub fn new(on_results: Callback<Outcome>) -> Decisions {
        Decisions {
            open: RwSignal::new(false),
            question: RwSignal::new((Decision::Approve, Vec::new())),
            last: RwSignal::new(None),
            conflicts: RwSignal::new(BTreeMap::new()),
            count: RwSignal::new(0),
            on_results,
        }
    }

    /// Why the last decision about this review failed.
    pub fn conflict(self, review: i64) -> Option<String> {
        self.conflicts.read().get(&review).cloned()
    }

    /// Call this when the reviews are loaded again.
    pub fn forget_conflicts(self) {
        self.conflicts.update(BTreeMap::clear);
    }

    /// The number of decisions on this page.
    pub fn count(self) -> usize {
        self.count.get()
    }

    fn ask(self, decision: Decision, reviews: Vec<ReviewVersion>) {
        if !reviews.is_empty() {
            self.question.set((decision, reviews));
            self.open.set(true);
        }
    }

    fn note(self, results: Vec<DecisionResult>, undone: bool, said: &str) {
        let (failed, results): (Vec<_>, Vec<_>) =
            results.into_iter().partition(|result| result.problem.is_some());
        self.conflicts.update(|conflicts| {
            for result in &results {
                conflicts.remove(&result.id.get());
            }
            for result in &failed {
                let why =
                    result.detail.clone().unwrap_or_else(|| "No decision was made.".to_owned());
                conflicts.insert(result.id.get(), why);
            }
        });
        let mut text = format!("{} {said}.", counted(results.len() as u64, "review"));
        if !failed.is_empty() {
            let count = grouped(failed.len() as u64);
            text += &format!(" {count} failed: {}", reasons(&failed));
        }
        let versions = results
            .iter()
            .filter_map(|result| Some(ReviewVersion { id: result.id, version: result.version? }));
        let reviews = if undone { Vec::new() } else { versions.collect() };
        self.last.set(Some(Decided { text, reviews }));
        self.count.update(|count| *count += 1);
        self.on_results.run(Outcome { undone, results });
        focus_soon(SAID_ID.to_owned());
    }
}

/// Why these decisions failed, each reason once.
fn reasons(failed: &[DecisionResult]) -> String {
    let mut reasons: Vec<_> = failed.iter().filter_map(|result| result.detail.as_deref()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons.join(" ")
}

/// The three buttons for the reviews that `reviews` returns on a click. `whose` distinguishes the
/// buttons for screen readers.
pub fn decision_buttons(
    decisions: Decisions,
    reviews: impl Fn() -> Vec<ReviewVersion> + 'static,
    whose: String,
) -> AnyView {
    let reviews = StoredValue::new_local(reviews);
    let button = move |decision: Decision| {
        let whose = whose.clone();
        let press = move |_| {
            let reviews = untrack(|| reviews.with_value(|reviews| reviews()));
            decisions.ask(decision, reviews);
        };
        view! {
            <button type="button" class="button button-small" on:click=press>
                {decision_label(decision)}
                <span class="visually-hidden">{whose}</span>
            </button>
        }
    };
    view! {
        <span class="decide">
            {Decision::ALL.iter().map(|decision| button(*decision)).collect_view()}
        </span>
    }
    .into_any()
}

fn decision_label(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "Approve",
        Decision::Reject => "Reject",
        Decision::Spam => "Spam",
    }
}

/// The last decision with a button to undo it, and the dialog that asks for the reason.
pub fn decision_dialog(decisions: Decisions) -> AnyView {
    let undoing = FormState::button();
    let undo = move |reviews: Vec<ReviewVersion>| {
        let work = async move {
            let undo = UndoDecisions { reviews };
            let results = api::undo_decisions(&undo).await?;
            decisions.note(results.items, true, "restored");
            Ok(())
        };
        undoing.start("", Box::pin(work));
    };
    let last = move || {
        decisions.last.get().map(|Decided { text, reviews }| {
            let button = (!reviews.is_empty()).then(|| {
                view! {
                    <button
                        type="button"
                        class="button button-small"
                        on:click=move |_| undo(reviews.clone())
                    >
                        "Undo"
                    </button>
                }
            });
            view! {
                <p class="decided" id=SAID_ID tabindex="-1">
                    <span>{text}</span>
                    {button}
                </p>
            }
        })
    };
    let content = move || view! { <DecideForm decisions /> };
    view! {
        <div role="status">{last}</div>
        {failure_line(undoing)}
        <Dialog id=ID open=decisions.open heading="Decide" content=content.into() />
    }
    .into_any()
}

/// The default reason.
fn usual_reason(decision: Decision) -> Option<DecisionReason> {
    match decision {
        Decision::Approve => Some(DecisionReason::WithinRules),
        Decision::Spam => Some(DecisionReason::Advertising),
        Decision::Reject => None,
    }
}

#[component]
fn DecideForm(decisions: Decisions) -> impl IntoView {
    let (decision, reviews) = decisions.question.get_untracked();
    let count = reviews.len();
    let reason = RwSignal::new(usual_reason(decision));
    let note = RwSignal::new(String::new());
    let state = FormState::new(ID);
    let said = match decision {
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
        Decision::Spam => "marked as spam",
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(reason) = reason.get_untracked() else {
            return state.refuse(vec![missing("reason", "Please choose a reason.")]);
        };
        let asked =
            NewDecisions { decision, reason, note: optional(note), reviews: reviews.clone() };
        let first = ReviewVersion::clone(&asked.reviews[0]);
        // All requests have the same reason and note, so checking one is enough.
        let errors = NewDecisions { reviews: vec![first], ..asked.clone() }.validate();
        let work = async move {
            let mut results = Vec::new();
            for part in asked.reviews.chunks(MAX_DECISIONS) {
                let part = NewDecisions { reviews: part.to_vec(), ..asked.clone() };
                results.extend(api::decide(&part).await?.items);
            }
            close_dialog(ID);
            decisions.note(results, false, said);
            Ok(())
        };
        state.submit(errors, "", Box::pin(work));
    };
    // With a default reason, Enter confirms.
    let is_chosen = reason.read_untracked().is_some();
    view! {
        <form class="form" novalidate on:submit=submit>
            <p>{format!("{} {}", decision_label(decision), counted(count as u64, "review"))}</p>
            {reason_field(reason, state.error("reason"), !is_chosen)}
            <TextField
                id="decide-note"
                label="Note"
                hint="the author reads it; required for “other”"
                text=note
                max_chars=MAX_NOTE_CHARS
                error=state.error("note")
            />
            <FormEnd
                state
                button=decision_label(decision)
                failure="No decision was made"
                autofocus=is_chosen
            />
        </form>
    }
}

fn reason_field(
    reason: RwSignal<Option<DecisionReason>>,
    error: Signal<Option<String>>,
    autofocus: bool,
) -> AnyView {
    let option = move |value: DecisionReason| {
        view! {
            <option value=value.as_str() selected=reason.get_untracked() == Some(value)>
                {decision_reason(value)}
            </option>
        }
    };
    view! {
        <div class="field">
            <label for="decide-reason">"Reason"</label>
            <select
                id="decide-reason"
                autofocus=autofocus
                aria-describedby="decide-reason-error"
                aria-invalid=move || error.read().is_some().then_some("true")
                on:change:target=move |event| reason.set(event.target().value().parse().ok())
            >
                <option value="" selected=reason.get_untracked().is_none()>
                    "Choose a reason"
                </option>
                {DecisionReason::ALL.iter().map(|reason| option(*reason)).collect_view()}
            </select>
            <p class="field-error" id="decide-reason-error">
                {error}
            </p>
        </div>
    }
    .into_any()
}
