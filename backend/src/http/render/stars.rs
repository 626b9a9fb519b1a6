//! A rating as stars.

use maud::{Markup, html};

/// Five stars, filled to the average.
pub fn stars(average: f64) -> Markup {
    html! {
        span.stars role="img" aria-label={ (average) " out of 5 stars" } {
            svg width={ (format!("{:.0}%", average / 5.0 * 100.0)) } height="100%" {}
        }
    }
}
