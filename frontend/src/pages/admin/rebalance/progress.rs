//! The state of the newest rebalance.

use leptos::prelude::*;
use ostrakon_shared::{MovingBucket, Rebalance, RebalanceState, WritePauses};

use crate::components::Ago;
use crate::format::{counted, duration, grouped};
use crate::pages::admin::rebalance::STATE_ID;
use crate::pages::admin::rebalance::live::Live;

/// The state, the progress bar and the figures.
pub fn progress(live: Live) -> AnyView {
    let state = Memo::new(move |_| live.state());
    let chip = move || match state.get() {
        Some((id, state)) => {
            let (class, label) = state_chip(state);
            view! {
                {format!("Rebalance {id} ")}
                <span class=class>{label}</span>
            }
            .into_any()
        }
        None => "No bucket has moved yet.".into_any(),
    };
    view! {
        <p id=STATE_ID role="status" tabindex="-1">
            {chip}
        </p>
        {move || live.newest().map(figures)}
    }
    .into_any()
}

fn state_chip(state: RebalanceState) -> (&'static str, &'static str) {
    match state {
        RebalanceState::Planned => ("status", "Planned"),
        RebalanceState::Running => ("status status-pending", "Running"),
        RebalanceState::Paused => ("status", "Paused"),
        RebalanceState::Aborting => ("status status-spam", "Aborting"),
        RebalanceState::Finished => ("status status-approved", "Finished"),
        RebalanceState::Aborted => ("status status-spam", "Aborted"),
        RebalanceState::Unknown => ("status", "Unknown"),
    }
}

fn figures(rebalance: Rebalance) -> AnyView {
    let is_started = rebalance.started_at.is_some();
    let bar = is_started.then(|| {
        view! {
            <progress
                aria-label="Buckets moved"
                max=rebalance.buckets.max(1).to_string()
                value=rebalance.moved_buckets.to_string()
            ></progress>
        }
    });
    let facts = if is_started { facts(&rebalance) } else { plan_facts(&rebalance) };
    let fact = |(term, text): (&'static str, String)| {
        view! {
            <dt>{term}</dt>
            <dd>{text}</dd>
        }
    };
    view! {
        {waits(&rebalance)}
        {bar}
        <dl class="facts">
            <dt>"Goal"</dt>
            <dd>{goal(&rebalance.goal)}</dd>
            {facts.into_iter().map(fact).collect_view()}
            <dt>{time_label(&rebalance)}</dt>
            <dd>
                <Ago at=rebalance
                    .finished_at
                    .or(rebalance.started_at)
                    .unwrap_or(rebalance.created_at) />
            </dd>
        </dl>
    }
    .into_any()
}

fn waits(rebalance: &Rebalance) -> Option<AnyView> {
    let reason = rebalance.waits_for.clone()?;
    let since = rebalance.waits_since.map(|at| view! { ", first noticed " <Ago at /> });
    Some(view! { <p class="notice notice-error">"Waiting" {since} ": " {reason}</p> }.into_any())
}

fn goal(goal: &str) -> String {
    if goal == "even" {
        return "The same number of buckets in each database".to_owned();
    }
    let mut chars = goal.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn time_label(rebalance: &Rebalance) -> &'static str {
    match (rebalance.started_at, rebalance.finished_at) {
        (_, Some(_)) => "Ended",
        (Some(_), None) => "Started",
        (None, None) => "Planned",
    }
}

fn plan_facts(rebalance: &Rebalance) -> Vec<(&'static str, String)> {
    vec![
        ("Buckets", format!("{} to move", grouped(rebalance.buckets))),
        ("Reviews", format!("{} to copy", grouped(rebalance.reviews))),
    ]
}

fn facts(rebalance: &Rebalance) -> Vec<(&'static str, String)> {
    let of = |part, whole, done| format!("{} of {} {done}", grouped(part), grouped(whole));
    let mut facts = vec![
        ("Buckets", of(rebalance.moved_buckets, rebalance.buckets, "moved")),
        ("Reviews", of(rebalance.copied_reviews, rebalance.reviews, "copied")),
    ];
    if rebalance.repaired_reviews > 0 {
        let repaired = counted(rebalance.repaired_reviews, "review");
        facts.push(("Repaired", format!("{repaired} that differed after copying")));
    }
    let rate = rebalance
        .reviews_per_second
        .map_or_else(none, |rate| format!("{} reviews/s", grouped(rate.round() as u64)));
    facts.push(("Rate", rate));
    if rebalance.finished_at.is_none() {
        let limit = rebalance.max_rate.map_or_else(
            || "none: clients keep their share of the throughput".to_owned(),
            |rate| format!("{} reviews/s", grouped(rate.into())),
        );
        facts.push(("Limit", limit));
        facts.push(("Time left", rebalance.seconds_left.map_or_else(none, duration)));
        facts.push(("Moving now", moving(&rebalance.moving)));
    }
    facts.push(("Write pauses", rebalance.write_pauses.map_or_else(none, write_pauses)));
    facts
}

fn none() -> String {
    "–".to_owned()
}

fn moving(moving: &[MovingBucket]) -> String {
    let line = |it: &MovingBucket| {
        let step = if it.committed {
            "its old rows are being removed".to_owned()
        } else {
            format!("{} of {} copied", grouped(it.copied), counted(it.reviews, "review"))
        };
        let bucket = grouped(it.bucket.into());
        format!("bucket {bucket} from {} to {}, {step}", it.source, it.target)
    };
    match moving {
        [] => "nothing".to_owned(),
        moving => moving.iter().map(line).collect::<Vec<_>>().join("; "),
    }
}

fn write_pauses(WritePauses { p50_ms, p99_ms, max_ms }: WritePauses) -> String {
    format!("p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms, max {max_ms:.1} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_sentences() {
        assert_eq!(goal("drain reviews-2"), "Drain reviews-2");
        assert_eq!(goal("even"), "The same number of buckets in each database");
        assert_eq!(goal(""), "");
    }

    #[test]
    fn moves_are_described() {
        let mut bucket = MovingBucket {
            bucket: 7,
            source: "reviews-1".to_owned(),
            target: "reviews-4".to_owned(),
            reviews: 5,
            copied: 2,
            committed: false,
        };
        let begin = "bucket 7 from reviews-1 to reviews-4, ";
        let text = |bucket: &MovingBucket| moving(std::slice::from_ref(bucket));
        assert_eq!(text(&bucket), format!("{begin}2 of 5 reviews copied"));
        bucket.committed = true;
        assert_eq!(text(&bucket), format!("{begin}its old rows are being removed"));
        assert_eq!(moving(&[]), "nothing");
    }
}
