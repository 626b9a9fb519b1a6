//! The buttons that start, pause, resume, throttle and abort the newest rebalance.

use std::num::ParseIntError;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{
    FieldError, FieldErrorCode, RebalanceAction, RebalanceChange, RebalanceState,
};

use crate::components::{
    CancelButton, Dialog, FormEnd, TextField, close_dialog, failure_line, optional,
};
use crate::dom::document::focus_soon;
use crate::format::counted;
use crate::net::api;
use crate::net::http::ResponseFuture;
use crate::pages::admin::rebalance::STATE_ID;
use crate::pages::admin::rebalance::live::Live;
use crate::state::form_state::FormState;

const QUESTION_ID: &str = "abort-question";

/// The actions that the state allows.
pub fn actions(live: Live) -> AnyView {
    // They stay while the figures change, and so do the focus and the text of the field.
    let state = Memo::new(move |_| live.state());
    let actions = move || {
        let (id, state) = state.get()?;
        match state {
            RebalanceState::Planned => Some(plan_actions(live, id)),
            RebalanceState::Running => Some(run_actions(live, id, RebalanceAction::Pause)),
            RebalanceState::Paused => Some(run_actions(live, id, RebalanceAction::Resume)),
            RebalanceState::Aborting
            | RebalanceState::Finished
            | RebalanceState::Aborted
            | RebalanceState::Unknown => None,
        }
    };
    view! { {actions} }.into_any()
}

/// Changes the rebalance, and shows its new state.
fn change(live: Live, id: i64, change: RebalanceChange) -> ResponseFuture<()> {
    Box::pin(async move {
        api::change_rebalance(id, &change).await?;
        live.load().await;
        Ok(())
    })
}

/// Changes its state; the button that did so disappears.
fn switch(live: Live, id: i64, action: RebalanceAction) -> ResponseFuture<()> {
    let changed = change(live, id, RebalanceChange { action, max_rate: None });
    Box::pin(async move {
        changed.await?;
        focus_soon(STATE_ID.to_owned());
        Ok(())
    })
}

fn plan_actions(live: Live, id: i64) -> AnyView {
    let state = FormState::button();
    let discard = move |_| state.start("", switch(live, id, RebalanceAction::Abort));
    view! {
        <RateForm live id action=RebalanceAction::Start>
            <button type="button" class="button" on:click=discard>
                "Discard the plan"
            </button>
        </RateForm>
        {failure_line(state)}
    }
    .into_any()
}

/// The actions of a rebalance that has been started. `action` pauses or resumes it.
fn run_actions(live: Live, id: i64, action: RebalanceAction) -> AnyView {
    let state = FormState::button();
    let label = if action == RebalanceAction::Pause { "Pause" } else { "Resume" };
    let asking = RwSignal::new(false);
    let question = move || abort_question(live, id);
    view! {
        <p class="write-end">
            <button
                type="button"
                class="button"
                class:is-pending=move || state.pending()
                aria-disabled=move || state.pending().to_string()
                on:click=move |_| state.start("", switch(live, id, action))
            >
                {label}
            </button>
            <button type="button" class="button" on:click=move |_| asking.set(true)>
                "Abort…"
            </button>
        </p>
        {failure_line(state)}
        <Dialog
            id=QUESTION_ID
            open=asking
            heading="Abort the rebalance?"
            content=question.into()
        />
        <RateForm live id action=RebalanceAction::Throttle />
    }
    .into_any()
}

/// Asks for confirmation.
fn abort_question(live: Live, id: i64) -> AnyView {
    let state = FormState::button();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let work = async move {
            let abort = RebalanceChange { action: RebalanceAction::Abort, max_rate: None };
            api::change_rebalance(id, &abort).await?;
            close_dialog(QUESTION_ID);
            live.load().await;
            focus_soon(STATE_ID.to_owned());
            Ok(())
        };
        state.start("", Box::pin(work));
    };
    let moved = move || match live.newest().map_or(0, |newest| newest.moved_buckets) {
        0 => "No bucket has moved so far.".to_owned(),
        1 => "The bucket that has moved stays in its new database.".to_owned(),
        moved => format!("The {} that have moved stay where they are.", counted(moved, "bucket")),
    };
    view! {
        <form class="form" on:submit=submit>
            <p>"The bucket that is moving returns to its old database, and no further buckets move. " {moved}</p>
            <FormEnd state button="Abort" failure="The rebalance was not aborted">
                <CancelButton dialog=QUESTION_ID />
            </FormEnd>
        </form>
    }
    .into_any()
}

/// The form with the maximum rate, which starts or throttles the rebalance.
#[component]
fn RateForm(
    live: Live,
    id: i64,
    action: RebalanceAction,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let is_start = action == RebalanceAction::Start;
    let limit = untrack(|| live.newest()).and_then(|newest| newest.max_rate);
    let rate = RwSignal::new(limit.map(|limit| limit.to_string()).unwrap_or_default());
    let state = FormState::new("rebalance");
    let error = state.error("max_rate");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Ok(max_rate) = parsed(optional(rate)) else {
            let detail = "Please enter a whole number, or leave the field empty.".to_owned();
            let error = FieldError::at_field("max_rate", FieldErrorCode::InvalidValue, detail);
            return state.refuse(vec![error]);
        };
        let wanted = RebalanceChange { action, max_rate };
        let errors = wanted.validate();
        if is_start {
            let started = change(live, id, wanted);
            let work = async move {
                started.await?;
                focus_soon(STATE_ID.to_owned());
                Ok(())
            };
            return state.submit(errors, "", Box::pin(work));
        }
        let is_same = untrack(|| live.newest())
            .is_some_and(|newest| newest.max_rate.map(i64::from) == max_rate.map(i64::from));
        if errors.is_empty() && is_same {
            return state.reset();
        }
        state.submit(errors, "The limit has been changed.", change(live, id, wanted));
    };
    let (button, failure) = if is_start {
        ("Start", "The rebalance was not started")
    } else {
        ("Set the limit", "The limit was not changed")
    };
    view! {
        <form class="form" aria-label="Limit" novalidate on:submit=submit>
            <TextField
                id="rebalance-max_rate"
                label="Limit"
                hint="optional, in reviews per second"
                text=rate
                max_chars=9
                error
            />
            {match children {
                Some(children) => view! { <FormEnd state button failure>{children()}</FormEnd> }.into_any(),
                None => view! { <FormEnd state button failure /> }.into_any(),
            }}
        </form>
    }
}

/// The limit as typed, with or without separators; `None` if the field is empty.
fn parsed(text: Option<String>) -> Result<Option<i32>, ParseIntError> {
    let Some(text) = text else { return Ok(None) };
    let digits: String = text.chars().filter(|char| !matches!(char, ' ' | ',')).collect();
    digits.parse().map(Some)
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn a_limit_is_a_number() {
        let limit = |text: &str| parsed(Some(text.to_owned()));
        assert_eq!(parsed(None), Ok(None));
        assert_eq!(limit("5,000"), Ok(Some(5_000)));
        assert!(limit("fast").is_err());
        assert!(limit("1.5").is_err());
    }
}
