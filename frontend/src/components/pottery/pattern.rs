//! Patterns around a pot. Each is drawn wider than any pot, and clipped by the outline.

use std::fmt::Write;

use crate::components::pottery::Painting;

/// Half of the width that is painted.
const REACH: f64 = 96.0;

/// A repeating pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The Greek key.
    Meander,
    /// Running waves.
    Waves,
    /// Rounded tongues that hang down.
    Tongues,
    /// A row of dots.
    Dots,
    /// Rays that rise.
    Rays,
    /// A zigzag line.
    Zigzag,
    /// A chequered band.
    Checks,
    /// A laurel branch.
    Laurel,
}

impl Pattern {
    /// Patterns for friezes.
    pub const BANDS: [Pattern; 6] = [
        Pattern::Meander,
        Pattern::Waves,
        Pattern::Dots,
        Pattern::Zigzag,
        Pattern::Checks,
        Pattern::Laurel,
    ];
    /// Patterns for shoulders.
    pub const SHOULDERS: [Pattern; 3] = [Pattern::Tongues, Pattern::Dots, Pattern::Laurel];
    /// Patterns for the zone above the foot.
    pub const BASES: [Pattern; 2] = [Pattern::Rays, Pattern::Tongues];

    /// Draws the pattern between two heights, with a line above and below where it is a frieze.
    pub fn draw(self, painting: &mut Painting, top: f64, bottom: f64) {
        let inset = if matches!(self, Pattern::Rays | Pattern::Tongues) { 0.0 } else { 3.5 };
        if inset > 0.0 {
            rule(painting, top);
            rule(painting, bottom);
        }
        let (top, bottom) = (top + inset, bottom - inset);
        let height = bottom - top;
        let width = height * self.proportion();
        let units = (REACH / width).ceil() as i32;
        for unit in -units..units {
            self.draw_unit(painting, f64::from(unit) * width, top, width, height);
        }
    }

    /// The width of a unit, in heights.
    const fn proportion(self) -> f64 {
        match self {
            Pattern::Meander => 4.0 / 3.0,
            Pattern::Waves => 1.5,
            Pattern::Tongues => 0.42,
            Pattern::Dots => 1.3,
            Pattern::Rays => 0.45,
            Pattern::Zigzag | Pattern::Checks => 1.0,
            Pattern::Laurel => 0.9,
        }
    }

    fn draw_unit(self, painting: &mut Painting, left: f64, top: f64, width: f64, height: f64) {
        // Units are drawn in a box of 1 × 1.
        let at = |x: f64, y: f64| format!("{:.1} {:.1}", left + x * width, top + y * height);
        let Painting { fill, line, accent } = painting;
        // Writing to a string can't fail.
        _ = match self {
            Pattern::Meander => {
                const KEY: [(f64, f64); 9] = [
                    (0.0, 1.0),
                    (0.0, 0.0),
                    (0.75, 0.0),
                    (0.75, 0.67),
                    (0.5, 0.67),
                    (0.5, 0.33),
                    (0.25, 0.33),
                    (0.25, 1.0),
                    (1.0, 1.0),
                ];
                let points: Vec<_> = KEY.iter().map(|(x, y)| at(*x, *y)).collect();
                write!(line, "M{}", points.join("L"))
            }
            Pattern::Waves => write!(
                fill,
                "M{}C{} {} {}C{} {} {}C{} {} {}C{} {} {}L{}Z",
                at(0.0, 1.0),
                at(0.22, 1.0),
                at(0.2, 0.0),
                at(0.6, 0.0),
                at(0.86, 0.0),
                at(0.94, 0.42),
                at(0.74, 0.56),
                at(0.8, 0.34),
                at(0.66, 0.2),
                at(0.52, 0.36),
                at(0.38, 0.56),
                at(0.6, 1.0),
                at(1.0, 0.86),
                at(1.0, 1.0),
            ),
            Pattern::Tongues => write!(
                fill,
                "M{}L{}C{} {} {}L{}Z",
                at(0.16, 0.0),
                at(0.16, 0.7),
                at(0.16, 1.1),
                at(0.84, 1.1),
                at(0.84, 0.7),
                at(0.84, 0.0),
            ),
            Pattern::Dots => {
                _ = dot(fill, left + width / 2.0, top + height / 2.0, height * 0.34);
                dot(accent, left + width / 2.0, top + height / 2.0, height * 0.13)
            }
            Pattern::Rays => {
                write!(fill, "M{}L{}L{}Z", at(0.08, 1.0), at(0.5, 0.0), at(0.92, 1.0))
            }
            Pattern::Zigzag => {
                write!(line, "M{}L{}L{}", at(0.0, 0.9), at(0.5, 0.1), at(1.0, 0.9))
            }
            Pattern::Checks => {
                let square = |x: f64, y: f64| {
                    let corners = [(x, y), (x + 0.5, y), (x + 0.5, y + 0.5), (x, y + 0.5)];
                    format!("M{}Z", corners.map(|(x, y)| at(x, y)).join("L"))
                };
                write!(fill, "{}{}", square(0.0, 0.0), square(0.5, 0.5))
            }
            Pattern::Laurel => {
                let leaf = |tip: f64| {
                    let (root, back) = (at(0.1, 0.5), at(0.95, tip));
                    let (over, under) = (at(0.2, tip), at(0.8, 0.5));
                    format!("M{root}Q{over} {back}Q{under} {root}Z")
                };
                write!(fill, "{}{}", leaf(-0.02), leaf(1.02))
            }
        };
    }
}

/// A line around the pot.
fn rule(painting: &mut Painting, y: f64) {
    _ = write!(painting.line, "M{} {y:.1}H{REACH}", -REACH);
}

/// Solid paint between two heights.
pub fn solid(painting: &mut Painting, top: f64, bottom: f64) {
    _ = write!(painting.fill, "M{} {top:.1}H{REACH}V{bottom:.1}H{}Z", -REACH, -REACH);
}

/// A disc.
pub fn dot(path: &mut String, x: f64, y: f64, radius: f64) -> std::fmt::Result {
    let (left, width) = (x - radius, 2.0 * radius);
    write!(
        path,
        "M{left:.1} {y:.1}a{radius:.1} {radius:.1} 0 1 0 {width:.1} 0a{radius:.1} {radius:.1} 0 1 0 {:.1} 0Z",
        -width
    )
}
