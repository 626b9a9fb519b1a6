//! Formats numbers and times for people.

pub use ostrakon_shared::format::{counted, grouped, review_count};

/// The rough time since an event. Clocks differ, so the future counts as now.
pub fn ago(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const MONTH: i64 = 30 * DAY;
    const YEAR: i64 = 365 * DAY;
    let (length, unit) = match seconds {
        ..MINUTE => return "just now".to_owned(),
        MINUTE..HOUR => (MINUTE, "minute"),
        HOUR..DAY => (HOUR, "hour"),
        DAY..MONTH => (DAY, "day"),
        MONTH..YEAR => (MONTH, "month"),
        YEAR.. => (YEAR, "year"),
    };
    format!("{} ago", counted((seconds / length).unsigned_abs(), unit))
}

/// The day of a moment, in UTC: "2026-03-01".
pub fn day(at: jiff::Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// A size in a suitable unit: "1.4 MiB".
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if number < 1024 {
        return counted(number, "byte");
    }
    let (mut tenths, mut unit) = (number.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", grouped(tenths / 10), tenths % 10, UNITS[unit])
}

/// A time span, rounded to its larger units: "13 s", "2 min 5 s", "3 h 20 min".
pub fn duration(seconds: u64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600.. => format!("{} h {} min", grouped(seconds / 3_600), seconds / 60 % 60),
    }
}

/// A share in whole percent: "33 %".
pub fn percent(part: f64) -> String {
    format!("{} %", (part * 100.0).round() as u32)
}

/// A list of names: "a", "a and b", "a, b and c".
pub fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_down() {
        for (seconds, text) in [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (7_199, "1 hour ago"),
            (86_400 * 2, "2 days ago"),
            (86_400 * 30, "1 month ago"),
            (86_400 * 364, "12 months ago"),
            (86_400 * 800, "2 years ago"),
        ] {
            assert_eq!(ago(seconds), text);
        }
    }

    #[test]
    fn sizes_have_a_fitting_unit() {
        for (number, text) in [
            (0, "0 bytes"),
            (1023, "1,023 bytes"),
            (1024, "1.0 KiB"),
            (1_441_792, "1.3 MiB"),
            (5 << 40, "5.0 TiB"),
            (u64::MAX, "1,677,721.5 TiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(percent(0.3344), "33 %");
    }

    #[test]
    fn time_spans_have_two_units() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (125, "2 min 5 s"), (12_059, "3 h 20 min")]
        {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn names_make_a_sentence() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&names[..1]), "a");
        assert_eq!(listed(&names[..2]), "a and b");
        assert_eq!(listed(&names), "a, b and c");
    }
}
