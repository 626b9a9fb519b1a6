//! Texts that resemble what people write in length, and in how well they compress and escape.

use fastrand::Rng;
use ostrakon_shared::NewReview;

/// A body has about this many characters.
const BODY_CHARS: usize = 400;

const OPENINGS: &[&str] = &[
    "I have had this for {time} now and still like it.",
    "Bought it for {person} after reading the reviews here.",
    "Not my first one: the old one lasted {time}.",
    "Arrived {time} later than promised, but well packed.",
    "I was in doubt at first, and I'm glad I tried it.",
    "Ordered on a Monday, here on Wednesday, as described.",
    "Honestly, I had expected more at this price…",
    "We use it every day; {person} uses it even more.",
    "A present from {person}, which says a lot about taste.",
];
const DETAILS: &[&str] = &[
    "The {part} feels solid and doesn't wobble.",
    "After {time} the {part} came loose; a drop of glue fixed that.",
    "The colour is a little darker than in the picture, more “coffee” than “cream”.",
    "It is quiet enough to have in the bedroom.",
    "Cleaning takes a minute: wipe it, let it dry, done.",
    "{person} says that the {part} could be longer, and I agree.",
    "It weighs less than I thought – easy to carry up three floors.",
    "The manual is hopeless, but you won't need it.",
    "The {part} is made of metal, not of plastic as on cheaper ones.",
    "It fits next to the door, with room for a hand's breadth.",
    "The smell of the packaging was gone after {time}.",
    "Customer service answered within a day and sent a new {part} for free.",
    "It survived a fall from the kitchen table; only the {part} has a scratch.",
    "There is a café nearby that has the same one, in daily use for years.",
    "In cold weather the {part} gets stiff.",
    "You can get spare parts, which is rare nowadays.",
];
const VERDICTS: &[&str] = &[
    "I would buy it again.",
    "Good, though not for everybody.",
    "For {person} it is just right.",
    "Better look at the bigger one, too.",
    "Five stars if the {part} were better.",
    "I'm sending it back.",
    "Recommended!",
];
const TIMES: &[&str] =
    &["two weeks", "a month", "half a year", "three years", "ten days", "a summer", "one winter"];
const PEOPLE: &[&str] = &[
    "my mother",
    "our son",
    "a colleague",
    "my neighbour",
    "the dog",
    "André",
    "my wife",
    "my husband",
    "Grandpa",
    "Zoë",
];
const PARTS: &[&str] =
    &["handle", "lid", "zip", "cable", "switch", "lining", "stand", "button", "strap", "hinge"];
const TITLES: &[&str] = &[
    "Does what it should",
    "Better than expected",
    "A bit dear",
    "Never again",
    "Great present",
    "Good value",
    "Solid",
    "Hm…",
    "Just right for us",
    "Looks nicer than in the picture",
];
const NAMES: &[&str] = &[
    "Aspasia",
    "Ben K.",
    "Chloé",
    "D. Marsh",
    "Elif",
    "Frank",
    "Grete W.",
    "Hao",
    "Ivana P.",
    "Jürgen",
    "Kofi",
    "L.",
    "Maria Santos",
    "Nils",
    "Olga",
];
const THINGS: &[&str] = &[
    "lamp", "kettle", "backpack", "desk", "radio", "jacket", "tent", "keyboard", "teapot", "chair",
];
const KINDS: &[&str] =
    &["Small", "Folding", "Blue", "Heavy", "Classic", "Travel", "Garden", "Silent", "Quick"];

/// A review as a customer might write it, about any product.
pub fn review(rng: &mut Rng) -> NewReview {
    let stars = [5, 5, 5, 5, 5, 4, 4, 3, 2, 1, 1];
    NewReview {
        rating: (rng.f64() < 0.96).then(|| stars[rng.usize(..stars.len())]),
        title: (rng.f64() < 0.8).then(|| pick(rng, TITLES).to_owned()),
        body: body(rng),
        author_name: (rng.f64() < 0.86).then(|| pick(rng, NAMES).to_owned()),
    }
}

/// A body of about [`BODY_CHARS`] characters.
pub fn body(rng: &mut Rng) -> String {
    let mut body = sentence(rng, OPENINGS);
    while body.len() < BODY_CHARS - 50 {
        body.push(' ');
        body.push_str(&sentence(rng, DETAILS));
    }
    body.push(' ');
    body.push_str(&sentence(rng, VERDICTS));
    body
}

/// A product's name.
pub fn product(rng: &mut Rng) -> String {
    format!("{} {} {}", pick(rng, KINDS), pick(rng, THINGS), rng.u16(10..1_000))
}

fn sentence(rng: &mut Rng, from: &[&str]) -> String {
    let sentence = pick(rng, from);
    sentence
        .replace("{time}", pick(rng, TIMES))
        .replace("{person}", pick(rng, PEOPLE))
        .replace("{part}", pick(rng, PARTS))
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_are_valid_and_as_long_as_wanted() {
        let mut rng = Rng::with_seed(1);
        let reviews: Vec<_> = (0..1_000).map(|_| review(&mut rng)).collect();
        assert!(reviews.iter().all(|review| review.validate().is_empty()));
        let chars: usize = reviews.iter().map(|review| review.body.chars().count()).sum();
        let mean = chars / reviews.len();
        assert!((BODY_CHARS - 40..BODY_CHARS + 40).contains(&mean), "{mean}");
    }
}
