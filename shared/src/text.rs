//! What text may be: the rules that every field of text shares.

use crate::problem::{FieldError, FieldErrorCode, FieldErrorParams};

/// How many lines a text may have.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lines {
    /// No line breaks.
    One,
    /// Line breaks and tabs are welcome.
    Many,
}

/// Whether a text shows nothing. An optional field with a blank text is an absent one, a required
/// one is refused.
pub(crate) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
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
    if is_blank(text) {
        let detail = "This must not be blank.".to_owned();
        Some(FieldError::at_field(field, FieldErrorCode::Blank, detail))
    } else if chars > max_chars {
        let detail = format!("This may have {max_chars} characters at most; it has {chars}.");
        let error = FieldError::at_field(field, FieldErrorCode::TooLong, detail);
        Some(error.with(FieldErrorParams::limit(max_chars, chars)))
    } else if let Some(control) = text.chars().find(forbidden) {
        let params = FieldErrorParams::character(control);
        let detail = format!("This holds the control character U+{:04X}.", u32::from(control));
        Some(FieldError::at_field(field, FieldErrorCode::ControlCharacter, detail).with(params))
    } else {
        None
    }
}

/// The same of a line that may be left out.
pub(crate) fn line_error(field: &str, line: Option<&str>, max_chars: usize) -> Option<FieldError> {
    line.and_then(|line| text_error(field, line, max_chars, Lines::One))
}
