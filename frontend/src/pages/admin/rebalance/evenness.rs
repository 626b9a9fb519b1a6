//! The buckets of each database before and after the newest rebalance.

use leptos::prelude::*;
use ostrakon_shared::{RebalanceList, RebalanceState};

use crate::format::grouped;
use crate::pages::admin::rebalance::live::Live;
use crate::pages::admin::rebalance::picture::count;

/// The number of buckets of a database before and after.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    before: u64,
    after: u64,
}

/// The table; "after" is what a plan leads to, or what the rebalance has led to.
pub fn evenness(live: Live) -> AnyView {
    let rows = Memo::new(move |_| rows(&live.list.read()));
    let panel = move || {
        let rows = rows.get();
        (!rows.is_empty()).then(|| {
            view! {
                <section class="panel" aria-labelledby="evenness">
                    <h2 id="evenness">"Buckets before and after"</h2>
                    {table(&rows)}
                </section>
            }
        })
    };
    view! { {panel} }.into_any()
}

fn table(rows: &[Row]) -> AnyView {
    let row = |row: &Row| {
        view! {
            <tr>
                <th scope="row">{row.name.clone()}</th>
                <td>{grouped(row.before)}</td>
                <td>{grouped(row.after)}</td>
            </tr>
        }
    };
    view! {
        <table class="table table-numbers">
            <thead>
                <tr>
                    <th scope="col">"Database"</th>
                    <th scope="col">"Before"</th>
                    <th scope="col">"After"</th>
                </tr>
            </thead>
            <tbody>{rows.iter().map(row).collect_view()}</tbody>
        </table>
        <p class="muted small">
            {format!(
                "Difference between the most and the fewest: {} before, {} after.",
                grouped(difference(rows, |row| row.before)),
                grouped(difference(rows, |row| row.after)),
            )}
        </p>
    }
    .into_any()
}

fn difference(rows: &[Row], buckets: fn(&Row) -> u64) -> u64 {
    let most = rows.iter().map(buckets).max().unwrap_or_default();
    most - rows.iter().map(buckets).min().unwrap_or_default()
}

/// Empty if nothing has been planned.
fn rows(list: &RebalanceList) -> Vec<Row> {
    let Some(newest) = list.items.first() else { return Vec::new() };
    let will_move = !matches!(newest.state, RebalanceState::Finished | RebalanceState::Aborted);
    let mut rows: Vec<Row> = Vec::new();
    for (place, name) in list.databases.iter().enumerate() {
        let now = count(list, place);
        rows.push(Row { name: name.clone(), before: now, after: now });
    }
    for part in &newest.parts {
        let moved = part.moved_buckets;
        let left = if will_move { part.buckets.saturating_sub(moved) } else { 0 };
        let source = row(&mut rows, &part.source);
        source.before = source.before.saturating_add(moved);
        source.after = source.after.saturating_sub(left);
        let target = row(&mut rows, &part.target);
        target.before = target.before.saturating_sub(moved);
        target.after = target.after.saturating_add(left);
    }
    rows
}

/// The row of a database, which may have been removed since it was drained.
fn row<'r>(rows: &'r mut Vec<Row>, name: &str) -> &'r mut Row {
    let place = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
        rows.push(Row { name: name.to_owned(), before: 0, after: 0 });
        rows.len() - 1
    });
    &mut rows[place]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use ostrakon_shared::{Rebalance, RebalancePart};

    use super::*;

    fn list(state: RebalanceState, moved_buckets: u64, owners: [u16; 6]) -> RebalanceList {
        let part = RebalancePart {
            source: "reviews-1".to_owned(),
            target: "reviews-2".to_owned(),
            buckets: 2,
            moved_buckets,
            reviews: 9,
        };
        let newest = Rebalance {
            id: 1,
            goal: "even".to_owned(),
            state,
            created_at: Timestamp::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
            parts: vec![part],
            buckets: 2,
            moved_buckets,
            reviews: 9,
            copied_reviews: 0,
            repaired_reviews: 0,
            reviews_per_second: None,
            seconds_left: None,
            max_rate: None,
            moving: Vec::new(),
            write_pauses: None,
            waits_for: None,
            waits_since: None,
            next_steps: Vec::new(),
        };
        let databases = vec!["reviews-1".to_owned(), "reviews-2".to_owned()];
        RebalanceList { items: vec![newest], databases, owners: owners.to_vec() }
    }

    fn numbers(list: &RebalanceList) -> Vec<(u64, u64)> {
        rows(list).iter().map(|row| (row.before, row.after)).collect()
    }

    #[test]
    fn the_table_is_the_same_in_every_state() {
        let expected = [(5, 3), (1, 3)];
        assert_eq!(numbers(&list(RebalanceState::Planned, 0, [0, 0, 0, 0, 0, 1])), expected);
        assert_eq!(numbers(&list(RebalanceState::Running, 1, [0, 0, 0, 0, 1, 1])), expected);
        let mut finished = list(RebalanceState::Finished, 2, [0, 0, 0, 1, 1, 1]);
        assert_eq!(numbers(&finished), expected);
        assert_eq!(difference(&rows(&finished), |row| row.before), 4);
        // Only one of two has moved.
        let aborted = list(RebalanceState::Aborted, 1, [0, 0, 0, 0, 1, 1]);
        assert_eq!(numbers(&aborted), [(5, 4), (1, 2)]);
        // The first one has been drained and removed.
        finished.databases.remove(0);
        finished.owners = vec![0; 6];
        assert_eq!(numbers(&finished), [(4, 6), (2, 0)]);
    }
}
