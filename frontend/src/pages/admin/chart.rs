//! Charts.

use leptos::prelude::*;
use ostrakon_shared::{DatabaseInfo, DayCount};

use crate::format::{counted, grouped, percent};

const BAR_WIDTH: usize = 16;
const GAP: usize = 4;
const HEIGHT: u64 = 120;

/// Reviews per day, as bars and as a table.
pub fn days_chart(days: Vec<DayCount>) -> AnyView {
    let most = days.iter().map(|day| day.reviews).max().unwrap_or_default();
    let all = days.iter().map(|day| day.reviews).sum();
    let width = days.len() * (BAR_WIDTH + GAP);
    let bars = days.iter().enumerate().map(|(index, day)| {
        let height = bar_height(day.reviews, most);
        view! {
            <rect
                class="chart-bar"
                x=index * (BAR_WIDTH + GAP)
                y=HEIGHT - height
                width=BAR_WIDTH
                height=height
            >
                <title>{format!("{}: {}", day.date, counted(day.reviews, "review"))}</title>
            </rect>
        }
    });
    let label = format!(
        "{} in {}, at most {} on a day",
        counted(all, "review"),
        counted(days.len() as u64, "day"),
        grouped(most)
    );
    let first = days.first().map(|day| day.date.clone());
    let last = days.last().map(|day| day.date.clone());
    let rows = days.iter().rev().map(|day| {
        view! {
            <li>
                <span>{day.date.clone()}</span>
                <span>{grouped(day.reviews)}</span>
            </li>
        }
    });
    view! {
        <figure class="chart">
            <figcaption>{label.clone()}</figcaption>
            <svg
                viewBox=format!("0 0 {width} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label=label
            >
                {bars.collect_view()}
            </svg>
            <p class="chart-ends muted small" aria-hidden="true">
                <span>{first}</span>
                <span>{last}</span>
            </p>
            <details class="small">
                <summary>"View as a table"</summary>
                <ul class="chart-numbers" role="list">
                    {rows.collect_view()}
                </ul>
            </details>
        </figure>
    }
    .into_any()
}

/// The height of a bar. Small values stay visible.
fn bar_height(reviews: u64, most: u64) -> u64 {
    if reviews == 0 { 0 } else { (reviews * HEIGHT / most.max(1)).max(2) }
}

/// The distribution of reviews: a bar for each database, with a line at an even share.
pub fn spread_chart(databases: Vec<DatabaseInfo>) -> AnyView {
    let even = 1.0 / databases.len().max(1) as f64;
    let largest = databases.iter().filter_map(|database| database.share).fold(even, f64::max);
    // Keeps the line within the track.
    let scale = largest * 1.15;
    let rows = databases.into_iter().map(|database| {
        let href = format!("/admin/reviews?database={}", database.name);
        let share = database.share;
        let count = match (database.reviews, share) {
            (Some(reviews), Some(share)) => format!("{} · {}", grouped(reviews), percent(share)),
            (Some(reviews), None) => grouped(reviews),
            (None, _) => "not answering".to_owned(),
        };
        view! {
            <li>
                <a href=href>{database.name}</a>
                <span class="spread-track" aria-hidden="true" style:--even=(even / scale).to_string()>
                    <span
                        class="bar-fill"
                        style:--part=(share.unwrap_or_default() / scale).to_string()
                    ></span>
                </span>
                <span class="spread-count">{count}</span>
            </li>
        }
    });
    view! {
        <ul class="spread" role="list">
            {rows.collect_view()}
        </ul>
        <p class="muted small">{format!("The line marks an even share, {}.", percent(even))}</p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::bar_height;

    #[test]
    fn bars_are_as_high_as_the_chart_at_most() {
        assert_eq!(bar_height(0, 0), 0);
        assert_eq!(bar_height(7, 7), super::HEIGHT);
        assert_eq!(bar_height(1, 100_000), 2);
        assert_eq!(bar_height(0, 9), 0);
    }
}
