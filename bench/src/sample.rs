//! Samples, and the statistics computed from them.

use serde::{Deserialize, Serialize};

/// Latencies, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
}

impl Latency {
    /// The latencies of these times in microseconds, in any order; all 0 without any.
    pub fn of(mut times_us: Vec<f64>) -> Latency {
        times_us.sort_by(f64::total_cmp);
        let at = |share| percentile(&times_us, share);
        Latency { p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), max_us: at(1.0) }
    }
}

/// The result of measuring a workload once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sample {
    /// The capacity: requests, rows or hashes per second.
    pub per_second: f64,
    /// The latencies at that load.
    pub latency: Option<Latency>,
    /// The latencies at half of that load.
    pub at_half: Option<Latency>,
    /// Processor time of the server per request, in microseconds.
    pub cpu_us: Option<f64>,
    /// Processor time of the server while measuring, in seconds.
    pub cpu_s: Option<f64>,
    /// Requests that were not answered correctly.
    pub errors: u64,
}

/// The quantile `share` of these values, which are in ascending order; 0 without values.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// The middle value, or the mean of the two in the middle; `None` without values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => Some(values[middle]),
        _ => Some((values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        for (share, expected) in [(0.0, 1.0), (0.5, 50.0), (0.9, 90.0), (0.99, 99.0), (1.0, 100.0)]
        {
            assert_eq!(percentile(&hundred, share), expected);
        }
        assert_eq!((percentile(&[7.0], 0.99), percentile(&[], 0.5)), (7.0, 0.0));
        let latency = Latency::of(vec![3.0, 1.0, 2.0]);
        assert_eq!((latency.p50_us, latency.p99_us, latency.max_us), (2.0, 3.0, 3.0));
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([5.0]), Some(5.0));
        assert_eq!(median([]), None);
    }
}
