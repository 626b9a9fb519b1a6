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
            let left = f64::from(unit) * width;
            self.draw_unit(painting, Unit { left, top, width, height });
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

    fn draw_unit(self, painting: &mut Painting, unit: Unit) {
        let Painting { fill, line, accent } = painting;
        // Writing to a string can't fail.
        _ = match self {
            Pattern::Meander => write!(line, "{}", unit.meander()),
            Pattern::Waves => write!(fill, "{}", unit.wave()),
            Pattern::Tongues => write!(fill, "{}", unit.tongue()),
            Pattern::Dots => {
                _ = unit.dot(fill, 0.34);
                unit.dot(accent, 0.13)
            }
            Pattern::Rays => {
                write!(fill, "{}Z", unit.lines([(0.08, 1.0), (0.5, 0.0), (0.92, 1.0)]))
            }
            Pattern::Zigzag => write!(line, "{}", unit.lines([(0.0, 0.9), (0.5, 0.1), (1.0, 0.9)])),
            Pattern::Checks => write!(fill, "{}{}", unit.square(0.0, 0.0), unit.square(0.5, 0.5)),
            Pattern::Laurel => write!(fill, "{}{}", unit.leaf(-0.02), unit.leaf(1.02)),
        };
    }
}

/// The place of a pattern's unit. Its shapes are drawn in a box of 1 × 1.
#[derive(Clone, Copy)]
struct Unit {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Unit {
    fn at(self, x: f64, y: f64) -> String {
        format!("{:.1} {:.1}", self.left + x * self.width, self.top + y * self.height)
    }

    /// Lines through these points.
    fn lines<const N: usize>(self, points: [(f64, f64); N]) -> String {
        format!("M{}", points.map(|(x, y)| self.at(x, y)).join("L"))
    }

    fn meander(self) -> String {
        self.lines([
            (0.0, 1.0),
            (0.0, 0.0),
            (0.75, 0.0),
            (0.75, 0.67),
            (0.5, 0.67),
            (0.5, 0.33),
            (0.25, 0.33),
            (0.25, 1.0),
            (1.0, 1.0),
        ])
    }

    fn wave(self) -> String {
        let at = |x, y| self.at(x, y);
        format!(
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
        )
    }

    fn tongue(self) -> String {
        let at = |x, y| self.at(x, y);
        format!(
            "M{}L{}C{} {} {}L{}Z",
            at(0.16, 0.0),
            at(0.16, 0.7),
            at(0.16, 1.1),
            at(0.84, 1.1),
            at(0.84, 0.7),
            at(0.84, 0.0),
        )
    }

    fn square(self, x: f64, y: f64) -> String {
        self.lines([(x, y), (x + 0.5, y), (x + 0.5, y + 0.5), (x, y + 0.5)]) + "Z"
    }

    fn leaf(self, tip: f64) -> String {
        let (root, back) = (self.at(0.1, 0.5), self.at(0.95, tip));
        let (over, under) = (self.at(0.2, tip), self.at(0.8, 0.5));
        format!("M{root}Q{over} {back}Q{under} {root}Z")
    }

    /// A disc in the middle; its radius in heights.
    fn dot(self, path: &mut String, radius: f64) -> std::fmt::Result {
        let (x, y) = (self.left + self.width / 2.0, self.top + self.height / 2.0);
        dot(path, x, y, radius * self.height)
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
