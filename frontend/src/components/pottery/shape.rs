//! The shapes of pots.

use std::fmt::Write;

use Stroke::{Curve, Line};
use Zone::{Band, Base, Figure, Glaze, Shoulder};

/// A shape: the right half of its outline, from the lip to the foot, and its painted zones.
pub struct Shape {
    lip: (i32, i32),
    profile: &'static [Stroke],
    handles: Handles,
    /// The zones from top to bottom: kind, top, bottom.
    pub zones: &'static [(Zone, f64, f64)],
}

/// A part of an outline.
enum Stroke {
    /// Straight to a point.
    Line(i32, i32),
    /// A cubic Bézier curve: two control points and the end.
    Curve([i32; 6]),
}

/// Handles, each a cubic Bézier curve: start, two control points, end.
enum Handles {
    /// One at the right.
    Right([i32; 8]),
    /// One at each side; this is the right one.
    Both([i32; 8]),
}

/// The kind of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The main picture.
    Figure,
    /// A frieze.
    Band,
    /// A pattern that hangs from the neck.
    Shoulder,
    /// A pattern that rises from the foot.
    Base,
    /// Solid paint.
    Glaze,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Shape; 7] = [AMPHORA, HYDRIA, KRATER, KYLIX, LEKYTHOS, SKYPHOS, OINOCHOE];

    /// The outline, closed.
    pub fn outline(&self) -> String {
        let mut path = format!("M{} {}", self.lip.0, self.lip.1);
        for stroke in self.profile {
            // Writing to a string can't fail.
            _ = match stroke {
                Line(x, y) => write!(path, "L{x} {y}"),
                Curve([a, b, c, d, x, y]) => write!(path, "C{a} {b} {c} {d} {x} {y}"),
            };
        }
        self.push_left_half(&mut path);
        path.push('Z');
        path
    }

    /// The left half of the outline: the right half backwards, with every x negated.
    fn push_left_half(&self, path: &mut String) {
        let ends = self.profile.iter().map(Stroke::end);
        let corners: Vec<_> = std::iter::once(self.lip).chain(ends).collect();
        let foot = corners[self.profile.len()];
        _ = write!(path, "L{} {}", -foot.0, foot.1);
        for (stroke, (x, y)) in self.profile.iter().zip(&corners).rev() {
            _ = match stroke {
                Line(..) => write!(path, "L{} {y}", -x),
                Curve([a, b, c, d, ..]) => write!(path, "C{} {d} {} {b} {} {y}", -c, -a, -x),
            };
        }
    }

    /// The handles, as lines.
    pub fn handles(&self) -> String {
        let path = |[x, y, a, b, c, d, e, f]: [i32; 8], side: i32| {
            let [x, a, c, e] = [x, a, c, e].map(|x| side * x);
            format!("M{x} {y}C{a} {b} {c} {d} {e} {f}")
        };
        match self.handles {
            Handles::Right(handle) => path(handle, 1),
            Handles::Both(handle) => path(handle, 1) + &path(handle, -1),
        }
    }
}

impl Stroke {
    const fn end(&self) -> (i32, i32) {
        match self {
            Line(x, y) | Curve([_, _, _, _, x, y]) => (*x, *y),
        }
    }
}

/// For wine and oil: two handles from the neck to the shoulder.
const AMPHORA: Shape = Shape {
    lip: (28, 22),
    profile: &[
        Line(28, 31),
        Curve([28, 35, 20, 38, 20, 44]),
        Curve([19, 58, 19, 66, 22, 74]),
        Curve([46, 84, 66, 100, 66, 126]),
        Curve([66, 158, 36, 184, 20, 203]),
        Line(34, 209),
        Line(34, 217),
    ],
    handles: Handles::Both([20, 40, 48, 34, 58, 58, 48, 92]),
    zones: &[
        (Glaze, 20.0, 37.0),
        (Band, 46.0, 70.0),
        (Shoulder, 77.0, 97.0),
        (Figure, 101.0, 150.0),
        (Band, 153.0, 167.0),
        (Base, 172.0, 202.0),
        (Glaze, 204.0, 220.0),
    ],
};

