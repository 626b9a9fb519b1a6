//! The report of a run: its table and its JSON file.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::sample::{Latency, Sample, median};
use crate::workload::{
    Comparison, MAX_OTHERS, MAX_P99_TO_P50, MAX_RSS_MB, MAX_START_S, POSTGRES, SQLITE, Workload,
};

/// A run, as in its JSON file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// Runs of earlier versions call it `machine`.
    #[serde(alias = "machine")]
    pub environment: Environment,
    pub products: usize,
    /// The number of reviews at the start, except in the larger data sets.
    pub reviews: usize,
    /// How long each measurement took.
    pub seconds: u64,
    /// Bytes of a first page, and of the static one.
    pub page_bytes: usize,
    /// Seconds from the start to the first response, with 64 databases.
    pub start_s: Option<f64>,
    /// Memory of the main server at the end, in MB.
    pub rss_mb: f64,
    /// How many processors other programs, including PostgreSQL, used on average.
    pub others: f64,
    /// The workloads, in order.
    pub rows: Vec<Row>,
}

/// A workload and its samples, one per round.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    /// The sample of each round.
    pub samples: Vec<Sample>,
}

impl Row {
    /// The median of a value over the rounds; `None` without any value.
    pub fn median(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.iter().filter_map(value))
    }

    /// Requests, rows or hashes per second.
    pub fn per_second(&self) -> f64 {
        self.median(|sample| Some(sample.per_second)).unwrap_or_default()
    }

    fn errors(&self) -> u64 {
        self.samples.iter().map(|sample| sample.errors).sum()
    }
}

impl Report {
    /// Requests that failed.
    pub fn errors(&self) -> u64 {
        self.rows.iter().map(Row::errors).sum()
    }

    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The throughput of one workload as a multiple of another's: the median of the rounds' ratios,
    /// because what differs between rounds affects both.
    pub fn ratio(&self, row: &Row, other: &str) -> Option<f64> {
        let other = self.row(other)?;
        let pairs = row.samples.iter().zip(&other.samples);
        median(pairs.map(|(sample, other)| sample.per_second / other.per_second))
    }

    /// All figures as a table.
    pub fn table(&self) -> String {
        let Environment { cores, cpu, kernel, ostrakon, commit, wrk, .. } = &self.environment;
        let mut text = format!(
            "{ostrakon} ({commit}) on {}: {cores} × {cpu}, Linux {kernel}, {wrk}\n\
             {} products, {} reviews, pages of {} bytes; medians of {} rounds of {} s\n\n",
            self.engine,
            self.products,
            self.reviews,
            self.page_bytes,
            self.rows.first().map_or(0, |row| row.samples.len()),
            self.seconds,
        );
        let cells: Vec<[String; 9]> = std::iter::once(HEADINGS.map(str::to_owned))
            .chain(self.rows.iter().map(|row| self.cells(row)))
            .collect();
        text += &aligned(&cells);
        for (what, value, unit, at_most) in [
            ("memory at the end", Some(self.rss_mb), "MB", MAX_RSS_MB),
            ("start with 64 databases", self.start_s, "s", MAX_START_S),
        ] {
            let Some(value) = value else { continue };
            let mark = mark(value <= at_most);
            // Writing to a String can't fail.
            let _ = write!(text, "\n{what}: {value:.2} {unit} (≤ {at_most} {mark})");
        }
        if self.engine == "sqlite" {
            // Writing to a String can't fail.
            let _ = write!(text, "\n{}", self.disturbance());
        }
        text + "\n"
    }

    /// Whether other programs used the machine, which makes the figures less reliable.
    fn disturbance(&self) -> String {
        let (others, cores) = (self.others, self.environment.cores);
        let mark = mark(others <= MAX_OTHERS * cores as f64);
        format!("other programs: {others:.2} of {cores} processors (≤ {MAX_OTHERS} of all {mark})")
    }

    fn cells(&self, row: &Row) -> [String; 9] {
        let closed = |value: fn(&Latency) -> f64| row.median(|s| s.latency.as_ref().map(value));
        let half = |value: fn(&Latency) -> f64| row.median(|s| s.at_half.as_ref().map(value));
        let tail = row.median(|s| s.at_half.map(|half| half.p99_us / half.p50_us));
        let tail = tail
            .map(|tail| format!("{tail:.1} ≤ {MAX_P99_TO_P50} {}", mark(tail <= MAX_P99_TO_P50)));
        let workloads = if self.engine == "sqlite" { SQLITE } else { POSTGRES };
        let against = workloads.iter().find(|workload| workload.name == row.name);
        let ratios = against.map_or_else(String::new, |workload| self.ratios(row, workload));
        [
            row.name.clone(),
            format!("{:.0}", row.per_second()),
            milliseconds(closed(|latency| latency.p50_us)),
            milliseconds(closed(|latency| latency.p99_us)),
            row.median(|sample| sample.cpu_us).map_or_else(String::new, |us| format!("{us:.0}")),
            milliseconds(half(|latency| latency.p50_us)),
            milliseconds(half(|latency| latency.p99_us)),
            tail.unwrap_or_default(),
            match row.errors() {
                0 => ratios,
                errors => format!("{errors} ERRORS; {ratios}"),
            },
        ]
    }

    fn ratios(&self, row: &Row, workload: &Workload) -> String {
        let ratios = workload.against.iter().filter_map(|&Comparison { name, at_least }| {
            let ratio = self.ratio(row, name)?;
            let wanted = at_least
                .map_or_else(String::new, |least| format!(" ≥ {least} {}", mark(ratio >= least)));
            Some(format!("{ratio:.2}{wanted} of {name}"))
        });
        ratios.collect::<Vec<_>>().join(", ")
    }
}

const HEADINGS: [&str; 9] = [
    "workload",
    "per s",
    "p50 ms",
    "p99 ms",
    "CPU µs",
    "½: p50 ms",
    "p99 ms",
    "p99/p50",
    "compared",
];

fn mark(good: bool) -> char {
    if good { '✓' } else { '✗' }
}

fn milliseconds(us: Option<f64>) -> String {
    us.map_or_else(String::new, |us| format!("{:.2}", us / 1_000.0))
}

/// Columns as wide as their widest cell; the first and the last one aligned left, the others right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 || column == N - 1 {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [
            ["µ".to_owned(), "1".to_owned(), "x".to_owned()],
            ["abc".to_owned(), "100".to_owned(), String::new()],
        ];
        assert_eq!(aligned(&rows), "µ      1  x\nabc  100\n");
    }
}
