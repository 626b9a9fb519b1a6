//! Pots for products without a picture. Shape, ware and painting are derived from the name, so a product
//! always has the same pot. All geometry is SVG path data in a box of 240 × 240, centred at x = 0.

mod dice;
mod motif;
mod pattern;
mod shape;

use dice::Dice;
use motif::Motif;
use pattern::Pattern;
use shape::{Shape, Zone};

/// The number of backgrounds in the style sheet.
const GROUNDS: usize = 5;

/// A pot.
#[derive(Clone, Debug, PartialEq)]
pub struct Pot {
    /// A hash of the name.
    pub seed: u64,
    /// Clay and paint.
    pub ware: Ware,
    /// The background's number.
    pub ground: usize,
    /// The outline.
    pub body: String,
    /// The handles, to be stroked.
    pub handles: String,
    pub painting: Painting,
}

/// The painting of a pot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Painting {
    /// Areas in the paint's colour.
    pub fill: String,
    /// Lines in the paint's colour.
    pub line: String,
    /// Areas in the accent's colour.
    pub accent: String,
}

/// A combination of clay and paint, as used in ancient Greece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ware {
    /// Black on red clay.
    BlackFigure,
    /// Red on black glaze.
    RedFigure,
    /// Dark on white slip.
    WhiteGround,
    /// Brown on yellow clay, as in Corinth.
    Corinthian,
}

impl Ware {
    const ALL: [Ware; 4] =
        [Ware::BlackFigure, Ware::RedFigure, Ware::WhiteGround, Ware::Corinthian];

    /// Its name in the style sheet.
    pub const fn name(self) -> &'static str {
        match self {
            Ware::BlackFigure => "black-figure",
            Ware::RedFigure => "red-figure",
            Ware::WhiteGround => "white-ground",
            Ware::Corinthian => "corinthian",
        }
    }
}

impl Pot {
    /// The pot for this name.
    pub fn thrown_for(name: &str) -> Pot {
        let mut dice = Dice::for_name(name);
        let seed = dice.seed();
        let shape = dice.pick(&Shape::ALL);
        let ware = *dice.pick(&Ware::ALL);
        let ground = dice.below(GROUNDS);
        let painting = paint(shape, &mut dice);
        Pot { seed, ware, ground, body: shape.outline(), handles: shape.handles(), painting }
    }
}

/// Paints each zone of the shape with a suitable pattern.
fn paint(shape: &Shape, dice: &mut Dice) -> Painting {
    let mut painting = Painting::default();
    for (zone, top, bottom) in shape.zones {
        match zone {
            Zone::Figure => dice.pick(&Motif::ALL).draw(&mut painting, *top, *bottom),
            Zone::Band => dice.pick(&Pattern::BANDS).draw(&mut painting, *top, *bottom),
            Zone::Shoulder => dice.pick(&Pattern::SHOULDERS).draw(&mut painting, *top, *bottom),
            Zone::Base => dice.pick(&Pattern::BASES).draw(&mut painting, *top, *bottom),
            Zone::Glaze => pattern::solid(&mut painting, *top, *bottom),
        }
    }
    painting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_pot() {
        let bear = Pot::thrown_for("Brown teddy bear");
        assert_eq!(bear, Pot::thrown_for("Brown teddy bear"));
        assert_ne!(bear, Pot::thrown_for("Polka-dotted socks"));
    }

    #[test]
    fn every_pot_is_painted() {
        for number in 0..500 {
            let pot = Pot::thrown_for(&format!("product {number}"));
            assert!(pot.painting.fill.starts_with('M'), "{pot:?}");
            assert!(pot.body.ends_with('Z') && pot.handles.starts_with('M'), "{pot:?}");
        }
    }
}
