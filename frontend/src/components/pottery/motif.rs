//! The main picture of a pot.

use std::fmt::Write;

use crate::components::pottery::Painting;
use crate::components::pottery::pattern::dot;

/// A picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motif {
    /// A pair of eyes.
    Eyes,
    /// A flower from above.
    Rosette,
    /// A fan of leaves.
    Palmette,
    /// Athena's owl.
    Owl,
    /// A dolphin, between two others where there is room.
    Dolphins,
    /// The sun.
    Sun,
}

impl Motif {
    /// All pictures.
    pub const ALL: [Motif; 6] =
        [Motif::Eyes, Motif::Rosette, Motif::Palmette, Motif::Owl, Motif::Dolphins, Motif::Sun];

    /// Draws the picture between two heights.
    pub fn draw(self, painting: &mut Painting, top: f64, bottom: f64) {
        let (y, radius) = ((top + bottom) / 2.0, (bottom - top) / 2.0 - 2.0);
        // Writing to a string can't fail.
        _ = match self {
            Motif::Eyes => [-1.0, 1.0]
                .into_iter()
                .try_for_each(|side| eye(painting, side * radius * 0.95, y, radius * 0.72, side)),
            Motif::Rosette => rosette(painting, 0.0, y, radius),
            Motif::Palmette => palmette(painting, y + radius * 0.72, radius * 1.7),
            Motif::Owl => owl(painting, y, radius),
            Motif::Dolphins => [-1.9, 0.0, 1.9]
                .into_iter()
                .try_for_each(|place| dolphin(painting, place * radius, y, radius * 0.9)),
            Motif::Sun => sun(painting, y, radius),
        };
    }
}

fn eye(painting: &mut Painting, x: f64, y: f64, radius: f64, side: f64) -> std::fmt::Result {
    let (inner, outer) = (x - side * radius * 1.05, x + side * radius * 1.25);
    write!(
        painting.fill,
        "M{inner:.1} {:.1}Q{:.1} {:.1} {outer:.1} {:.1}Q{:.1} {:.1} {inner:.1} {:.1}Z",
        y + radius * 0.5,
        x - side * radius * 0.2,
        y - radius * 1.7,
        y + radius * 0.1,
        x + side * radius * 0.2,
        y + radius * 1.5,
        y + radius * 0.5,
    )?;
    dot(&mut painting.accent, x + side * radius * 0.08, y + radius * 0.05, radius * 0.5)?;
    dot(&mut painting.accent, x + side * radius * 0.08, y + radius * 0.05, radius * 0.22)?;
    write!(
        painting.line,
        "M{:.1} {:.1}Q{x:.1} {:.1} {:.1} {:.1}",
        x - side * radius * 1.1,
        y - radius * 0.55,
        y - radius * 1.75,
        x + side * radius * 1.35,
        y - radius * 0.6,
    )
}

/// A direction, as the cosine and sine of its angle. The functions that compute these for any angle would
/// be 8 kB of the app.
#[derive(Clone, Copy)]
struct Direction(f64, f64);

impl Direction {
    const RIGHT: Direction = Direction(1.0, 0.0);
    const UP: Direction = Direction(0.0, -1.0);

    /// Turned by the angle of another direction.
    fn turned(self, Direction(cos, sin): Direction) -> Direction {
        let Direction(x, y) = self;
        Direction(x * cos - y * sin, x * sin + y * cos)
    }

    /// Turned several times.
    fn turned_times(self, by: Direction, times: u32) -> Direction {
        (0..times).fold(self, |direction, _| direction.turned(by))
    }

    /// The mirror image at the line to the right.
    fn mirrored(self) -> Direction {
        Direction(self.0, -self.1)
    }
}

fn petal(
    path: &mut String,
    (x, y): (f64, f64),
    Direction(cos, sin): Direction,
    length: f64,
    breadth: f64,
) -> std::fmt::Result {
    let at = |along: f64, across: f64| {
        format!(
            "{:.1} {:.1}",
            x + (along * cos - across * sin) * length,
            y + (along * sin + across * cos) * length
        )
    };
    write!(
        path,
        "M{}C{} {} {}C{} {} {}Z",
        at(0.12, 0.0),
        at(0.5, -breadth),
        at(1.0, -breadth),
        at(1.0, 0.0),
        at(1.0, breadth),
        at(0.5, breadth),
        at(0.12, 0.0),
    )
}

fn rosette(painting: &mut Painting, x: f64, y: f64, radius: f64) -> std::fmt::Result {
    const PETALS: u32 = 12;
    /// 30°.
    const STEP: Direction = Direction(0.866025, 0.5);
    for number in 0..PETALS {
        let direction = Direction::RIGHT.turned_times(STEP, number);
        petal(&mut painting.fill, (x, y), direction, radius, 0.2)?;
    }
    dot(&mut painting.accent, x, y, radius * 0.2)
}

fn palmette(painting: &mut Painting, base: f64, height: f64) -> std::fmt::Result {
    /// 20.8°.
    const STEP: Direction = Direction(0.935013, 0.354613);
    for leaf in -4_i32..=4 {
        let lean = f64::from(leaf) / 4.0;
        let length = height * (1.0 - 0.38 * lean * lean);
        let step = if leaf < 0 { STEP.mirrored() } else { STEP };
        let direction = Direction::UP.turned_times(step, leaf.unsigned_abs());
        petal(&mut painting.fill, (0.0, base), direction, length, 0.11)?;
    }
    dot(&mut painting.accent, 0.0, base, height * 0.09)?;
    for side in [-1.0, 1.0] {
        write!(
            painting.line,
            "M0 {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            base + height * 0.12,
            side * height * 0.3,
            base + height * 0.2,
            side * height * 0.85,
            base + height * 0.05,
            side * height * 0.72,
            base - height * 0.22,
        )?;
    }
    Ok(())
}