/// For water: a narrow neck, and handles at the sides to lift it.
const HYDRIA: Shape = Shape {
    lip: (32, 26),
    profile: &[
        Curve([34, 30, 32, 34, 28, 35]),
        Curve([19, 40, 17, 48, 17, 56]),
        Curve([17, 64, 18, 68, 22, 72]),
        Curve([60, 76, 70, 92, 70, 112]),
        Curve([70, 152, 34, 180, 18, 203]),
        Line(36, 209),
        Line(36, 217),
    ],
    handles: Handles::Both([66, 126, 92, 128, 94, 98, 68, 104]),
    zones: &[
        (Glaze, 24.0, 40.0),
        (Band, 48.0, 66.0),
        (Shoulder, 73.0, 91.0),
        (Figure, 95.0, 146.0),
        (Band, 149.0, 163.0),
        (Base, 170.0, 202.0),
        (Glaze, 204.0, 220.0),
    ],
};

/// For mixing wine with water: wide open, like a bell.
const KRATER: Shape = Shape {
    lip: (76, 44),
    profile: &[
        Curve([78, 50, 74, 54, 68, 56]),
        Curve([62, 66, 60, 84, 60, 104]),
        Curve([60, 146, 40, 172, 15, 184]),
        Line(15, 196),
        Curve([18, 204, 40, 204, 42, 210]),
        Line(42, 217),
    ],
    handles: Handles::Both([59, 124, 90, 124, 92, 92, 78, 92]),
    zones: &[
        (Glaze, 40.0, 46.0),
        (Shoulder, 58.0, 74.0),
        (Figure, 79.0, 136.0),
        (Band, 141.0, 158.0),
        (Base, 162.0, 186.0),
        (Glaze, 194.0, 220.0),
    ],
};

/// For drinking: a shallow bowl on a stem.
const KYLIX: Shape = Shape {
    lip: (84, 84),
    profile: &[
        Line(82, 100),
        Curve([80, 138, 46, 152, 13, 158]),
        Curve([10, 168, 10, 184, 13, 194]),
        Curve([20, 202, 50, 202, 52, 211]),
        Line(52, 217),
    ],
    handles: Handles::Both([76, 120, 110, 118, 118, 96, 104, 88]),
    zones: &[
        (Glaze, 80.0, 87.0),
        (Figure, 90.0, 136.0),
        (Band, 139.0, 152.0),
        (Glaze, 160.0, 172.0),
        (Glaze, 204.0, 220.0),
    ],
};

/// For oil, given to the dead: slim, with one handle.
const LEKYTHOS: Shape = Shape {
    lip: (22, 16),
    profile: &[
        Curve([24, 26, 18, 34, 11, 38]),
        Line(10, 66),
        Curve([14, 76, 44, 76, 45, 94]),
        Line(43, 140),
        Curve([42, 168, 26, 186, 13, 199]),
        Line(13, 203),
        Line(32, 208),
        Line(32, 217),
    ],
    handles: Handles::Right([11, 44, 38, 34, 50, 58, 36, 82]),
    zones: &[
        (Glaze, 14.0, 40.0),
        (Shoulder, 72.0, 86.0),
        (Band, 89.0, 102.0),
        (Figure, 105.0, 152.0),
        (Band, 155.0, 167.0),
        (Glaze, 172.0, 220.0),
    ],
};

/// For drinking, by the owl's measure: a deep cup.
const SKYPHOS: Shape = Shape {
    lip: (68, 72),
    profile: &[
        Curve([68, 96, 68, 112, 66, 130]),
        Curve([62, 170, 46, 194, 36, 206]),
        Line(40, 210),
        Line(40, 217),
    ],
    handles: Handles::Both([67, 108, 98, 110, 102, 80, 68, 82]),
    zones: &[
        (Glaze, 70.0, 75.0),
        (Band, 79.0, 95.0),
        (Figure, 99.0, 160.0),
        (Band, 164.0, 178.0),
        (Base, 183.0, 208.0),
        (Glaze, 209.0, 220.0),
    ],
};

/// For pouring: a round jug with one high handle.
const OINOCHOE: Shape = Shape {
    lip: (30, 34),
    profile: &[
        Curve([30, 44, 20, 48, 19, 56]),
        Curve([18, 68, 20, 74, 24, 80]),
        Curve([52, 88, 64, 106, 64, 130]),
        Curve([64, 166, 46, 190, 32, 206]),
        Line(38, 210),
        Line(38, 217),
    ],
    handles: Handles::Right([28, 38, 58, 8, 78, 62, 52, 98]),
    zones: &[
        (Glaze, 30.0, 46.0),
        (Band, 56.0, 74.0),
        (Shoulder, 82.0, 100.0),
        (Figure, 104.0, 158.0),
        (Band, 162.0, 176.0),
        (Base, 181.0, 206.0),
        (Glaze, 208.0, 220.0),
    ],
};
