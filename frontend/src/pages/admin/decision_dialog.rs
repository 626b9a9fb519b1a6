//! Deciding about reviews: one or several, in the queue, in the table and in the drawer.

use std::collections::BTreeMap;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{
    Decision, DecisionReason, DecisionResult, MAX_DECISIONS, MAX_NOTE_CHARS, NewDecisions,
    ReviewVersion, UndoDecisions,
};

use crate::components::{Dialog, FormEnd, TextField, close_dialog, failure_line, given};
use crate::dom::document::focus_soon;
use crate::format::counted;
use crate::net::api;
use crate::pages::admin::review_history::decision_reason;
use crate::state::submission::Submission;

const ID: &str = "decide";
const SAID_ID: &str = "decided";

/// What is being decided on a page, and what was decided last.
#[derive(Clone, Copy)]
pub struct Decisions {
    open: RwSignal<bool>,
    question: RwSignal<(Decision, Vec<ReviewVersion>)>,
    last: RwSignal<Option<Decided>>,
    /// Why nothing was decided about a review, by its number.
    conflicts: RwSignal<BTreeMap<i64, String>>,
    count: RwSignal<usize>,
    on_results: Callback<Outcome>,
}

/// What became of some reviews.
#[derive(Clone)]
pub struct Outcome {
    /// Whether a decision was taken back.
    pub undone: bool,
    /// Those about which something was decided.
    pub results: Vec<DecisionResult>,
}

#[derive(Clone)]
struct Decided {
    text: String,
    /// What can be taken back.
    reviews: Vec<ReviewVersion>,
}

impl Decisions {
    /// Nothing is decided so far. The page follows what will be by `on_results`.
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

    /// Why nothing was decided about this review the last time.
    pub fn conflict(self, review: i64) -> Option<String> {
        self.conflicts.read().get(&review).cloned()
    }

    /// What was shown is loaded anew.
    pub fn forget_conflicts(self) {
        self.conflicts.update(BTreeMap::clear);
    }

    /// How often something was decided on this page.
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
                    result.detail.clone().unwrap_or_else(|| "Nothing was decided.".to_owned());
                conflicts.insert(result.id.get(), why);
            }
        });
        let mut text = format!("{} {said}.", counted(results.len() as u64, "review"));
        if !failed.is_empty() {
            text += &format!(" {} not: {}", failed.len(), reasons(&failed));
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

/// Why nothing was decided about these, each reason once.
fn reasons(failed: &[DecisionResult]) -> String {
    let mut reasons: Vec<_> = failed.iter().filter_map(|result| result.detail.as_deref()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons.join(" ")
}

/// The three buttons, about what `reviews` says when one of them is pressed. `whose` are the
/// words that tell them from others to who can't see where they stand.
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

/// What was decided last with the way to take it back, and the dialog that asks for the reason.
pub fn decision_dialog(decisions: Decisions) -> AnyView {
    let undoing = Submission::new();
    let undo = move |reviews: Vec<ReviewVersion>| {
        let work = async move {
            let undo = UndoDecisions { reviews };
            let results = api::undo_decisions(&undo).await?;
            decisions.note(results.items, true, "put back");
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

/// The reason that goes without saying.
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
    let unchosen = RwSignal::new(false);
    let note = RwSignal::new(String::new());
    let submission = Submission::new();
    let said = match decision {
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
        Decision::Spam => "marked as spam",
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        unchosen.set(reason.read_untracked().is_none());
        let Some(reason) = reason.get_untracked() else {
            return focus_soon("decide-reason".to_owned());
        };
        let asked = NewDecisions { decision, reason, note: given(note), reviews: reviews.clone() };
        let first = ReviewVersion::clone(&asked.reviews[0]);
        // Each request is checked by itself: what is wrong with one is wrong with all.
        let errors = NewDecisions { reviews: vec![first], ..asked.clone() }.errors();
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
        submission.submit(ID, errors, "", Box::pin(work));
    };
    // Where there is nothing to choose, Enter is enough.
    let is_chosen = reason.read_untracked().is_some();
    let option = move |value: DecisionReason| {
        view! {
            <option value=value.as_str() selected=reason.get_untracked() == Some(value)>
                {decision_reason(value)}
            </option>
        }
    };
    view! {
        <form class="form" novalidate on:submit=submit>
            <p>{format!("{} {}", decision_label(decision), counted(count as u64, "review"))}</p>
            <div class="field">
                <label for="decide-reason">"Reason"</label>
                <select
                    id="decide-reason"
                    autofocus=!is_chosen
                    aria-describedby="decide-reason-error"
                    aria-invalid=move || unchosen.get().then_some("true")
                    on:change:target=move |event| reason.set(event.target().value().parse().ok())
                >
                    <option value="" selected=reason.get_untracked().is_none()>
                        "Choose a reason"
                    </option>
                    {DecisionReason::ALL.iter().map(|reason| option(*reason)).collect_view()}
                </select>
                <p class="field-error" id="decide-reason-error">
                    {move || unchosen.get().then_some("Please choose a reason.")}
                </p>
            </div>
            <TextField
                id="decide-note"
                label="Note"
                hint="a few words, needed with “something else”"
                text=note
                max_chars=MAX_NOTE_CHARS
                error=submission.error("note")
            />
            <FormEnd
                submission
                button=decision_label(decision)
                failure="Nothing is decided"
                autofocus=is_chosen
            />
        </form>
    }
}
