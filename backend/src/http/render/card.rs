//! A product in the catalogue.

use maud::{Markup, html};
use ostrakon_shared::format::review_count;
use ostrakon_shared::{Product, ProductRating};

use crate::http::render::stars::stars;

/// A card that links to the product. The app loads the picture.
pub fn card(product: &Product) -> Markup {
    html! {
        a.card href={ "/products/" (product.id) } {
            span.picture.skeleton-block {}
            span.card-text {
                span.card-name dir="auto" { (product.name) }
                span.card-rating {
                    @if let Some(ProductRating { average, count, .. }) = &product.rating {
                        @if let Some(average) = average {
                            span.card-average {
                                (stars(*average))
                                span aria-hidden="true" { (format!("{average:.1}")) }
                            }
                        }
                        span.muted { (review_count(*count)) }
                    }
                }
            }
        }
    }
}
