//! The form that plans a rebalance.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{NewRebalance, RebalanceState};

use crate::components::FormEnd;
use crate::dom::document::focus_soon;
use crate::format::counted;
use crate::net::api;
use crate::pages::admin::rebalance::STATE_ID;
use crate::pages::admin::rebalance::live::Live;
use crate::state::form_state::FormState;

/// The value of the option for the same number of buckets in each database.
const EVEN: &str = "even";

/// The form, while no rebalance is under way.
pub fn plan_panel(live: Live) -> AnyView {
    let is_free = Memo::new(move |_| {
        use RebalanceState::{Aborting, Paused, Running};
        !matches!(live.state(), Some((_, Running | Paused | Aborting)))
    });
    let panel = move || {
        is_free.get().then(|| {
            view! {
                <section class="panel" aria-labelledby="plan">
                    <h2 id="plan">"New plan"</h2>
                    {plan_form(live)}
                </section>
            }
        })
    };
    view! { {panel} }.into_any()
}

fn plan_form(live: Live) -> AnyView {
    let names = Memo::new(move |_| live.list.read().databases.clone());
    let goal = RwSignal::new(EVEN.to_owned());
    let state = FormState::new("plan");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = wanted(&goal.read_untracked());
        let work = async move {
            api::plan_rebalance(&wanted).await?;
            live.load().await;
            focus_soon(STATE_ID.to_owned());
            Ok(())
        };
        state.submit(Vec::new(), "", Box::pin(work));
    };
    let options = move || {
        let option = |(value, label)| view! { <option value=value>{label}</option> };
        goals(&names.read()).into_iter().map(option).collect_view()
    };
    view! {
        <p class="muted small">
            "A plan shows what would move, and moves nothing. The command "
            <span class="code">"ostrakon databases add"</span> " adds a database first."
        </p>
        <form class="form" aria-label="New plan" novalidate on:submit=submit>
            <div class="field">
                <div class="field-head">
                    <label for="plan-goal">"Goal"</label>
                </div>
                <select id="plan-goal" bind:value=goal>
                    {options}
                </select>
            </div>
            <FormEnd state button="Plan" failure="Nothing was planned" />
        </form>
    }
    .into_any()
}

/// The goals that can be chosen, with their labels.
fn goals(names: &[String]) -> Vec<(String, String)> {
    let mut goals =
        vec![(EVEN.to_owned(), "The same number of buckets in each database".to_owned())];
    for name in names {
        goals.push((format!("drain {name}"), format!("Drain {name}")));
    }
    for number in 1..names.len() as u64 {
        let label = format!("All buckets in the first {}", counted(number, "database"));
        goals.push((format!("to {number}"), label));
    }
    goals
}

fn wanted(goal: &str) -> NewRebalance {
    NewRebalance {
        drain: goal.strip_prefix("drain ").map(str::to_owned),
        to_databases: goal.strip_prefix("to ").and_then(|number| number.parse().ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_goal_can_be_sent() {
        let names = ["reviews-1", "reviews-2", "reviews-3"].map(str::to_owned);
        let sent: Vec<_> = goals(&names).iter().map(|(value, _)| wanted(value)).collect();
        let drain = |name: &str| NewRebalance { drain: Some(name.to_owned()), to_databases: None };
        let to = |number| NewRebalance { drain: None, to_databases: Some(number) };
        let [one, two, three] = names.each_ref().map(|name| drain(name));
        assert_eq!(sent, [NewRebalance::default(), one, two, three, to(1), to(2)]);
    }
}
