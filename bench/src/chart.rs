//! The chart of a run: requests per second, beside what the machine does without Ostrakon.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::report::{Report, Row};
use crate::workload::BARE;

const FILE: &str = "docs/performance";
/// The bars, from the top; workloads that the run has not measured are left out.
const BARS: &[&str] = &[
    BARE,
    "rating",
    "single review",
    "first page",
    "mix",
    "first page, nothing cached",
    "second page",
    "20 ratings",
    "create",
];

/// Sizes in pixels.
const WIDTH: u32 = 760;
const TOP: u32 = 64;
const LINE: u32 = 34;
const BAR: u32 = 20;
const LABELS: u32 = 210;
const NUMBERS: u32 = 90;

/// The colours of one file.
struct Colours {
    name: &'static str,
    text: &'static str,
    muted: &'static str,
    bar: &'static str,
    reference: &'static str,
}

const COLOURS: [Colours; 2] = [
    Colours {
        name: "light",
        text: "#1f2328",
        muted: "#59636e",
        bar: "#b5482a",
        reference: "#8c959f",
    },
    Colours {
        name: "dark",
        text: "#f0f6fc",
        muted: "#9198a1",
        bar: "#e0775a",
        reference: "#656c76",
    },
];

/// Draws the run of a JSON file, once for light pages and once for dark ones.
pub fn draw(json: &Path) -> Result<()> {
    let text = fs::read_to_string(json).map_err(|error| format!("{}: {error}", json.display()))?;
    let report: Report = serde_json::from_str(&text)?;
    for colours in &COLOURS {
        let file = format!("{FILE}-{}.svg", colours.name);
        fs::write(&file, svg(&report, colours)?)?;
        println!("{file}");
    }
    Ok(())
}

fn svg(report: &Report, colours: &Colours) -> Result<String> {
    let rows: Vec<&Row> = BARS.iter().filter_map(|name| report.row(name)).collect();
    let most = rows.iter().map(|row| row.per_second()).fold(0.0, f64::max);
    if most == 0.0 {
        return Err("there is nothing in it to draw".into());
    }
    let height = TOP + LINE * u32::try_from(rows.len())? + 8;
    let Colours { text, muted, .. } = colours;
    let subtitle = escaped(&format!(
        "{} × {}, shared with the load generator; {} reviews on {}",
        report.environment.cores,
        report.environment.cpu,
        grouped(report.reviews as f64),
        if report.engine == "sqlite" { "SQLite" } else { "PostgreSQL" },
    ));
    let described: Vec<_> =
        rows.iter().map(|row| format!("{}: {}", row.name, grouped(row.per_second()))).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\" \
         font-family=\"system-ui, sans-serif\" font-size=\"14\" fill=\"{text}\">\n\
         <title id=\"title\">Requests a second</title>\n\
         <desc id=\"desc\">{}.</desc>\n\
         <text x=\"0\" y=\"18\" font-size=\"16\" font-weight=\"600\">Requests a second</text>\n\
         <text x=\"0\" y=\"40\" fill=\"{muted}\">{subtitle}</text>\n",
        escaped(&described.join("; ")),
    );
    for (row, top) in rows.iter().zip((TOP..).step_by(LINE as usize)) {
        let share = row.per_second() / most;
        let colour = if row.name == BARE { colours.reference } else { colours.bar };
        bar(&mut svg, row, top, share, colour)?;
    }
    Ok(svg + "</svg>\n")
}

fn bar(svg: &mut String, row: &Row, top: u32, share: f64, colour: &str) -> Result<()> {
    let width = share * f64::from(WIDTH - LABELS - NUMBERS);
    let (baseline, after) = (top + BAR - 5, f64::from(LABELS) + width + 8.0);
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{}</text>\n\
         <rect x=\"{LABELS}\" y=\"{top}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\" fill=\"{colour}\"/>\n\
         <text x=\"{after:.1}\" y=\"{baseline}\">{}</text>",
        LABELS - 10,
        escaped(&row.name),
        grouped(row.per_second()),
    )?;
    Ok(())
}

/// A whole number with commas between its thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in
            [(0.0, "0"), (999.4, "999"), (1_000.0, "1,000"), (1_234_567.0, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
    }
}
