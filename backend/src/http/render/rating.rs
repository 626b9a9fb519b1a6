//! A product's rating: the average and the histogram.

use maud::{Markup, html};
use ostrakon_shared::format::{counted, grouped, review_count};
use ostrakon_shared::{ProductId, ProductRating, Rating};

use crate::http::render::stars::stars;

/// The average, and a histogram that links to the reviews of each rating.
pub fn rating_panel(id: ProductId, rating: &ProductRating) -> Markup {
    let ProductRating { count, average, histogram, unrated } = rating;
    let rated = histogram.iter().sum::<u64>().max(1);
    html! {
        section.rating aria-labelledby="rating" {
            h2.visually-hidden id="rating" { "Rating" }
            div.rating-average {
                @match average {
                    Some(average) => {
                        p.rating-number aria-hidden="true" { (format!("{average:.1}")) }
                        (stars(*average))
                    }
                    None => p.rating-number.muted { "–" }
                }
                p.muted.rating-count {
                    (review_count(*count))
                    @if *unrated > 0 { br; (grouped(*unrated)) " without a rating" }
                }
            }
            ul.histogram role="list" {
                @for stars in Rating::BEST_FIRST.map(Rating::stars) {
                    li { (bar(id, stars, histogram[usize::from(stars) - 1], rated)) }
                }
            }
        }
    }
}

/// The bar of the histogram for a number of stars.
fn bar(id: ProductId, stars: u8, count: u64, rated: u64) -> Markup {
    let label = format!("{}: {}", counted(stars.into(), "star"), counted(count, "review"));
    let width = format!("{:.1}%", count as f64 / rated as f64 * 100.0);
    html! {
        a.bar href={ "/products/" (id) "?rating=" (stars) } aria-label=(label) {
            span.bar-stars aria-hidden="true" { (stars) }
            span.bar-track aria-hidden="true" { svg.bar-fill width=(width) {} }
            span.bar-count aria-hidden="true" { (grouped(count)) }
        }
    }
}
