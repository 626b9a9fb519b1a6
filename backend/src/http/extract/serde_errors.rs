//! Converts serde's error messages to codes and parameters. Serde distinguishes most errors only by
//! their text.

use std::fmt;

use ostrakon_shared::{FieldErrorCode, FieldErrorParams, ValueError};

/// An error encoded as JSON, because serde only passes text.
pub struct EncodedError(pub ValueError);

impl fmt::Display for EncodedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

/// The error in a message from serde: an [`EncodedError`], or serde's own message.
pub fn value_error(reason: &str) -> ValueError {
    if let Ok(error) = serde_json::from_str(reason) {
        return error;
    }
    let (code, params) = error_code(reason);
    ValueError::new(code, reason).with(params)
}

/// The code and parameters of an error message from serde.
pub fn error_code(reason: &str) -> (FieldErrorCode, FieldErrorParams) {
    // "unknown …, expected one of `a`, `b`": each word is in a pair of backquotes.
    let allowed = || {
        let words = reason.rsplit_once(", expected ").map_or("", |(_, words)| words);
        FieldErrorParams::allowed(words.split('`').skip(1).step_by(2))
    };
    let none = FieldErrorParams::default();
    if reason.starts_with("unknown field") {
        (FieldErrorCode::UnknownField, allowed())
    } else if reason.starts_with("unknown variant") {
        (FieldErrorCode::InvalidValue, allowed())
    } else if reason.starts_with("missing field") {
        (FieldErrorCode::MissingField, none)
    } else if reason.starts_with("duplicate field") {
        (FieldErrorCode::DuplicateField, none)
    } else if reason.starts_with("invalid type") {
        (FieldErrorCode::WrongType, none)
    } else if let Some(range) = out_of_range(reason) {
        (FieldErrorCode::OutOfRange, range)
    } else {
        (FieldErrorCode::InvalidValue, none)
    }
}

/// The actual number, if it fits into 64 bits, and the allowed range, from "invalid value: integer
/// `7`, expected a whole number from 1 to 5".
fn out_of_range(reason: &str) -> Option<FieldErrorParams> {
    let (found, range) = reason.split_once(", expected a whole number from ")?;
    let (minimum, maximum) = range.split_once(" to ")?;
    let actual = found.split('`').nth(1).and_then(|number| number.parse().ok());
    Some(FieldErrorParams::range(minimum.parse().ok()?, maximum.parse().ok()?, actual))
}

/// The name of a missing or repeated field, which is only in serde's message, not in the path.
pub fn field_in_message(code: FieldErrorCode, reason: &str) -> Option<&str> {
    match code {
        FieldErrorCode::MissingField | FieldErrorCode::DuplicateField => reason.split('`').nth(1),
        _ => None,
    }
}

/// Adds these names to the expected fields in a message from serde about an unknown field.
pub fn with_names(reason: String, names: &[&str]) -> String {
    if names.is_empty() || !reason.starts_with("unknown field") {
        return reason;
    }
    let known = reason.rsplit_once(", expected ");
    let unknown = known.map_or(reason.trim_end_matches(", there are no fields"), |(it, _)| it);
    let known = known.map_or("", |(_, known)| known).split('`').skip(1).step_by(2);
    let expected: Vec<_> =
        known.chain(names.iter().copied()).map(|name| format!("`{name}`")).collect();
    format!("{unknown}, expected one of {}", expected.join(", "))
}

/// A message as a sentence.
pub fn sentence(reason: &str) -> String {
    let mut characters = reason.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}
