//! What text may be: the rules that every field of text shares.

use crate::problem::{FieldError, FieldErrorCode};

/// How many lines a text may have.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lines {
    /// No line breaks.
    One,
    /// Line breaks and tabs are welcome.
    Many,
}

/// What is wrong with the text of a field, if anything: blank, too long in characters (Unicode
/// scalar values), or with control characters in it.
pub(crate) fn text_error(
    field: &str,
    text: &str,
    max_chars: usize,
    lines: Lines,
) -> Option<FieldError> {
    let chars = text.chars().count();
    let forbidden =
        |c: &char| c.is_control() && !(lines == Lines::Many && matches!(c, '\n' | '\r' | '\t'));
    if text.trim().is_empty() {
        let detail = "This must not be blank.".to_owned();
        Some(FieldError::at_field(field, FieldErrorCode::Blank, detail))
    } else if chars > max_chars {
        let detail = format!("This may have {max_chars} characters at most; it has {chars}.");
        Some(FieldError::at_field(field, FieldErrorCode::TooLong, detail))
    } else if let Some(control) = text.chars().find(forbidden) {
        let detail = format!("This holds the control character U+{:04X}.", u32::from(control));
        Some(FieldError::at_field(field, FieldErrorCode::ControlCharacter, detail))
    } else {
        None
    }
}

/// The same of a line that may be left out.
pub(crate) fn line_error(field: &str, line: Option<&str>, max_chars: usize) -> Option<FieldError> {
    line.and_then(|line| text_error(field, line, max_chars, Lines::One))
}

/// A field that a change may leave out (`None`), clear with null (`Some(None)`) or set.
pub(crate) fn change<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Some)
}
