//! The demo: generates products and reviews, the same ones every time, with dates up to a moment.

mod catalogue;
mod dates;
mod moderation;
mod phrases;

use fastrand::Rng;
use ostrakon_shared::{NewReview, ProductId, ReviewStatus};

use crate::store::{SeedProduct, SeedReview};
use catalogue::{GROUPS, Item};
pub use dates::{Until, earlier_end};
pub use moderation::DemoReport;

const REVIEWS: usize = 5_000;
/// Never change it: with another seed, a second run would add other reviews to those of the first.
const SEED: u64 = 20_100_420;
/// The dates of the reviews before they are shifted: from 2024-01-01T00:00:00Z, in milliseconds since the
/// Unix epoch …
const FROM_MS: i64 = 1_704_067_200_000;
/// … to 2026-11-01T00:00:00Z.
const UNTIL_MS: i64 = 1_793_491_200_000;

pub struct Demo {
    /// By id, from 1.
    pub products: Vec<SeedProduct>,
    /// In the order in which they were written.
    pub reviews: Vec<SeedReview>,
    pub reports: Vec<DemoReport>,
}

/// The demo with reviews up to `until_ms`, a moment in milliseconds since the Unix epoch.
pub fn content(until_ms: i64) -> Demo {
    let items: Vec<(&str, &Item)> =
        GROUPS.iter().flat_map(|group| group.items.iter().map(|item| (group.sku, item))).collect();
    let products: Vec<SeedProduct> = (1..)
        .filter_map(ProductId::new)
        .zip(&items)
        .map(|(id, (sku, item))| SeedProduct {
            id,
            name: item.name.to_owned(),
            description: item.description.to_owned(),
            sku: format!("{sku}-{id:04}"),
        })
        .collect();
    let mut rng = Rng::with_seed(SEED);
    let popularity = Popularity::new(&mut rng, products.len());
    let mut reviews: Vec<SeedReview> = (0..REVIEWS)
        .map(|_| {
            let product = popularity.draw(&mut rng);
            let quality = quality(product);
            SeedReview {
                product: products[product].id,
                unix_ms: rng.i64(FROM_MS..UNTIL_MS) - UNTIL_MS + until_ms,
                draw: rng.u32(..),
                content: review(&mut rng, items[product].1, quality),
                status: ReviewStatus::Approved,
            }
        })
        .collect();
    reviews.sort_by_key(|review| review.unix_ms);
    moderation::hold_back(&mut reviews);
    let reports = moderation::reports(&reviews);
    Demo { products, reviews, reports }
}

/// A few products have most of the reviews (Zipf), the two oldest ones among them.
struct Popularity {
    cumulated: Vec<f64>,
}

impl Popularity {
    fn new(rng: &mut Rng, products: usize) -> Popularity {
        let mut ranks: Vec<usize> = (2..products).collect();
        rng.shuffle(&mut ranks);
        ranks.splice(0..0, [0, 1]);
        let mut weights = vec![0.0; products];
        for (rank, product) in (1_u32..).zip(ranks) {
            weights[product] = f64::from(rank).powf(-0.8);
        }
        let mut sum = 0.0;
        let cumulated = weights
            .into_iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        Popularity { cumulated }
    }

    fn draw(&self, rng: &mut Rng) -> usize {
        let all = self.cumulated.last().copied().unwrap_or_default();
        let drawn = rng.f64() * all;
        self.cumulated.partition_point(|&sum| sum < drawn)
    }
}

/// The quality of a product, from 0 (disappointing) to 1 (loved), fixed by its number.
fn quality(product: usize) -> f64 {
    match product {
        0 | 1 => 0.8,
        // Multiples of the golden ratio are spread evenly without a visible pattern.
        other => 0.25 + 0.75 * (other as f64 * 0.618_034).fract(),
    }
}

fn review(rng: &mut Rng, item: &Item, quality: f64) -> NewReview {
    let stars = stars(rng, quality);
    let mood = phrases::mood(stars);
    let title = (rng.f64() < 0.8).then(|| pick(rng, mood.titles).to_owned());
    let author_name = (rng.f64() < 0.86).then(|| author(rng));
    let sentences = 1 + (rng.f64() * rng.f64() * 5.0) as usize;
    let mut body: Vec<String> = Vec::new();
    while body.len() < sentences {
        // A sentence about this product, and general ones.
        let bank = if rng.f64() < 0.45 { item.facts(stars) } else { mood.sentences };
        let sentence = pick(rng, bank).replace("{item}", item.noun);
        if body.contains(&sentence) {
            break;
        }
        body.push(sentence);
    }
    let separator = if body.len() > 3 && rng.bool() { "\n\n" } else { " " };
    let rated = rng.f64() < 0.96;
    NewReview {
        rating: rated.then_some(stars.into()),
        title,
        body: body.join(separator),
        author_name,
    }
}

/// J-shaped, as real ratings are: many fives, more ones than twos.
fn stars(rng: &mut Rng, quality: f64) -> u8 {
    let good = [0.06, 0.03, 0.06, 0.20, 0.65];
    let poor = [0.34, 0.16, 0.15, 0.15, 0.20];
    let drawn = rng.f64();
    let mut sum = 0.0;
    for (stars, (good, poor)) in (1..).zip(good.iter().zip(poor)) {
        sum += quality * good + (1.0 - quality) * poor;
        if drawn < sum {
            return stars;
        }
    }
    5
}

fn author(rng: &mut Rng) -> String {
    let first = pick(rng, phrases::FIRST_NAMES);
    match rng.u8(..4) {
        0 => first.to_owned(),
        1 => format!("{first} {}", pick(rng, phrases::LAST_NAMES)),
        _ => format!("{first} {}.", &pick(rng, phrases::LAST_NAMES)[..1]),
    }
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use twox_hash::XxHash3_64;

    #[test]
    fn the_demo_is_valid_and_the_same_every_time() {
        let demo = content(UNTIL_MS);
        assert_eq!((demo.products.len(), demo.reviews.len()), (62, REVIEWS));
        assert_eq!(demo.products[0].name, "Brown teddy bear");
        assert_eq!(demo.products[1].name, "Polka-dotted socks");
        for review in &demo.reviews {
            assert_eq!(review.content.validate(), [], "{review:?}");
        }
        let text = format!("{:?}{:?}{:?}", demo.products, demo.reviews, demo.reports);
        assert_eq!(
            XxHash3_64::oneshot(text.as_bytes()),
            1_468_779_429_392_640_010,
            "the demo has changed"
        );
    }

    #[test]
    fn the_reviews_end_at_the_given_moment() {
        let (one, other) = (content(UNTIL_MS), content(UNTIL_MS + 5_000));
        assert!(one.reviews.iter().all(|review| (FROM_MS..UNTIL_MS).contains(&review.unix_ms)));
        for (one, other) in one.reviews.iter().zip(&other.reviews) {
            assert_eq!(one.unix_ms + 5_000, other.unix_ms);
            assert_eq!(one.content, other.content);
        }
    }

    #[test]
    fn ratings_are_j_shaped() {
        let demo = content(UNTIL_MS);
        let count = |stars| demo.reviews.iter().filter(|r| r.content.rating == Some(stars)).count();
        let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(count);
        assert!(five > 2 * four && four > three && one > two, "{one} {two} {three} {four} {five}");
    }
}
