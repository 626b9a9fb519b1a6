//! The validation that all fields of text share.

#[cfg(not(target_arch = "wasm32"))]
use unicode_normalization::UnicodeNormalization;
#[cfg(not(target_arch = "wasm32"))]
use unicode_normalization::char::is_combining_mark;
#[cfg(not(target_arch = "wasm32"))]
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::format::grouped;
use crate::problem::{FieldError, FieldErrorCode, FieldErrorParams};

/// Whether a text may have several lines.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lines {
    /// No line breaks.
    One,
    /// Line breaks and tabs are allowed.
    Many,
}

/// Whether a text shows nothing: it has only white space, invisible characters, and marks without a
/// letter. Blank text counts as absent in an optional field and is refused in a required one.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        !c.is_ascii_graphic() && (c.is_whitespace() || is_invisible(c) || is_combining_mark(c))
    })
}

/// Whether a character is a mark, by the browser's table. Its version of Unicode may differ from
/// the server's, which decides.
#[cfg(target_arch = "wasm32")]
fn is_combining_mark(c: char) -> bool {
    is_of(r"\p{M}", c)
}

#[cfg(target_arch = "wasm32")]
fn is_of(class: &str, c: char) -> bool {
    js_sys::RegExp::new(class, "u").test(c.encode_utf8(&mut [0; 4]))
}

/// Whether a character shows nothing by itself: format characters, private use, unassigned ones,
/// fillers and joiners. White space and control characters are not among them: white space moves
/// the text after it, control characters are refused.
pub fn is_invisible(c: char) -> bool {
    !c.is_ascii() && (is_drawn_as_nothing(c) || is_unseen_by_category(c))
}

/// Letters, marks and symbols that show nothing by themselves: `Default_Ignorable_Code_Point`
/// (DerivedCoreProperties.txt), and further blanks and joiners.
fn is_drawn_as_nothing(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180d}'
        | '\u{180f}' | '\u{2800}' | '\u{2d7f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
        | '\u{fffc}' | '\u{1107f}' | '\u{13441}'..='\u{13442}' | '\u{16fe4}' | '\u{1d159}'
        | '\u{e0100}'..='\u{e01ef}')
}

/// Whether Unicode's general category is an invisible one: Cf, Co or Cn.
#[cfg(not(target_arch = "wasm32"))]
fn is_unseen_by_category(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Other && !c.is_control()
}

/// The same by the browser's tables of Unicode, which may be older or newer than the server's.
#[cfg(target_arch = "wasm32")]
fn is_unseen_by_category(c: char) -> bool {
    is_of(r"[\p{Cf}\p{Co}]", c)
}

/// The text with composed characters (NFC); keyboards and file systems may produce other forms.
#[cfg(not(target_arch = "wasm32"))]
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// The same, by the browser.
#[cfg(target_arch = "wasm32")]
pub fn composed(text: &str) -> String {
    js_sys::JsString::from(text).normalize("NFC").into()
}

/// Whether a character embeds, overrides or isolates the text after it (UAX #9, section 2). Left
/// open, it reorders the text beside the field.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text for places without markup, such as a window's title, where it can't be isolated from
/// the text beside it.
pub fn without_bidi_controls(text: &str) -> String {
    text.chars().filter(|&c| !is_bidi_control(c)).collect()
}

/// The error of the text of a field, if any: it is blank, too long (in Unicode scalar values), or
/// contains control characters.
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
        let detail = format!(
            "This may have {} characters at most; it has {}.",
            grouped(max_chars as u64),
            grouped(chars as u64)
        );
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

/// The error of an optional line.
pub(crate) fn line_error(field: &str, line: Option<&str>, max_chars: usize) -> Option<FieldError> {
    line.and_then(|line| text_error(field, line, max_chars, Lines::One))
}

/// The error of a name; it must not reorder the text beside it.
pub(crate) fn name_error(field: &str, name: Option<&str>, max_chars: usize) -> Option<FieldError> {
    let control = || name?.chars().find(|&c| is_bidi_control(c));
    line_error(field, name, max_chars).or_else(|| {
        control().map(|control| {
            let detail =
                format!("This holds the bidirectional control U+{:04X}.", u32::from(control));
            let params = FieldErrorParams::character(control);
            FieldError::at_field(field, FieldErrorCode::ControlCharacter, detail).with(params)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_text_is_blank() {
        for text in [
            "",
            " \t\r\n\u{a0}\u{3000}",
            "\u{200b}",
            "\u{2060}\u{feff}",
            "\u{3164}\u{115f}\u{1160}\u{ffa0}",
            "\u{2800} \u{2800}",
            "\u{ad}",
            "\u{301}",
            "\u{200d}\u{fe0f}\u{903}",
            "\u{e0041}\u{e007f}",
            "\u{202e}\u{202c}",
            "\u{180e}\u{34f}\u{1d173}",
            "\u{fffc}",
            "\u{e000}\u{f8ff}\u{10fffd}",
            "\u{ffff}\u{fdd0}\u{10ffff}",
            "\u{378}\u{e01f0}",
            "\u{16fe4}\u{2d7f}\u{1107f}",
            "\u{fffb}\u{13430}\u{1343f}\u{13441}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in [
            "e\u{301}",
            "é",
            ".",
            "👨\u{200d}👩\u{200d}👧",
            "می\u{200c}خواهم",
            "\u{1f3fb}",
            "कि",
            "❤\u{fe0f}",
        ] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    /// Code points that `Default_Ignorable_Code_Point` of Unicode 17 lists, as ranges.
    #[test]
    fn ignorable_characters_are_invisible() {
        for range in [
            '\u{ad}'..='\u{ad}',
            '\u{34f}'..='\u{34f}',
            '\u{61c}'..='\u{61c}',
            '\u{115f}'..='\u{1160}',
            '\u{17b4}'..='\u{17b5}',
            '\u{180b}'..='\u{180f}',
            '\u{200b}'..='\u{200f}',
            '\u{202a}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{3164}'..='\u{3164}',
            '\u{fe00}'..='\u{fe0f}',
            '\u{feff}'..='\u{feff}',
            '\u{ffa0}'..='\u{ffa0}',
            '\u{fff0}'..='\u{fff8}',
            '\u{1bca0}'..='\u{1bca3}',
            '\u{1d173}'..='\u{1d17a}',
            '\u{e0000}'..='\u{e0fff}',
        ] {
            range.for_each(|c| assert!(is_invisible(c), "{c:?}"));
        }
        for c in
            ['a', ' ', '\0', '\n', '\u{a0}', '\u{2028}', '\u{301}', 'é', '和', '🏺', '\u{fffd}']
        {
            assert!(!is_invisible(c), "{c:?}");
        }
    }

    #[test]
    fn names_do_not_reorder_the_text_beside_them() {
        let error = |name: &str| name_error("name", Some(name), 80).map(|error| error.code);
        for control in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            let name = format!("Aspasia{control}");
            assert_eq!(error(&name), Some(FieldErrorCode::ControlCharacter), "{name:?}");
            assert_eq!(without_bidi_controls(&name), "Aspasia");
        }
        for name in ["אספסיה", "אספסיה!\u{200f}", "می\u{200c}نا", "e\u{301}"] {
            assert_eq!(error(name), None, "{name:?}");
            assert_eq!(without_bidi_controls(name), name);
        }
        assert_eq!(error("\u{202e}"), Some(FieldErrorCode::Blank));
        assert_eq!(name_error("name", None, 80), None);
    }
}
