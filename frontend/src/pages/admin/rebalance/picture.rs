//! A picture of the buckets: a square for each, coloured by the database that owns it.

use std::fmt::Write;

use leptos::prelude::*;
use ostrakon_shared::{MovingBucket, RebalanceList};

use crate::format::{counted, grouped};
use crate::pages::admin::rebalance::live::Live;

/// The buckets in a row.
const ROW: usize = 32;

/// The number of colours in `admin.css`.
const COLOURS: usize = 8;

/// The marks of a bucket, as paths from its upper left corner. Each further round of colours has its
/// own, so that 32 databases can be told apart.
const MARKS: [&str; 4] =
    ["h.88v.88h-.88z", "v.88h.88z", "m.24.24h.4v.4h-.4z", "h.88v.3h-.88zm0 .58h.88v.3h-.88z"];

/// The picture, with a legend.
pub fn picture(live: Live) -> AnyView {
    let names = Memo::new(move |_| live.list.read().databases.clone());
    let database = move |(place, name): (usize, String)| {
        let title =
            move || format!("{name}: {}", counted(count(&live.list.read(), place), "bucket"));
        view! {
            <path class=colour(place) d=move || marks(&live.list.read().owners, place)>
                <title>{title}</title>
            </path>
        }
    };
    let paths = move || names.get().into_iter().enumerate().map(database).collect_view();
    let moving = move || live.newest().map(|newest| outline(&newest.moving)).unwrap_or_default();
    let legend = move || {
        let entry = |(place, name)| legend_entry(live, place, name);
        names.get().into_iter().enumerate().map(entry).collect_view()
    };
    view! {
        <figure class="chart">
            <svg
                class="buckets"
                viewBox="-.2 -.2 32.3 32.3"
                role="img"
                aria-label=move || alternative(&live.list.read())
            >
                {paths}
                <path class="bucket-moving" d=moving />
            </svg>
            <figcaption class="muted small">
                "One square for each of the 1,024 buckets, coloured by the database that owns it. A frame marks a bucket that is moving."
            </figcaption>
            <ul class="legend" role="list" aria-label="Buckets of each database">
                {legend}
            </ul>
        </figure>
    }
    .into_any()
}

fn legend_entry(live: Live, place: usize, name: String) -> AnyView {
    view! {
        <li>
            <svg class="swatch" viewBox="0 0 .88 .88" aria-hidden="true">
                <path class=colour(place) d=format!("M0 0{}", mark(place)) />
            </svg>
            <span>{name}</span>
            <span class="legend-count">{move || grouped(count(&live.list.read(), place))}</span>
        </li>
    }
    .into_any()
}

fn colour(place: usize) -> String {
    format!("bucket-{}", place % COLOURS + 1)
}

fn mark(place: usize) -> &'static str {
    MARKS[place / COLOURS % MARKS.len()]
}

/// The marks of all buckets of a database, as one path.
fn marks(owners: &[u16], place: usize) -> String {
    let mut path = String::new();
    for (bucket, owner) in owners.iter().enumerate() {
        if usize::from(*owner) == place {
            // Writing into a string can't fail.
            _ = write!(path, "M{} {}{}", bucket % ROW, bucket / ROW, mark(place));
        }
    }
    path
}

/// The frames of the buckets that are moving.
fn outline(moving: &[MovingBucket]) -> String {
    let frame = |moving: &MovingBucket| {
        let bucket = usize::from(moving.bucket);
        format!("M{} {}{}", bucket % ROW, bucket / ROW, MARKS[0])
    };
    moving.iter().map(frame).collect()
}

/// The number of buckets of a database.
pub fn count(list: &RebalanceList, place: usize) -> u64 {
    list.owners.iter().filter(|owner| usize::from(**owner) == place).count() as u64
}

/// The picture in words.
fn alternative(list: &RebalanceList) -> String {
    let count = |(place, name)| format!("{name} owns {}", counted(count(list, place), "bucket"));
    list.databases.iter().enumerate().map(count).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use ostrakon_shared::BUCKETS;

    use super::*;

    #[test]
    fn each_bucket_has_its_square() {
        let mut owners = vec![0; usize::from(BUCKETS)];
        owners[33] = 1;
        assert_eq!(marks(&owners, 1), "M1 1h.88v.88h-.88z");
        assert_eq!(marks(&owners, 0).matches('M').count(), 1_023);
        assert_eq!(marks(&owners, 2), "");
    }

    #[test]
    fn databases_of_one_colour_have_different_marks() {
        assert_eq!(colour(1), colour(9));
        assert_ne!(mark(1), mark(9));
        assert_eq!((colour(1_023), mark(1_023)), ("bucket-8".to_owned(), MARKS[3]));
    }

    #[test]
    fn the_picture_has_an_alternative_text() {
        let databases = vec!["reviews-1".to_owned(), "reviews-2".to_owned()];
        let list = RebalanceList { items: Vec::new(), databases, owners: vec![0, 1, 0] };
        assert_eq!(alternative(&list), "reviews-1 owns 2 buckets, reviews-2 owns 1 bucket");
    }
}
