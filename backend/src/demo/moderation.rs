//! What the demo's moderators have to do: reviews that wait, and reports.

use ostrakon_shared::{NewReport, ReportReason, ReviewStatus};

use crate::store::SeedReview;

/// The first products, which examples and pictures show, keep all their reviews.
const FIRST_PRODUCTS: i64 = 2;
/// So many of the newest reviews wait for a moderator …
const WAITING: usize = 9;
/// … one out of so many.
const WAITING_EVERY: usize = 4;

/// A report of a review.
#[derive(Clone, Debug)]
pub struct DemoReport {
    /// The reported review, by its place among the demo's reviews.
    pub review: usize,
    /// Tells the readers apart who report the same review.
    pub reader: usize,
    pub report: NewReport,
}

/// The reports of each reported review.
#[rustfmt::skip]
const REPORTS: [&[(ReportReason, Option<&str>)]; 7] = [
    &[(ReportReason::OffTopic, Some("This is about the parcel service, not about the product."))],
    &[(ReportReason::Offensive, None), (ReportReason::Offensive, Some("No way to speak about a shop."))],
    &[(ReportReason::Spam, None)],
    &[(ReportReason::Other, Some("The same text stands below another product."))],
    &[(ReportReason::OffTopic, None)],
    &[(ReportReason::Spam, Some("Praises a competitor.")), (ReportReason::Spam, None), (ReportReason::OffTopic, None)],
    &[(ReportReason::Other, Some("He writes that he has never used it."))],
];

/// Lets some of the newest reviews wait for a moderator.
pub fn hold_back(reviews: &mut [SeedReview]) {
    let newest = reviews.iter_mut().rev().filter(|review| is_moderated(review));
    for review in newest.step_by(WAITING_EVERY).take(WAITING) {
        review.status = ReviewStatus::Pending;
    }
}

/// Reports of the newest reviews with few stars.
pub fn reports(reviews: &[SeedReview]) -> Vec<DemoReport> {
    let reported = reviews.iter().enumerate().rev().filter(|(_, review)| {
        let is_poor = review.content.rating.is_some_and(|stars| stars <= 2);
        is_moderated(review) && is_poor && review.status == ReviewStatus::Approved
    });
    let mut made = Vec::new();
    for ((review, _), reports) in reported.zip(REPORTS) {
        for (reader, (reason, note)) in reports.iter().enumerate() {
            let report = NewReport { reason: *reason, note: note.map(str::to_owned) };
            made.push(DemoReport { review, reader, report });
        }
    }
    made
}

fn is_moderated(review: &SeedReview) -> bool {
    review.product.get() > FIRST_PRODUCTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{UNTIL_MS, content};

    #[test]
    fn moderators_have_something_to_do() {
        let demo = content(UNTIL_MS);
        let waiting = demo.reviews.iter().filter(|r| r.status == ReviewStatus::Pending);
        assert_eq!((waiting.count(), demo.reports.len()), (WAITING, 10));
        for report in demo.reports {
            assert_eq!(report.report.validate(), [], "{report:?}");
        }
    }
}