fn owl(painting: &mut Painting, y: f64, radius: f64) -> std::fmt::Result {
    let at = |dx: f64, dy: f64| format!("{:.1} {:.1}", dx * radius, y + dy * radius);
    // The body, with two ears.
    write!(
        painting.fill,
        "M{}Q{} {}Q{} {}C{} {} {}C{} {} {}L{}L{}C{} {} {}C{} {} {}Z",
        at(-0.62, -1.0),
        at(-0.3, -0.78),
        at(0.0, -0.78),
        at(0.3, -0.78),
        at(0.62, -1.0),
        at(0.86, -0.5),
        at(0.66, -0.2),
        at(0.6, 0.1),
        at(0.66, 0.5),
        at(0.4, 0.8),
        at(0.16, 1.0),
        at(0.0, 0.8),
        at(-0.16, 1.0),
        at(-0.4, 0.8),
        at(-0.66, 0.5),
        at(-0.6, 0.1),
        at(-0.66, -0.2),
        at(-0.86, -0.5),
        at(-0.62, -1.0),
    )?;
    for side in [-1.0, 1.0] {
        dot(&mut painting.accent, side * 0.3 * radius, y - 0.42 * radius, radius * 0.24)?;
        dot(&mut painting.accent, side * 0.3 * radius, y - 0.42 * radius, radius * 0.1)?;
    }
    for (dx, dy) in
        [(0.0, 0.18), (-0.24, 0.18), (0.24, 0.18), (-0.12, 0.4), (0.12, 0.4), (0.0, 0.6)]
    {
        dot(&mut painting.accent, dx * radius, y + dy * radius, radius * 0.05)?;
    }
    write!(painting.accent, "M{}L{}L{}Z", at(-0.08, -0.3), at(0.08, -0.3), at(0.0, -0.06))?;
    // The olive sprigs beside it, which lean out by 29°, 20° and 11°.
    const LEANS: [(f64, Direction); 3] = [
        (0.5, Direction(0.877583, 0.479426)),
        (0.1, Direction(0.939373, 0.342898)),
        (-0.3, Direction(0.980067, 0.198669)),
    ];
    for side in [-1.0, 1.0] {
        for (dy, lean) in LEANS {
            let lean = if side < 0.0 { lean.mirrored() } else { lean };
            let root = (side * radius * 1.12, y + dy * radius);
            petal(&mut painting.fill, root, Direction::UP.turned(lean), radius * 0.52, 0.17)?;
        }
    }
    Ok(())
}

fn dolphin(painting: &mut Painting, x: f64, y: f64, radius: f64) -> std::fmt::Result {
    let at = |dx: f64, dy: f64| format!("{:.1} {:.1}", x + dx * radius, y + dy * radius);
    // Leaping to the right: beak, brow, back, fin, tail, belly.
    write!(
        painting.fill,
        "M{}Q{} {}C{} {} {}Q{} {}Q{} {}C{} {} {}Q{} {}Q{} {}Q{} {}C{} {} {}Q{} {}Z",
        at(0.98, 0.2),
        at(0.84, 0.02),
        at(0.7, -0.06),
        at(0.58, -0.36),
        at(0.3, -0.5),
        at(0.08, -0.5),
        at(-0.08, -0.66),
        at(-0.22, -0.72),
        at(-0.12, -0.56),
        at(-0.16, -0.44),
        at(-0.42, -0.34),
        at(-0.6, -0.04),
        at(-0.68, 0.26),
        at(-0.9, 0.3),
        at(-0.98, 0.52),
        at(-0.74, 0.46),
        at(-0.64, 0.4),
        at(-0.56, 0.56),
        at(-0.4, 0.62),
        at(-0.44, 0.2),
        at(-0.14, 0.04),
        at(0.34, 0.14),
        at(0.66, 0.2),
        at(0.98, 0.2),
    )?;
    dot(&mut painting.accent, x + 0.5 * radius, y - 0.12 * radius, radius * 0.07)
}

fn sun(painting: &mut Painting, y: f64, radius: f64) -> std::fmt::Result {
    const RAYS: u32 = 16;
    /// 22.5°.
    const STEP: Direction = Direction(0.923880, 0.382683);
    /// 9.4°.
    const HALF: Direction = Direction(0.986643, 0.162895);
    let at = |Direction(cos, sin): Direction, part: f64| {
        format!("{:.1} {:.1}", cos * part * radius, y + sin * part * radius)
    };
    for number in 0..RAYS {
        let direction = Direction::RIGHT.turned_times(STEP, number);
        write!(
            painting.fill,
            "M{}L{}L{}Z",
            at(direction.turned(HALF.mirrored()), 0.58),
            at(direction, if number % 2 == 0 { 1.0 } else { 0.82 }),
            at(direction.turned(HALF), 0.58)
        )?;
    }
    dot(&mut painting.fill, 0.0, y, radius * 0.5)?;
    dot(&mut painting.accent, 0.0, y, radius * 0.3)
}
