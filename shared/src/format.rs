//! Formats numbers for people.

/// A number with thousands separators.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: "1 review", "1,024 reviews".
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// The number of reviews of a product: "No reviews yet", "1 review".
pub fn review_count(count: u64) -> String {
    if count == 0 { "No reviews yet".to_owned() } else { counted(count, "review") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        for (number, text) in [(0, "0"), (999, "999"), (1024, "1,024"), (1_000_000, "1,000,000")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(counted(1, "review"), "1 review");
        assert_eq!(counted(0, "review"), "0 reviews");
        assert_eq!(review_count(0), "No reviews yet");
        assert_eq!(review_count(1_024), "1,024 reviews");
    }
}
